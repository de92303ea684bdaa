"""A PV guest's initial page tables: how many, where, and what is in them.

A `Mapping` maps a run of guest frames at a run of virtual addresses and brings the tables it needs, top level first,
each level contiguous. A second mapping (INIT_P2M's) shares the tables that the first one has and brings only the
rest. Entries are 8 bytes, 512 to a table, on four levels (x86_64) or three (PAE).
"""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from xlbuild.plan.p2m import PhysicalToMachine
from xlbuild.units import (
    GIB,
    PAGE_SHIFT,
    PAGE_SIZE,
    FrameRange,
    Pfn,
    VirtAddr,
    bytes_of,
    maddr_of,
    page_down,
    pages_for,
)

# Architectural bits of an entry (Intel SDM volume 3, 4.5).
PAGE_PRESENT = 1 << 0
PAGE_RW = 1 << 1
PAGE_USER = 1 << 2
PAGE_ACCESSED = 1 << 5
PAGE_DIRTY = 1 << 6

LEAF_FLAGS = PAGE_PRESENT | PAGE_RW | PAGE_ACCESSED
TABLE_FLAGS = PAGE_PRESENT | PAGE_RW | PAGE_USER | PAGE_ACCESSED | PAGE_DIRTY

ENTRY_BITS = 9
ENTRIES = 1 << ENTRY_BITS


@dataclass(frozen=True, slots=True)
class Paging:
    """How a processor mode translates addresses."""

    levels: int
    address_bits: int
    """Bits of a virtual address that the tables translate."""
    last_directory: int | None = None
    """Address from which on a guest always needs its level-2 table: Xen puts entries of its own into it."""

    @property
    def address_mask(self) -> int:
        """The bits of a virtual address that the tables translate."""
        return (1 << self.address_bits) - 1


X86_64 = Paging(levels=4, address_bits=48)
X86_32_PAE = Paging(levels=3, address_bits=32, last_directory=3 * GIB)


def span_of_entry(level: int) -> int:
    """Return how many bytes of address space one entry of a level-`level` table maps."""
    return 1 << (PAGE_SHIFT + (level - 1) * ENTRY_BITS)


def span_of_table(level: int) -> int:
    """Return how many bytes of address space one level-`level` table maps."""
    return span_of_entry(level) * ENTRIES


@dataclass(frozen=True, slots=True)
class LevelTables:
    """The tables of one level that a mapping brings: where they are and what they map."""

    level: int
    first: int
    """Lowest address mapped, masked to what is translated."""
    tables: int
    pfn: Pfn

    @property
    def end(self) -> int:
        """One past the highest address mapped."""
        return self.first + self.tables * span_of_table(self.level)


@dataclass(frozen=True, slots=True)
class Mapping:
    """A run of frames, the addresses they are mapped at, and the tables this needs."""

    paging: Paging
    virt: VirtAddr
    frames: FrameRange
    levels: tuple[LevelTables, ...]
    """Top level first."""

    @property
    def first(self) -> int:
        """Lowest address mapped, masked."""
        return self.virt & self.paging.address_mask

    @property
    def tables(self) -> FrameRange:
        """The frames of the tables it brings."""
        return FrameRange.of(self.levels[0].pfn, sum(level.tables for level in self.levels))


def map_frames(
    paging: Paging, virt: VirtAddr, frames: FrameRange, tables_at: Pfn, earlier: Sequence[Mapping] = ()
) -> Mapping:
    """Return the mapping of `frames` at `virt`, its tables placed from `tables_at` on.

    What `earlier` mappings have tables for is not counted again (upstream: count_pgtables).
    """
    first = virt & paging.address_mask
    last = first + bytes_of(frames.pages) - 1
    levels = []
    pfn = tables_at
    for level in range(paging.levels, 0, -1):
        span = span_of_table(level)
        start, end = first // span * span, (last // span + 1) * span
        if level == 2 and paging.last_directory is not None and virt < paging.last_directory:
            end = max(end, paging.last_directory + span)
        start, end = _less_what_exists(start, end, level, earlier)
        tables = max(0, end - start) // span
        levels.append(LevelTables(level, start, tables, pfn))
        pfn = Pfn(pfn + tables)
    return Mapping(paging, virt, frames, tuple(levels))


def _less_what_exists(start: int, end: int, level: int, earlier: Sequence[Mapping]) -> tuple[int, int]:
    for mapping in earlier:
        existing = mapping.levels[mapping.paging.levels - level]
        if existing.first <= start < existing.end:
            start = min(existing.end, end)
        if existing.first < end <= existing.end:
            end = max(existing.first, start)
    return start, end


def table_pages(mappings: Sequence[Mapping], p2m: PhysicalToMachine) -> Iterator[tuple[Pfn, bytes]]:
    """Yield every table of all mappings, with its 4096 bytes (upstream: setup_pgtables_*).

    A leaf that points at a frame holding a page table is not writable: Xen refuses a writable mapping of one.
    """
    tables = {
        (level.level, level.first + index * span_of_table(level.level)): Pfn(level.pfn + index)
        for mapping in mappings
        for level in mapping.levels
        for index in range(level.tables)
    }
    contents = {pfn: array("Q", bytes(PAGE_SIZE)) for pfn in tables.values()}
    top = mappings[0].paging.levels
    for (level, address), pfn in tables.items():
        if level == top:
            continue
        span = span_of_table(level + 1)
        parent = tables[level + 1, address // span * span]
        contents[parent][address % span // span_of_entry(level + 1)] = maddr_of(p2m.mfn(pfn)) | TABLE_FLAGS
    for mapping in mappings:
        _fill_leaves(mapping, tables, contents, p2m)
        for other in mappings:
            _make_read_only(mapping, other.tables, tables, contents)
    for pfn in sorted(contents):
        yield pfn, contents[pfn].tobytes()


def _fill_leaves(
    mapping: Mapping,
    tables: dict[tuple[int, int], Pfn],
    contents: dict[Pfn, "array[int]"],
    p2m: PhysicalToMachine,
) -> None:
    """Fill the leaf entries a table at a time."""
    end = mapping.first + bytes_of(mapping.frames.pages)
    at = mapping.first
    while at < end:
        table = at // span_of_table(1) * span_of_table(1)
        stop = min(end, table + span_of_table(1))
        pfn = Pfn(mapping.frames.first + pages_for(at - mapping.first))
        index, count = pages_for(at - table), pages_for(stop - at)
        entries = array("Q", (maddr_of(mfn) | LEAF_FLAGS for mfn in p2m.mfns(pfn, count)))
        contents[tables[1, table]][index : index + count] = entries
        at = stop


def _make_read_only(
    mapping: Mapping,
    protected: FrameRange,
    tables: dict[tuple[int, int], Pfn],
    contents: dict[Pfn, "array[int]"],
) -> None:
    first = max(protected.first, mapping.frames.first)
    for pfn in range(first, min(protected.end, mapping.frames.end)):
        address = mapping.first + bytes_of(pfn - mapping.frames.first)
        table = address // span_of_table(1) * span_of_table(1)
        contents[tables[1, table]][pages_for(page_down(address) - table)] &= ~PAGE_RW
