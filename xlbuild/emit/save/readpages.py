"""PAGE_DATA records: where in the file each frame is, and which frames are page tables."""

from array import array
from collections.abc import Iterator
from functools import lru_cache

from xlbuild.abi.save_file import PAGE_DATA_HEADER, PAGE_PFN_MASK, PAGE_TYPE_SHIFT
from xlbuild.captured.model import PageStatistics, PageType
from xlbuild.captured.pageruns import PageRuns, TooScatteredError
from xlbuild.emit.save.cursor import Cursor, RecordHead
from xlbuild.units import PAGE_SIZE, FrameRange, Pfn, bytes_of

_ENTRY_SIZE = 8
_HEADER_SIZE = PAGE_DATA_HEADER.size
_PFN_END = 1 << 40
"""Frames of a processor's 52 bits of physical address."""
_MOST_RECORD = 8 << 20
"""Bytes that libxc takes for a record."""
_MOST_TABLES = 1 << 20
"""Page tables that are taken."""
_TYPES = frozenset(PageType)


class PageIndex:
    """What the PAGE_DATA records of a stream say, the last word on a frame counting."""

    def __init__(self) -> None:
        """Start with none."""
        self.runs = PageRuns()
        self._records = 0
        self._entries = 0
        self._by_type: dict[int, int] = {}
        self._present = 0
        """Entries that say that a frame is there."""
        self._tables = (array("Q"), array("B"), array("Q"))
        """Of each entry for a page table: frame, type, and where its page is."""

    def read(self, cursor: Cursor, head: RecordHead) -> None:
        """Read a record's entries and pass over its pages; RefusedError for what does not go together."""
        entries = self._entries_of(cursor, head)
        begin = cursor.at
        at = begin
        try:
            for entry, pages in _consecutive(entries):
                kind, first = _type_and_frame(cursor, head, entry, pages)
                at += self._add(cursor, head, kind, first, pages, at)
        except TooScatteredError as error:
            raise cursor.too_large(
                "its pages are so scattered that no table of them is kept", head.offset
            ) from error
        expected = _HEADER_SIZE + _ENTRY_SIZE * len(entries) + at - begin
        if head.size != expected:
            raise cursor.invalid(
                head.what, head.offset, f"it has {head.size} bytes, and its pages need {expected}"
            )
        cursor.skip(at - begin, head.what, head.offset)
        self._records += 1
        self._entries += len(entries)

    def _entries_of(self, cursor: Cursor, head: RecordHead) -> "array[int]":
        if head.size > _MOST_RECORD:
            raise cursor.invalid(
                head.what, head.offset, f"it has {head.size:,} bytes, more than any record has"
            )
        if head.size < _HEADER_SIZE:
            raise cursor.invalid(head.what, head.offset, f"it has {head.size} bytes, too few for its header")
        fields = cursor.take(_HEADER_SIZE, head.what, head.offset)
        count = int.from_bytes(fields[:4], "little")
        if any(fields[4:]):
            raise cursor.invalid(head.what, head.offset, "what is reserved in it is not zero")
        if not 0 < count <= (head.size - _HEADER_SIZE) // _ENTRY_SIZE:
            raise cursor.invalid(
                head.what, head.offset, f"it says that it has {count} pages, in {head.size} bytes"
            )
        return array("Q", cursor.take(count * _ENTRY_SIZE, head.what, head.offset))

    def _add(self, cursor: Cursor, head: RecordHead, kind: PageType, first: int, pages: int, at: int) -> int:
        """Take frames that are of one type; return the bytes that their pages have in the record."""
        self._by_type[int(kind)] = self._by_type.get(int(kind), 0) + pages
        if kind is PageType.XTAB:
            return 0
        self._present += pages
        self.runs.add(first, pages, at if kind.has_data else None)
        if kind.level:
            self._add_tables(cursor, head, kind, first, pages, at)
        return bytes_of(pages) if kind.has_data else 0

    def _add_tables(
        self, cursor: Cursor, head: RecordHead, kind: PageType, first: int, pages: int, at: int
    ) -> None:
        pfns, kinds, offsets = self._tables
        if len(pfns) + pages > _MOST_TABLES:
            raise cursor.too_large(f"it has more than {_MOST_TABLES} page tables", head.offset)
        pfns.extend(range(first, first + pages))
        kinds.extend([kind] * pages)
        offsets.extend(range(at, at + bytes_of(pages), PAGE_SIZE))

    def statistics(self) -> PageStatistics:
        """Return what the records hold; the runs are settled."""
        frames = sum(frames.pages for frames in self.runs.populated())
        by_type = dict(sorted(self._by_type.items()))
        return PageStatistics(self._records, self._entries, by_type, self._present - frames)

    def page_types(self) -> dict[Pfn, PageType]:
        """Return the frames that are page tables, ascending; the runs are settled.

        One that was sent again, as something else, is none any more.
        """
        found = {
            Pfn(pfn): PageType(kind)
            for pfn, kind, offset in zip(*self._tables, strict=True)
            if next(self.runs.within(FrameRange.of(pfn, 1)))[2] == offset
        }
        return dict(sorted(found.items()))


def _type_and_frame(cursor: Cursor, head: RecordHead, entry: int, pages: int) -> tuple[PageType, int]:
    """Return what the first entry of a run says; RefusedError for what no entry may say."""
    kind, first = entry >> PAGE_TYPE_SHIFT, entry & PAGE_PFN_MASK
    if kind not in _TYPES or entry & ~PAGE_PFN_MASK & (1 << PAGE_TYPE_SHIFT) - 1:
        raise cursor.invalid(head.what, head.offset, f"the entry {entry:#x} is of no known type")
    if first + pages > _PFN_END:
        raise cursor.invalid(head.what, head.offset, f"no frame has the number {first + pages - 1:#x}")
    return PageType(kind), first


def _consecutive(entries: "array[int]") -> Iterator[tuple[int, int]]:
    """Yield runs of frames that follow one another and are of one type: the first one's entry, and how many."""
    first = entries[0]
    if _is_one_run(entries):
        yield first, len(entries)
        return
    pages = 1
    for entry in entries[1:]:
        if entry == first + pages:
            pages += 1
            continue
        yield first, pages
        first, pages = entry, 1
    yield first, pages


def _is_one_run(entries: "array[int]") -> bool:
    """Return whether entries go up by one; all of them are compared at once, as one large number."""
    if entries[-1] - entries[0] != len(entries) - 1:
        return False
    ones, ascending = _lanes(len(entries))
    return int.from_bytes(entries.tobytes(), "little") == entries[0] * ones + ascending


@lru_cache(maxsize=4)
def _lanes(count: int) -> tuple[int, int]:
    """Return u64 numbers behind one another as one number: so many ones; and 0, 1, 2 …."""
    ones, ascending = array("Q", [1]) * count, array("Q", range(count))
    return int.from_bytes(ones.tobytes(), "little"), int.from_bytes(ascending.tobytes(), "little")
