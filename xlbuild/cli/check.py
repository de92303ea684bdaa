"""`xlbuild check`: tell everything that is wrong with configurations, and what xl does not tell."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

import click

from xlbuild.cli import printed
from xlbuild.cli.arguments import files_and_settings
from xlbuild.cli.building import firmware_option, host_option
from xlbuild.cli.places import check_places, searched
from xlbuild.cli.sizes import kernel_size_option
from xlbuild.cli.text import STDIN, standard_input, stdout_has_colour
from xlbuild.errors import ExitStatus, FilesError, RefusedError, UsageError
from xlbuild.profiles import PROFILES

if TYPE_CHECKING:
    from collections.abc import Callable

    from xlbuild.checking.model import CheckReport

FORMATS = ("text", "json", "sarif", "github")
"""Names of the formats; a test compares them with the table that makes them."""


@click.command(name="check", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("arguments", nargs=-1, metavar="FILE... [KEY=VALUE]...")
@click.option(
    "--xen",
    type=click.Choice([profile.name for profile in PROFILES]),
    envvar="XLBUILD_XEN",
    help="Check for this Xen release (XLBUILD_XEN; default: the newest).",
)
@click.option("--strict", is_flag=True, help="Take warnings for errors.")
@click.option("--no-files", is_flag=True, help="Look at no file that a configuration names.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", help="How to tell (text).")
@firmware_option
@host_option
@kernel_size_option
@click.option("-q", "--quiet", is_flag=True, help="Tell of errors only.")
@click.option("--xl-json", is_flag=True, help="Print the JSON of `xl -N create`; findings go to stderr.")
@click.option("--explain", metavar="RULE", help="Explain a rule, XLB101 say, and check nothing.")
@click.option("--list-rules", is_flag=True, help="List all rules, and check nothing.")
def command(
    arguments: tuple[str, ...],
    xen: str | None,
    strict: bool,
    no_files: bool,
    form: str,
    firmware_dirs: tuple[str, ...],
    host: str | None,
    max_kernel_size: int | None,
    quiet: bool,
    xl_json: bool,
    explain: str | None,
    list_rules: bool,
) -> int:
    """Tell what is wrong with each FILE, an xl configuration (`-`: standard input), and what xl does not tell.

    KEY=VALUE arguments are settings that come after each file's, as for `xl create`. Exit status: 0 clean, or notes
    and warnings only, 1 errors, 2 usage, 4 a configuration cannot be read.
    """
    if explain is not None or list_rules:
        from xlbuild.cli.rules import explain_rule, rules_table

        click.echo(rules_table() if explain is None else explain_rule(explain), nl=False)
        return ExitStatus.OK
    files, overrides = files_and_settings(arguments)
    if xl_json and len(files) > 1:
        raise UsageError("several-files", "--xl-json takes one FILE", hint="run it once for each")
    check_places(firmware_dirs, host)
    if xl_json:
        return _print_xl_json(files[0], overrides, xen, quiet)
    from xlbuild import api

    check = partial(
        api.check,
        overrides=overrides,
        xen=xen,
        files=not no_files,
        firmware_dirs=searched(firmware_dirs),
        host=host,
        max_kernel_size=max_kernel_size,
        source=STDIN,
    )
    reports, unreadable = _check_each(files, check)
    reports = [report.strict() for report in reports] if strict else reports
    told = [report.only_errors() for report in reports] if quiet else reports
    unwritable = printed(lambda: _show(told, form, quiet))
    return max(unreadable, unwritable, *(report.exit_status for report in reports))


def _check_each(
    files: list[str], check: Callable[[str | bytes], CheckReport]
) -> tuple[list[CheckReport], ExitStatus]:
    """Return the reports of the files that can be read, and the status for the others."""
    from xlbuild.cli.complain import complain

    reports, status = [], ExitStatus.OK
    for file in files:
        try:
            reports.append(check(standard_input() if file == "-" else file))
        except (FilesError, RefusedError) as error:
            complain(error)
            status = ExitStatus.FILES
    return reports, status


def _show(reports: list[CheckReport], form: str, quiet: bool) -> None:
    from xlbuild.checking.formats import FORMATS as WRITERS

    if reports and not (quiet and form == "text" and not any(report.findings for report in reports)):
        click.echo(WRITERS[form](reports, colour=stdout_has_colour()), nl=False)


def _print_xl_json(file: str, overrides: tuple[str, ...], xen: str | None, quiet: bool) -> int:
    """Print what `xl -N create` prints, bytes that are no text included; an error is the caller's."""
    from xlbuild import api
    from xlbuild.cli.complain import say_nothing, warn

    source = standard_input() if file == "-" else file
    on_warning = say_nothing if quiet else warn
    document = api.xl_json(source, overrides=overrides, xen=xen, source=STDIN, on_warning=on_warning)
    sys.stdout.flush()
    sys.stdout.buffer.write(f"{document}\n".encode(errors="surrogateescape"))
    return ExitStatus.OK
