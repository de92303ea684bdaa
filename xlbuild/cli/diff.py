"""`xlbuild diff`: what changes in a guest, or in a kernel, from one to another."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from xlbuild.cli import printed
from xlbuild.cli.arguments import is_setting
from xlbuild.cli.building import building_options
from xlbuild.cli.looking import file_on_stdin
from xlbuild.cli.places import check_given, check_places, searched
from xlbuild.cli.text import STDIN
from xlbuild.errors import ExitStatus, UsageError, XlbuildError
from xlbuild.profiles import PROFILES
from xlbuild.visible import visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from xlbuild.diff.model import Comparison
    from xlbuild.opening import Opened
    from xlbuild.pipeline import OnStage

SAME, DIFFERENT, TROUBLE = 0, 1, 2
"""Exit statuses, as of every diff."""

_RELEASES = click.Choice([profile.name for profile in PROFILES])


@dataclass(frozen=True, slots=True)
class _Named:
    """A side as the command line names it."""

    file: str
    settings: tuple[str, ...]
    own_xen: str | None
    """Release that is asked for this side alone."""
    xen: str | None
    """Release for both."""


@dataclass(frozen=True, slots=True)
class _Options:
    """How configurations are built."""

    firmware_dirs: tuple[str, ...]
    host: str | None
    hypercall_page: bool
    max_kernel_size: int | None


@click.command(name="diff", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("arguments", nargs=-1, metavar="A [KEY=VALUE]... [B [KEY=VALUE]...]")
@building_options
@click.option("--xen-a", type=_RELEASES, help="Build the first side as this release does.")
@click.option("--xen-b", type=_RELEASES, help="Build the second side as this release does.")
@click.option(
    "--ignore",
    "ignored",
    multiple=True,
    metavar="PATH",
    help="Leave out what is at this path and below, as start_info.cmd_line or pages[module0]. May be given again.",
)
@click.option("--stat", is_flag=True, help="Print how much differs where, a line each.")
@click.option("--brief", is_flag=True, help="Print the summary line alone.")
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON (docs/diff.md).")
@click.option("--all", "everything", is_flag=True, help="Shorten no list, and tell each shift by itself.")
@click.option("--html", metavar="FILE", help="Write it as a page for a browser, and print the summary line.")
def command(
    arguments: tuple[str, ...],
    xen: str | None,
    firmware_dirs: tuple[str, ...],
    host: str | None,
    hypercall_page: bool,
    max_kernel_size: int | None,
    xen_a: str | None,
    xen_b: str | None,
    ignored: tuple[str, ...],
    stat: bool,
    brief: bool,
    as_json: bool,
    html: str | None,
    everything: bool,
) -> int:
    """Tell what changes in a guest from A to B: structure first, bytes last.

    Each side is a built domain's directory, its domain.json alone, an xl configuration, which is built in memory,
    what a host wrote of a guest that has not run yet (xl save, xl dump-core), or a kernel (`-`: standard input).
    KEY=VALUE settings are for the configuration before them; with A alone, for a second reading of it. Exit status:
    0 the same guest, 1 another, 2 trouble.
    """
    try:
        form = _form({"--stat": stat, "--brief": brief, "--json": as_json})
        check_places(firmware_dirs, host)
        check_given("--html", html)
        a, b = _sides(arguments, xen, xen_a, xen_b)
        options = _Options(searched(firmware_dirs), host, hypercall_page, max_kernel_size)
        comparison = _compare(a, b, options, ignored)
        if html is not None:
            _write_page(comparison, html)
    except XlbuildError as error:
        from xlbuild.cli.complain import complain

        complain(error)
        return TROUBLE
    form = form or ("--brief" if html is not None else "")
    if printed(lambda: _show(comparison, form, everything=everything)) is not ExitStatus.OK:
        return TROUBLE
    return SAME if comparison.same else DIFFERENT


def _form(options: Mapping[str, bool]) -> str | None:
    """Return the option that says what is printed; UsageError for more than one."""
    given = [name for name, is_given in options.items() if is_given]
    if len(given) > 1:
        raise UsageError(
            "two-forms",
            f"{' and '.join(given)} are given, and the comparison is printed once",
            hint="leave all but one of them out",
        )
    return given[0] if given else None


def _sides(
    arguments: Sequence[str], xen: str | None, xen_a: str | None, xen_b: str | None
) -> tuple[_Named, _Named]:
    """Return the two sides that arguments name: settings belong to the file before them."""
    named: list[tuple[str, list[str]]] = []
    for argument in arguments:
        if not is_setting(argument):
            named.append((argument, []))
        elif named:
            named[-1][1].append(argument)
        else:
            raise UsageError(
                "no-file",
                f"no file is given before {argument}",
                cause="as for `xl create`, an argument with a `=` is a setting, and is for the file before it",
                hint="name two sides: directories, configurations, manifests or kernels",
            )
    if len(named) == 1:
        named = _twice(named[0], is_asked=xen_a != xen_b)
    if len(named) != 2:
        raise UsageError(
            "not-two-sides",
            f"{'1 file is' if len(named) == 1 else f'{len(named)} files are'} given, and two sides are compared",
            hint="name two: xlbuild diff A B; or one configuration and settings: xlbuild diff guest.cfg memory=512",
        )
    if [file for file, _ in named].count("-") > 1:
        raise UsageError("stdin-twice", "standard input is given twice", hint="give `-` once")
    (a, for_a), (b, for_b) = named
    return _Named(a, tuple(for_a), xen_a, xen), _Named(b, tuple(for_b), xen_b, xen)


def _twice(only: tuple[str, list[str]], *, is_asked: bool) -> list[tuple[str, list[str]]]:
    """Return a configuration as both sides, its settings those of the second."""
    file, settings = only
    if not (settings or is_asked):
        return [only]
    if file == "-":
        raise UsageError(
            "stdin-twice",
            "a configuration is compared with itself, and standard input can be read only once",
            hint="redirect it to a file, and give that",
        )
    return [(file, []), (file, settings)]


def _compare(a: _Named, b: _Named, options: _Options, ignored: Sequence[str]) -> Comparison:
    from xlbuild import api
    from xlbuild.cli.progress import Progress

    with Progress(verbose=False, quiet=False) as progress:
        one, other = _open_both(a, b, options, progress.stage)
        progress.stage("compare", "")
        return api.compare(one, other, ignore=ignored)


def _open_both(a: _Named, b: _Named, options: _Options, on_stage: OnStage) -> tuple[Opened, Opened]:
    """Return both sides; a configuration is built as the other side's host does, if no release is asked for."""
    from xlbuild import api

    if api.is_of_host(b.file):
        other = _open(b, options, on_stage)
        return _open(_as_host_does(a, other), options, on_stage), other
    one = _open(a, options, on_stage)
    return one, _open(_as_host_does(b, one), options, on_stage)


