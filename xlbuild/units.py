"""Pages, frames and addresses: the units in which everything here is counted.

Frame numbers and addresses are distinct types, so that mypy refuses to mix them, and turning one into the
other — the shift by 12 — happens in this file only.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NewType

Pfn = NewType("Pfn", int)
"""A guest frame number: pseudo-physical for PV, guest-physical (Xen's gfn) for HVM containers."""

Mfn = NewType("Mfn", int)
"""A machine frame number, as a PV guest's page tables, p2m and start_info hold it."""

PhysAddr = NewType("PhysAddr", int)
"""An address in guest-physical (HVM kinds) or pseudo-physical (PV) space, in bytes."""

MachineAddr = NewType("MachineAddr", int)
"""A machine address, in bytes."""

VirtAddr = NewType("VirtAddr", int)
"""An address in the guest's initial virtual address space, in bytes."""

PAGE_SHIFT = 12
PAGE_SIZE = 1 << PAGE_SHIFT
KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30
TIB = 1 << 40
UINT32 = 1 << 32
"""What 32-bit arithmetic wraps at."""
UINT64 = 1 << 64
"""What 64-bit arithmetic wraps at."""
PAGES_PER_MIB = MIB // PAGE_SIZE
FOUR_GIB = PhysAddr(4 * GIB)
"""Where memory goes on that has no room below the devices."""


def pages_for(size: int) -> int:
    """Return how many pages hold `size` bytes."""
    return (size + PAGE_SIZE - 1) >> PAGE_SHIFT


def whole_pages(size: int) -> int:
    """Return how many whole pages `size` bytes are, a rest left out."""
    return size >> PAGE_SHIFT


def bytes_of(pages: int) -> int:
    """Return the size in bytes of a number of pages; for a page number, the address where it starts."""
    return pages << PAGE_SHIFT


def page_down(address: int) -> int:
    """Return the start of the page that holds an address of any kind."""
    return address & -PAGE_SIZE


def page_up(address: int) -> int:
    """Return an address of any kind rounded up to a page boundary."""
    return page_down(address + PAGE_SIZE - 1)


def page_offset(address: int) -> int:
    """Return an address's offset within its page."""
    return address & (PAGE_SIZE - 1)


def align_up(value: int, alignment: int) -> int:
    """Return `value` rounded up to a multiple of `alignment` (any positive number)."""
    return -(-value // alignment) * alignment


def pfn_of(address: PhysAddr) -> Pfn:
    """Return the guest frame that holds a physical address."""
    return Pfn(address >> PAGE_SHIFT)


def paddr_of(pfn: Pfn) -> PhysAddr:
    """Return the physical address at which a guest frame starts."""
    return PhysAddr(pfn << PAGE_SHIFT)


def maddr_of(mfn: Mfn) -> MachineAddr:
    """Return the machine address at which a machine frame starts."""
    return MachineAddr(mfn << PAGE_SHIFT)


def extended_cr3(mfn: Mfn) -> int:
    """Return a machine frame as a 32-bit cr3 holds it: bits above 20 come down to the low end (xen_pfn_to_cr3)."""
    return (mfn << PAGE_SHIFT | mfn >> 32 - PAGE_SHIFT) & 0xFFFF_FFFF


def mfn_of(address: MachineAddr) -> Mfn:
    """Return the machine frame that holds a machine address."""
    return Mfn(address >> PAGE_SHIFT)


def mfn_of_extended_cr3(value: int) -> Mfn:
    """Return the machine frame that a 32-bit cr3 names, the other way round (xen_cr3_to_pfn)."""
    return Mfn(value >> PAGE_SHIFT | (value & PAGE_SIZE - 1) << 32 - PAGE_SHIFT)


@dataclass(frozen=True, slots=True, order=True)
class FrameRange:
    """A half-open range of guest frames."""

    first: Pfn
    end: Pfn

    @classmethod
    def of(cls, first: int, pages: int) -> "FrameRange":
        """Return the `pages` frames from `first` on."""
        return cls(Pfn(first), Pfn(first + pages))

    @property
    def pages(self) -> int:
        """Number of frames."""
        return self.end - self.first

    def covers(self, other: "FrameRange") -> bool:
        """Return whether every frame of `other` is in this range."""
        return self.first <= other.first and other.end <= self.end

    def overlaps(self, other: "FrameRange") -> bool:
        """Return whether the two ranges share a frame."""
        return self.first < other.end and other.first < self.end


def merge_ranges(ranges: Iterable[FrameRange]) -> tuple[FrameRange, ...]:
    """Return the union of ranges, ascending, with neighbours joined and empty ones dropped."""
    merged: list[FrameRange] = []
    for item in sorted(item for item in ranges if item.pages > 0):
        if merged and item.first <= merged[-1].end:
            merged[-1] = FrameRange(merged[-1].first, max(merged[-1].end, item.end))
        else:
            merged.append(item)
    return tuple(merged)


def common_ranges(ranges: Sequence[FrameRange], frames: FrameRange) -> Iterator[FrameRange]:
    """Yield what a range has in common with others, which are ascending, disjoint and not empty."""
    first = bisect_right(ranges, frames.first, key=lambda item: item.end)
    for item in islice(ranges, first, None):
        common = FrameRange(max(item.first, frames.first), min(item.end, frames.end))
        if common.pages <= 0:
            return
        yield common


def human_size(size: int) -> str:
    """Return a size in bytes for people to read: `64 MiB`, `17.4 MiB`, `612 bytes`."""
    for unit, name in ((TIB, "TiB"), (GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
        if size >= unit:
            text = f"{size / unit:.1f}".removesuffix(".0")
            return f"{text} {name}"
    return f"{size} byte{'' if size == 1 else 's'}"
