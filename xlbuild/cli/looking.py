"""What `inspect` and `extract` have in common: which file is looked at, how, and how the answer is shown."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypeVar

import click

from xlbuild.cli.sizes import kernel_size_option
from xlbuild.cli.text import STDIN, open_stdin
from xlbuild.cli.tree import plain_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from xlbuild.inspect.subject import Subject
    from xlbuild.inspect.tree import Branch

_Command = TypeVar("_Command", bound="Callable[..., Any]")


def looking_options(command: _Command) -> _Command:
    """Add the options that say how a file is looked at."""
    for option in (kernel_size_option, _KIND, _RELEASE):
        command = option(command)
    return command


_KINDS = ("kernel", "firmware", "ramdisk", "configuration")

_RELEASE = click.option(
    "--xen",
    metavar="RELEASE",
    envvar="XLBUILD_XEN",
    help="The Xen release that is asked about, from 4.2 on (XLBUILD_XEN; default: the newest known).",
)
_KIND = click.option(
    "--as", "kind", type=click.Choice(_KINDS), help="Take the file for this, whatever it looks like."
)


def examine(
    file: str, settings: tuple[str, ...], xen: str | None, kind: str | None, max_kernel_size: int | None
) -> Subject:
    """Open what the command line names; `-` is standard input."""
    from xlbuild import api

    data = file_on_stdin() if file == "-" else file
    return api.examine(
        data, overrides=settings, xen=xen, kind=kind, max_kernel_size=max_kernel_size, source=STDIN
    )


def file_on_stdin() -> bytes:
    """Return a file of any kind from standard input; RefusedError for one that is larger than any may be."""
    from xlbuild.emit.readfile import read_stream

    return read_stream(open_stdin("file").fileno(), STDIN, "file")


def show_tree(tree: Branch) -> None:
    """Print a description on stdout: as plain text, or for a terminal that has room and colours."""
    if sys.stdout.isatty():
        from xlbuild.cli.render import render_tree

        render_tree(tree)
    else:
        click.echo(plain_text(tree), nl=False)
