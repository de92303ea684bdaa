"""Which differences are only shifts: the same byte of the same thing, which lies elsewhere on the second side."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import groupby

from xlbuild.diff.memory.places import Moves
from xlbuild.diff.model import Change, Difference, as_number
from xlbuild.diff.reading import ADDRESSES, CHECKSUMS, Space

FOLLOWS = "follows from the addresses in it"
"""Why a checksum is shifted."""


def tell_shifts(differences: Iterable[Difference], moves: Moves) -> tuple[Difference, ...]:
    """Return differences, those marked that only are of an address of something that moved.

    A table's checksum is one of them where all else that differs in the table is.
    """
    told = [_told(difference, moves) for difference in differences]
    groups = (list(group) for _, group in groupby(told, key=lambda each: each.path.rpartition(".")[0]))
    return tuple(each for group in groups for each in _with_checksums(group))


def _told(difference: Difference, moves: Moves) -> Difference:
    why = _why(difference, moves)
    return difference if why is None else replace(difference, change=Change.SHIFTED, why=why)


def _why(difference: Difference, moves: Moves) -> str | None:
    a, b = as_number(difference.a), as_number(difference.b)
    if difference.change is not Change.CHANGED or a is None or b is None:
        return None
    return why_shifted(_name_of(difference.path), a, b, moves)


def why_shifted(name: str, a: int, b: int, moves: Moves) -> str | None:
    """Return why an address, the value of a member of this name, is another one, in words; None: it is no shift."""
    asks: dict[Space, Callable[[int, int], str | None]] = {
        Space.PHYSICAL: moves.physical,
        Space.VIRTUAL: moves.virtual,
        Space.FRAME: moves.frame,
    }
    for space in ADDRESSES.get(name, ()):
        # an end, or the top of a stack, is of what lies before it
        if (why := asks[space](a, b) or asks[space](a - 1, b - 1)) is not None:
            return why
    return None


def _name_of(path: str) -> str:
    """Return the name of the member that a path leads to, or that names the last element in it."""
    if not path.endswith("]"):
        return path.rpartition(".")[2]
    before, name = _last_element(path)
    return name if name in ADDRESSES else before.rpartition(".")[2]


def _last_element(path: str) -> tuple[str, str]:
    """Return what stands before the last element of a list, and what names it; a name may have brackets, too."""
    depth = 0
    for at in range(len(path) - 1, -1, -1):
        depth += (path[at] == "]") - (path[at] == "[")
        if depth == 0:
            return path[:at], path[at + 1 : -1]
    return path, ""


def _with_checksums(group: list[Difference]) -> Iterator[Difference]:
    """Yield the differences within one object."""
    others = [each for each in group if each.path.rpartition(".")[2] not in CHECKSUMS]
    follows = bool(others) and all(each.change is Change.SHIFTED for each in others)
    for each in group:
        is_sum = follows and each not in others and each.change is Change.CHANGED
        yield replace(each, change=Change.SHIFTED, why=FOLLOWS) if is_sum else each
