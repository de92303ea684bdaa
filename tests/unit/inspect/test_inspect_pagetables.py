"""Page tables read back: as the plan has them, as a plain walker finds them, and as nobody should have made them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakememory import FakeMemory
from hypothesis import given
from hypothesis import strategies as st
from pagingmemory import (
    LINKED,
    READ_ONLY,
    SHIFTS_PAE,
    SHIFTS_X86_64,
    WRITABLE,
    leaves,
    memory_of,
    tables_by_hand,
)
from toolstack import Material

import xlbuild
from xlbuild.domain import Domain
from xlbuild.inspect.memory.page_tables import describe_page_tables
from xlbuild.inspect.memory.page_walk import MAX_PROBLEMS, MAX_RUNS, MAX_VISITS, Walk, walk
from xlbuild.inspect.memory.paging import PageTables, identity, translate
from xlbuild.plan.p2m import PhysicalToMachine
from xlbuild.plan.pagetables import X86_32_PAE, X86_64, Paging, map_frames
from xlbuild.units import FrameRange, Mfn, Pfn, VirtAddr

ROOT = Path(__file__).parents[3]
SHIFTS = {X86_64: SHIFTS_X86_64, X86_32_PAE: SHIFTS_PAE}
GUESTS = {
    "cloud": ("cloud", 256, X86_64),
    "grub32": ("grub32", 128, X86_32_PAE),
    "init-p2m": ("synth/pv64-p2m", 4096, X86_64),
}
each_mode = pytest.mark.parametrize("paging", [X86_64, X86_32_PAE], ids=["x86_64", "pae"])


def build_pv(kernel: Path, memory: int) -> Domain:
    return xlbuild.build(f'name="g"\ntype="pv"\nmemory={memory}\nkernel="{kernel}"\n'.encode())


def page_tables(domain: Domain) -> PageTables:
    linear = domain.plan.page_tables[0]
    return PageTables(domain.memory, Mfn(linear.tables.first), linear.paging)


def assert_is_the_plans(domain: Domain, found: Walk) -> None:
    """Compare what a walk found with the plan's mappings, page for page, and with its tables."""
    plan = domain.plan
    protected = {
        pfn for mapping in plan.page_tables for pfn in range(mapping.tables.first, mapping.tables.end)
    }
    expected = {
        mapping.first + page * 4096: (
            mapping.frames.first + page,
            mapping.frames.first + page not in protected,
        )
        for mapping in plan.page_tables
        for page in range(mapping.frames.pages)
    }
    assert pages_of(found) == expected
    assert {table.pfn for table in found.tables} == protected
    by_level = {
        level.level: sum(mapping.levels[at].tables for mapping in plan.page_tables)
        for at, level in enumerate(plan.page_tables[0].levels)
    }
    assert {level: sum(t.level == level for t in found.tables) for level in by_level} == by_level
    assert (found.problems, found.more_problems, found.stopped) == ((), 0, None)


def pages_of(found: Walk) -> dict[int, tuple[int, bool]]:
    """Return each mapped page's frame, and whether it may be written to."""
    return {
        run.first + page * 4096: (run.pfn + page, run.access.writable)
        for run in found.runs
        for page in range(run.pages)
    }


def test_a_small_guests_tables_map_what_the_plan_says() -> None:
    domain = xlbuild.build(ROOT / "configs" / "hello-pv.cfg")
    assert_is_the_plans(domain, walk(page_tables(domain)))


@pytest.mark.parametrize("guest", GUESTS)
def test_a_real_kernels_tables_map_what_the_plan_says(guest: str, material: Material) -> None:
    name, memory, paging = GUESTS[guest]
    kernel = material.synth / name.removeprefix("synth/") if "/" in name else getattr(material, name)
    domain = build_pv(kernel, memory)
    tables = page_tables(domain)
    assert tables.paging is paging
    found = walk(tables)
    assert_is_the_plans(domain, found)
    assert pages_of(found) == {
        address: (entry >> 12, bool(entry & 2))
        for address, entry in leaves(domain.memory, tables.top, SHIFTS[paging])
    }


