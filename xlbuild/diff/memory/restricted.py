"""A guest's memory without some of its frames, for a comparison with a side that does not tell them."""

from collections.abc import Iterable, Iterator, Sequence

from xlbuild.built import MemoryReader
from xlbuild.units import FrameRange, Pfn, PhysAddr, bytes_of, common_ranges, page_up, pfn_of


class RestrictedMemory:
    """What a memory has outside some frames; in these there is nothing. A `MemoryReader`."""

    def __init__(self, memory: MemoryReader, gone: Sequence[FrameRange]) -> None:
        """Take a memory and the frames that are left out: ascending, disjoint."""
        self._memory = memory
        self._gone = gone
        self.populated = without(memory.populated, gone)
        self.end = self.populated[-1].end if self.populated else Pfn(0)

    def read(self, address: PhysAddr, size: int) -> bytes:
        """Return `size` bytes; zeros where no memory is, or is left out."""
        data = bytearray(self._memory.read(address, size))
        touched = FrameRange(pfn_of(address), pfn_of(PhysAddr(page_up(address + size))))
        for frames in common_ranges(self._gone, touched):
            first = max(bytes_of(frames.first), address)
            end = min(bytes_of(frames.end), address + size)
            data[first - address : end - address] = bytes(end - first)
        return bytes(data)

    def pages(self) -> Iterator[tuple[Pfn, bytes]]:
        """Yield each frame that holds a non-zero byte, ascending, with its 4096 bytes."""
        return self.pages_in(FrameRange(Pfn(0), self.end))

    def pages_in(self, frames: FrameRange) -> Iterator[tuple[Pfn, bytes]]:
        """Yield those of `pages` that lie in a range; no others are read."""
        for kept in common_ranges(self.populated, frames):
            yield from self._memory.pages_in(kept)


def without(ranges: Iterable[FrameRange], gone: Sequence[FrameRange]) -> tuple[FrameRange, ...]:
    """Return what of some ranges lies in none of `gone`; both ascending, disjoint."""
    left: list[FrameRange] = []
    for frames in ranges:
        first = frames.first
        for each in common_ranges(gone, frames):
            if first < each.first:
                left.append(FrameRange(first, each.first))
            first = each.end
        if first < frames.end:
            left.append(FrameRange(first, frames.end))
    return tuple(left)


def lies_in(first: PhysAddr, size: int, gone: Sequence[FrameRange]) -> bool:
    """Return whether any of `size` bytes from an address on lies in some frames: ascending, disjoint."""
    frames = FrameRange(pfn_of(first), pfn_of(PhysAddr(page_up(first + size))))
    return any(True for _ in common_ranges(gone, frames))
