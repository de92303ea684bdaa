"""All that a PV guest's page tables map, and what Xen would not take of them.

The memory may hold anything. A walk visits 8192 tables at most and finds no more than 16384 runs, so that tables
that point at themselves or at each other cost a few seconds and no more.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from xlbuild.inspect.memory.paging import (
    PAGE_ADDRESS,
    PAGE_NX,
    Access,
    Entry,
    PageTables,
    allowed_by,
    identity,
)
from xlbuild.plan.pagetables import ENTRIES, PAGE_PRESENT, PAGE_RW, PAGE_USER, X86_64, span_of_entry
from xlbuild.units import (
    PAGE_SIZE,
    UINT64,
    FrameRange,
    Mfn,
    Pfn,
    bytes_of,
    common_ranges,
    merge_ranges,
    paddr_of,
    whole_pages,
)

MAX_VISITS = 8192
"""Tables that a walk looks at: they map 16 GiB in pages of 4 KiB, far more than any kernel is started with."""
MAX_RUNS = 16384
MAX_PROBLEMS = 256

_PAE_RESERVED = PAGE_NX - (1 << 52)
"""Bits 52 to 62, which only the four-level mode leaves to software (Intel SDM volume 3, 4.4.2)."""
_ALIKE = PAGE_ADDRESS | PAGE_RW | PAGE_USER | PAGE_NX
"""The bits of a leaf that decide whether it goes on where the one before it ends."""

_XEN_FROM, _XEN_TO = 0xFFFF800000000000, 0xFFFF880000000000
"""HYPERVISOR_VIRT_START and _END of 64-bit guests (public arch-x86/xen-x86_64.h)."""
_XEN_FROM_PAE = 0xF5800000
"""HYPERVISOR_VIRT_START_PAE (public arch-x86/xen-x86_32.h); all behind it is Xen's."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table and the addresses for which it is used."""

    level: int
    pfn: Pfn
    first: int
    """Lowest address that it maps, masked."""
    used: int
    """Entries that lead somewhere."""


@dataclass(frozen=True, slots=True)
class Run:
    """Pages behind one another, in virtual addresses and in frames, with the same access."""

    first: int
    """Lowest address, masked."""
    pages: int
    pfn: Pfn
    access: Access

    @property
    def frames(self) -> FrameRange:
        """The frames that are mapped."""
        return FrameRange.of(self.pfn, self.pages)


@dataclass(frozen=True, slots=True)
class Remark:
    """What is to be said of an entry, or of the addresses from one on."""

    first: int
    """Lowest address concerned, masked."""
    entry: Entry | None
    what: str


@dataclass(frozen=True, slots=True)
class Walk:
    """All that a guest's page tables map."""

    tables: tuple[Table, ...]
    """In the order of the addresses that they map, a table before those below it."""
    runs: tuple[Run, ...]
    """By address."""
    problems: tuple[Remark, ...]
    """What Xen would not take, or cannot be: the first 256."""
    more_problems: int
    """How many there are besides."""
    linear: tuple[Remark, ...]
    """Entries that lead to a table of their own level, which makes the tables show up as memory; not followed."""
    stopped: str | None
    """Why the walk ended before all was seen."""

    def tables_at(self, pfn: Pfn) -> tuple[Table, ...]:
        """Return what a frame is as a table; several where it is used in several places."""
        return tuple(table for table in self.tables if table.pfn == pfn)

    def runs_at(self, pfn: Pfn) -> tuple[Run, ...]:
        """Return the runs that map a frame."""
        return tuple(run for run in self.runs if run.frames.first <= pfn < run.frames.end)


@dataclass(slots=True)
class _Found:
    """What a walk has found so far."""

    tables: list[Table] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    problems: list[Remark] = field(default_factory=list)
    linear: list[Remark] = field(default_factory=list)
    levels: dict[Pfn, set[int]] = field(default_factory=lambda: defaultdict(set))
    """The levels at which each frame is used as a table."""
    more_problems: int = 0

    def problem(self, first: int, entry: Entry | None, what: str) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Remark(first, entry, what))
        else:
            self.more_problems += 1

    def map(self, run: Run) -> None:
        """Add a run behind the others; one that goes on where the last ended makes that longer."""
        last = self.runs[-1] if self.runs else None
        if (
            last is not None
            and last.access == run.access
            and last.pfn + last.pages == run.pfn
            and run.first - last.first == paddr_of(Pfn(last.pages))
        ):
            self.runs[-1] = Run(last.first, last.pages + run.pages, last.pfn, last.access)
        else:
            self.runs.append(run)


