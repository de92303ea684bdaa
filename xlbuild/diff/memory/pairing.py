"""Which pages of two guests are compared with each other: those of the same number of the same owner."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from xlbuild.built import BuiltDomain, MemoryReader
from xlbuild.diff.memory.places import Part, Places
from xlbuild.units import UINT64, Pfn, PhysAddr, paddr_of, whole_pages

Pages: TypeAlias = Iterator[tuple[int, bytes]]
"""Numbers of pages, ascending, and their bytes."""


@dataclass(frozen=True, slots=True)
class Numbered:
    """How pages that are compared by number are counted on one side."""

    start: Pfn
    """The frame of page 0."""
    owner: PhysAddr
    """Where the owner begins."""
    pages: int
    """How many there are, whatever is in them."""

    def address(self, index: int) -> PhysAddr:
        """Return where a page lies."""
        return paddr_of(Pfn(self.start + index))

    def offset(self, index: int) -> int:
        """Return a page's offset in the owner; negative for one that begins before it."""
        return self.address(index) - self.owner


BY_FRAME = Numbered(Pfn(0), PhysAddr(0), whole_pages(UINT64))
"""For memory of no owner."""
_NONE = Numbered(Pfn(0), PhysAddr(0), 0)


def numbered(memory: MemoryReader, part: Part | None) -> tuple[Pages, Numbered]:
    """Return those pages of a part that hold something, and how they are counted; without one, there are none."""
    if part is None:
        return iter(()), _NONE
    pages = ((pfn - part.start, page) for pfn, page in memory.pages_in(part.frames))
    return pages, Numbered(part.start, part.owner.region.first, part.frames.end - part.start)


def parts_by_name(places: Places) -> dict[str, list[Part]]:
    """Return the parts of each owner, by its name."""
    parts: dict[str, list[Part]] = {}
    for part in places.parts:
        parts.setdefault(part.owner.name, []).append(part)
    return parts


def paired(ones: Pages, others: Pages) -> Iterator[tuple[int, bytes | None, bytes | None]]:
    """Yield the pages of two sides by number; None for one that a side has nothing in."""
    one, other = next(ones, None), next(others, None)
    while one is not None or other is not None:
        if other is None or (one is not None and one[0] < other[0]):
            assert one is not None
            yield one[0], one[1], None
            one = next(ones, None)
        elif one is None or other[0] < one[0]:
            yield other[0], None, other[1]
            other = next(others, None)
        else:
            yield one[0], one[1], other[1]
            one, other = next(ones, None), next(others, None)


def free_pages(built: BuiltDomain, places: Places) -> Pages:
    """Yield the pages in which nothing was placed, by their frames."""
    for populated in built.populated:
        for owner, frames in places.split(populated):
            if owner is None:
                yield from built.memory.pages_in(frames)