def test_the_p2m_list_of_a_terabyte_is_one_run(material: Material) -> None:
    domain = build_pv(material.synth / "pv64-p2m", 1 << 20)
    tables = page_tables(domain)
    described: Any = describe_page_tables(tables, walk(tables))
    assert described["complete"] is True
    assert len(described["mapped"]) == 4
    first = described["mapped"][0]
    assert (first["first"], first["size"], first["access"]) == ("0x8000000000", 2 << 30, "writable")
    assert described["levels"][-1]["tables"] == 1026


@given(
    paging=st.sampled_from([X86_64, X86_32_PAE]),
    place=st.integers(0, 2**9 - 8),
    upper=st.booleans(),
    pages=st.integers(1, 3000),
    tables_at=st.integers(0, 3500),
    mfn_base=st.sampled_from([0, 0x12345]),
    second=st.booleans(),
    probes=st.lists(st.integers(0, 2**26), max_size=5),
)
def test_translation_agrees_with_what_the_builder_wrote(
    paging: Paging,
    place: int,
    upper: bool,
    pages: int,
    tables_at: int,
    mfn_base: int,
    second: bool,
    probes: list[int],
) -> None:
    base = VirtAddr(place << 21 | (0xFFFFFF8000000000 if upper and paging is X86_64 else 0))
    p2m = PhysicalToMachine(12_000, mfn_base)
    mappings = [map_frames(paging, base, FrameRange.of(0, pages), Pfn(tables_at))]
    if second and paging is X86_64:
        frames = FrameRange.of(8000, 33)
        mappings.append(map_frames(paging, VirtAddr(0x7FC0000000), frames, frames.end, mappings))
    memory = memory_of(mappings, p2m)

    def to_pfn(mfn: Mfn) -> Pfn | None:
        return Pfn(mfn - mfn_base) if 0 <= mfn - mfn_base < p2m.total_pages else None

    tables = PageTables(memory, p2m.mfn(mappings[0].tables.first), paging, to_pfn)
    written = dict(leaves(memory, tables.top, SHIFTS[paging], mfn_base))
    found = walk(tables)
    assert pages_of(found) == {
        address: ((entry >> 12) - mfn_base, bool(entry & 2)) for address, entry in written.items()
    }
    assert found.problems == ()
    for mapping in mappings:
        for probe in (0, 1, mapping.frames.pages * 4096 - 1, mapping.frames.pages * 4096, -1, *probes):
            virt = mapping.virt + probe
            masked = virt & paging.address_mask
            entry = written.get(masked & -4096)
            translation = translate(tables, virt)
            if entry is None:
                assert translation.address is None
                assert translation.problem is not None
                assert translation.problem.startswith("not present: L")
            else:
                assert translation.address == ((entry >> 12) - mfn_base) * 4096 + masked % 4096
                assert translation.access.writable == bool(entry & 2)
                assert len(translation.path) == paging.levels
                assert translation.path[-1].value == entry


def test_a_frame_is_known_as_the_table_that_it_is() -> None:
    domain = xlbuild.build(ROOT / "configs" / "hello-pv.cfg")
    linear = domain.plan.page_tables[0]
    found = walk(page_tables(domain))
    leaf = linear.levels[-1]
    (table,) = found.tables_at(Pfn(leaf.pfn + 1))
    assert (table.level, table.first, table.used) == (1, leaf.first + (1 << 21), 512)
    assert found.tables_at(Pfn(0)) == ()
    (run,) = found.runs_at(leaf.pfn)
    assert not run.access.writable


def one_path(leaf: int, upper: int = LINKED) -> dict[int, dict[int, int]]:
    """Return four tables in frames 1 to 4, and one page mapped at 0."""
    return {1: {0: 2 << 12 | upper}, 2: {0: 3 << 12 | LINKED}, 3: {0: 4 << 12 | LINKED}, 4: {0: leaf}}


def described(memory: FakeMemory, paging: Paging = X86_64, top: int = 1) -> Any:
    tables = PageTables(memory, Mfn(top), paging)
    return describe_page_tables(tables, walk(tables))


def problems(memory: FakeMemory, paging: Paging = X86_64, top: int = 1) -> list[tuple[str, str]]:
    return [(row["at"], row["what"]) for row in described(memory, paging, top)["problems"]]


