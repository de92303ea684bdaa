"""A PV guest's page tables as a tree: how many, what they map and how, and what is wrong with them."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from xlbuild.inspect.memory.page_walk import Remark, Run, Table, Walk
from xlbuild.inspect.memory.paging import Entry, PageTables
from xlbuild.inspect.tree import Branch, Tree, hexadecimal
from xlbuild.plan.pagetables import ENTRIES, X86_64, Paging, span_of_entry, span_of_table
from xlbuild.units import Pfn, bytes_of, human_size, paddr_of

MAX_ROWS = 2048
"""Of tables, and of mapped runs, that are listed."""


def describe_page_tables(tables: PageTables, found: Walk) -> Branch:
    """Return what a walk found that page tables map: `levels`, `mapped`, `tables`, `linear`, `problems`.

    Addresses and frames are the guest's, ranges half-open; `complete` is false where a limit ended the walk, and
    `…_left_out` counts the rows behind the first 2048 (256 problems), null where there are none.
    """
    frames = sorted({table.pfn for table in found.tables})
    return {
        "mode": "x86_64, four levels" if tables.paging is X86_64 else "PAE, three levels",
        "cr3_frame": hexadecimal(tables.top),
        "complete": found.stopped is None,
        "stopped": found.stopped,
        "table_frames": len(frames),
        "mapped_size": bytes_of(sum(run.pages for run in found.runs)),
        "levels": [
            _level(level, tables.paging, found.tables) for level in range(tables.paging.levels, 0, -1)
        ],
        "mapped": [_run(run, tables, frames) for run in found.runs[:MAX_ROWS]],
        "mapped_left_out": max(0, len(found.runs) - MAX_ROWS) or None,
        "tables": [_table(table, tables) for table in found.tables[:MAX_ROWS]],
        "tables_left_out": max(0, len(found.tables) - MAX_ROWS) or None,
        "linear": [_remark(remark, tables) for remark in found.linear],
        "problems": [_remark(remark, tables) for remark in found.problems],
        "problems_left_out": found.more_problems or None,
    }


def page_table_problems(tables: PageTables, found: Walk) -> Iterator[str]:
    """Yield a sentence for each thing that Xen would not take of what a walk found."""
    for problem in found.problems:
        at = f"the page tables at {tables.canonical(problem.first):#x}: {problem.what}"
        yield f"{at} ({problem.entry})" if problem.entry else at
    if found.more_problems:
        yield f"the page tables have {found.more_problems} more such entries"


def describe_entry(entry: Entry) -> Branch:
    """Return an entry with its parts by name."""
    return {
        "level": f"L{entry.level}",
        "table_frame": hexadecimal(entry.table),
        "index": entry.index,
        "value": hexadecimal(entry.value),
        "flags": entry.flags,
        "machine_frame": hexadecimal(entry.mfn) if entry.present else None,
    }


def table_span(tables: PageTables, table: Table) -> tuple[int, int]:
    """Return the half-open range of virtual addresses that a table maps."""
    size = min(span_of_table(table.level), tables.paging.address_mask + 1)
    return tables.canonical(table.first), tables.canonical(table.first + size - 1) + 1


def why_read_only(run: Run, frames: Sequence[Pfn]) -> str | None:
    """Return why a run may not be written to, None for one that may; `frames` are those of all tables, sorted."""
    if run.access.writable:
        return None
    tables = bisect_left(frames, run.frames.end) - bisect_left(frames, run.pfn)
    if tables == run.pages:
        return "page tables: a guest must not write to its own"
    return f"{tables} of {run.pages} pages are page tables" if tables else "its entries say so"


def _level(level: int, paging: Paging, tables: Sequence[Table]) -> Branch:
    there = [table for table in tables if table.level == level]
    return {
        "level": f"L{level}",
        "tables": len(there),
        "entries_used": sum(table.used for table in there),
        "entry_maps": human_size(span_of_entry(level)),
        "table_maps": human_size(min(span_of_entry(level) * ENTRIES, paging.address_mask + 1)),
    }


def _run(run: Run, tables: PageTables, frames: Sequence[Pfn]) -> Branch:
    size = bytes_of(run.pages)
    first = tables.canonical(run.first)
    return {
        "first": hexadecimal(first),
        "end": hexadecimal(first + size),
        "phys_first": hexadecimal(paddr_of(run.pfn)),
        "phys_end": hexadecimal(paddr_of(run.frames.end)),
        "size": size,
        "access": str(run.access),
        "user": run.access.user,
        "executable": run.access.executable,
        "why_read_only": why_read_only(run, frames),
    }


def _table(table: Table, tables: PageTables) -> Branch:
    first, end = table_span(tables, table)
    return {
        "frame": hexadecimal(table.pfn),
        "level": f"L{table.level}",
        "first": hexadecimal(first),
        "end": hexadecimal(end),
        "entries_used": table.used,
    }


def _remark(remark: Remark, tables: PageTables) -> dict[str, Tree]:
    return {
        "at": hexadecimal(tables.canonical(remark.first)),
        "what": remark.what,
        "entry": str(remark.entry) if remark.entry else None,
    }
