"""What descriptions of a guest's memory read it through: memory as built, as an image on disk, or of a dump."""

from typing import Protocol

from xlbuild.units import FrameRange, Pfn, PhysAddr, bytes_of, merge_ranges, pfn_of


class MemoryReader(Protocol):
    """A guest's memory; what nobody wrote, and what is not there, reads as zero."""

    @property
    def populated(self) -> tuple[FrameRange, ...]:
        """The frames that exist."""

    @property
    def end(self) -> Pfn:
        """One past the highest frame that exists."""

    def read(self, address: PhysAddr, size: int) -> bytes:
        """Return `size` bytes."""


def room_at(memory: MemoryReader, address: PhysAddr) -> int:
    """Return how many bytes exist from an address on without a hole; 0 where there is none."""
    pfn = pfn_of(address)
    for frames in merge_ranges(memory.populated):
        if frames.first <= pfn < frames.end:
            return bytes_of(frames.end) - address
    return 0
