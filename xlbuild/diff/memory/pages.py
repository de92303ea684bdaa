"""What two guests' memory holds, compared page by page: page n of an owner with page n of the other side's.

Owners are those of `places`; a page counts once, for the owner that it is of there. Memory of no owner is compared
frame by frame. Only pages that hold something are read, those of both sides once, and nothing is kept of them but the
first runs of each owner.

A page that is not the same is *shifted* if it only differs by addresses of what moved: a page of page tables as
`mappings` defines it; another page if each run in it is in a structure's field that is the address of the same thing
on both sides, or in a checksum that follows from these, or is a structure that lies elsewhere within its owner
(`areas`). Else it is changed; or added or removed, where only one side has anything in it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, takewhile, zip_longest

from xlbuild.built import BuiltDomain, MemoryReader
from xlbuild.diff.memory.areas import Area, compare_areas
from xlbuild.diff.memory.mappings import Mappings, compare_mappings
from xlbuild.diff.memory.pairing import BY_FRAME, Numbered, Pages, free_pages, numbered, paired, parts_by_name
from xlbuild.diff.memory.places import Moves, Owner, Part, Places
from xlbuild.diff.memory.runs import Found, RunList, Stretch, filled, stretches
from xlbuild.diff.memory.structures import Structure, structures_of
from xlbuild.diff.model import Change, OwnerPages, Run
from xlbuild.inspect.domains.subject import page_tables_of
from xlbuild.inspect.memory.region import Region
from xlbuild.units import (
    PAGE_SIZE,
    PhysAddr,
    bytes_of,
    paddr_of,
    pfn_of,
    whole_pages,
)

OTHER_MEMORY = "other memory"
"""What memory is called in which nothing was placed."""

_MOST_SHOWN = 16
"""Bytes of each side that a run shows."""
_MOST_STRUCTURED = 64
"""Pages of an owner whose structures are looked into; ACPI's tables have a dozen."""

Namer = Callable[[str, int], str | None]
"""Says in words what lies at an offset of an owner, for whatever is no region: a kernel's symbols."""


def unnamed(owner: str, offset: int) -> str | None:
    """Say nothing."""
    return None


def compare_pages(
    a: BuiltDomain, b: BuiltDomain, moves: Moves, names: tuple[Namer, Namer] = (unnamed, unnamed)
) -> tuple[OwnerPages, ...]:
    """Return the owners of which a page differs, by address, memory of no owner last.

    names           for each side, what says in words where a run begins

    FilesError where an image cannot be read, or changes meanwhile.
    """
    comparison = _Comparison(a, b, moves, names)
    ones, others = moves.a.owners_by_name(), moves.b.owners_by_name()
    owners = {**others, **ones}
    by_address = sorted(owners, key=lambda name: (owners[name].region.first, name not in ones))
    found = [comparison.owner(name, ones.get(name), others.get(name)) for name in by_address]
    found.append(comparison.other_memory())
    return tuple(pages for pages in found if pages.differing)


