"""Whether a guest has memory at an address, and how much: asked so often that a million ranges must cost nothing."""

from bisect import bisect_right
from itertools import islice

from xlbuild.built import MemoryReader
from xlbuild.units import FrameRange, Pfn, PhysAddr, bytes_of, pfn_of


def exists(memory: MemoryReader, address: int) -> bool:
    """Return whether there is memory at a physical address."""
    pfn = pfn_of(PhysAddr(address))
    return has_frames(memory, FrameRange.of(pfn, 1))


def has_frames(memory: MemoryReader, frames: FrameRange) -> bool:
    """Return whether there are all frames of a range, in one range of the memory's."""
    at = _range_at(memory, frames.first)
    return at < len(memory.populated) and memory.populated[at].covers(frames)


def room_at(memory: MemoryReader, address: PhysAddr) -> int:
    """Return how many bytes exist from an address on without a hole; 0 where there is none."""
    if not exists(memory, address):
        return 0
    end = pfn_of(address)
    for frames in islice(memory.populated, _range_at(memory, end), None):
        if frames.first > end:
            break
        end = frames.end
    return bytes_of(end) - address


def _range_at(memory: MemoryReader, pfn: Pfn) -> int:
    """Return the number of the first range that does not end before a frame."""
    return bisect_right(memory.populated, pfn, key=lambda frames: frames.end)
