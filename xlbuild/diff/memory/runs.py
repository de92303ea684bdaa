"""Bytes of two guests that differ, in runs: the first of an owner are kept, the others are counted."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from xlbuild.diff.model import Change
from xlbuild.units import PAGE_SIZE, PhysAddr, page_down

MOST_RUNS = 64
"""Runs that are kept of an owner."""
NEAR = 8
"""Runs with fewer bytes than this between them are one."""

_RUN = re.compile(rb"[^\0]+(?:\0{1,%d}[^\0]+)*" % (NEAR - 1))


@dataclass(frozen=True, slots=True)
class Stretch:
    """A run within two pieces of bytes; offsets from their start."""

    start: int
    end: int
    differing: int
    """Bytes of it that differ."""


def stretches(one: bytes, other: bytes, cuts: Sequence[int] = ()) -> Iterator[Stretch]:
    """Yield the runs in which two pieces of bytes of the same size differ; none crosses an offset of `cuts`."""
    size = len(one)
    both = int.from_bytes(one, "little") ^ int.from_bytes(other, "little")
    delta = both.to_bytes(size, "little")
    for first, end in pairwise((0, *cuts, size)):
        for found in _RUN.finditer(delta, first, end):
            start, stop = found.span()
            yield Stretch(start, stop, stop - start - delta.count(0, start, stop))


def filled(data: bytes) -> Stretch | None:
    """Return the run from the first byte that is not zero to the last; None where there is none."""
    start = len(data) - len(data.lstrip(b"\0"))
    end = len(data.rstrip(b"\0"))
    return Stretch(start, end, end - start - data.count(0, start, end)) if start < end else None


@dataclass(slots=True)
class Found:
    """A run, where it was found."""

    offset: int
    """Of its first byte from the start of its owner: of the second side's, unless only the first has it."""
    end: int
    change: Change
    differing: int
    a: PhysAddr | None
    """Where its first byte lies on the first side; None where that has none."""
    b: PhysAddr | None
    field: str | None = None
    words: str | None = None
    why: str | None = None
    place: str = ""
    """What it is of, within its owner: runs of different things are two."""
    most_a: int | None = None
    """How many bytes there are from its first on of what it is of; what is behind them is something else."""
    most_b: int | None = None
    by_pages: bool = False
    """Whether it goes on with whatever is in the next page."""

    def goes_on(self, other: Found) -> bool:
        """Return whether the run that was found next is the same one."""
        if (self.change, self.place, self.why) != (other.change, other.place, other.why):
            return False
        room = page_down(self.end - 1) + 2 * PAGE_SIZE - self.end if self.by_pages else NEAR
        return 0 <= other.offset - self.end < room


class RunList:
    """The runs of an owner in the order in which they are found."""

    def __init__(self, borders: Sequence[int] = ()) -> None:
        """Start with none; `borders` are offsets in the owner, ascending, that no run crosses."""
        self.kept: list[Found] = []
        self.left_out = 0
        self._borders = borders
        self._last: Found | None = None

    def cuts(self, offset: int, size: int) -> list[int]:
        """Return the borders within a piece of the owner, from the piece's start."""
        first, end = bisect_right(self._borders, offset), bisect_left(self._borders, offset + size)
        return [border - offset for border in self._borders[first:end]]

    def add(self, found: Found) -> None:
        """Add a run, or make the last one longer where it goes on."""
        last = self._last
        if last is not None and last.goes_on(found) and not self._is_border_in(last.end, found.offset):
            last.end = found.end
            last.differing += found.differing
            return
        self._last = found
        if len(self.kept) < MOST_RUNS:
            self.kept.append(found)
        else:
            self.left_out += 1

    def _is_border_in(self, first: int, last: int) -> bool:
        at = bisect_left(self._borders, first)
        return at < len(self._borders) and self._borders[at] <= last
