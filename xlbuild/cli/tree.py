"""A description as text: a line a value, an indented block a section, a table for a list of things that are alike.

What is null is left out. Pipes get this; scripts that want to rely on more use `--json`, which prints the same tree.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from xlbuild.inspect.tree import Branch, Tree
from xlbuild.units import KIB, human_size
from xlbuild.visible import visible

_STEP = "  "
_NOTHING = "-"
_SENTENCE = 16
"""Columns of a terminal in which a sentence can be read."""
_MEANS = "_means"
"""Ends the name of a member that says what another one means."""


@dataclass(frozen=True, slots=True)
class Line:
    """A value, or (without a text) the title of what follows."""

    depth: int
    label: str
    text: str | None


@dataclass(frozen=True, slots=True)
class Grid:
    """A table; every cell is text."""

    depth: int
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def blocks(tree: Branch, depth: int = 0) -> Iterator[Line | Grid]:
    """Yield what is shown of a description, in its order; what a value means stands behind it."""
    for name, value in tree.items():
        if name.removesuffix(_MEANS) in tree and name.endswith(_MEANS):
            continue
        if value is None:
            continue
        shown = list(_member(depth, label_of(name), name, value))
        meaning = tree.get(name + _MEANS)
        if meaning is not None and isinstance(shown[0], Line):
            text = _scalar("", meaning)
            shown[0] = replace(shown[0], text=f"{shown[0].text}  ({text})" if shown[0].text else f"({text})")
        yield from shown


def fitting(block: Line | Grid, width: int) -> Iterator[Line | Grid]:
    """Yield a block as it can be read in `width` columns: a table of sentences may need a line for each cell."""
    if isinstance(block, Line) or _needed(block) <= width - len(_STEP) * block.depth:
        yield block
        return
    for row in block.rows:
        yield Line(block.depth, block.columns[0], row[0])
        for column, cell in list(zip(block.columns, row, strict=True))[1:]:
            if cell != _NOTHING:
                yield Line(block.depth + 1, column, cell)


def _needed(grid: Grid) -> int:
    """Return the columns that a table with sentences in it needs; 0 for others, whose cells fold well enough."""
    columns = list(zip(grid.columns, *grid.rows, strict=True))
    if not any(" " in cell for cells in columns for cell in cells[1:]):
        return 0
    widths = [
        min(max(map(len, cells)), _SENTENCE if any(" " in cell for cell in cells) else sys.maxsize)
        for cells in columns
    ]
    return sum(widths) + len(_STEP) * (len(widths) - 1)


def plain_text(tree: Branch) -> str:
    """Return a description as lines of plain text."""
    return "".join(f"{line}\n" for block in blocks(tree) for line in _plain(block))


def label_of(name: str) -> str:
    """Return a member's name for people."""
    return name.replace("_", " ")


def _member(depth: int, label: str, name: str, value: Tree) -> Iterator[Line | Grid]:
    if isinstance(value, Mapping):
        yield Line(depth, label, None)
        yield from blocks(value, depth + 1)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        yield from _sequence(depth, label, name, value)
    else:
        yield Line(depth, label, _scalar(name, value))


def _sequence(depth: int, label: str, name: str, values: Sequence[Tree]) -> Iterator[Line | Grid]:
    branches = [value for value in values if isinstance(value, Mapping)]
    if not values:
        yield Line(depth, label, "none")
    elif not branches:
        texts = [_scalar(name, value) for value in values]
        if any(" " in text for text in texts):
            yield Line(depth, label, None)
            yield from (Line(depth + 1, "", text) for text in texts)
        else:
            yield Line(depth, label, ", ".join(texts))
    elif all(_is_flat(branch) for branch in branches):
        yield Line(depth, label, None)
        yield _grid(depth + 1, branches)
    else:
        yield Line(depth, label, None)
        for branch in branches:
            yield from _entry(depth + 1, branch)


def _entry(depth: int, branch: Branch) -> Iterator[Line | Grid]:
    """Yield a branch of a list: its first member is its title, where that is a plain value."""
    if not branch:
        yield Line(depth, "", _NOTHING)
        return
    name, value = next(iter(branch.items()))
    if isinstance(value, Mapping) or (isinstance(value, Sequence) and not isinstance(value, str)):
        yield Line(depth, "", _NOTHING)
        yield from blocks(branch, depth + 1)
        return
    yield Line(depth, label_of(name), _scalar(name, value))
    yield from blocks({key: branch[key] for key in branch if key != name}, depth + 1)


def _is_flat(branch: Branch) -> bool:
    """Return whether a branch makes a row: no branches in it, nor lists of any."""
    return not any(
        isinstance(value, Mapping)
        or (isinstance(value, Sequence) and any(isinstance(each, Mapping) for each in value))
        for value in branch.values()
    )


def _grid(depth: int, branches: Sequence[Branch]) -> Grid:
    names = list(dict.fromkeys(name for branch in branches for name in branch))
    used = [name for name in names if any(branch.get(name) not in (None, "", []) for branch in branches)]
    return Grid(
        depth,
        tuple(label_of(name) for name in used),
        tuple(tuple(_cell(branch.get(name)) for name in used) for branch in branches),
    )


def _cell(value: Tree) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        cells = [_cell(each) for each in value]
        return ("; " if any(" " in cell for cell in cells) else ", ").join(cells) or _NOTHING
    assert not isinstance(value, Mapping)
    return _scalar("", value)


def _scalar(name: str, value: Tree) -> str:
    """Return a value for people; a size in bytes also in larger units."""
    if value is None:
        return _NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and (name == "size" or name.endswith("_size")) and value >= KIB:
        return f"{value} ({human_size(value)})"
    return visible(str(value))


def _plain(block: Line | Grid) -> Iterator[str]:
    indent = _STEP * block.depth
    if isinstance(block, Line):
        lead = f"{block.label}:" if block.label else ""
        yield indent + " ".join(part for part in (lead, block.text) if part)
        return
    widths = [max(map(len, cells)) for cells in zip(block.columns, *block.rows, strict=True)]
    for row in (block.columns, *block.rows):
        yield (
            indent + _STEP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        ).rstrip()
