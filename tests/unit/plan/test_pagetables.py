"""A PV guest's page tables translate every mapped address to its frame, and protect themselves."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlbuild.plan.p2m import PhysicalToMachine
from xlbuild.plan.pagetables import X86_32_PAE, X86_64, Mapping, map_frames, table_pages
from xlbuild.units import FrameRange, Pfn, VirtAddr

KERNEL_BASE = VirtAddr(0xFFFFFFFF80000000)


def walk(
    tables: dict[int, tuple[int, ...]],
    root: int,
    address: int,
    mfn_base: int,
    upper: tuple[int, ...] = (39, 30, 21),
) -> int | None:
    """Translate an address as the processor does; return the leaf entry. `upper` are the upper levels' shifts."""
    table = root
    for shift in upper:
        entry = tables[table][address >> shift & 511]
        if not entry & 1:
            return None
        assert entry & 0xFFF == 0x067
        table = (entry >> 12) - mfn_base
    entry = tables[table][address >> 12 & 511]
    return entry if entry & 1 else None


def filled(mappings: list[Mapping], p2m: PhysicalToMachine) -> dict[int, tuple[int, ...]]:
    return {pfn: struct.unpack("<512Q", page) for pfn, page in table_pages(mappings, p2m)}


@given(
    base=st.integers(0, 2**27 - 16).map(lambda page: VirtAddr(page << 21)),
    pages=st.integers(1, 3000),
    tables_at=st.integers(0, 3500),
    mfn_base=st.sampled_from([0, 0x12345]),
)
def test_each_mapped_address_leads_to_its_frame(
    base: VirtAddr, pages: int, tables_at: int, mfn_base: int
) -> None:
    p2m = PhysicalToMachine(10_000, mfn_base)
    mapping = map_frames(X86_64, base, FrameRange.of(0, pages), Pfn(tables_at))
    tables = filled([mapping], p2m)
    own = range(mapping.tables.first, mapping.tables.end)
    for page in {0, pages // 2, pages - 1, *(p for p in own if p < pages)}:
        leaf = walk(tables, mapping.tables.first, base + (page << 12), mfn_base)
        assert leaf is not None
        assert leaf >> 12 == page + mfn_base
        assert leaf & 0xFFF == (0x021 if page in own else 0x023)
    assert sorted(tables) == list(own)


@given(
    base=st.integers(0, 2**11 - 8).map(lambda page: VirtAddr(page << 21)),
    pages=st.integers(1, 4096),
    tables_at=st.integers(0, 4500),
    mfn_base=st.sampled_from([0, 0x123456]),
)
def test_pae_has_three_levels_and_always_a_directory_for_the_fourth_gib(
    base: VirtAddr, pages: int, tables_at: int, mfn_base: int
) -> None:
    mapping = map_frames(X86_32_PAE, base, FrameRange.of(0, pages), Pfn(tables_at))
    tables = filled([mapping], PhysicalToMachine(10_000, mfn_base))
    own = range(mapping.tables.first, mapping.tables.end)
    for page in {0, pages // 2, pages - 1, *(p for p in own if p < pages)}:
        leaf = walk(tables, own.start, base + (page << 12), mfn_base, upper=(30, 21))
        assert leaf == (page + mfn_base) << 12 | (0x021 if page in own else 0x023)
    top = tables[own.start]
    assert [bool(entry) for entry in top[:4]] == [gib >= base >> 30 for gib in range(4)]
    assert not any(top[4:])


@pytest.mark.parametrize(
    ("p2m_base", "new_tables"),
    [
        # From the real builder (libxenguest 4.17.7) for the harness's pv64-p2m, -samel4 and -samel3 kernels.
        (0x8000000000, 3),
        (0xFFFFFFFF00000000, 2),
        (0xFFFFFFFF7FE00000, 2),
    ],
)
def test_a_second_mapping_shares_the_tables_that_are_there(p2m_base: int, new_tables: int) -> None:
    first = map_frames(X86_64, KERNEL_BASE, FrameRange.of(0, 1024), Pfn(0x12D))
    second = map_frames(X86_64, VirtAddr(p2m_base), FrameRange.of(0x400, 32), Pfn(0x420), [first])
    assert first.tables == FrameRange.of(0x12D, 5)
    assert second.tables == FrameRange.of(0x420, new_tables)
    tables = filled([first, second], PhysicalToMachine(0x4000))
    leaf = walk(tables, 0x12D, p2m_base + 31 * 4096, 0)
    assert leaf == (0x41F << 12) | 0x023
    assert walk(tables, 0x12D, p2m_base + 32 * 4096, 0) is None
    assert walk(tables, 0x12D, KERNEL_BASE + (0x12D << 12), 0) == (0x12D << 12) | 0x021


def test_a_terabyte_of_p2m_needs_no_table_twice() -> None:
    first = map_frames(X86_64, KERNEL_BASE, FrameRange.of(0, 0x4000), Pfn(0x3000))
    second = map_frames(X86_64, VirtAddr(0x8000000000), FrameRange.of(0x4000, 1 << 19), Pfn(0x90000), [first])
    assert [level.tables for level in second.levels] == [0, 1, 2, 1024]
