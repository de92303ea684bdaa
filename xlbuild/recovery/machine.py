"""A PV guest's memory as its builder wrote it, from memory that has its host's machine frames.

Page tables, the p2m list and start_info name machine frames, which are the host's choice. Read through here they
name guest frames, as in an image that was built offline.
"""

from array import array

from xlbuild.built import MemoryReader
from xlbuild.captured.frames import FrameMap
from xlbuild.inspect.memory.paging import PAGE_ADDRESS, PAGE_LARGE
from xlbuild.inspect.memory.room import exists
from xlbuild.plan.pagetables import PAGE_PRESENT, Paging, span_of_entry
from xlbuild.recovery.entries import as_guest_made, is_xens
from xlbuild.recovery.pvshape import RINGS, PvShape
from xlbuild.recovery.rewritten import RewrittenMemory
from xlbuild.recovery.words import bytes_of_words, number, with_words, words_of
from xlbuild.units import (
    PAGE_SIZE,
    FrameRange,
    MachineAddr,
    Mfn,
    Pfn,
    mfn_of,
    paddr_of,
)

MOST_TABLES = 1 << 13
"""Page tables that are looked for: they map 16 GiB, far more than any kernel is started with."""


class TooManyTablesError(Exception):
    """There are more page tables than MOST_TABLES: no builder has made them."""


class MachineView:
    """How a PV guest's memory is read that names machine frames."""

    def __init__(self, memory: MemoryReader, frames: FrameMap, shape: PvShape, top: Mfn) -> None:
        """Take the frames of the host, and the machine frame of the top page table; TooManyTablesError."""
        self._memory = memory
        self._frames = frames
        self._shape = shape
        self._tables = _find_tables(memory, frames, shape.paging, top)

    def pfn_of(self, mfn: int) -> int:
        """Return the guest frame of a machine frame; the same number where it is not the guest's."""
        pfn = self._frames.pfn_of(Mfn(mfn))
        return mfn if pfn is None else pfn

    def with_guest_frames(self, start_info: Pfn, p2m: FrameRange) -> MemoryReader:
        """Return memory in which tables, the p2m list in some frames, and start_info name guest frames."""
        if self._frames.is_identity:
            return self._memory

        def rewrite(pfn: Pfn, page: bytes) -> bytes:
            if pfn in self._tables:
                return self._table(page, self._tables[pfn])
            if pfn == start_info:
                return self._start_info(page)
            return self._list(page)

        tables = (FrameRange.of(pfn, 1) for pfn in self._tables)
        return RewrittenMemory(self._memory, (*tables, p2m, FrameRange.of(start_info, 1)), rewrite)

    def _table(self, page: bytes, first: tuple[int, int]) -> bytes:
        """Return a table whose entries name guest frames, less what Xen has put into it.

        first  its level, and the lowest address that it maps
        """
        level, address = first
        entries = words_of("Q", page)
        for index, entry in enumerate(entries):
            if is_xens(self._shape.paging, level, address, index):
                entries[index] = 0
            elif entry & PAGE_PRESENT:
                flags = as_guest_made(self._shape.paging, level, entry) & ~PAGE_ADDRESS
                entries[index] = flags | self._address(entry & PAGE_ADDRESS)
        return bytes_of_words(entries)

    def _address(self, address: int) -> int:
        return paddr_of(Pfn(self.pfn_of(mfn_of(MachineAddr(address)))))

    def _start_info(self, page: bytes) -> bytes:
        layout = self._shape.start_info
        fields = layout.decode(page)
        pfns = {name: self.pfn_of(number(fields, name)) for name in RINGS}
        return with_words(page, layout, pfns)

    def _list(self, page: bytes) -> bytes:
        words = words_of(self._shape.typecode, page)
        at = 0
        while at < len(words):
            pfn, pages = self._frames.run_from(Mfn(words[at]))
            count = 1
            if pfn is not None and pfn + pages <= 1 << 8 * self._shape.word_size:
                expected = range(words[at], words[at] + min(pages, len(words) - at))
                count = next((n for n, mfn in enumerate(expected) if words[at + n] != mfn), len(expected))
                words[at : at + count] = array(self._shape.typecode, range(pfn, pfn + count))
            at += count
        return bytes_of_words(words)


def _find_tables(
    memory: MemoryReader, frames: FrameMap, paging: Paging, top: Mfn
) -> dict[Pfn, tuple[int, int]]:
    """Return the page tables by frame: the level at which each is met first, and its lowest address."""
    found: dict[Pfn, tuple[int, int]] = {}
    waiting = [(top, paging.levels, 0)]
    while waiting:
        mfn, level, first = waiting.pop()
        pfn = frames.pfn_of(mfn)
        if pfn is None or pfn in found or not exists(memory, paddr_of(pfn)):
            continue
        if len(found) == MOST_TABLES:
            raise TooManyTablesError
        found[pfn] = (level, first)
        if level == 1:
            continue
        for index, entry in enumerate(words_of("Q", memory.read(paddr_of(pfn), PAGE_SIZE))):
            leads_on = entry & PAGE_PRESENT and not (entry & PAGE_LARGE and level < paging.levels)
            if leads_on and not is_xens(paging, level, first, index):
                below = mfn_of(MachineAddr(entry & PAGE_ADDRESS))
                waiting.append((below, level - 1, first + index * span_of_entry(level)))
    return found