def test_the_least_that_any_entry_allows_counts() -> None:
    for upper, access in ((LINKED, "writable"), (LINKED & ~2, "read-only")):
        (row,) = described(tables_by_hand(one_path(9 << 12 | WRITABLE | 4, upper)))["mapped"]
        assert (row["access"], row["user"], row["executable"]) == (access, True, True)
        assert row["why_read_only"] == (None if access == "writable" else "its entries say so")
    (row,) = described(tables_by_hand(one_path(9 << 12 | WRITABLE, 1 << 63 | LINKED)))["mapped"]
    assert (row["user"], row["executable"]) == (False, False)


def test_a_writable_mapping_of_a_table_is_a_problem() -> None:
    memory = tables_by_hand(one_path(3 << 12 | WRITABLE))
    assert problems(memory) == [("0x0", "frame 0x3 is a table (L2) and mapped writable")]
    assert problems(tables_by_hand(one_path(3 << 12 | READ_ONLY))) == []


def test_frames_that_the_guest_has_not_are_a_problem() -> None:
    assert problems(tables_by_hand(one_path(0x5000 << 12 | WRITABLE))) == [
        ("0x0", "it maps frame 0x5000, which the guest has not")
    ]
    tables = one_path(9 << 12 | WRITABLE)
    tables[3][7] = 0x5000 << 12 | LINKED
    assert problems(tables_by_hand(tables)) == [
        ("0xe00000", "the L1 table would be in frame 0x5000, which the guest has not")
    ]
    assert problems(tables_by_hand({}), top=0x9999) == [
        ("0x0", "the L4 table would be in frame 0x9999, which the guest has not")
    ]


def test_a_run_that_leaves_memory_is_a_problem_where_it_does() -> None:
    tables = one_path(0)
    tables[4] = {index: (0xFFE + index) << 12 | WRITABLE for index in range(8)}
    assert problems(tables_by_hand(tables)) == [("0x2000", "it maps frame 0x1000, which the guest has not")]


def test_a_large_page_is_a_problem_and_mapped_all_the_same() -> None:
    tables = one_path(9 << 12 | WRITABLE)
    tables[3][1] = 0x200 << 12 | WRITABLE | 0x80
    memory = tables_by_hand(tables)
    assert problems(memory) == [("0x200000", "a large page, which Xen does not let PV guests have")]
    assert described(memory)["mapped"][-1]["size"] == 1 << 21
    assert translate(PageTables(memory, Mfn(1), X86_64), 0x212345).address == 0x212345


def test_a_top_level_entry_maps_no_large_page() -> None:
    for paging, tables in (
        (X86_64, one_path(9 << 12 | WRITABLE, LINKED | 0x80)),
        (X86_32_PAE, {1: {0: 2 << 12 | 0x81}, 2: {0: 3 << 12 | LINKED}, 3: {0: 9 << 12 | WRITABLE}}),
    ):
        memory = tables_by_hand(tables)
        assert problems(memory, paging) == [("0x0", "bit 7 is reserved in a top-level table")]
        assert described(memory, paging)["mapped"][0]["size"] == 4096
        assert translate(PageTables(memory, Mfn(1), paging), 5).address == 0x9005


def test_xens_part_of_the_address_space_is_not_followed() -> None:
    tables = one_path(9 << 12 | WRITABLE)
    tables[1][256] = 2 << 12 | LINKED
    tables[1][272] = 2 << 12 | LINKED
    found = described(tables_by_hand(tables))
    assert [row["at"] for row in found["problems"]] == ["0xffff800000000000"]
    assert [row["first"] for row in found["mapped"]] == ["0x0", "0xffff880000000000"]


def test_reserved_bits_are_a_problem_in_pae_alone() -> None:
    tables = {1: {0: 2 << 12 | 1}, 2: {0: 3 << 12 | LINKED}, 3: {5: 1 << 52 | 9 << 12 | WRITABLE}}
    assert problems(tables_by_hand(tables), X86_32_PAE) == [("0x5000", "bits 52 to 62 are reserved")]
    four = one_path(1 << 52 | 9 << 12 | WRITABLE)
    assert problems(tables_by_hand(four)) == []


def test_pae_looks_at_four_entries_of_the_top_table() -> None:
    tables = {1: {4: 2 << 12 | LINKED, 511: 2 << 12 | LINKED}}
    assert described(tables_by_hand(tables), X86_32_PAE)["mapped"] == []


