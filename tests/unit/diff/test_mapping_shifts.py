"""Pages of page tables: shifted when they map the same things the same way, and changed by a single bit else."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest
from builtdomains import PV
from diffguests import build, with_init_p2m, with_pae
from fakememory import PatchedMemory
from hypothesis import given, settings
from hypothesis import strategies as st
from pagingmemory import SHIFTS_PAE, SHIFTS_X86_64, leaves

from xlbuild.built import BuiltDomain
from xlbuild.diff.memory.pages import compare_pages
from xlbuild.diff.memory.places import Moves, Places, locate
from xlbuild.diff.model import OwnerPages
from xlbuild.inspect.domains.regions import virtual_address
from xlbuild.units import PhysAddr

SEGMENTS = ("page tables", "phys2mach")
"""Where page tables lie."""


@dataclass(frozen=True, repr=False)
class Pair:
    """Two guests, of which the second's things lie elsewhere."""

    a: BuiltDomain
    b: BuiltDomain
    shifts: tuple[int, ...] = SHIFTS_X86_64


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Pair]:
    directory = tmp_path_factory.mktemp("kernels")
    small, large = directory / "small", directory / "large"
    small.write_bytes(b"x" * 0x1000)
    large.write_bytes(b"x" * 0x5000)
    ramdisks = [f'ramdisk="{file}"' for file in (small, large)]
    init_p2m, pae = with_init_p2m(directory), with_pae(directory)
    return {
        "a ramdisk that grows": Pair(build(PV, ramdisks[0]), build(PV, ramdisks[1])),
        "a ramdisk that is new": Pair(build(PV), build(PV, ramdisks[0])),
        "more memory": Pair(build(PV), build(PV, "memory=48")),
        "more memory, less ramdisk": Pair(build(PV, ramdisks[1]), build(PV, "memory=32", ramdisks[0])),
        "a p2m list elsewhere": Pair(build(init_p2m, ramdisks[0]), build(init_p2m, "memory=32", ramdisks[1])),
        "PAE": Pair(build(pae, ramdisks[0]), build(pae, ramdisks[1]), SHIFTS_PAE),
    }


NAMES = (
    "a ramdisk that grows",
    "a ramdisk that is new",
    "more memory",
    "more memory, less ramdisk",
    "a p2m list elsewhere",
    "PAE",
)


def compare(a: BuiltDomain, b: BuiltDomain) -> dict[str, OwnerPages]:
    found = compare_pages(a, b, Moves(locate(a), locate(b)))
    return {owner.owner: owner for owner in found if owner.owner in SEGMENTS}


def patched(built: BuiltDomain, address: int, data: bytes) -> BuiltDomain:
    return replace(built, memory=PatchedMemory(built.memory, {address: data}))


def top(built: BuiltDomain) -> int:
    segment = built.segment("page tables")
    assert segment is not None
    return segment.pfn


def mapped(built: BuiltDomain, shifts: tuple[int, ...]) -> Iterator[tuple[str, int, int, int]]:
    """Yield what each page is that the tables map, whose it is, how far from its place, and with which flags."""
    places = locate(built)
    for virtual, entry in leaves(built.memory, top(built), shifts):
        address = entry & 0xF_FFFF_FFFF_F000
        spot = places.owner_spot(address)
        expected = virtual_address(built, PhysAddr(address))
        assert expected is not None
        distance = (virtual - expected) % (1 << 32 if shifts is SHIFTS_PAE else 1 << 48)
        if spot is None:
            yield "nothing", address, distance, entry & 0xFFF
        elif not _is_table(places, spot.owner, address):
            yield spot.owner, spot.offset, distance, entry & 0xFFF


def _is_table(places: Places, owner: str, address: int) -> bool:
    """Return whether a page is of the tables behind a p2m list, which are counted from the list's end."""
    return any(
        part.number and part.owner.name == owner and part.frames.first <= address // 4096 < part.frames.end
        for part in places.parts
    )


