"""Formats as the command line names them, and where each of them goes."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

import click

from xlbuild.emit.formats import FORMATS, Format, Target, format_named
from xlbuild.errors import ConfigError, UsageError


def wanted_formats(given: tuple[str, ...], default: Format) -> tuple[Format, ...]:
    """Return the formats that `--format` names, each once, in the table's order; UsageError for what is none.

    It may be given several times, and each time name several with commas between them.
    """
    names = [name.strip() for names in given for name in names.split(",")] or [default.name]
    for name in names:
        if format_named(name) is None:
            raise _unknown(name)
    return tuple(each for each in FORMATS if each.name in names)


format_option = click.option(
    "--format",
    "formats",
    multiple=True,
    metavar="FORMAT",
    help=f"Write it as {', '.join(each.name for each in FORMATS)} (default: {FORMATS[0].name}); "
    "several with commas, or given again.",
)


def _unknown(name: str) -> UsageError:
    known = [each.name for each in FORMATS]
    meant = get_close_matches(name, known, 1)
    return UsageError(
        "format-unknown",
        f"--format {name!r} is no format",
        cause=f"the formats are {', '.join(known)}",
        hint=f"did you mean {meant[0]}?" if meant else "name some of them, with commas between them",
    )


def targets_of(formats: tuple[Format, ...], output: str | None, name: str) -> tuple[Target, ...]:
    """Return where a domain goes: one format to `-o`, or `./NAME`, several into `-o`, or `.`.

    A file goes into a `-o` that ends in a slash. Raises ConfigError for a name that is no file name, where it is
    needed for one.
    """
    is_file_in_it = output is not None and output.endswith("/") and formats[0].suffix != ""
    if len(formats) > 1 or is_file_in_it:
        hint = "give it another name, or write each format by itself, to -o"
        return _inside(Path(output or "."), formats, name, hint)
    if output is None:
        hint = f"say where to write the domain with {placeholder(formats)}"
        return _inside(Path(), formats, name, hint)
    return (Target(formats[0], Path(output)),)


def targets_of_one_of_several(
    formats: tuple[Format, ...], output: str | None, name: str
) -> tuple[Target, ...]:
    """Return where one of several domains goes: into `-o`, or `.`; ConfigError for a name that is no file name."""
    hint = f"give it another name, or build it alone with {placeholder(formats)}"
    return _inside(Path(output or "."), formats, name, hint)


def placeholder(formats: tuple[Format, ...]) -> str:
    """Return what `-o` takes, as help and hints have it."""
    return "-o DIR" if len(formats) > 1 or not formats[0].suffix else "-o FILE"


def _inside(directory: Path, formats: tuple[Format, ...], name: str, hint: str) -> tuple[Target, ...]:
    if "/" in name or "\0" in name or name in ("", ".", ".."):
        raise ConfigError(
            "name-no-file-name",
            f"the domain's name {name!r} cannot name a {'file' if formats[0].suffix else 'directory'}",
            cause="it is empty, a dot, or has a slash in it",
            hint=hint,
        )
    return tuple(Target(each, directory / f"{name}{each.suffix}") for each in formats)