def _as_host_does(named: _Named, other: Opened) -> _Named:
    from xlbuild import api

    release = api.release_of_host(other)
    is_free = named.own_xen is None and named.xen is None
    is_known = release is not None and release in [profile.name for profile in PROFILES]
    return replace(named, xen=release) if is_free and is_known else named


def _open(named: _Named, options: _Options, on_stage: OnStage) -> Opened:
    """Return a side; what is to be said of a configuration goes to stderr."""
    from xlbuild import api
    from xlbuild.cli.complain import warn

    given = api.side(
        file_on_stdin() if named.file == "-" else named.file,
        overrides=named.settings,
        xen=named.own_xen or named.xen,
        firmware_dirs=options.firmware_dirs,
        host=options.host,
        hypercall_page=options.hypercall_page,
        max_kernel_size=options.max_kernel_size,
        source=STDIN,
        on_stage=on_stage,
        on_warning=warn,
    )
    if named.own_xen is not None and given.is_built:
        raise UsageError(
            "release-of-built",
            f"{named.file} is built already, and Xen {named.own_xen} is asked for",
            hint="give the configuration that it was built from, or leave out the release",
        )
    return given


def _write_page(comparison: Comparison, file: str) -> None:
    from xlbuild import api
    from xlbuild.diff.show.html.page import html_page

    api.write_page(html_page(comparison), file)


def _show(comparison: Comparison, form: str, *, everything: bool) -> None:
    """Print a comparison on stdout as an option says, in colours where it is a terminal."""
    from xlbuild.diff.show.summary import summary

    if form == "--json":
        from xlbuild.diff.show.document import document

        click.echo(json.dumps(document(comparison), indent=2))
    elif form == "--brief":
        click.echo(visible(summary(comparison)))
    elif form == "--stat":
        _show_stat(comparison)
    elif sys.stdout.isatty():
        from xlbuild.cli.render import render_comparison

        render_comparison(comparison, everything=everything)
    else:
        from xlbuild.diff.show.text import plain_text

        click.echo(plain_text(comparison, everything=everything), nl=False)


def _show_stat(comparison: Comparison) -> None:
    if sys.stdout.isatty():
        from xlbuild.cli.render import render_stat

        render_stat(comparison)
    else:
        from xlbuild.diff.show.stat import stat_text

        click.echo(stat_text(comparison), nl=False)
