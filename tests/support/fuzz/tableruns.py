"""Running inputs that are a guest's page tables."""

import struct
from functools import cache

from fakememory import FakeMemory
from pagingmemory import LINKED, READ_ONLY, WRITABLE

from fuzz.inspectruns import check_tree
from fuzz.model import Field, Seed, Seeds, promise
from xlbuild.inspect.memory.page_tables import describe_page_tables
from xlbuild.inspect.memory.page_walk import walk
from xlbuild.inspect.memory.paging import PageTables
from xlbuild.plan.pagetables import X86_32_PAE, X86_64
from xlbuild.units import Mfn, bytes_of

_PAGE = 4096
_FRAMES = 64
"""Frames that the guest has; the tables are the first of them."""
_MODES = (X86_64, X86_32_PAE)
_USED = 24
"""Entries of each table that are changed most."""


def _table(*entries: tuple[int, int, int]) -> bytes:
    """Return a table of (index, frame, flags)."""
    words = [0] * 512
    for index, frame, flags in entries:
        words[index] = frame << 12 | flags
    return struct.pack("<512Q", *words)


@cache
def page_tables() -> Seeds:
    """Tables of both modes: a byte that says which, then frames from 0 on; the first is the top."""
    leaf = _table(*((index, index, READ_ONLY if index < 6 else WRITABLE) for index in range(_USED)))
    four = (_table((511, 1, LINKED), (0, 1, LINKED)), _table((510, 2, LINKED)), _table((0, 3, LINKED)), leaf)
    three = (_table((3, 1, 1), (0, 1, 1)), _table((0, 2, LINKED), (1, 3, LINKED)), leaf, leaf)
    linear = (_table((511, 1, LINKED), (272, 0, READ_ONLY)), *four[1:])
    return tuple(_seed(mode, b"".join(tables)) for mode, tables in ((0, four), (1, three), (0, linear)))


def _seed(mode: int, tables: bytes) -> Seed:
    data = bytes([mode]) + tables
    used = (at for at in range(1, len(data), 8) if any(data[at : at + 8]))
    return Seed(data, tuple(Field(at, 8) for at in used))


def run_page_tables(data: bytes) -> str:
    """Walk page tables, and describe what they map."""
    paging = _MODES[data[0] % 2] if data else X86_64
    tables = PageTables(FakeMemory({0: data[1 : _FRAMES * _PAGE]}, (0, _FRAMES)), Mfn(0), paging)
    found = walk(tables)
    check_tree(describe_page_tables(tables, found))
    end = 0
    for run in found.runs:
        promise(run.first >= end, "what is mapped is in order", f"{run.first:#x}")
        promise(run.pages > 0, "a run has pages", f"{run.first:#x}")
        end = run.first + bytes_of(run.pages)
    promise(end <= paging.address_mask + 1, "what is mapped has an address", f"{end:#x}")
    return f"{'whole' if found.stopped is None else 'stopped'}, {'problems' if found.problems else 'sound'}"
