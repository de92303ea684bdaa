"""Whether a guest has memory at an address, and how much."""

from xlbuild.built import MemoryReader
from xlbuild.units import PhysAddr, bytes_of, merge_ranges, pfn_of


def exists(memory: MemoryReader, address: int) -> bool:
    """Return whether there is memory at a physical address."""
    pfn = pfn_of(PhysAddr(address))
    return any(frames.first <= pfn < frames.end for frames in memory.populated)


def room_at(memory: MemoryReader, address: PhysAddr) -> int:
    """Return how many bytes exist from an address on without a hole; 0 where there is none."""
    pfn = pfn_of(address)
    for frames in merge_ranges(memory.populated):
        if frames.first <= pfn < frames.end:
            return bytes_of(frames.end) - address
    return 0
