"""Page tables of two PV guests, compared by what they map: where things moved, hardly an entry is the same number.

An entry of a level-1 table maps a page of memory at an address, with flags. It is *alike* on the other side if

* there the same page of the same owner is mapped with the same flags (all bits but the frame's), as far from where
  the layout has the owner, a p2m list and the page tables behind it being two; a page of no owner is the same where
  its frame is, and the distance counts from where the layout would have frame 0;
* or that side has no such page, because the owner is smaller there or not there, or the frame is somebody's, and maps
  other pages of the owner (of no owner; of any, if the owner is not there) so: what is new is mapped as the rest.

An entry of a higher table leads to the table for a part of the address space. It is alike if the other side's entry
for that part, or if it has none any entry of that level, has the same flags, and the table is the same page of the
same owner there or all that is mapped in that part is alike. An entry that leads nowhere is alike if it is the same
number on both sides.

What is not alike is not so at two places: where the one side maps it, and where the other side's layout has it. A
page of tables is shifted if both sides use it as a table, in one place each, and nothing that lies at an address for
which either side uses it is not alike. So one flag that is another, one page that is not mapped any more, or that is
mapped where the layout has it not, makes it a changed one.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from xlbuild.diff.memory.places import Moves, Part, Places, moved
from xlbuild.inspect.memory.page_walk import Table, walk
from xlbuild.inspect.memory.paging import PAGE_ADDRESS, PageTables
from xlbuild.plan.pagetables import ENTRIES, PAGE_PRESENT, span_of_entry
from xlbuild.units import PAGE_SIZE, FrameRange, Pfn, bytes_of, paddr_of, pfn_of, whole_pages

_MOST_PIECES = 1 << 16
"""Runs of pages that are looked at; guests have some dozens."""
_MOST_NAMED = 3
"""Things that moved, in words."""
_TABLES = "page tables"
"""The segment that has them, but for those of a p2m list."""
_ALL = 1 << 64
"""More pages than there are."""

_Ranges = list[tuple[int, int]]
"""Numbers of pages: half-open, ascending, disjoint."""


class Mappings:
    """What the page tables of two guests map."""

    def __init__(self, a: _Side, b: _Side, moves: Moves) -> None:
        """Take both guests' tables."""
        self._sides = (a, b), (b, a)
        unlike = [*_unlike(a, b), *_unlike(b, a)]
        self._unlike = (_addresses(a, unlike), _addresses(b, unlike))
        self._moves = moves

    def why_shifted(self, pfn_a: Pfn, a: bytes, pfn_b: Pfn, b: bytes) -> str | None:
        """Return why two pages of tables are shifted, in words; None for a page that is changed, or no table."""
        one, other = self._sides[0][0].used.get(pfn_a), self._sides[1][0].used.get(pfn_b)
        if one is None or other is None:
            return None
        tables, values = (one, other), (array("Q", a), array("Q", b))
        differing = [index for index in range(ENTRIES) if values[0][index] != values[1][index]]
        if not all(self._are_alike(side, tables[side], values[side], differing) for side in (0, 1)):
            return None
        ends = {end for side in (0, 1) for end in self._moved(side, tables[side], values[side], differing)}
        return _told({(name, distance) for name, distance in ends if distance})

    def _are_alike(self, which: int, table: Table, values: Sequence[int], differing: Sequence[int]) -> bool:
        side, other = self._sides[which]
        unlike, span = self._unlike[which], span_of_entry(table.level)
        links = {}
        if table.level > 1:
            present = (index for index, value in enumerate(values) if value & PAGE_PRESENT)
            places = ((index, (table.level - 1, table.first + index * span)) for index in present)
            links = {index: place for index, place in places if place in side.links}
        for index in differing:
            leads = index in links or (table.level == 1 and values[index] & PAGE_PRESENT)
            if values[index] and not leads:
                return False
        if table.level == 1:
            return not _meet(unlike, whole_pages(table.first), ENTRIES)
        return all(_is_link_alike(side, other, place, unlike) for place in links.values())

    def _moved(
        self, which: int, table: Table, values: array[int], differing: Sequence[int]
    ) -> Iterator[tuple[str, int]]:
        """Yield what moved of all that entries of one side lead to, and by how many bytes."""
        side, other = self._sides[which]
        if table.level == 1:
            for start, frames, _ in _leaves(values):
                for part, piece in side.places.split(frames):
                    first = start + piece.first - frames.first
                    if part is not None and _is_any_in(differing, first, piece.pages):
                        yield part.owner.name, self._moves.of(part.owner.name) or 0
            return
        span = span_of_entry(table.level)
        for index in differing:
            pfn = _frame(values[index])
            spot = side.places.owner_spot(paddr_of(pfn)) if values[index] & PAGE_PRESENT else None
            if spot is not None:
                name = _TABLES if spot.owner == _TABLES else f"{_TABLES} in {spot.owner}"
                theirs = other.table_at.get((table.level - 1, table.first + index * span), pfn)
                yield name, bytes_of(theirs - pfn if which == 0 else pfn - theirs)


