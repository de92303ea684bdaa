"""`xlbuild export`: make of a built domain what a host starts, or what other programs read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from xlbuild.cli.formats import targets_of, wanted_formats
from xlbuild.cli.places import check_given, check_output
from xlbuild.emit.formats import EXPORTED, SAVE, exported

if TYPE_CHECKING:
    from xlbuild.built import BuiltDomain
    from xlbuild.cli.report import Report
    from xlbuild.emit.formats import Target


@click.command(name="export", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("directory", metavar="DIR")
@click.option(
    "--format",
    "formats",
    multiple=True,
    metavar="FORMAT",
    help=f"Write it as {' or '.join(each.name for each in EXPORTED)} (default: {SAVE.name}); both with a comma, or "
    "given again.",
)
@click.option(
    "-o",
    "--output",
    metavar="PATH",
    help="Write it here (default: ./NAME.save, ./NAME.core); both formats into here, as PATH/NAME.save and so on.",
)
@click.option("--force", is_flag=True, help="Replace the file that is there, if it is of the same kind.")
@click.option(
    "--config",
    metavar="FILE",
    help="Have the save file carry this xl configuration (default: the one that the domain was built of).",
)
@click.option("--as-is", is_flag=True, help="Take the domain as it is, even if it is not as it was built.")
@click.option("-q", "--quiet", is_flag=True, help="Print neither a report nor warnings.")
@click.option("-v", "--verbose", is_flag=True, help="Print each stage and its time, on stderr.")
def command(
    directory: str,
    formats: tuple[str, ...],
    output: str | None,
    force: bool,
    config: str | None,
    as_is: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Make of DIR, a domain that `xlbuild create` has built, a save file, which `xl restore` starts on a Xen host, or
    a dump-core.

    All of the domain is read first, and it is refused if it is not what was built. A PV guest with a ramdisk has to
    be built for a save file: `xlbuild create --format save,directory`.
    """
    from xlbuild import api
    from xlbuild.cli.complain import say_nothing, warn
    from xlbuild.cli.creating import places
    from xlbuild.cli.progress import Progress

    wanted = tuple(exported(each.name) for each in wanted_formats(formats, SAVE))
    check_output(output, "file" if len(wanted) == 1 else "directory")
    check_given("--config", config)
    with Progress(verbose=verbose, quiet=quiet) as progress:
        progress.stage("read", directory)
        built = api.open_directory(directory)
        targets = targets_of(wanted, output, built.name)
        progress.stage("emit", places(targets))
        digest = api.export_domain(
            built,
            targets,
            parents=len(targets) > 1,
            force=force,
            config=config,
            as_is=as_is,
            on_warning=say_nothing if quiet else warn,
        )
    if not quiet:
        from xlbuild.cli.show import show

        show(_report(built, digest, targets))


def _report(built: BuiltDomain, digest: str, targets: tuple[Target, ...]) -> Report:
    from xlbuild.cli.report import Report, written_lines
    from xlbuild.visible import visible

    facts = (
        ("domain", visible(built.name)),
        ("container", built.kind.value.upper()),
        ("built as", f"Xen {built.profile}, guest type {built.guest_type.value}"),
        ("digest", digest),
    )
    return Report(facts, (), written_lines(built.memory.end, targets))