@dataclass(frozen=True, slots=True)
class _Place:
    """A table to visit."""

    level: int
    mfn: Mfn
    first: int
    """Lowest address that it maps."""
    allowed: int
    """What the entries on the way to it allow, as `allowed_by` has it."""
    link: Entry | None
    """The last of them."""


def walk(tables: PageTables) -> Walk:
    """Return all that page tables map, and what Xen would not take of them."""
    found = _Found()
    existing = merge_ranges(tables.memory.populated)
    waiting = [_Place(tables.paging.levels, tables.top, 0, allowed_by(()), None)]
    stopped = None
    while waiting and stopped is None:
        if len(found.tables) == MAX_VISITS:
            stopped = f"{MAX_VISITS} tables were looked at, and there are more"
        elif len(found.runs) > MAX_RUNS:
            stopped = f"more than {MAX_RUNS} pieces are mapped"
        else:
            waiting += reversed(list(_visit(tables, waiting.pop(), existing, found)))
    runs = tuple(sorted(found.runs[:MAX_RUNS], key=lambda run: run.first))
    tables_by_frame = sorted(found.levels)
    for run in runs:
        _check_frames(run, existing, found)
        if run.access.writable:
            _check_writable(run, tables_by_frame, found)
    return Walk(
        tuple(found.tables), runs, tuple(found.problems), found.more_problems, tuple(found.linear), stopped
    )


