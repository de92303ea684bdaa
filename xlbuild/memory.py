"""Guest memory: sparse, each byte tagged with the segment that owns it.

A write outside the frames that its owner claimed, into a frame that does not exist, or over bytes that are written
already is a bug of ours and raises `StrayWriteError`; what a hypervisor does on top of the builder goes through
`replace`. Data is kept by reference, never copied: a kernel of 60 MiB costs its own size once.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from xlbuild.units import PAGE_SIZE, FrameRange, Pfn, PhysAddr, bytes_of, page_offset, pfn_of

ZERO_PAGE = bytes(PAGE_SIZE)


class StrayWriteError(AssertionError):
    """The builder wrote where it must not."""


class ByteSource(Protocol):
    """Bytes that can be sliced: bytes, memoryview, or a list that is generated as it is read."""

    def __len__(self) -> int:
        """Return the size in bytes."""

    def __getitem__(self, part: slice, /) -> bytes | bytearray | memoryview:
        """Return a run of bytes."""


@dataclass(frozen=True, slots=True)
class Extent:
    """A run of written bytes."""

    start: PhysAddr
    end: PhysAddr
    owner: str
    data: ByteSource
    offset: int
    """Where in `data` the run begins."""

    def part(self, start: int, end: int) -> "Extent":
        """Return the piece of this extent between two addresses inside it."""
        return Extent(PhysAddr(start), PhysAddr(end), self.owner, self.data, self.offset + start - self.start)

    def bytes_between(self, start: int, end: int) -> bytes:
        """Return the bytes between two addresses inside this extent."""
        first = self.offset + start - self.start
        return bytes(self.data[first : first + end - start])


class GuestMemory:
    """The frames a guest has, what is written in them, and by which segment."""

    def __init__(self, populated: Sequence[FrameRange]) -> None:
        """Take the frames that exist: ascending, disjoint ranges."""
        self.populated = tuple(populated)
        self._claims: dict[str, tuple[FrameRange, ...]] = {}
        self._extents: list[Extent] = []

    @property
    def end(self) -> Pfn:
        """One past the highest frame that exists."""
        return self.populated[-1].end if self.populated else Pfn(0)

    def claim(self, owner: str, frames: FrameRange) -> None:
        """Let `owner` write into `frames`, which must exist."""
        if not self._exists(frames):
            raise StrayWriteError(
                f"{owner} claims frames {frames.first:#x}..{frames.end:#x}, which do not exist"
            )
        self._claims[owner] = (*self._claims.get(owner, ()), frames)

    def write(self, owner: str, address: PhysAddr, data: ByteSource) -> None:
        """Put bytes into guest memory; nothing may be written there yet."""
        extent = self._extent(owner, address, data)
        if extent is None:
            return
        overlapped = self._overlapping(extent.start, extent.end)
        if overlapped.start != overlapped.stop:
            there = self._extents[overlapped.start]
            raise StrayWriteError(f"{owner} at {address:#x} overwrites {there.owner} at {there.start:#x}")
        self._extents[overlapped] = [extent]

    def replace(self, owner: str, address: PhysAddr, data: ByteSource) -> None:
        """Put bytes into guest memory over whatever is there."""
        extent = self._extent(owner, address, data)
        if extent is None:
            return
        overlapped = self._overlapping(extent.start, extent.end)
        new = [extent]
        for old in self._extents[overlapped]:
            if old.start < extent.start:
                new.insert(0, old.part(old.start, extent.start))
            if old.end > extent.end:
                new.append(old.part(extent.end, old.end))
        self._extents[overlapped] = new

    def pages(self) -> Iterator[tuple[Pfn, bytes]]:
        """Yield each frame that holds a non-zero byte, ascending, with its 4096 bytes."""
        yield from _pages_of(self._extents)

    def pages_in(self, frames: FrameRange) -> Iterator[tuple[Pfn, bytes]]:
        """Yield those of `pages` that lie in a range, some of whose frames may not exist; no others are read."""
        start, end = bytes_of(frames.first), bytes_of(frames.end)
        found = self._extents[self._overlapping(PhysAddr(start), PhysAddr(end))]
        yield from _pages_of(extent.part(max(extent.start, start), min(extent.end, end)) for extent in found)

    def read(self, address: PhysAddr, size: int) -> bytes:
        """Return bytes of guest memory; what nobody wrote is zero."""
        result = bytearray(size)
        end = address + size
        for extent in self._extents[self._overlapping(address, PhysAddr(end))]:
            first, last = max(extent.start, address), min(extent.end, end)
            result[first - address : last - address] = extent.bytes_between(first, last)
        return bytes(result)

    def owner_of(self, address: PhysAddr) -> str | None:
        """Return which segment wrote the byte at `address`, if any did."""
        found = self._extents[self._overlapping(address, PhysAddr(address + 1))]
        return found[0].owner if found else None

    def _extent(self, owner: str, address: PhysAddr, data: ByteSource) -> Extent | None:
        size = len(data)
        if size == 0:
            return None
        end = PhysAddr(address + size)
        if not any(
            bytes_of(f.first) <= address and end <= bytes_of(f.end) for f in self._claims.get(owner, ())
        ):
            raise StrayWriteError(f"{owner} writes {address:#x}..{end:#x}, outside what it claimed")
        return Extent(address, end, owner, data, 0)

    def _exists(self, frames: FrameRange) -> bool:
        return any(existing.covers(frames) for existing in self.populated)

    def _overlapping(self, start: PhysAddr, end: PhysAddr) -> slice:
        first = bisect_right(self._extents, start, key=lambda extent: extent.end)
        last = bisect_left(self._extents, end, key=lambda extent: extent.start)
        return slice(first, max(first, last))


def _pages_of(extents: Iterable[Extent]) -> Iterator[tuple[Pfn, bytes]]:
    """Yield each frame in which extents, ascending, have a non-zero byte, with its 4096 bytes."""
    shared: Pfn | None = None
    partial = bytearray()
    for extent in extents:
        for start, end in _page_steps(extent.start, extent.end):
            pfn = pfn_of(PhysAddr(start))
            if shared is not None and pfn != shared:
                yield from _nonzero(shared, bytes(partial))
                shared = None
            data = extent.bytes_between(start, end)
            if len(data) == PAGE_SIZE:
                yield from _nonzero(pfn, data)
                continue
            if shared is None:
                shared, partial = pfn, bytearray(PAGE_SIZE)
            at = page_offset(start)
            partial[at : at + len(data)] = data
    if shared is not None:
        yield from _nonzero(shared, bytes(partial))


def _page_steps(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Split a run of bytes at page boundaries."""
    while start < end:
        step = min(end, start - page_offset(start) + PAGE_SIZE)
        yield start, step
        start = step


def _nonzero(pfn: Pfn, page: bytes) -> Iterator[tuple[Pfn, bytes]]:
    if page != ZERO_PAGE:
        yield pfn, page
