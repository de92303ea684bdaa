"""Places: what lies at an address of a guest, and what moved from one guest to another."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from builtdomains import HELLO, PV, PVH
from diffguests import INIT_P2M, build, with_init_p2m
from hypothesis import given
from hypothesis import strategies as st

from xlbuild.built import BuiltDomain
from xlbuild.diff.memory.places import Moves, Places, Spot, locate
from xlbuild.inspect.domains.regions import domain_regions, virtual_address
from xlbuild.inspect.memory.region import region_at
from xlbuild.plan.model import Segment
from xlbuild.units import FrameRange, Pfn, PhysAddr

GUESTS = {name: build(config, 'ramdisk="xlbuild:hello-pv"') for name, config in HELLO.items()}


@pytest.mark.parametrize("built", GUESTS.values(), ids=GUESTS)
def test_an_address_is_of_the_innermost_region_that_holds_it(built: BuiltDomain) -> None:
    places, regions = locate(built), domain_regions(built)
    addresses = {
        border + by for region in regions for border in (region.first, region.end) for by in (-1, 0, 7)
    }
    for address in addresses:
        region = region_at(regions, address)
        if region is not None:
            assert places.of_physical(address) == Spot(region.name, address - region.first)


def test_what_is_behind_the_end_of_a_region_in_its_last_page_is_its_own() -> None:
    kernel = GUESTS["pv"].segment("kernel")
    assert kernel is not None
    places = locate(GUESTS["pv"])
    end = kernel.pfn * 4096 + kernel.vend - kernel.vstart
    assert end % 4096
    assert places.of_physical(end) == Spot("kernel", kernel.vend - kernel.vstart)
    assert places.of_physical(0x1000) is None


def test_no_page_is_of_two_owners() -> None:
    for built in GUESTS.values():
        owners = locate(built).owners
        assert all(one.frames.end <= other.frames.first for one, other in pairwise(owners))
        assert "hypercall_page" not in {owner.name for owner in owners}


@pytest.mark.parametrize("built", GUESTS.values(), ids=GUESTS)
def test_a_virtual_address_is_where_the_layout_has_what_lies_there(built: BuiltDomain) -> None:
    places = locate(built)
    for owner in places.owners:
        for offset in (0, 5, owner.region.size - 1):
            virtual = virtual_address(built, PhysAddr(owner.region.first + offset))
            address = owner.region.first + offset if virtual is None else virtual
            assert places.physical_of(address) == owner.region.first + offset


def test_a_p2m_list_elsewhere_is_found_at_its_own_addresses(tmp_path: Path) -> None:
    built = build(with_init_p2m(tmp_path))
    places, p2m = locate(built), built.segment("phys2mach")
    assert p2m is not None
    assert places.physical_of(INIT_P2M + 0x123) == places.by_name["phys2mach"].first + 0x123
    assert [part.number for part in places.parts if part.owner.name == "phys2mach"] == [0, 1]
    assert [part.frames.pages for part in places.parts if part.owner.name == "phys2mach"] == [
        8,
        p2m.pages - 8,
    ]


ranges = st.builds(FrameRange.of, st.integers(0, 0x120), st.integers(1, 0x140))


@given(ranges)
def test_a_range_is_split_where_owners_begin_and_end(frames: FrameRange) -> None:
    places = locate(GUESTS["pv"])
    pieces = list(places.split(frames))
    assert [pfn for _, piece in pieces for pfn in range(piece.first, piece.end)] == list(
        range(frames.first, frames.end)
    )
    for part, piece in pieces:
        for pfn in range(piece.first, piece.end):
            spot = places.owner_spot(pfn * 4096)
            assert (part.owner.name if part is not None else None) == (
                spot.owner if spot is not None else None
            )


def test_regions_that_overlap_share_no_page_and_each_has_a_name_of_its_own() -> None:
    built = GUESTS["pvh"]
    kernel = built.segment("kernel")
    assert kernel is not None
    again = Segment(
        "kernel", kernel.vstart + 0x1000, kernel.vend + 0x3000, Pfn(kernel.pfn + 1), kernel.pages + 2
    )
    places = locate(replace(built, segments=(*built.segments, again)))
    owners = {owner.name: owner.frames for owner in places.owners}
    assert owners["kernel (2)"] == FrameRange(kernel.frames.end, again.frames.end)
    assert places.owner_spot(kernel.frames.end * 4096) == Spot("kernel (2)", (kernel.pages - 1) * 4096)


def moves(config: bytes, before: tuple[str, ...], after: tuple[str, ...]) -> Moves:
    return Moves(locate(build(config, *before)), locate(build(config, *after)))


def test_what_a_ramdisk_pushes_away_has_moved(tmp_path: Path) -> None:
    small, large = tmp_path / "small", tmp_path / "large"
    small.write_bytes(b"x" * 4096)
    large.write_bytes(b"x" * 4097)
    found = moves(PV, (f'ramdisk="{small}"',), (f'ramdisk="{large}"',))
    assert (found.of("kernel"), found.of("module0"), found.of("console"), found.of("shim")) == (
        0,
        0,
        0x1000,
        None,
    )
    console = found.a.by_name["console"].first
    assert found.physical(console + 8, console + 0x1008) == "console moved by 0x1000"
    assert found.frame(console // 4096, console // 4096 + 1) == "console moved by 0x1000"
    assert found.virtual(console + 8, console + 0x1008) == "console moved by 0x1000"
    back = Moves(found.b, found.a)
    assert back.physical(console + 0x1000, console) == "console moved by -0x1000"


def test_another_byte_or_another_thing_is_no_shift(tmp_path: Path) -> None:
    file = tmp_path / "ramdisk"
    file.write_bytes(b"x")
    found = moves(PV, (), (f'ramdisk="{file}"',))
    console = found.a.by_name["console"].first
    assert found.physical(console + 8, console + 0x1009) is None
    assert found.physical(console, console) is None  # the first side's console, and the second's xenstore
    kernel = found.a.by_name["kernel"].first
    assert found.physical(kernel, kernel) is None  # it is where it was
    assert found.physical(0, 0x1000) is None  # nothing was placed there


def test_what_moves_within_its_owner_is_known_by_its_own_name() -> None:
    found = moves(PVH, (), ('cmdline="greeting=hello, world"',))
    at = found.a.by_name["memmap"].first
    assert found.physical(at, at + 8) == "memmap moved by 0x8"
    assert found.of("HVM start info") == 0


def test_an_address_that_is_no_virtual_one_of_the_layout_is_nothing() -> None:
    places: Places = locate(GUESTS["pv"])
    assert places.physical_of(1 << 40) is None
    assert Moves(places, places).virtual(1 << 40, 1 << 41) is None
