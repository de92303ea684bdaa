"""`xlbuild extract`: take a part out of a file."""

from __future__ import annotations

import sys
from difflib import get_close_matches
from typing import TYPE_CHECKING

import click

from xlbuild.cli.looking import examine, looking_options, show_tree
from xlbuild.errors import RefusedError, UsageError, Where

if TYPE_CHECKING:
    from xlbuild.inspect.tree import Part, Tree


@click.command(name="extract", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("file")
@click.argument("part", required=False)
@click.option("-o", "--output", metavar="FILE", help="Write it here (default: standard output).")
@click.option("--force", is_flag=True, help="Replace the file that is there.")
@looking_options
def command(
    file: str,
    part: str | None,
    output: str | None,
    force: bool,
    xen: str | None,
    kind: str | None,
    max_kernel_size: int | None,
) -> None:
    """Take PART out of FILE: a kernel, a built domain's directory, a guest's save file or dump-core. Without PART,
    list the parts.

    Of a bzImage, `payload` is the kernel itself; of a built domain, `start_info`, `module0` or `acpi:DSDT`; of a save
    file or a dump-core, `memory` or `vcpu0`.
    """
    parts = examine(file, (), xen, kind, max_kernel_size).parts()
    if part is None:
        _list(parts, output)
        return
    found = next((each for each in parts if each.name == part), None)
    if found is None:
        raise _unknown(file, part, parts)
    if output is not None and output != "-":
        from xlbuild import api

        api.write_part(found, output, force=force)
        return
    if sys.stdout.isatty():
        raise UsageError(
            "output-terminal",
            f"{part} is not written to a terminal: it is {found.size} bytes that are no text",
            hint="redirect it, or name a file with -o FILE",
        )
    for piece in found.read():
        sys.stdout.buffer.write(piece)


def _list(parts: tuple[Part, ...], output: str | None) -> None:

    if output is not None:
        raise UsageError(
            "no-part", "-o is given, but no PART", hint="name the part; without -o they are listed"
        )
    rows: list[Tree] = [{"part": part.name, "size": part.size, "what": part.title} for part in parts]
    show_tree({"parts": rows})


def _unknown(file: str, part: str, parts: tuple[Part, ...]) -> RefusedError:
    names = [each.name for each in parts]
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    listed = f"the parts are: {', '.join(names[:_MOST_NAMED])}{more}"
    return RefusedError(
        "part-unknown",
        f"there is no part {part!r}",
        cause=listed if names else "it has no parts",
        hint=_meant(part, names) or (f"`xlbuild extract {file}` lists them" if names else _NO_PARTS),
        where=Where(file),
    )


_MOST_NAMED = 12
_NO_PARTS = (
    "kernels, ramdisks, built domains, save files and dump-cores have parts; "
    "--as kernel takes any file for a kernel"
)


def _meant(part: str, names: list[str]) -> str | None:
    """Return the parts that a name may stand for: one in it, whatever its case, or one that looks like it."""
    folded = {name.casefold(): name for name in names}
    alike = [name for fold, name in folded.items() if part.casefold() in fold]
    alike = alike or [folded[fold] for fold in get_close_matches(part.casefold(), folded, 1)]
    return f"did you mean {' or '.join(alike[:3])}?" if alike else None
