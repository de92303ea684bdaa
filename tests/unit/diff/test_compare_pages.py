"""Pages of two guests compared: every byte that differs is told once and nothing else, by owner, field and offset."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from builtdomains import HELLO, PV, PVH
from diffguests import build, with_init_p2m
from fakememory import PatchedMemory
from hypothesis import given, settings
from hypothesis import strategies as st

from xlbuild.built import BuiltDomain, MemoryReader
from xlbuild.diff.memory.pages import OTHER_MEMORY, compare_pages
from xlbuild.diff.memory.places import Moves, locate
from xlbuild.diff.memory.runs import MOST_RUNS
from xlbuild.diff.model import Change, OwnerPages, Run
from xlbuild.units import FrameRange, Pfn

GUESTS = {name: build(config, 'ramdisk="xlbuild:hello-pv"') for name, config in HELLO.items()}


def compare(a: BuiltDomain, b: BuiltDomain) -> dict[str, OwnerPages]:
    return {owner.owner: owner for owner in compare_pages(a, b, Moves(locate(a), locate(b)))}


def patched(built: BuiltDomain, patches: Mapping[int, bytes]) -> BuiltDomain:
    return replace(built, memory=PatchedMemory(built.memory, patches))


def counts(owner: OwnerPages) -> tuple[int, int, int, int]:
    return owner.changed, owner.shifted, owner.added, owner.removed


def fields(owner: OwnerPages) -> dict[str | None, Change]:
    return {run.field: run.change for run in owner.runs}


def differing_bytes(a: MemoryReader, b: MemoryReader) -> set[int]:
    """Return the addresses of all bytes that differ, found one by one."""
    ones, others = dict(a.pages()), dict(b.pages())
    return {
        pfn * 4096 + at
        for pfn in ones.keys() | others.keys()
        for at, (x, y) in enumerate(
            zip(ones.get(pfn, bytes(4096)), others.get(pfn, bytes(4096)), strict=True)
        )
        if x != y
    }


def addresses(built: BuiltDomain, owner: OwnerPages) -> Iterator[tuple[Run, range]]:
    """Yield the runs of an owner, and the addresses that each is at."""
    starts = {each.name: each.region.first for each in locate(built).owners}
    for run in owner.runs:
        first = run.offset + (0 if run.owner == OTHER_MEMORY else starts[run.owner])
        yield run, range(first, first + run.size)


def places_of(built: BuiltDomain) -> st.SearchStrategy[int]:
    """Return addresses that exist: most of them where something lies."""
    ends = [frames.end * 4096 for frames in built.populated]
    anywhere = st.one_of(
        *(st.integers(frames.first * 4096, frames.end * 4096 - 1) for frames in built.populated)
    )
    regions = locate(built).regions
    inside = st.sampled_from(regions).flatmap(lambda region: st.integers(region.first, region.end - 1))
    border = st.sampled_from(regions).map(
        lambda region: region.end if region.end not in ends else region.first
    )
    return st.one_of(inside, inside, border, anywhere)


data = st.one_of(st.binary(min_size=1, max_size=12), st.sampled_from([bytes(4096), b"\0", b"\xff" * 5000]))


@pytest.mark.parametrize("guest", GUESTS)
@settings(max_examples=25)
@given(given_data=st.data())
def test_all_edits_of_memory_are_found_and_nothing_else(guest: str, given_data: st.DataObject) -> None:
    built = GUESTS[guest]
    exist = {pfn for frames in built.populated for pfn in range(frames.first, frames.end)}
    edits = given_data.draw(st.lists(st.tuples(places_of(built), data), min_size=1, max_size=4))
    other = patched(built, {at: new for at, new in edits if (at + len(new)) // 4096 in exist})
    expected = differing_bytes(built.memory, other.memory)
    found = compare(built, other)
    told: set[int] = set()
    for owner in found.values():
        for run, place in addresses(built, owner):
            assert run.differing == len(expected.intersection(place))
            assert {place[0], place[-1]} <= expected
            assert not told.intersection(place)
            told.update(place)
    assert expected <= told or any(owner.runs_left_out for owner in found.values())
    assert sum(owner.differing for owner in found.values()) == len({at // 4096 for at in expected})


@pytest.mark.parametrize("guest", GUESTS)
@settings(max_examples=12)
@given(given_data=st.data())
def test_the_other_way_round_what_was_added_is_removed(guest: str, given_data: st.DataObject) -> None:
    built = GUESTS[guest]
    edits = given_data.draw(
        st.lists(st.tuples(places_of(built), st.binary(max_size=3)), min_size=1, max_size=3)
    )
    other = patched(built, {at & ~3: bytes_ for at, bytes_ in edits})
    there, back = compare(built, other), compare(other, built)
    assert list(there) == list(back)
    for name, owner in there.items():
        assert (owner.same, owner.changed, owner.shifted) == (
            back[name].same,
            back[name].changed,
            back[name].shifted,
        )
        assert (owner.added, owner.removed) == (back[name].removed, back[name].added)
        assert [(run.place, run.a, run.b) for run in owner.runs] == [
            (run.place, run.b, run.a) for run in back[name].runs
        ]


@pytest.mark.parametrize("built", GUESTS.values(), ids=GUESTS)
def test_a_guest_is_the_same_as_itself_wherever_its_memory_is(built: BuiltDomain) -> None:
    assert not compare(built, patched(built, {}))


def test_one_byte_more_in_a_command_line_is_one_run_of_that_field() -> None:
    for config, owner, field in (
        (PV, "start_info", "start_info.cmd_line"),
        (PVH, "HVM start info", "start_info.cmdline"),
    ):
        found = compare(build(config), build(config, 'cmdline="greeting=hello!"'))
        (run,) = found[owner].runs
        assert list(found) == [owner]
        assert (run.field, run.change, run.size, run.a, run.b) == (field, Change.CHANGED, 1, b"\0", b"!")
        assert run.words == f"{field} + 0xe"


def test_a_longer_command_line_moves_what_lies_behind_it_and_that_is_a_shift() -> None:
    found = compare(build(PVH), build(PVH, 'cmdline="greeting=hello, world"'))
    assert list(found) == ["HVM start info"]
    runs = {(run.field or run.words): run for run in found["HVM start info"].runs}
    assert {name: run.change for name, run in runs.items()} == {
        "start_info.memmap_paddr": Change.SHIFTED,
        "start_info.cmdline": Change.CHANGED,
        "memmap": Change.SHIFTED,
    }
    assert runs["memmap"].why == "memmap moved by 0x8 within HVM start info"
    assert (runs["start_info.cmdline"].a, runs["start_info.cmdline"].b) == (b"\0", b", world")


def test_more_memory_is_a_longer_p2m_list_and_other_numbers_of_frames() -> None:
    pv = compare(build(PV), build(PV, "memory=32"))
    assert {name: counts(owner) for name, owner in pv.items()} == {
        "phys2mach": (0, 0, 8, 0),
        "start_info": (1, 0, 0, 0),
        "page tables": (0, 4, 0, 0),
    }
    assert fields(pv["start_info"]) == {
        "start_info.nr_pages": Change.CHANGED,
        "start_info.store_mfn": Change.SHIFTED,
        "start_info.console_mfn": Change.SHIFTED,
        "start_info.pt_base": Change.SHIFTED,
    }
    (p2m,) = pv["phys2mach"].runs
    assert (p2m.offset, p2m.size, p2m.words) == (0x8000, 0x8000, "phys2mach[4096].mfn")
    pvh = compare(build(PVH), build(PVH, "memory=64"))
    assert {name: fields(owner) for name, owner in pvh.items()} == {
        "HVM start info": {"start_info.memmap[0x0].size": Change.CHANGED}
    }


def test_tables_behind_a_p2m_list_are_compared_with_the_tables_behind_the_other(tmp_path: Path) -> None:
    config = with_init_p2m(tmp_path)
    found = compare(build(config), build(config, "memory=32"))
    assert counts(found["phys2mach"]) == (0, 3, 8, 0)
    added, tables, *_ = found["phys2mach"].runs
    assert (added.change, added.offset // 4096) == (Change.ADDED, 8)
    assert (tables.change, tables.offset // 4096) == (Change.SHIFTED, 16)
    assert tables.why == "page tables in phys2mach moved by 0x8000"


@pytest.fixture
def ramdisks(tmp_path: Path) -> tuple[str, str]:
    files = tmp_path / "small", tmp_path / "large"
    for file, size in zip(files, (0x3000, 0x3001), strict=True):
        file.write_bytes(b"x" * size)
    one, other = (f'ramdisk="{file}"' for file in files)
    return one, other


def test_a_ramdisk_that_grows_by_a_page_shifts_what_lies_behind_it(ramdisks: tuple[str, str]) -> None:
    pv = compare(*(build(PV, ramdisk) for ramdisk in ramdisks))
    assert {name: counts(owner) for name, owner in pv.items()} == {
        "module0": (0, 0, 1, 0),
        "start_info": (1, 0, 0, 0),
        "page tables": (0, 4, 0, 0),
    }
    assert {name for name, change in fields(pv["start_info"]).items() if change is Change.CHANGED} == {
        "start_info.mod_len"
    }
    (module,) = pv["module0"].runs
    assert (module.place, module.size, module.differing) == ("module0+0x3000", 4096, 1)
    assert (module.a, module.b) == (b"", b"x" + bytes(15))
    pvh = compare(*(build(PVH, ramdisk) for ramdisk in ramdisks))
    assert {name for name, change in fields(pvh["HVM start info"]).items() if change is Change.CHANGED} == {
        "start_info.modlist[0].size"
    }


def test_a_modules_command_line_that_moves_is_a_shift_and_so_is_its_address(
    ramdisks: tuple[str, str],
) -> None:
    shim = ("pvshim=1", 'pvshim_path="xlbuild:hello-pvh"', 'kernel="xlbuild:hello-pv"')
    small, large = (build(PVH, *shim, ramdisk) for ramdisk in ramdisks)
    grown = fields(compare(small, large)["HVM start info"])
    assert grown["start_info.modlist[0].cmdline_addr"] is Change.SHIFTED
    assert {path for path, change in grown.items() if change is Change.CHANGED} == {
        "start_info.modlist[1].size"
    }
    shorter = compare(small, build(PVH, *shim, 'pvshim_cmdline="short"', ramdisks[0]))["HVM start info"]
    changed = [run for run in shorter.runs if run.change is not Change.SHIFTED]
    assert [(run.field, run.b) for run in changed] == [("start_info.cmdline", b"short\0")]
    (run,) = compare(small, build(PVH, *shim, 'cmdline="greeting=hallo"', ramdisks[0]))["HVM start info"].runs
    assert (run.field, run.words, run.a, run.b) == (
        "start_info.modlist[0].cmdline",
        "start_info.modlist[0].cmdline + 0xa",
        b"e",
        b"a",
    )


def test_another_release_moves_its_tables_and_that_changes_none() -> None:
    found = compare(build(PVH, xen="4.17"), build(PVH, xen="4.21"))
    assert {name: counts(owner) for name, owner in found.items()} == {
        "HVM start info": (1, 0, 0, 0),
        "ACPI info": (0, 1, 0, 0),
        "ACPI tables": (0, 2, 0, 0),
        "RSDP": (0, 1, 0, 0),
        "console": (0, 0, 1, 0),
    }
    assert fields(found["RSDP"]) == dict.fromkeys(
        (
            "acpi.rsdp.checksum",
            "acpi.rsdp.rsdt_address",
            "acpi.rsdp.xsdt_address",
            "acpi.rsdp.extended_checksum",
        ),
        Change.SHIFTED,
    )


def test_a_checksum_that_does_not_follow_is_changed() -> None:
    after = build(PVH, xen="4.21")
    rsdp = locate(after).by_name["RSDP"].first
    wrong = bytes([after.memory.read(rsdp, 9)[8] ^ 0x55])
    found = compare(build(PVH, xen="4.17"), patched(after, {rsdp + 8: wrong}))["RSDP"]
    assert counts(found) == (1, 0, 0, 0)
    assert fields(found)["acpi.rsdp.checksum"] is Change.CHANGED
    assert fields(found)["acpi.rsdp.xsdt_address"] is Change.SHIFTED


def test_another_processor_is_an_entry_of_its_own() -> None:
    found = compare(build(PVH), build(PVH, "vcpus=4"))["ACPI tables"]
    entry = "acpi.contents.madt.entries.local_apic[3]"
    assert {name: change for name, change in fields(found).items() if name and "madt" in name} == {
        "acpi.contents.madt.length": Change.CHANGED,
        "acpi.contents.madt.checksum": Change.CHANGED,
        **{f"{entry}.{name}": Change.ADDED for name in ("length", "processor_id", "apic_id", "flags")},
    }


def test_what_only_one_container_has_is_added_and_removed() -> None:
    found = compare(build(PV), build(PVH))
    assert counts(found["page tables"]) == (0, 0, 0, 5)
    assert counts(found["HVM start info"]) == (0, 0, 1, 0)
    assert found["kernel"].removed == 1
    assert [run.words for run in found["kernel"].runs if run.change is Change.REMOVED] == ["hypercall_page"]


def test_bytes_before_a_table_that_begins_within_a_page_are_other_memory(small_hvm: str) -> None:
    built = build(small_hvm.encode())
    found = compare(built, patched(built, {0x9F7FF: b"\1\1"}))
    before, table = found["hvm_info_table"].runs
    assert (before.owner, before.offset, before.size) == (OTHER_MEMORY, 0x9F7FF, 1)
    assert (table.owner, table.offset, table.field) == ("hvm_info_table", 0, "hvm_info_table.signature")


def test_where_nothing_was_placed_frames_are_compared() -> None:
    built = GUESTS["pvh"]
    found = compare(patched(built, {0x5000: b"abc"}), patched(built, {0x5001: b"x", 0x1000: b"n"}))
    assert list(found) == [OTHER_MEMORY]
    owner = found[OTHER_MEMORY]
    assert counts(owner) == (1, 0, 1, 0)
    assert [(run.place, run.change, run.a, run.b) for run in owner.runs] == [
        ("other memory+0x1000", Change.ADDED, b"", b"n"),
        ("other memory+0x5000", Change.CHANGED, b"abc", b"\0x\0"),
    ]


def test_of_a_great_many_runs_the_first_are_told_and_the_rest_counted() -> None:
    built = GUESTS["pvh"]
    found = compare(built, patched(built, {0x10000 + at: b"\1" for at in range(0, 4096, 32)}))
    assert not found[OTHER_MEMORY].runs_left_out  # one page that only one side has is one run
    base = patched(built, {0x10000: b"\2" * 4096})
    owner = compare(base, patched(base, {0x10000 + at: b"\1" for at in range(0, 4096, 32)}))[OTHER_MEMORY]
    assert (len(owner.runs), owner.runs_left_out) == (MOST_RUNS, 128 - MOST_RUNS)


def test_whoever_knows_more_says_where_a_run_begins() -> None:
    a, b = GUESTS["pvh"], patched(GUESTS["pvh"], {0x100010: b"\1" * 8, 0x5000: b"x"})
    found = compare_pages(
        a, b, Moves(locate(a), locate(b)), (lambda *_: "first", lambda owner, offset: f"{owner} {offset:#x}")
    )
    assert [run.words for owner in found for run in owner.runs] == ["kernel 0x10", "other memory 0x5000"]


class Sparse:
    """64 GiB in which a few pages hold something; it counts what is asked of it."""

    def __init__(self, pages: Mapping[int, bytes]) -> None:
        self.populated = (FrameRange(Pfn(0), Pfn(1 << 24)),)
        self.end = Pfn(1 << 24)
        self.contents = dict(pages)
        self.yielded = 0

    def read(self, address: int, size: int) -> bytes:
        page = self.contents.get(address // 4096, bytes(4096))
        return page[address % 4096 :][:size].ljust(size, b"\0")

    def pages(self) -> Iterator[tuple[Pfn, bytes]]:
        return self.pages_in(FrameRange(Pfn(0), self.end))

    def pages_in(self, frames: FrameRange) -> Iterator[tuple[Pfn, bytes]]:
        for pfn in sorted(self.contents):
            if frames.first <= pfn < frames.end:
                self.yielded += 1
                yield Pfn(pfn), self.contents[pfn]


def test_each_page_that_holds_something_is_asked_for_once() -> None:
    pages = {pfn: bytes([pfn % 255 + 1]) * 4096 for pfn in range(7, 1 << 24, 1 << 14)}
    one, other = Sparse(pages), Sparse({**pages, (1 << 23) + 7: b"\1" + bytes(4095)})
    a, b = (replace(GUESTS["pvh"], memory=memory) for memory in (one, other))
    found = compare(a, b)
    assert {name: owner.differing for name, owner in found.items()} == {OTHER_MEMORY: 1}
    assert one.yielded == other.yielded == len(pages)
