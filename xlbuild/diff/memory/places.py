"""Where everything lies in a guest, so that an address says the same thing of two guests: module0, byte 0x1200 of it.

Owners are what memory was placed for: segments, firmware modules, special pages, ACPI's pieces and hvm_info_table. A
page belongs to one: to the one that begins first where regions overlap, so that what lies wholly inside another (a
hypercall page, a table) owns no page but is a place with a name all the same.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise

from xlbuild.built import BuiltDomain
from xlbuild.inspect.domains.regions import domain_regions, virtual_address
from xlbuild.inspect.memory.region import Region
from xlbuild.units import UINT64, FrameRange, Pfn, PhysAddr, paddr_of, page_up, pfn_of


@dataclass(frozen=True, slots=True)
class Spot:
    """A byte of something that has a name."""

    owner: str
    offset: int
    """In bytes from its start."""

    def __str__(self) -> str:
        """Return it as people read it: `module0+0x1200`."""
        return f"{self.owner}+{self.offset:#x}" if self.offset else self.owner


@dataclass(frozen=True, slots=True)
class Owner:
    """A region that has pages of its own."""

    name: str
    """The region's; a second one of that name has ` (2)` behind it."""
    region: Region
    frames: FrameRange
    """The pages that count as its own; the first and last may be its own in part."""
    virtual: int | None
    """Where a PV guest's layout has its first byte."""


@dataclass(frozen=True, slots=True)
class Part:
    """Pages of an owner that are one thing: all of them, but for a p2m list, behind which its page tables may lie."""

    owner: Owner
    number: int
    frames: FrameRange
    start: Pfn
    """The frame from which its pages are counted."""


@dataclass(frozen=True, slots=True)
class Places:
    """All that has a place in a guest; the half-open ranges of each table are ascending and disjoint."""

    owners: tuple[Owner, ...]
    """By address."""
    parts: tuple[Part, ...]
    """All owners' pages, by address."""
    regions: tuple[Region, ...]
    """All, those inside another one behind it; each has a name of its own."""
    by_name: Mapping[str, Region]
    _pieces: _Table
    """Physical addresses; a piece is what of a region no other one inside it covers."""
    _owned: _Table
    _mapped: _Table | None
    """Virtual addresses of a PV guest's owners; None: virtual addresses are physical ones."""

    def of_physical(self, address: int) -> Spot | None:
        """Return the innermost thing that lies at a physical address; None where nothing was placed.

        What is behind a region's end, in its last page, counts as its own.
        """
        return self._pieces.find(address) or self._owned.find(address)

    def physical_of(self, virtual: int) -> PhysAddr | None:
        """Return the physical address of a virtual one that the layout has something at."""
        if self._mapped is None:
            return PhysAddr(virtual)
        spot = self._mapped.find(virtual)
        return None if spot is None else PhysAddr(self.by_name[spot.owner].first + spot.offset)

    def split(self, frames: FrameRange) -> Iterator[tuple[Part | None, FrameRange]]:
        """Yield a range of frames in pieces, each with what it is of; None where nothing was placed."""
        at = frames.first
        first = bisect_right(self.parts, at, key=lambda part: part.frames.end)
        for part in islice(self.parts, first, None):
            if part.frames.first >= frames.end:
                break
            if at < part.frames.first:
                yield None, FrameRange(at, part.frames.first)
            start, at = max(at, part.frames.first), min(part.frames.end, frames.end)
            yield part, FrameRange(start, at)
        if at < frames.end:
            yield None, FrameRange(at, frames.end)

    def owners_by_name(self) -> dict[str, Owner]:
        """Return the owners by their names, in the order of their addresses."""
        return {owner.name: owner for owner in self.owners}

    def owner_spot(self, address: int) -> Spot | None:
        """Return the owner of a physical address and the byte of it."""
        return self._owned.find(address)


@dataclass(frozen=True, slots=True)
class Moves:
    """What lies elsewhere in one guest than in another."""

    a: Places
    b: Places

    def of(self, name: str) -> int | None:
        """Return how many bytes higher a region lies in the second guest; None where one of them has none."""
        one, other = self.a.by_name.get(name), self.b.by_name.get(name)
        return None if one is None or other is None else other.first - one.first

    def physical(self, a: int, b: int) -> str | None:
        """Return why a physical address of the first guest is another one in the second, in words.

        None where the two are not the same byte of the same thing, or that did not move.
        """
        return self._why(self.a.of_physical(a), self.b.of_physical(b)) or self._why(
            self.a.owner_spot(a), self.b.owner_spot(b)
        )

    def frame(self, a: int, b: int) -> str | None:
        """Return why a frame is another one, as `physical` does."""
        return self.physical(paddr_of(Pfn(a)), paddr_of(Pfn(b)))

    def virtual(self, a: int, b: int) -> str | None:
        """Return why a virtual address is another one, as `physical` does; also where only the mapping moved."""
        one, other = self.a.physical_of(a), self.b.physical_of(b)
        if one is None or other is None:
            return None
        spot = self.a.of_physical(one)
        if spot is not None and one == other and spot == self.b.of_physical(other):
            return moved(f"the mapping of {spot.owner}", b - a)
        return self.physical(one, other)

    def _why(self, a: Spot | None, b: Spot | None) -> str | None:
        if a is None or a != b:
            return None
        distance = self.of(a.owner)
        return moved(a.owner, distance) if distance else None


