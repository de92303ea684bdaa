"""How much of a guest's memory there is at an address."""

from xlbuild.built import MemoryReader
from xlbuild.units import PhysAddr, bytes_of, merge_ranges, pfn_of


def room_at(memory: MemoryReader, address: PhysAddr) -> int:
    """Return how many bytes exist from an address on without a hole; 0 where there is none."""
    pfn = pfn_of(address)
    for frames in merge_ranges(memory.populated):
        if frames.first <= pfn < frames.end:
            return bytes_of(frames.end) - address
    return 0
