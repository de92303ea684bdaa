"""Memory maps that depend on the host. Values: libxl 4.17, `tests/oracle/xlcreate FILE DIR` with FAKEXEN_HOST.

Many more, live: tests/oracle/test_host_maps.py.
"""

from collections.abc import Sequence

import pytest
from hosts import ACPI, RAM, RESERVED, SMALL, UNUSABLE
from hypothesis import given
from hypothesis import strategies as st

from xlbuild.config import read
from xlbuild.container import decide
from xlbuild.errors import RefusedError
from xlbuild.host import Host, HostRegion, PciAddress, ReservedRegion
from xlbuild.plan.hostmap import like_host
from xlbuild.plan.layout import LayoutError
from xlbuild.plan.memmap import memory_layout
from xlbuild.plan.model import MemoryLayout, MemoryMapEntry
from xlbuild.profiles import NEWEST
from xlbuild.units import GIB, MIB, FrameRange

_SMALL = [HostRegion(addr, addr + size, kind) for addr, size, kind in SMALL.memory_map]


def told(entries: Sequence[MemoryMapEntry]) -> list[tuple[int, int, int]]:
    return [(entry.addr, entry.addr + entry.size, entry.type) for entry in entries]


@pytest.mark.parametrize(
    ("memory", "most", "entries"),
    [
        (64, 64, [(0, 0x4000000, RAM), (0x4000000, 0xBFFF0000, UNUSABLE)]),
        (64, 128, [(0, 0x4000000, RAM), (0x4000000, 0xBFFF0000, UNUSABLE), (4 * GIB, 0x104000000, RAM)]),
        (5000, 6000, [(0, 0xBFFF0000, RAM), (4 * GIB, 0x1B7010000, RAM)]),
    ],
)
def test_a_pv_guests_map_on_a_small_host(memory: int, most: int, entries: list[tuple[int, int, int]]) -> None:
    devices = [(0xBFFF0000, 0xC0000000, ACPI), (0xFEFFC000, 0xFF000000, RESERVED)]
    expected = [entry for entry in entries if entry[0] < 4 * GIB]
    expected += devices + [entry for entry in entries if entry[0] >= 4 * GIB]
    assert told(like_host(_SMALL, memory * MIB, most * MIB)) == expected


def test_the_rest_is_told_at_4_gib_even_where_the_host_has_something() -> None:
    host = [HostRegion(0xC0000000, 0x200000000, RESERVED)]
    assert told(like_host(host, 512 * MIB, 513 * MIB))[-1] == (4 * GIB, 4 * GIB + MIB, RAM)


_REGIONS = st.builds(
    lambda start, size, kind: HostRegion(start, start + size, kind),
    st.integers(0, 1 << 52),
    st.integers(0, 1 << 34),
    st.integers(1, 9),
)


@given(st.lists(_REGIONS, min_size=1, max_size=128), st.integers(1, 1 << 22), st.integers(0, 1 << 22))
def test_any_host_gives_a_map_with_all_of_the_guests_memory(
    host: list[HostRegion], memory: int, more: int
) -> None:
    entries = like_host(host, memory * MIB, (memory + more) * MIB)
    assert sum(entry.size for entry in entries if entry.type == RAM) == (memory + more) * MIB
    assert all(entry.size >= 0 for entry in entries)


_USB = PciAddress(0, 0, 0x1A, 0)


def layout(memory: int, more: str, *reserved: tuple[int, int]) -> MemoryLayout:
    host = Host(None, tuple(ReservedRegion(start, end, (_USB,)) for start, end in reserved))
    text = f'name = "g"; type = "hvm"; memory = {memory}\n{more}'
    return memory_layout(decide(read(text.encode(), "f"), NEWEST, host), NEWEST, None)


def test_ram_makes_room_from_the_superpage_on() -> None:
    made = layout(3000, 'rdm = "strategy=host"', (0x9B6B8000, 0x9B7B8000))
    assert (made.lowmem_end, made.highmem_end) == (0x9B600000, 0x11FA00000)
    assert told(made.memory_map) == [
        (0x100000, 0x9B600000, RAM),
        (0x9B6B8000, 0x9B7B8000, RESERVED),
        (0x100000000, 0x11FA00000, RAM),
    ]
    assert made.warnings == ()


@pytest.mark.parametrize(
    ("start", "low"), [(0x1FF000, 0x1FF000), (0x200000, 0x200000), (0x201000, 0x200000), (0x3FF000, 0x200000)]
)
def test_in_the_first_superpage_ram_ends_where_the_region_starts(start: int, low: int) -> None:
    made = layout(64, 'rdm = "strategy=host"; rdm_mem_boundary = 1', (start, start + 0x1000))
    assert (made.lowmem_end, made.highmem_end) == (low, 4 * GIB + 64 * MIB - 8 * MIB - low)


def test_a_relaxed_region_below_the_boundary_is_ram_with_a_warning() -> None:
    made = layout(
        3000, 'pci = ["00:1a.0,rdm_policy=relaxed"]; rdm_mem_boundary = 3000', (0xAD000000, 0xAD010000)
    )
    assert told(made.memory_map) == [(0x100000, 0xBB000000, RAM)]
    (warning,) = made.warnings
    assert warning.code == "reserved-memory-ignored"
    assert "0xad000000..0xad010000" in warning.message


def test_ram_that_ends_below_the_vga_hole_has_no_range_behind_it() -> None:
    made = layout(300, 'rdm = "strategy=host"; rdm_mem_boundary = 0', (0x1000, 0x2000))
    assert made.ram == (FrameRange.of(0, 1), FrameRange.of(0x100000, 0x123FF))


@pytest.mark.parametrize(
    ("start", "mend"),
    [
        (0xE0000, "give the device rdm_policy=relaxed"),
        (0xAD000000, "lower memory or rdm_mem_boundary, or give the device rdm_policy=relaxed"),
        (4 * GIB, "lower memory, or give the device rdm_policy=relaxed"),
    ],
)
def test_a_strict_region_where_ram_stays_is_refused(start: int, mend: str) -> None:
    with pytest.raises(LayoutError) as caught:
        layout(5000, 'pci = ["00:1a.0"]; rdm_mem_boundary = 3000', (start, start + 0x10000))
    assert caught.value.code == "reserved-memory-conflict"
    assert caught.value.cause
    assert caught.value.hint == mend


def test_more_regions_than_a_map_has_room_for_are_refused() -> None:
    regions = [(0xE0000000 + n * 0x2000, 0xE0001000 + n * 0x2000) for n in range(127)]
    assert len(layout(300, 'rdm = "strategy=host"', *regions[:126]).memory_map) == 127
    with pytest.raises(RefusedError, match="too long"):
        layout(300, 'rdm = "strategy=host"', *regions)
