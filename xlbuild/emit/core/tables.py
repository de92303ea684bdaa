"""The table of a dump-core that says which frame each page is, read in pieces: 64 GiB have 256 MiB of it."""

import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass

from xlbuild.abi.dump_core import INVALID_PFN, P2M_ENTRY_SIZE, PFN_ENTRY_SIZE
from xlbuild.captured.model import CoreSection
from xlbuild.emit.core.elf import CoreFile
from xlbuild.units import TIB, pages_for

_ENTRIES = 1 << 16
"""That are read at a time."""
_BLOCK = 1 << 9
"""Entries that are compared at once with a run."""
_FRAMES = pages_for(4096 * TIB)
"""What x86 processors can address at most."""


@dataclass(frozen=True, slots=True)
class FrameRuns:
    """Pages in a row, of frames and machine frames that go up with them."""

    index: int
    """Of the first page among the file's."""
    pfn: int
    mfn: int
    """The same as the guest frame in an HVM container."""
    pages: int


def read_pfns(file: CoreFile, section: CoreSection) -> Iterator[FrameRuns]:
    """Yield the runs of `.xen_pfn`; RefusedError for a frame that cannot be."""
    for index, entries in _pieces(file, section, PFN_ENTRY_SIZE):
        yield from _checked(file, section, PFN_ENTRY_SIZE, _runs(index, entries, entries))


def read_p2m(file: CoreFile, section: CoreSection) -> Iterator[FrameRuns]:
    """Yield the runs of `.xen_p2m`; RefusedError for a frame that cannot be."""
    for index, entries in _pieces(file, section, P2M_ENTRY_SIZE):
        yield from _checked(file, section, P2M_ENTRY_SIZE, _runs(index, entries[0::2], entries[1::2]))


def _pieces(file: CoreFile, section: CoreSection, entry_size: int) -> Iterator[tuple[int, "array[int]"]]:
    """Yield the table in pieces: the first entry's number, and the numbers in all of them."""
    count = section.size // entry_size
    for index in range(0, count, _ENTRIES):
        size = min(_ENTRIES, count - index) * entry_size
        entries = array("Q", file.read(section.offset + index * entry_size, size))
        if sys.byteorder == "big":
            entries.byteswap()
        yield index, entries


def _runs(index: int, pfns: "array[int]", mfns: "array[int]") -> Iterator[FrameRuns]:
    """Yield the runs of a piece of the table, which begins with the page of number `index`."""
    for start in range(0, len(pfns), _BLOCK):
        some, behind = pfns[start : start + _BLOCK], mfns[start : start + _BLOCK]
        if _goes_up(some) and _goes_up(behind):
            yield FrameRuns(index + start, some[0], behind[0], len(some))
            continue
        for number, (pfn, mfn) in enumerate(zip(some, behind, strict=True)):
            yield FrameRuns(index + start + number, pfn, mfn, 1)


def _goes_up(numbers: "array[int]") -> bool:
    first, count = numbers[0], len(numbers)
    return numbers[-1] == first + count - 1 and numbers == array("Q", range(first, first + count))


def _checked(
    file: CoreFile, section: CoreSection, entry_size: int, runs: Iterator[FrameRuns]
) -> Iterator[FrameRuns]:
    """Yield the runs of frames that can be, less the pages that have none."""
    for run in runs:
        if run.pfn == INVALID_PFN:
            continue
        if (last := max(run.pfn, run.mfn) + run.pages - 1) >= _FRAMES:
            file.invalid(
                f"{section.name} has frame {last:#x}, and x86 processors reach {_FRAMES - 1:#x}",
                section.offset + run.index * entry_size,
            )
        yield run