@pytest.mark.parametrize("name", NAMES)
def test_tables_that_map_the_same_the_same_way_are_shifted(pairs: dict[str, Pair], name: str) -> None:
    pair = pairs[name]
    found = compare(pair.a, pair.b)
    assert found["page tables"].shifted
    assert not any(owner.changed for owner in found.values())
    back = compare(pair.b, pair.a)
    assert {name: owner.shifted for name, owner in back.items()} == {
        name: owner.shifted for name, owner in found.items()
    }
    ones, others = ({item[:2]: item[2:] for item in mapped(built, pair.shifts)} for built in (pair.a, pair.b))
    both = ones.keys() & others.keys()
    assert {item: ones[item] for item in both} == {item: others[item] for item in both}
    assert {owner for owner, _ in both} >= {"kernel", "start_info", "page tables", "boot_stack", "nothing"}


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=12)
@given(data=st.data())
def test_one_bit_of_an_entry_makes_a_page_a_changed_one(
    pairs: dict[str, Pair], name: str, data: st.DataObject
) -> None:
    pair = pairs[name]
    tables = [(owner, pfn) for owner, pfn in _tables(pair.b) if _other_side(pair, owner, pfn) is not None]
    owner, pfn = data.draw(st.sampled_from(tables))
    entries = [index for index in range(512) if any(pair.b.memory.read(PhysAddr(pfn * 4096 + 8 * index), 8))]
    index = data.draw(st.one_of(st.sampled_from(entries), st.integers(0, 511)))
    bit = data.draw(st.one_of(st.integers(0, 14), st.integers(0, 63)))
    address = PhysAddr(pfn * 4096 + 8 * index)
    entry = int.from_bytes(pair.b.memory.read(address, 8), "little") ^ 1 << bit
    other = patched(pair.b, address, entry.to_bytes(8, "little"))
    one = pair.a.memory.read(PhysAddr((_other_side(pair, owner, pfn) or 0) * 4096), 4096)
    is_same = other.memory.read(PhysAddr(pfn * 4096), 4096) == one
    assert compare(pair.a, other)[owner].changed > 0 or is_same
    back = compare(other, pair.a)
    assert is_same or back[owner].changed > 0


def _tables(built: BuiltDomain) -> Iterator[tuple[str, int]]:
    for part in locate(built).parts:
        if part.owner.name == "page tables" or part.number:
            yield from ((part.owner.name, pfn) for pfn in range(part.frames.first, part.frames.end))


def _other_side(pair: Pair, owner: str, pfn: int) -> int | None:
    """Return the frame of the first guest that is compared with one of the second."""
    for one in locate(pair.a).parts:
        for other in locate(pair.b).parts:
            if one.owner.name == other.owner.name == owner and one.number == other.number:
                frame = one.start + pfn - other.start
                if pfn in range(other.frames.first, other.frames.end):
                    return frame if frame < one.frames.end else None
    return None


FLAGS: dict[str, Callable[[int], int]] = {
    "read-only": lambda entry: entry & ~2,
    "user": lambda entry: entry | 4,
    "not accessed": lambda entry: entry & ~0x20,
    "global": lambda entry: entry | 0x100,
    "not executable": lambda entry: entry | 1 << 63,
    "another frame": lambda entry: entry + 0x1000,
    "not there": lambda entry: entry & ~1,
    "zero": lambda entry: 0,
}


@pytest.mark.parametrize("change", FLAGS.values(), ids=FLAGS)
def test_whatever_is_mapped_otherwise_is_told_of(
    pairs: dict[str, Pair], change: Callable[[int], int]
) -> None:
    """The console's page, which moves, is mapped otherwise in one of the guests."""
    pair = pairs["a ramdisk that grows"]
    console = pair.b.special_pages["console"]
    table = next(
        pfn * 4096 + 8 * index
        for _, pfn in _tables(pair.b)
        for index in range(512)
        if int.from_bytes(pair.b.memory.read(PhysAddr(pfn * 4096 + 8 * index), 8), "little") >> 12 == console
    )
    entry = int.from_bytes(pair.b.memory.read(PhysAddr(table), 8), "little")
    other = patched(pair.b, table, change(entry).to_bytes(8, "little"))
    assert compare(pair.a, other)["page tables"].changed == 1
    assert compare(pair.a, other)["page tables"].shifted == 3
    assert compare(other, pair.a)["page tables"].changed == 1


def test_what_grows_is_mapped_as_the_rest_of_it(pairs: dict[str, Pair]) -> None:
    pair = pairs["a p2m list elsewhere"]
    found = compare(pair.a, pair.b)["phys2mach"]
    assert (found.added, found.shifted, found.changed) == (8, 3, 0)
    last = [run for run in found.runs if run.offset // 4096 == 18]
    assert [run.why for run in last] == ["what is mapped has another size"]
