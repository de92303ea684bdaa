"""From a PV guest's frames to the machine's, and the list that tells the guest.

An offline image uses mfn == pfn; the maths goes through here all the same, because identity would hide a mix-up.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from xlbuild.units import Mfn, Pfn


@dataclass(frozen=True, slots=True)
class PhysicalToMachine:
    """A guest's physical-to-machine mapping: frame n is machine frame n + `mfn_base`, but for one that moved."""

    total_pages: int
    mfn_base: int = 0
    moved: tuple[Pfn, Mfn] | None = None
    """A frame that was exchanged for another machine frame."""

    def mfn(self, pfn: Pfn) -> Mfn:
        """Return the machine frame behind a guest frame."""
        if self.moved is not None and pfn == self.moved[0]:
            return self.moved[1]
        return Mfn(pfn + self.mfn_base)

    def mfns(self, first: Pfn, count: int) -> Sequence[Mfn]:
        """Return the machine frames behind `count` guest frames from `first` on."""
        run: Sequence[int] = range(first + self.mfn_base, first + self.mfn_base + count)
        if self.moved is not None and first <= self.moved[0] < first + count:
            run = [self.mfn(Pfn(pfn)) for pfn in range(first, first + count)]
        return cast(Sequence[Mfn], run)


class P2mList:
    """The p2m list as bytes, generated where it is read: a guest of 1 TiB has one of 2 GiB."""

    def __init__(self, p2m: PhysicalToMachine, entry_size: int) -> None:
        """Take the mapping to be listed: little-endian entries of 8 or 4 bytes (xen_pfn_t), one a frame."""
        self._p2m = p2m
        self._entry_size = entry_size
        self._typecode = {8: "Q", 4: "I"}[entry_size]

    def __len__(self) -> int:
        """Return the size in bytes."""
        return self._p2m.total_pages * self._entry_size

    def __getitem__(self, part: slice, /) -> bytes:
        """Return a run of bytes."""
        start, stop, _ = part.indices(len(self))
        first = start // self._entry_size
        last = -(-stop // self._entry_size)
        entries = array(self._typecode, self._p2m.mfns(Pfn(first), last - first))
        skip = start - first * self._entry_size
        return entries.tobytes()[skip : skip + stop - start]
