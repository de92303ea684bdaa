"""`xlbuild create`: build a domain from an xl configuration."""

from pathlib import Path

import click

from xlbuild.cli.building import building_options
from xlbuild.cli.places import check_places, searched
from xlbuild.cli.text import STDIN, standard_input
from xlbuild.errors import ConfigError, UsageError


@click.command(name="create", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("file")
@click.argument("settings", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("-o", "--output", metavar="DIR", help="Write the domain here (default: ./NAME).")
@click.option("--force", is_flag=True, help="Replace the domain that is there.")
@building_options
@click.option("-n", "--dry-run", is_flag=True, help="Say what would be built; write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the domain's manifest (domain.json).")
@click.option("--strict", is_flag=True, help="Take warnings for errors.")
@click.option("-q", "--quiet", is_flag=True, help="Print neither a report nor warnings.")
@click.option("-v", "--verbose", is_flag=True, help="Print each stage and its time, on stderr.")
@click.pass_context
def command(
    ctx: click.Context,
    file: str,
    settings: tuple[str, ...],
    output: str | None,
    force: bool,
    xen: str | None,
    dry_run: bool,
    as_json: bool,
    firmware_dirs: tuple[str, ...],
    host: str | None,
    hypercall_page: bool,
    strict: bool,
    max_kernel_size: int | None,
    quiet: bool,
    verbose: bool,
) -> None:
    """Build a domain from FILE, an xl configuration (`-`: standard input).

    KEY=VALUE arguments are settings that come after the file's, as for `xl create`.
    """
    from xlbuild import api
    from xlbuild.cli.complain import say_nothing, warn
    from xlbuild.cli.progress import Progress
    from xlbuild.cli.report import report_of
    from xlbuild.cli.show import show
    from xlbuild.emit.manifest import manifest_text

    if "=" in file:
        raise UsageError(
            "no-file",
            f"no FILE is given: {file} is a setting",
            cause="as for `xl create`, an argument with a `=` is a setting, and FILE comes first",
            hint="name a configuration, `-` for standard input, or /dev/null for none",
        )
    check_places(firmware_dirs, host)
    source: str | bytes = standard_input() if file == "-" else file
    with Progress(verbose=verbose, quiet=quiet) as progress:
        domain = api.build(
            source,
            overrides=settings,
            xen=xen,
            firmware_dirs=searched(firmware_dirs),
            hypercall_page=hypercall_page,
            max_kernel_size=max_kernel_size,
            strict=strict,
            host=host,
            source=STDIN,
            on_stage=progress.stage,
            on_warning=say_nothing if quiet else warn,
        )
        target = target_directory(output, domain.container.name)
        document = api.manifest(domain)
        if not dry_run:
            progress.stage("emit", str(target))
            api.write(domain, target, force=force, document=document)
    if as_json:
        click.echo(manifest_text(document), nl=False)
    elif not quiet:
        show(report_of(domain, document, None if dry_run else target))


def target_directory(output: str | None, name: str) -> Path:
    """Return where a domain goes: `-o`, or `./NAME`; ConfigError for a name that is no file name."""
    if output is not None:
        if not output:
            raise UsageError("output-empty", "-o needs a directory", hint="give a path, or leave -o out")
        return Path(output)
    if "/" in name or "\0" in name or name in ("", ".", ".."):
        raise ConfigError(
            "name-no-file-name",
            f"the domain's name {name!r} cannot name a directory",
            cause="it is empty, a dot, or has a slash in it",
            hint="say where to write the domain with -o DIR",
        )
    return Path(name)
