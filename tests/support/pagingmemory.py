"""Page tables in memory, as the builder makes them or put together by hand; and a plain walker to compare with."""

import struct
from collections.abc import Iterator, Sequence
from collections.abc import Mapping as ReadOnlyDict

from fakememory import FakeMemory

from xlbuild.built import MemoryReader
from xlbuild.plan.p2m import PhysicalToMachine
from xlbuild.plan.pagetables import Mapping, table_pages
from xlbuild.units import PhysAddr

LINKED, WRITABLE, READ_ONLY = 0x67, 0x23, 0x21
"""Flags of entries as the builder sets them: present, RW, user, accessed, dirty by the processor's manual."""


def memory_of(mappings: Sequence[Mapping], p2m: PhysicalToMachine) -> FakeMemory:
    """Return memory with the tables of mappings in it and nothing else."""
    pages = {pfn * 4096: page for pfn, page in table_pages(mappings, p2m)}
    return FakeMemory(pages, (0, p2m.total_pages))


def tables_by_hand(tables: ReadOnlyDict[int, ReadOnlyDict[int, int]], frames: int = 0x1000) -> FakeMemory:
    """Return memory with tables by frame, each of entries by index."""
    pages = {}
    for pfn, entries in tables.items():
        page = [entries.get(index, 0) for index in range(512)]
        pages[pfn * 4096] = struct.pack("<512Q", *page)
    return FakeMemory(pages, (0, frames))


def leaves(
    memory: MemoryReader, top: int, shifts: tuple[int, ...], mfn_base: int = 0
) -> Iterator[tuple[int, int]]:
    """Yield each mapped page's masked address and its leaf entry, as plain nested loops find them."""
    found = [(0, top)]
    for shift in shifts:
        below = []
        for base, frame in found:
            page = memory.read(PhysAddr((frame - mfn_base) * 4096), 4096)
            for index, entry in enumerate(struct.unpack("<512Q", page)):
                if entry & 1:
                    below.append((base + (index << shift), entry >> 12 & (1 << 40) - 1))
                    if shift == 12:
                        yield base + (index << shift), entry
        found = below


SHIFTS_X86_64 = (39, 30, 21, 12)
SHIFTS_PAE = (30, 21, 12)
