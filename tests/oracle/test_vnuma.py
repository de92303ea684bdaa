"""HVM guests with virtual NUMA nodes, built live by Xen's own toolstack and by xlbuild; and what neither builds.

The harness's host has 64 nodes here. xlbuild takes the host to have what the configuration names.
"""

import random
from pathlib import Path

import pytest
from compare import read_document
from guests import Guest
from ours import create
from test_against_xen import assert_same
from toolstack import Material, Toolstack

HVM = 'name = "guest"\ntype = "hvm"\nvnc = 0\n'
SLIT = tuple(f"vdistances={','.join('10' if i == n else str(20 + i) for i in range(4))}" for n in range(4))


def nodes(*settings: str) -> str:
    """Return `vnuma`; each node's settings are separated by blanks."""
    lists = (", ".join(f'"{setting}"' for setting in node.split()) for node in settings)
    return f"vnuma = [ {', '.join(f'[ {options} ]' for options in lists)} ]\n"


GUESTS = {
    "one-node": nodes("size=64 vcpus=0 vdistances=10"),
    "two-nodes": nodes("pnode=0 size=160 vcpus=0-1 " + SLIT[0], "pnode=1 size=96 vcpus=2,3 " + SLIT[1]),
    "three-uneven-nodes": nodes("size=9 vcpus=4", "size=1000 vcpus=0-3", "size=17 vcpus=5"),
    "four-nodes": nodes(*(f"pnode={n} size=256 vcpus={n} {SLIT[n]}" for n in range(4))),
    "32-nodes": nodes(*(f"pnode={n + 32} size=8 vcpus={n}" for n in range(32))),
    "nodes-that-end-at-the-hole": nodes("size=3848 vcpus=0", "size=512 vcpus=1"),
    "node-across-the-hole": nodes("size=3000 vcpus=0", "size=2120 vcpus=1", "size=700 vcpus=2"),
    "first-node-across-the-hole": nodes("size=5000 vcpus=0-2,5", "size=1 vcpus=3-4"),
    "every-node-above-4-gib-but-one": nodes(
        "size=3848 vcpus=0", "size=1024", "size=1024", "size=1024 vcpus=1"
    ),
    "64-gib": nodes(*(f"size=16384 vcpus={4 * n}-{4 * n + 3} {SLIT[n]}" for n in range(4))),
    "larger-hole": "mmio_hole = 2048\n" + nodes("size=2000 vcpus=0", "size=2000 vcpus=1"),
    "videoram": "videoram = 32\n" + nodes("size=64 vcpus=0", "size=64 vcpus=1"),
    "videoram-that-is-all-of-node-0": "videoram = 64\n" + nodes("size=64 vcpus=0", "size=64 vcpus=1"),
    "no-vga-and-small-nodes": 'vga = "none"\n' + nodes("size=1 vcpus=0", "size=1", "size=1", "size=1"),
    "node-without-memory": nodes("size=64 vcpus=0", "size=0 vcpus=1", "size=64"),
    "vcpus-in-disorder": "vcpus = 2\n"
    + nodes("size=64 vcpus=7,1,4-5", "size=64 vcpus=6,0", "size=64 vcpus=2-3"),
    "128-vcpus": nodes("size=128 vcpus=0-126", "size=128 vcpus=127"),
    "odd-distances": nodes("size=64 vcpus=0 vdistances=0,300", "size=64 vcpus=1 vdistances=4000000000"),
    "everything-said": "memory = 128\nmaxmem = 128\nvcpus = 1\nmaxvcpus = 2\n"
    + nodes("size=64 vcpus=0", "size=64 vcpus=1"),
    "memory-above-the-nodes": "memory = 100\n" + nodes("size=64 vcpus=0"),
    "ovmf": 'bios = "ovmf"\n' + nodes("size=3000 vcpus=0", "size=3000 vcpus=1"),
}

REFUSED = {
    "populate-on-demand": "memory = 63\n" + nodes("size=64 vcpus=0"),
    "maxmem": "maxmem = 65\n" + nodes("size=64 vcpus=0"),
    "maxvcpus": "maxvcpus = 2\n" + nodes("size=64 vcpus=0"),
    "vcpus": "vcpus = 2\n" + nodes("size=64 vcpus=0"),
    "33-nodes": nodes(*(f"size=8 vcpus={n}" for n in range(33))),
    "node-that-no-host-has": nodes("size=64 vcpus=0 pnode=64"),
    "video-memory-above-node-0": nodes("size=7 vcpus=0", "size=64"),
    "node-without-a-size": nodes("size=64 vcpus=0", "vcpus=1"),
    "vcpu-in-no-node": nodes("size=64 vcpus=1"),
    "vcpu-in-two-nodes": nodes("size=64 vcpus=0-1", "size=64 vcpus=1"),
    "nearer-than-itself": nodes("size=64 vcpus=0 vdistances=20,10", "size=64 vcpus=1"),
}