def compare_mappings(a: PageTables, b: PageTables, moves: Moves) -> Mappings | None:
    """Return what the page tables of two guests map; None for tables that are no guest's, but far too many."""
    one, other = _read(a, moves.a), _read(b, moves.b)
    return Mappings(one, other, moves) if one is not None and other is not None else None


_Key = tuple[str, int]
"""An owner's name and the number of its part; an empty name for memory of no owner."""
_FREE: _Key = ("", 0)


class _Line(NamedTuple):
    """How pages of an owner are mapped."""

    part: _Key
    distance: int
    """Pages from where the layout has them."""
    flags: int


@dataclass(frozen=True, slots=True)
class _Side:
    """What a guest's tables map."""

    places: Places
    end: Pfn
    """Where its memory ends."""
    address_pages: int
    """Pages that an address may name; numbers wrap there."""
    used: Mapping[Pfn, Table]
    """The tables that are used in one place, by their frames."""
    links: Mapping[tuple[int, int], int]
    """Flags of entries that lead to a table, by the table's level and the lowest address that it maps."""
    link_flags: frozenset[tuple[int, int]]
    """All of these flags, each behind the level."""
    pages: Mapping[_Line, _Ranges]
    """The pages of each owner, counted from its first, by how they are mapped."""
    sizes: Mapping[_Key, int]
    """Pages of each owner's parts."""
    bases: Mapping[_Key, int]
    """The page of address space at which the layout has the first of each part, or would have frame 0."""
    table_at: Mapping[tuple[int, int], Pfn]
    """The frames of all tables, by level and the lowest address mapped."""

    def page_of(self, pfn: Pfn) -> tuple[_Key, int]:
        """Return which page of what a frame is."""
        ((part, _),) = self.places.split(FrameRange.of(pfn, 1))
        return (_key(part), pfn - part.start) if part is not None else (_FREE, pfn)

    def not_there(self, part: _Key) -> _Ranges:
        """Return the numbers of those pages that an owner's part, or memory of no owner, has not on this side."""
        if part != _FREE:
            return [(self.sizes.get(part, 0), _ALL)]
        return [*((each.frames.first, each.frames.end) for each in self.places.owners), (self.end, _ALL)]


def _read(tables: PageTables, places: Places) -> _Side | None:
    found = walk(tables)
    if found.stopped is not None:
        return None
    uses = Counter(table.pfn for table in found.tables)
    bases, address_pages = _bases(places), whole_pages(tables.paging.address_mask + 1)
    known = {(table.level, table.first): table.pfn for table in found.tables}
    links: dict[tuple[int, int], int] = {}
    pages: defaultdict[_Line, _Ranges] = defaultdict(list)
    pieces = 0
    for table in found.tables:
        values = array("Q", tables.memory.read(paddr_of(table.pfn), PAGE_SIZE))
        if table.level > 1:
            links |= _links(table, values, known)
            continue
        for index, frames, flags in _leaves(values):
            at = whole_pages(table.first) + index - frames.first
            for part, piece in places.split(frames):
                key, start = (_key(part), part.start) if part is not None else (_FREE, Pfn(0))
                distance = (at + start - bases[key]) % address_pages
                pages[_Line(key, distance, flags)].append((piece.first - start, piece.end - start))
                pieces += 1
        if pieces > _MOST_PIECES:
            return None
    for ranges in pages.values():
        ranges.sort()
    return _Side(
        places,
        tables.memory.end,
        address_pages,
        used={table.pfn: table for table in found.tables if uses[table.pfn] == 1},
        links=links,
        link_flags=frozenset((level, flags) for (level, _), flags in links.items()),
        pages=pages,
        sizes={_key(part): part.frames.end - part.start for part in places.parts},
        bases=bases,
        table_at=known,
    )


def _key(part: Part) -> _Key:
    return part.owner.name, part.number


def _bases(places: Places) -> dict[_Key, int]:
    bases = {
        _key(part): whole_pages(part.owner.virtual or 0) + part.start - pfn_of(part.owner.region.first)
        for part in places.parts
    }
    kernel = places.by_name.get("kernel")  # an empty one has no place
    return bases | {_FREE: bases.get(("kernel", 0), 0) - (pfn_of(kernel.first) if kernel is not None else 0)}


def _told(moves: Collection[tuple[str, int]]) -> str:
    """Return in words what moved."""
    if not moves:
        return "what is mapped has another size"
    names = list(dict.fromkeys(name for name, _ in sorted(moves)))
    told = ", ".join(names[:_MOST_NAMED]) + (" and more" if len(names) > _MOST_NAMED else "")
    distances = {distance for _, distance in moves}
    return moved(told, distances.pop()) if len(distances) == 1 else f"{told} moved"


