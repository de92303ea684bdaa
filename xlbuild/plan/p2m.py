"""From a PV guest's frames to the machine's, and the list that tells the guest.

An offline image uses mfn == pfn; the maths goes through here all the same, because identity would hide a mix-up.
"""

from array import array
from dataclasses import dataclass

from xlbuild.units import Mfn, Pfn

P2M_ENTRY_SIZE_X86_64 = 8
"""Bytes of one entry: xen_pfn_t."""


@dataclass(frozen=True, slots=True)
class PhysicalToMachine:
    """A guest's physical-to-machine mapping: frame n is machine frame n + `mfn_base`."""

    total_pages: int
    mfn_base: int = 0

    def mfn(self, pfn: Pfn) -> Mfn:
        """Return the machine frame behind a guest frame."""
        return Mfn(pfn + self.mfn_base)


class P2mList:
    """The p2m list as bytes, generated where it is read: a guest of 1 TiB has one of 2 GiB."""

    def __init__(self, p2m: PhysicalToMachine) -> None:
        """Take the mapping to be listed: 8-byte little-endian entries, one a frame."""
        self._p2m = p2m

    def __len__(self) -> int:
        """Return the size in bytes."""
        return self._p2m.total_pages * P2M_ENTRY_SIZE_X86_64

    def __getitem__(self, part: slice, /) -> bytes:
        """Return a run of bytes."""
        start, stop, _ = part.indices(len(self))
        first = start // P2M_ENTRY_SIZE_X86_64
        last = -(-stop // P2M_ENTRY_SIZE_X86_64)
        base = self._p2m.mfn(Pfn(0))
        entries = array("Q", range(base + first, base + last))
        skip = start - first * P2M_ENTRY_SIZE_X86_64
        return entries.tobytes()[skip : skip + stop - start]