@pytest.fixture
def large_host(tmp_path: Path, oracle: Toolstack) -> Toolstack:
    return Toolstack(tmp_path, {"FAKEXEN_NODES": "64"})


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in GUESTS.items()])
def test_virtual_nodes_are_built_as_xen_builds_them(text: str, large_host: Toolstack, tmp_path: Path) -> None:
    assert_same(HVM + text, large_host, tmp_path)


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in REFUSED.items()])
def test_nodes_that_xen_refuses_are_refused(text: str, large_host: Toolstack, tmp_path: Path) -> None:
    assert large_host.try_xlcreate(HVM + text).refused
    assert create(HVM + text, tmp_path / "ours").returncode == 1


@pytest.mark.parametrize(("kind", "kernel"), [("pv", "pv64-min"), ("pvh", "pvh32")])
@pytest.mark.parametrize("count", [1, 2])
def test_other_containers_have_no_virtual_nodes(
    kind: str, kernel: str, count: int, large_host: Toolstack, material: Material, tmp_path: Path
) -> None:
    more = nodes(*(f"size={64 // count} vcpus={n}" for n in range(count)))
    config = Guest(kind, kernel, 64, vcpus=None, more=more).config(material)
    assert large_host.try_xlcreate(config).refused
    assert create(config, tmp_path / "ours").returncode == 1


@pytest.mark.parametrize("seed", range(12))
def test_any_nodes_are_built_as_xen_builds_them(seed: int, large_host: Toolstack, tmp_path: Path) -> None:
    chance = random.Random(seed)  # noqa: S311  # guests, nothing secret
    assert_same(HVM + random_guest(chance), large_host, tmp_path)


def random_guest(chance: random.Random) -> str:
    """Return the lines of a guest that both can build: any nodes, vCPUs dealt out among them."""
    count = chance.choice((1, 2, 3, 4, 5, 8))
    vcpus = [str(vcpu) for vcpu in range(chance.randint(1, 40))]
    chance.shuffle(vcpus)
    dealt: list[list[str]] = [[] for _ in range(count)]
    for vcpu in vcpus:
        chance.choice(dealt).append(vcpu)
    largest = chance.choice((8, 300, 3000, 9000))
    settings = []
    for number, listed in enumerate(dealt):
        distances = [str(chance.choice((10, 20, 21, 255))) for _ in range(count)]
        distances[number] = "10"
        options = [f"size={chance.randint(17 if number == 0 else 0, 17 + largest)}"]
        options += [f"pnode={chance.randrange(64)}"] if chance.random() < 0.8 else []
        options += [f"vcpus={','.join(listed)}"] if listed else []
        options += [f"vdistances={','.join(distances)}"] if chance.random() < 0.8 else []
        chance.shuffle(options)
        settings.append(" ".join(options))
    lines = chance.choice(("", "", 'vga = "none"\n', 'vga = "stdvga"\n', "videoram = 9\n"))
    return lines + chance.choice(("", "", f"mmio_hole = {chance.randint(256, 3840)}\n")) + nodes(*settings)


def test_the_harness_tells_what_libxl_told_it(oracle: Toolstack) -> None:
    text = nodes("size=64 vcpus=1 vdistances=10,20", "size=64 vcpus=0 vdistances=21,11")
    assert read_document(oracle.xlcreate(HVM + text))["vnuma"] == {
        "vnode_to_pnode": [0, 0],
        "vcpu_to_vnode": [1, 0],
        "vdistance": [[10, 20], [21, 11]],
        "vmemranges": [
            {"start": "0x0", "end": "0x3800000", "vnode": 0},
            {"start": "0x3800000", "end": "0x7800000", "vnode": 1},
        ],
    }
    assert read_document(oracle.xlcreate(HVM + "memory = 64\n"))["vnuma"] is None


def test_the_harness_has_a_host_of_one_node_unless_told_otherwise(oracle: Toolstack) -> None:
    assert oracle.try_xlcreate(HVM + nodes("size=64 vcpus=0 pnode=1")).refused