@dataclass(frozen=True)  # without slots: what page tables map is read once, when it is asked for
class _Comparison:
    """Two guests' memory."""

    a: BuiltDomain
    b: BuiltDomain
    moves: Moves
    names: tuple[Namer, Namer]

    @cached_property
    def mappings(self) -> Mappings | None:
        """What the page tables map; None where one of the guests has none."""
        one, other = page_tables_of(self.a), page_tables_of(self.b)
        if one is None or other is None or one.paging is not other.paging:
            return None
        return compare_mappings(one, other, self.moves)

    @cached_property
    def parts(self) -> tuple[dict[str, list[Part]], dict[str, list[Part]]]:
        """Each side's owners' parts, by the owners' names."""
        return parts_by_name(self.moves.a), parts_by_name(self.moves.b)

    @cached_property
    def structures(self) -> tuple[tuple[Structure, ...], tuple[Structure, ...]]:
        """Each side's structures."""
        return structures_of(self.a, self.moves.a), structures_of(self.b, self.moves.b)

    def owner(self, name: str, a: Owner | None, b: Owner | None) -> OwnerPages:
        """Return how an owner compares."""
        tally = _Tally(self, name, (a, b))
        areas = self._areas(a, b)
        if areas is not None:
            tally.compare_areas(*areas)
            return tally.result()
        for one, other in zip_longest(self.parts[0].get(name, ()), self.parts[1].get(name, ())):
            ones, counted_a = numbered(self.a.memory, one)
            others, counted_b = numbered(self.b.memory, other)
            tally.compare(ones, others, counted_a, counted_b)
        return tally.result()

    def other_memory(self) -> OwnerPages:
        """Return how the memory of no owner compares."""
        tally = _Tally(self, OTHER_MEMORY, (None, None))
        ones, others = free_pages(self.a, self.moves.a), free_pages(self.b, self.moves.b)
        tally.compare(ones, others, BY_FRAME, BY_FRAME)
        return tally.result()

    def run(self, owner: str, found: Found) -> Run:
        """Return a run as it is told."""
        size = found.end - found.offset
        which, at = (1, found.b) if found.b is not None else (0, found.a)
        assert at is not None
        words = found.words or _region_words(self.moves.b if which else self.moves.a, owner, at)
        outside = found.offset < 0
        return Run(
            OTHER_MEMORY if outside else owner,
            at if outside else found.offset,
            size,
            found.change,
            found.differing,
            found.field,
            words or self.names[which](owner, found.offset),
            _first_bytes(self.a.memory, found.a, size, found.most_a),
            _first_bytes(self.b.memory, found.b, size, found.most_b),
            found.why,
        )

    def _areas(self, a: Owner | None, b: Owner | None) -> tuple[Area, Area] | None:
        """Return both sides' pages of an owner that has structures in it; None for others."""
        if a is None or b is None or max(a.frames.pages, b.frames.pages) > _MOST_STRUCTURED:
            return None
        one, other = _area(self.a, a, self.structures[0]), _area(self.b, b, self.structures[1])
        return (one, other) if one.structures or other.structures else None


def _first_bytes(memory: MemoryReader, at: PhysAddr | None, size: int, most: int | None) -> bytes:
    """Return the first bytes of a run on one side; none where that has none."""
    if at is None:
        return b""
    return memory.read(at, min(size, _MOST_SHOWN, size if most is None else most))


class _Tally:
    """The pages of one owner."""

    def __init__(self, comparison: _Comparison, name: str, sides: tuple[Owner | None, Owner | None]) -> None:
        """Start with none."""
        self._comparison = comparison
        self._name = name
        self._runs = RunList(_borders(comparison.moves, sides))
        self._same = self._changed = self._shifted = self._added = self._removed = 0
        self._numbered: dict[int, Change] = {}

    def compare(self, ones: Pages, others: Pages, a: Numbered, b: Numbered) -> None:
        """Compare pages with each other that have the same number."""
        for index, one, other in paired(ones, others):
            if one == other:
                self._same += 1
            elif one is None:
                assert other is not None
                self._added += 1
                self._alone(b, index, other, Change.ADDED, is_whole=index >= a.pages)
            elif other is None:
                self._removed += 1
                self._alone(a, index, one, Change.REMOVED, is_whole=index >= b.pages)
            else:
                self._both(a, b, index, one, other)

    def compare_areas(self, a: Area, b: Area) -> None:
        """Compare pages that have structures in them."""
        found = compare_areas(a, b, self._comparison.moves) if a.data != b.data else []
        changed = {page for run in found if run.change is not Change.SHIFTED for page in _touched(run, a, b)}
        for index in range(whole_pages(max(len(a.data), len(b.data)))):
            one, other = (_page(area.data, index) for area in (a, b))
            if one == other:
                self._same += any(one)
            elif index not in changed:
                self._numbered[index] = Change.SHIFTED
            elif any(one) and any(other):
                self._numbered[index] = Change.CHANGED
            else:
                self._numbered[index] = Change.REMOVED if any(one) else Change.ADDED
        kinds = Counter(self._numbered.values())
        self._changed, self._shifted = kinds[Change.CHANGED], kinds[Change.SHIFTED]
        self._added, self._removed = kinds[Change.ADDED], kinds[Change.REMOVED]
        for run in found if self._differs() else ():
            self._runs.add(run)

    def result(self) -> OwnerPages:
        """Return what has been found."""
        return OwnerPages(
            self._name,
            self._same,
            self._changed,
            self._shifted,
            self._added,
            self._removed,
            tuple(self._comparison.run(self._name, found) for found in self._runs.kept),
            self._runs.left_out,
            tuple(self._numbered.items()),
        )

    def _differs(self) -> bool:
        return any((self._changed, self._shifted, self._added, self._removed))

    def _alone(self, counted: Numbered, index: int, page: bytes, change: Change, *, is_whole: bool) -> None:
        """Note a page that only one side has something in: all of it, where the other side has no such page."""
        run = filled(page)
        assert run is not None
        if is_whole:
            run = Stretch(0, PAGE_SIZE, run.differing)
        at = PhysAddr(counted.address(index) + run.start)
        a, b = (None, at) if change is Change.ADDED else (at, None)
        self._add(counted, index, run, change, a, b, by_pages=True)

    def _both(self, a: Numbered, b: Numbered, index: int, one: bytes, other: bytes) -> None:
        """Note a page that is not the same."""
        runs = stretches(one, other, self._runs.cuts(b.offset(index), PAGE_SIZE))
        at_a, at_b = a.address(index), b.address(index)
        mappings = self._comparison.mappings
        why = mappings.why_shifted(pfn_of(at_a), one, pfn_of(at_b), other) if mappings is not None else None
        if why is None:
            self._changed += 1
            for run in runs:
                places = PhysAddr(at_a + run.start), PhysAddr(at_b + run.start)
                self._add(b, index, run, Change.CHANGED, *places)
            return
        self._shifted += 1
        found = list(runs)
        start, differing = found[0].start, sum(run.differing for run in found)
        whole = Stretch(start, found[-1].end, differing)
        places = PhysAddr(at_a + start), PhysAddr(at_b + start)
        self._add(b, index, whole, Change.SHIFTED, *places, why=why, by_pages=True)

    def _add(
        self,
        counted: Numbered,
        index: int,
        run: Stretch,
        change: Change,
        a: PhysAddr | None,
        b: PhysAddr | None,
        *,
        why: str | None = None,
        by_pages: bool = False,
    ) -> None:
        start, end = counted.offset(index) + run.start, counted.offset(index) + run.end
        self._runs.add(Found(start, end, change, run.differing, a, b, why=why, by_pages=by_pages))


