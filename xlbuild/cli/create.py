"""`xlbuild create`: build a domain from an xl configuration."""

import click

from xlbuild.cli.arguments import files_and_settings
from xlbuild.cli.building import building_options
from xlbuild.cli.creating import Asked
from xlbuild.cli.formats import format_option, wanted_formats
from xlbuild.cli.places import check_given, check_output, check_places, searched
from xlbuild.emit.formats import DIRECTORY
from xlbuild.errors import UsageError


@click.command(name="create", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("arguments", nargs=-1, metavar="FILE... [KEY=VALUE]...")
@format_option
@click.option(
    "-o",
    "--output",
    metavar="PATH",
    help="Write the domain here (default: ./NAME, ./NAME.save, ./NAME.core); several domains or formats into here, "
    "as PATH/NAME and so on (default: .).",
)
@click.option("--force", is_flag=True, help="Replace what is there, if it is of the same kind.")
@click.option(
    "-j",
    "--jobs",
    metavar="N",
    type=click.IntRange(min=1),
    help="Build so many of several guests at a time (default: as many as there are CPUs).",
)
@building_options
@click.option(
    "--set-memory-map",
    is_flag=True,
    help="PVH: have the guest tell the hypervisor its memory map before its kernel starts; GRUB and Mini-OS ask for "
    "it, and `xl restore` does not set it.",
)
@click.option("-n", "--dry-run", is_flag=True, help="Say what would be built; write no domain.")
@click.option("--json", "as_json", is_flag=True, help="Print the domain's manifest (domain.json).")
@click.option("--map", "map_file", metavar="FILE", help="Write the guest's map to a file, as a linker does.")
@click.option(
    "--depfile", metavar="FILE", help="Write what the domain is made from to a file, for make or ninja."
)
@click.option(
    "--expect",
    metavar="WHAT",
    help="Write nothing unless the digest is this: a digest, a file with one, a domain.json, a domain's directory, "
    "a save file.",
)
@click.option("--strict", is_flag=True, help="Take warnings for errors.")
@click.option("-q", "--quiet", is_flag=True, help="Print neither a report nor warnings.")
@click.option("-v", "--verbose", is_flag=True, help="Print each stage and its time, on stderr.")
def command(
    arguments: tuple[str, ...],
    formats: tuple[str, ...],
    output: str | None,
    force: bool,
    jobs: int | None,
    xen: str | None,
    dry_run: bool,
    as_json: bool,
    map_file: str | None,
    depfile: str | None,
    firmware_dirs: tuple[str, ...],
    host: str | None,
    hypercall_page: bool,
    set_memory_map: bool,
    expect: str | None,
    strict: bool,
    max_kernel_size: int | None,
    quiet: bool,
    verbose: bool,
) -> int:
    """Build a domain from each FILE, an xl configuration (`-`: standard input), and write it: as a directory for
    xlbuild and other tools, as a save file, which `xl restore` starts on a Xen host, or as a dump-core.

    KEY=VALUE arguments are settings that come after each file's, as for `xl create`. Several guests are built side by
    side, and one that fails stops no other; the exit status is the highest.
    """
    files, settings = files_and_settings(arguments)
    check_places(firmware_dirs, host)
    wanted = wanted_formats(formats, DIRECTORY)
    check_output(output, "directory" if len(files) > 1 or DIRECTORY in wanted else "file")
    check_given("--map", map_file)
    check_given("--depfile", depfile)
    check_given("--expect", expect, "digest")
    if expect is not None and len(files) > 1:
        hint = "build each with its own --expect, or compare the digests that are printed"
        raise UsageError("several-files", "--expect is for one FILE", hint=hint)
    is_restored = any(each.is_restored for each in wanted)
    if set_memory_map and not is_restored:
        from xlbuild.api.options import not_restorable

        raise not_restorable()
    if not hypercall_page and is_restored:
        raise UsageError(
            "no-hypercall-page",
            "--no-hypercall-page is not for save files",
            cause="no restore fills a PV kernel's hypercall page, and the guest would jump into an empty one",
            hint="leave it out; a directory or a dump-core, built without `save`, may have the page empty",
        )
    asked = Asked(
        settings=settings,
        formats=wanted,
        output=output,
        force=force,
        jobs=jobs,
        xen=xen,
        dry_run=dry_run,
        as_json=as_json,
        map_file=map_file,
        depfile=depfile,
        expect=expect,
        firmware_dirs=searched(firmware_dirs),
        host=host,
        hypercall_page=hypercall_page,
        set_memory_map=set_memory_map,
        strict=strict,
        max_kernel_size=max_kernel_size,
        quiet=quiet,
        verbose=verbose,
    )
    if len(files) > 1:
        from xlbuild.cli.several import create_several

        return create_several(files, asked)
    from xlbuild.cli.single import create_one

    return create_one(files[0], asked)