def _visit(
    tables: PageTables, place: _Place, existing: Sequence[FrameRange], found: _Found
) -> Iterator[_Place]:
    """Look at one table; yield those below it."""
    pfn = tables.mfn_to_pfn(place.mfn)
    if pfn is None or not any(common_ranges(existing, FrameRange.of(pfn, 1))):
        what = f"the L{place.level} table would be in frame {place.mfn:#x}, which the guest has not"
        found.problem(place.first, place.link, what)
        return
    if _is_linear(place, pfn, found):
        return
    _check_use(found, pfn, place)
    span = span_of_entry(place.level)
    used = min(ENTRIES, (tables.paging.address_mask + 1) // span)
    values = array("Q", tables.memory.read(paddr_of(pfn), PAGE_SIZE))[:used]
    present = [index for index, value in enumerate(values) if value & PAGE_PRESENT]
    found.tables.append(Table(place.level, pfn, place.first, len(present)))
    if tables.paging is not X86_64:
        _check_reserved(found, place, pfn, values, present)
    if place.level == 1:
        _map_pages(tables, place, pfn, values, present, found)
        return
    for index in present:
        entry = Entry(place.level, pfn, index, values[index])
        first = place.first + index * span
        if _is_xens(tables, place.level, first):
            found.problem(first, entry, "this part of the address space is Xen's own; it is not followed")
            continue
        allowed = place.allowed & allowed_by([entry.value])
        if entry.is_large:
            found.problem(first, entry, _large(tables, entry))
        if tables.maps_memory(entry):
            _map_run(tables, entry, first, whole_pages(span), allowed, found)
        else:
            yield _Place(place.level - 1, entry.mfn, first, allowed, entry)


def _large(tables: PageTables, entry: Entry) -> str:
    if entry.level == tables.paging.levels:
        return "bit 7 is reserved in a top-level table"
    return "a large page, which Xen does not let PV guests have"


def _is_xens(tables: PageTables, level: int, first: int) -> bool:
    """Return whether an entry is one that Xen fills with its own."""
    if tables.paging is X86_64:
        return level == 4 and _XEN_FROM <= tables.canonical(first) < _XEN_TO
    return level == 2 and first >= _XEN_FROM_PAE


def _is_linear(place: _Place, pfn: Pfn, found: _Found) -> bool:
    """Return whether a table is linked from one of its own level, which Xen takes read-only; note it."""
    link = place.link
    if link is None or link.level not in found.levels[pfn]:
        return False
    if link.value & PAGE_RW:
        what = f"frame {pfn:#x} is an L{link.level} table, linked as one of the level below, and writable"
        found.problem(place.first, link, what)
    if len(found.linear) < MAX_PROBLEMS:
        found.linear.append(Remark(place.first, link, f"leads to the L{link.level} table in frame {pfn:#x}"))
    return True


def _check_use(found: _Found, pfn: Pfn, place: _Place) -> None:
    """Note the level at which a frame is used as a table: Xen lets it have one."""
    other = ", ".join(f"L{level}" for level in sorted(found.levels[pfn] - {place.level}))
    found.levels[pfn].add(place.level)
    if other:
        found.problem(
            place.first, place.link, f"frame {pfn:#x} is used as L{place.level} table, and as {other}"
        )


def _check_reserved(
    found: _Found, place: _Place, pfn: Pfn, values: Sequence[int], present: Sequence[int]
) -> None:
    for index in present:
        if values[index] & _PAE_RESERVED:
            first = place.first + index * span_of_entry(place.level)
            found.problem(first, Entry(place.level, pfn, index, values[index]), "bits 52 to 62 are reserved")


def _map_pages(
    tables: PageTables,
    place: _Place,
    pfn: Pfn,
    values: "array[int]",
    present: Sequence[int],
    found: _Found,
) -> None:
    """Add what a level-1 table maps: entries that go on where the one before ends are one run."""
    for start, following in pairwise([*_starts(values, present), ENTRIES]):
        entry = Entry(1, pfn, start, values[start])
        count = bisect_left(present, following) - bisect_left(present, start)
        allowed = place.allowed & allowed_by([entry.value])
        _map_run(tables, entry, place.first + bytes_of(start), count, allowed, found)


def _starts(values: "array[int]", present: Sequence[int]) -> list[int]:
    """Return the indexes at which a run of pages starts."""
    end = values[0] + bytes_of(ENTRIES)
    if len(present) == ENTRIES and end < UINT64 and values == array("Q", range(values[0], end, PAGE_SIZE)):
        return [0]  # as nearly all are: without looking at each
    return [
        index
        for index in present
        if not index
        or not values[index - 1] & PAGE_PRESENT
        or values[index] & _ALIKE != (values[index - 1] & _ALIKE) + PAGE_SIZE
    ]


def _map_run(tables: PageTables, entry: Entry, first: int, count: int, allowed: int, found: _Found) -> None:
    """Add pages whose machine frames are behind one another, from an entry's on; their guest frames may not be."""
    access = Access.of(allowed)
    mfn = tables.frame_of(entry)
    if tables.mfn_to_pfn is identity or entry.level > 1:
        pieces: Iterable[tuple[int, int, Pfn | None]] = [(0, count, tables.mfn_to_pfn(mfn))]
    else:
        pieces = _pieces([tables.mfn_to_pfn(Mfn(mfn + page)) for page in range(count)])
    for page, pages, pfn in pieces:
        at = first + bytes_of(page)
        if pfn is None:
            found.problem(at, entry, f"it maps machine frame {mfn + page:#x}, which is not the guest's")
        else:
            found.map(Run(at, pages, pfn, access))


def _pieces(pfns: Sequence[Pfn | None]) -> Iterator[tuple[int, int, Pfn | None]]:
    """Split frames where they do not go on: yield index, number and first frame of each piece."""
    start = 0
    for index in range(1, len(pfns) + 1):
        first = pfns[start]
        goes_on = None if first is None else first + index - start
        if index == len(pfns) or pfns[index] != goes_on:
            yield start, index - start, first
            start = index


def _check_frames(run: Run, existing: Sequence[FrameRange], found: _Found) -> None:
    """Note a mapping of frames that are not there."""
    place = bisect_right(existing, run.pfn, key=lambda frames: frames.first) - 1
    end = existing[place].end if place >= 0 else Pfn(0)
    if end < run.frames.end:
        missing = max(end, run.pfn)
        at = run.first + bytes_of(missing - run.pfn)
        found.problem(at, None, f"it maps frame {missing:#x}, which the guest has not")


def _check_writable(run: Run, tables: Sequence[Pfn], found: _Found) -> None:
    """Note tables that a writable run maps."""
    first, end = bisect_left(tables, run.pfn), bisect_left(tables, run.frames.end)
    noted = min(end, first + MAX_PROBLEMS - len(found.problems))
    for pfn in tables[first:noted]:
        levels = ", ".join(f"L{level}" for level in sorted(found.levels[pfn]))
        at = run.first + bytes_of(pfn - run.pfn)
        found.problem(at, None, f"frame {pfn:#x} is a table ({levels}) and mapped writable")
    found.more_problems += end - noted