def _area(built: BuiltDomain, owner: Owner, structures: Sequence[Structure]) -> Area:
    """Return an owner's pages with the structures that lie in them."""
    first, end = paddr_of(owner.frames.first), paddr_of(owner.frames.end)
    at = bisect_left(structures, first, key=lambda each: each.region.first)
    inside = takewhile(lambda each: each.region.end <= end, islice(structures, at, None))
    return Area(owner.region, first, built.memory.read(first, end - first), tuple(inside))


def _borders(moves: Moves, sides: tuple[Owner | None, Owner | None]) -> list[int]:
    """Return the offsets in an owner at which something in it begins or ends, on either side."""
    borders: set[int] = set()
    for places, owner in zip((moves.a, moves.b), sides, strict=True):
        if owner is not None:
            first = owner.region.first
            inside = list(_inside(places, owner))
            borders |= {border - first for region in inside for border in (region.first, region.end)}
    return sorted(borders)


def _inside(places: Places, owner: Owner) -> Iterator[Region]:
    """Yield the regions that begin in an owner's pages, but for its own."""
    at = bisect_left(places.regions, owner.region.first, key=lambda region: region.first)
    for region in islice(places.regions, at, None):
        if region.first >= paddr_of(owner.frames.end):
            return
        if region.name != owner.name:
            yield region


def _region_words(places: Places, owner: str, address: PhysAddr) -> str | None:
    """Return what lies at an address in words, where that is more than the owner and an offset."""
    spot = places.of_physical(address)
    if spot is None:
        return None
    words = places.by_name[spot.owner].name_of(address)
    return None if words.partition(" + ")[0] == owner else words


def _touched(run: Found, a: Area, b: Area) -> Iterator[int]:
    """Yield the numbers of the pages that a run is in, on either side."""
    for area, at in ((a, run.a), (b, run.b)):
        if at is not None:
            first = at - area.first
            yield from range(whole_pages(first), whole_pages(first + run.end - run.offset - 1) + 1)


def _page(data: bytes, index: int) -> bytes:
    """Return a page of an owner's; zeros behind its end."""
    return data[bytes_of(index) : bytes_of(index + 1)].ljust(PAGE_SIZE, b"\0")