def test_a_frame_that_is_a_table_of_two_levels_is_a_problem() -> None:
    tables = one_path(9 << 12 | WRITABLE)
    tables[3][5] = 2 << 12 | LINKED & ~2
    tables[2][5] = 4 << 12 | LINKED
    found = problems(tables_by_hand(tables))
    assert ("0xa00000", "frame 0x2 is used as L1 table, and as L3") in found
    assert ("0x140000000", "frame 0x4 is used as L2 table, and as L1") in found


def test_a_link_to_a_table_of_the_own_level_must_be_read_only() -> None:
    tables = one_path(9 << 12 | WRITABLE)
    tables[1][511] = 1 << 12 | LINKED & ~2
    found = described(tables_by_hand(tables))
    assert found["problems"] == []
    assert found["linear"] == [
        {
            "at": "0xffffff8000000000",
            "what": "leads to the L4 table in frame 0x1",
            "entry": "L4[511] of frame 0x1: 0x1065",
        }
    ]
    tables[1][511] |= 2
    assert problems(tables_by_hand(tables)) == [
        (
            "0xffffff8000000000",
            "frame 0x1 is an L4 table, linked as one of the level below, and writable",
        )
    ]


class EveryFrameAlike:
    """Memory of 64 Ki frames that all hold the same page."""

    populated = (FrameRange(Pfn(0), Pfn(0x10000)),)
    end = Pfn(0x10000)

    def __init__(self, entries: list[int]) -> None:
        self.page = b"".join(entry.to_bytes(8, "little") for entry in entries)
        self.reads = 0

    def read(self, address: int, size: int) -> bytes:
        self.reads += 1
        return (self.page * 2)[address % 4096 :][:size]

    def pages(self) -> Iterator[tuple[Pfn, bytes]]:
        return self.pages_in(FrameRange(Pfn(0), self.end))

    def pages_in(self, frames: FrameRange) -> Iterator[tuple[Pfn, bytes]]:
        return ((Pfn(pfn), self.page) for pfn in range(frames.first, min(frames.end, self.end)))


HOSTILE = {
    "all link to one": [1 << 12 | LINKED] * 512,
    "each links to all": [index << 12 | LINKED for index in range(512)],
    "all ones": [(1 << 64) - 1] * 512,
    "far away": [(index * 7919 << 22) | LINKED for index in range(512)],
    "large pages": [index << 12 | LINKED | 0x80 for index in range(512)],
    "large pages, the upper levels linked": [index << 12 | LINKED | (index & 1) << 7 for index in range(512)],
}


@each_mode
@pytest.mark.parametrize("entries", HOSTILE.values(), ids=HOSTILE)
def test_hostile_tables_end_a_walk_at_its_limits(entries: list[int], paging: Paging) -> None:
    memory = EveryFrameAlike(entries)
    for mfn_to_pfn in (identity, lambda mfn: Pfn(mfn) if mfn % 5 else None):
        memory.reads = 0
        tables = PageTables(memory, Mfn(1), paging, mfn_to_pfn)
        answer: Any = describe_page_tables(tables, walk(tables))
        assert memory.reads <= MAX_VISITS
        assert len(answer["problems"]) <= MAX_PROBLEMS
        assert len(answer["mapped"]) + (answer["mapped_left_out"] or 0) <= MAX_RUNS
    translate(PageTables(memory, Mfn(1), paging), 0x123456789ABC)


@given(
    paging=st.sampled_from([X86_64, X86_32_PAE]),
    entries=st.lists(st.integers(0, 2**64 - 1), max_size=30),
    near=st.lists(
        st.tuples(st.integers(0, 15), st.integers(0, 511), st.integers(0, 17), st.integers(0, 511)),
        max_size=60,
    ),
)
def test_any_tables_are_described_and_translated_alike(
    paging: Paging, entries: list[int], near: list[tuple[int, int, int, int]]
) -> None:
    tables: dict[int, dict[int, int]] = {frame: {} for frame in range(16)}
    tables[1] = dict(enumerate(entries))
    for frame, index, to, flags in near:
        tables[frame][index] = to << 12 | flags
    memory = tables_by_hand(tables, frames=17)
    reading = PageTables(memory, Mfn(1), paging)
    found = walk(reading)
    for run in found.runs[:50]:
        translation = translate(reading, run.first)
        assert translation.address == run.pfn * 4096
        assert translation.access == run.access
