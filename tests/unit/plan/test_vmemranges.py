"""Memory of virtual NUMA nodes: one behind the other, and around the hole below 4 GiB."""

import pytest

from xlbuild.config import read
from xlbuild.container import decide
from xlbuild.plan.memmap import memory_layout
from xlbuild.profiles import NEWEST
from xlbuild.units import bytes_of

# Ranges: libxl 4.17, FAKEXEN_NODES=4 `tests/oracle/xlcreate FILE DIR`, vmemranges of vnuma in domain.json.
RANGES: tuple[tuple[str, tuple[int, ...], tuple[tuple[int, int, int], ...]], ...] = (
    ("", (64,), ((0x0, 0x3800000, 0),)),
    ('vga="none"', (64,), ((0x0, 0x4000000, 0),)),
    ("", (8, 64), ((0x0, 0x4000000, 1),)),
    ("", (9, 64), ((0x0, 0x100000, 0), (0x100000, 0x4100000, 1))),
    ("", (64, 0), ((0x0, 0x3800000, 0),)),
    (
        "",
        (3000, 2120),
        ((0x0, 0xBB000000, 0), (0xBB000000, 0xF0000000, 1), (0x100000000, 0x14F800000, 1)),
    ),
    (
        "mmio_hole=2048",
        (2000, 2000),
        ((0x0, 0x7C800000, 0), (0x7C800000, 0x80000000, 1), (0x100000000, 0x179800000, 1)),
    ),
    (
        'vga="none"; mmio_hole=2048',
        (2048, 0, 2048),
        ((0x0, 0x80000000, 0), (0x100000000, 0x180000000, 2)),
    ),
    (
        'vga="none"',
        (5000, 0, 2048),
        ((0x0, 0xF0000000, 0), (0x100000000, 0x148800000, 0), (0x148800000, 0x1C8800000, 2)),
    ),
)


@pytest.mark.parametrize(("text", "sizes", "ranges"), RANGES)
def test_nodes_get_the_ranges_that_xen_gives_them(
    text: str, sizes: tuple[int, ...], ranges: tuple[tuple[int, int, int], ...]
) -> None:
    nodes = ", ".join(f'[ "size={size}" ]' for size in sizes).replace(" ]", ', "vcpus=0" ]', 1)
    config = read(f'name="n"; type="hvm"; {text}; vnuma=[ {nodes} ]\n'.encode(), "guest.cfg")
    layout = memory_layout(decide(config, NEWEST), NEWEST, None)
    assert tuple((r.start, r.end, r.vnode) for r in layout.vmemranges) == ranges
    assert sum(r.end - r.start for r in layout.vmemranges) == bytes_of(layout.total_pages)