def _links(
    table: Table, values: Sequence[int], known: Mapping[tuple[int, int], Pfn]
) -> dict[tuple[int, int], int]:
    """Return the flags of a table's entries that lead to other tables."""
    span = span_of_entry(table.level)
    present = ((index, value) for index, value in enumerate(values) if value & PAGE_PRESENT)
    below = (((table.level - 1, table.first + index * span), value) for index, value in present)
    return {key: _flags(value) for key, value in below if known.get(key) == _frame(value)}


def _leaves(values: array[int]) -> Iterator[tuple[int, FrameRange, int]]:
    """Yield the runs of pages that a level-1 table maps: index of the first entry, frames, flags."""
    start = 0
    while start < ENTRIES:
        count = 1
        first = values[start]
        if first & PAGE_PRESENT:
            count = _run_length(values, start)
            yield start, FrameRange.of(_frame(first), count), _flags(first)
        start += count


def _run_length(values: array[int], start: int) -> int:
    """Return how many entries from an index on map frames that follow one another, with the same flags."""
    first, rest = values[start], ENTRIES - start
    end = first + bytes_of(rest)
    if _flags(end - PAGE_SIZE) == _flags(first) and values[start:] == array(
        "Q", range(first, end, PAGE_SIZE)
    ):
        return rest  # as nearly all are: without looking at each
    count = 1
    while count < rest and values[start + count] == first + bytes_of(count):
        count += 1
    return count


def _is_any_in(indexes: Sequence[int], first: int, count: int) -> bool:
    """Return whether any of ascending indexes is among so many from one on."""
    at = bisect_left(indexes, first)
    return at < len(indexes) and indexes[at] < first + count


def _frame(value: int) -> Pfn:
    """Return the frame that an entry holds: in an image, machine frames are the guest's."""
    return Pfn(whole_pages(value & PAGE_ADDRESS))


def _flags(value: int) -> int:
    return value & ~PAGE_ADDRESS


def _is_link_alike(side: _Side, other: _Side, place: tuple[int, int], unlike: _Ranges) -> bool:
    """Return whether the entry that leads to a table is alike on the other side."""
    level, first = place
    flags, theirs = side.links[place], other.links.get(place)
    if flags != theirs and (theirs is not None or (level, flags) not in other.link_flags):
        return False
    if theirs is not None and side.page_of(side.table_at[place]) == other.page_of(other.table_at[place]):
        return True
    return not _meet(unlike, whole_pages(first), whole_pages(span_of_entry(level + 1)))


def _unlike(side: _Side, other: _Side) -> Iterator[tuple[_Line, _Ranges]]:
    """Yield the pages that one side maps, and that are not mapped alike on the other, by how they are mapped."""
    ways: dict[_Key, set[tuple[int, int]]] = {}
    for part, distance, flags in other.pages:
        ways.setdefault(part, set()).add((distance, flags))
    any_way = set().union(*ways.values())
    for line, ranges in side.pages.items():
        left = _subtract(ranges, other.pages.get(line, []))
        if (line.distance, line.flags) in (
            ways.get(line.part, set()) if line.part in other.sizes else any_way
        ):
            left = _subtract(left, other.not_there(line.part))
        if left:
            yield line, left


def _addresses(side: _Side, lines: Iterable[tuple[_Line, _Ranges]]) -> _Ranges:
    """Return the pages of address space where a side has, or would have, what is mapped in some ways."""
    found: _Ranges = []
    for line, ranges in lines:
        base = side.bases.get(line.part)
        if base is not None:
            start = base + line.distance
            at = (((start + first) % side.address_pages, end - first) for first, end in ranges)
            found += ((first, first + pages) for first, pages in at)
    return _merged(found)


def _merged(ranges: _Ranges) -> _Ranges:
    merged: _Ranges = []
    for first, end in sorted(ranges):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((first, end))
    return merged


def _subtract(ranges: _Ranges, others: _Ranges) -> _Ranges:
    """Return what of ranges is in none of the others."""
    left: _Ranges = []
    for first, end in ranges:
        at = bisect_right(others, first, key=lambda item: item[1])
        while first < end:
            start, stop = others[at] if at < len(others) else (_ALL, _ALL)
            if first < min(start, end):
                left.append((first, min(start, end)))
            first, at = stop, at + 1
    return left


def _meet(ranges: _Ranges, first: int, pages: int) -> bool:
    """Return whether any of some pages lie in ranges."""
    at = bisect_right(ranges, first, key=lambda item: item[1])
    return at < len(ranges) and ranges[at][0] < first + pages