def moved(what: str, distance: int) -> str:
    """Return in words how far something moved: `module0 moved by 0x1000`."""
    return f"{what} moved by {distance:#x}"


def locate(built: BuiltDomain) -> Places:
    """Return where everything lies in a guest, as its manifest says; nothing of its memory is read."""
    regions = tuple(_named(domain_regions(built)))
    owners = tuple(_owners(built, regions))
    return Places(
        owners,
        tuple(part for owner in owners for part in _parts(owner)),
        regions,
        {region.name: region for region in regions},
        _Table.of(_innermost(regions)),
        _Table.of(_owned(owner) for owner in owners),
        _Table.of(_mapped(owner) for owner in owners if owner.virtual is not None) if built.is_pv else None,
    )


@dataclass(frozen=True, slots=True)
class _Range:
    """A run of addresses, and what is at the first of them."""

    first: int
    end: int
    spot: Spot


@dataclass(frozen=True, slots=True)
class _Table:
    """Runs of addresses, ascending."""

    starts: Sequence[int]
    ranges: Sequence[_Range]

    @classmethod
    def of(cls, ranges: Iterable[_Range]) -> _Table:
        ordered = sorted(ranges, key=lambda item: item.first)
        return cls([item.first for item in ordered], ordered)

    def find(self, address: int) -> Spot | None:
        at = bisect_right(self.starts, address) - 1
        if at < 0 or address >= self.ranges[at].end:
            return None
        found = self.ranges[at]
        return Spot(found.spot.owner, found.spot.offset + address - found.first)


def _named(regions: Iterable[Region]) -> Iterator[Region]:
    """Yield regions, each with a name that no other has."""
    uses: dict[str, int] = {}
    for region in regions:
        uses[region.name] = uses.get(region.name, 0) + 1
        again = uses[region.name]
        yield region if again == 1 else replace(region, name=f"{region.name} ({again})")


def _owners(built: BuiltDomain, regions: Sequence[Region]) -> Iterator[Owner]:
    """Yield the regions that have pages that no one before them has."""
    taken = Pfn(0)
    for region in regions:
        first = max(taken, pfn_of(region.first))
        end = pfn_of(PhysAddr(page_up(region.end)))
        if first < end:
            yield Owner(
                region.name, region, FrameRange(Pfn(first), end), virtual_address(built, region.first)
            )
            taken = end


def _parts(owner: Owner) -> Iterator[Part]:
    region, frames = owner.region, owner.frames
    if region.layout is not None and region.count > 1:
        end = pfn_of(PhysAddr(page_up(region.first + region.count * region.layout.size)))
        if frames.first < end < frames.end:
            yield Part(owner, 0, FrameRange(frames.first, end), pfn_of(region.first))
            yield Part(owner, 1, FrameRange(end, frames.end), end)
            return
    yield Part(owner, 0, frames, pfn_of(region.first))


def _owned(owner: Owner) -> _Range:
    first = max(owner.region.first, paddr_of(owner.frames.first))
    return _Range(first, paddr_of(owner.frames.end), Spot(owner.name, first - owner.region.first))


def _mapped(owner: Owner) -> _Range:
    owned, virtual = _owned(owner), owner.virtual
    assert virtual is not None
    first = (virtual + owned.spot.offset) % UINT64
    return _Range(first, first + owned.end - owned.first, owned.spot)


def _innermost(regions: Sequence[Region]) -> Iterator[_Range]:
    """Yield the pieces of regions that no region inside them covers."""
    borders = sorted({border for region in regions for border in (region.first, region.end)})
    waiting = list(reversed(regions))
    begun: list[Region] = []
    for first, end in pairwise(borders):
        while waiting and waiting[-1].first <= first:
            begun.append(waiting.pop())
        while begun and begun[-1].end <= first:
            begun.pop()
        if begun:
            yield _Range(first, end, Spot(begun[-1].name, first - begun[-1].first))
