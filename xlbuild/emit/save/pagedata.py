"""The PAGE_DATA records of a save file: every frame that exists, with its page where that is not zero.

A frame that no record has is not there in the restored guest; one of zeros is said to be allocated, without a page.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from xlbuild.abi.save_file import MOST_PAGES_OF_A_RECORD, PAGE_DATA, PAGE_DATA_HEADER, PAGE_TYPE_SHIFT
from xlbuild.built import MemoryReader
from xlbuild.captured.model import PageType
from xlbuild.emit.save.records import record_head
from xlbuild.memory import ZERO_PAGE
from xlbuild.units import FrameRange, Pfn, bytes_of, common_ranges

_ENTRY_SIZE = 8
_TYPE_BYTE = 7
"""Which byte of an entry has its type, in the upper bits."""
_TYPE_SHIFT = PAGE_TYPE_SHIFT - 8 * _TYPE_BYTE


@dataclass(frozen=True, slots=True)
class Pages:
    """What travels of a guest's memory."""

    memory: MemoryReader
    tables: Mapping[Pfn, PageType]
    """A PV guest's page tables, ascending; they travel with their pages, of zeros or not."""
    p2m: FrameRange
    """The frames of a PV guest's p2m list, without tables; empty for others."""

    def records(self) -> Iterator[bytes]:
        """Yield the records in order of frames, piece by piece, each of 4 MiB at most."""
        tables = list(self.tables)
        for frames in self._runs():
            for batch in _batches(frames):
                if self.p2m.covers(batch):
                    yield from _p2m_record(batch)
                else:
                    of_batch = tables[bisect_left(tables, batch.first) : bisect_left(tables, batch.end)]
                    yield from self._record(batch, of_batch)

    def _runs(self) -> Iterator[FrameRange]:
        """Yield the frames that exist, those of the p2m list apart."""
        p2m = self.p2m
        parts = (FrameRange(Pfn(0), p2m.first), p2m, FrameRange(p2m.end, self.memory.end))
        for part in parts:
            yield from common_ranges(self.memory.populated, part)

    def _record(self, batch: FrameRange, tables: list[Pfn]) -> Iterator[bytes]:
        pages = dict.fromkeys(tables, ZERO_PAGE) | dict(self.memory.pages_in(batch))
        types = bytearray([PageType.XALLOC << _TYPE_SHIFT]) * batch.pages
        for pfn in pages:
            types[pfn - batch.first] = self.tables.get(pfn, PageType.NOTAB) << _TYPE_SHIFT
        data = b"".join(pages[pfn] for pfn in sorted(pages))
        yield _head(batch, types, len(data))
        if data:
            yield data


def _p2m_record(batch: FrameRange) -> Iterator[bytes]:
    """Yield a record of frames of the p2m list: their pages must be in it, but of zeros, a hole in the file.

    A restore writes the list itself, from X86_PV_P2M_FRAMES, and only into frames that it was given with a page.
    """
    data = bytes(bytes_of(batch.pages))
    yield _head(batch, bytes([PageType.NOTAB << _TYPE_SHIFT]) * batch.pages, len(data))
    yield data


def _batches(frames: FrameRange) -> Iterator[FrameRange]:
    for first in range(frames.first, frames.end, MOST_PAGES_OF_A_RECORD):
        yield FrameRange(Pfn(first), min(Pfn(first + MOST_PAGES_OF_A_RECORD), frames.end))


def _head(batch: FrameRange, types: bytes | bytearray, size: int) -> bytes:
    """Return a record up to its pages, which have `size` bytes; `types` has a byte for each frame."""
    entries = bytearray(array("Q", range(batch.first, batch.end)).tobytes())
    entries[_TYPE_BYTE::_ENTRY_SIZE] = types
    body_head = PAGE_DATA_HEADER.encode({"count": batch.pages})
    return record_head(PAGE_DATA, len(body_head) + len(entries) + size) + body_head + entries
