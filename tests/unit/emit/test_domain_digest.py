"""The domain digest moves when the guest would find something else, and only then; anyone can compute it."""

import gzip
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from builtdomains import HELLO, PVH, REAL, write
from toolstack import ROOT, XEN_ROOT, Material

import xlbuild
from xlbuild.hello import HELLO_KERNELS

_SCRIPT = ROOT / "scripts" / "domain-digest"


@cache
def digest(kind: str, *overrides: str, xen: str = "4.22") -> str:
    return xlbuild.digests(xlbuild.build(HELLO[kind], overrides=overrides, xen=xen)).domain


MOVES = {
    "pv": ("memory=17", "maxmem=32", 'cmdline="greeting=hellp"', 'cmdline=""', 'ramdisk="/bin/sh"'),
    "pvh": ("memory=33", "maxmem=64", 'cmdline="greeting=hellp"', 'cmdline=""', "vcpus=2", "timer_mode=2"),
}
STAYS = (
    'name="other"',
    'uuid="00112233-4455-6677-8899-aabbccddeeff"',
    'disk=["/dev/vg/web,raw,xvda"]',
    'vif=["mac=00:16:3e:00:00:01"]',
    'on_crash="destroy"',
)


@pytest.mark.parametrize(("kind", "override"), [(kind, each) for kind in MOVES for each in MOVES[kind]])
def test_it_moves_with_what_the_guest_finds(kind: str, override: str) -> None:
    assert digest(kind, override) != digest(kind)


@pytest.mark.parametrize("kind", HELLO)
def test_it_stays_whatever_is_not_in_the_guest(kind: str) -> None:
    assert {override: digest(kind, override) for override in STAYS} == dict.fromkeys(STAYS, digest(kind))


def test_it_stays_whatever_is_not_in_an_hvm_guest(small_hvm: str) -> None:
    config = small_hvm.encode()
    digests = {
        xlbuild.digests(xlbuild.build(config, overrides=overrides)).domain
        for overrides in ((), STAYS, ("nestedhvm=1",), ("localtime=1",))
    }
    assert len(digests) == 1


@pytest.mark.parametrize("kind", HELLO)
def test_it_moves_with_a_release_that_builds_in_another_way_alone(kind: str) -> None:
    releases = ("4.17", "4.18", "4.20", "4.21", "4.22")
    by_release = [digest(kind, xen=release) for release in releases]
    assert by_release[0] == by_release[1]
    assert by_release[2] != by_release[3]
    assert by_release[3] == by_release[4]


@pytest.mark.parametrize("kind", HELLO)
def test_it_does_not_know_where_a_kernel_is_nor_how_it_is_packed(kind: str, tmp_path: Path) -> None:
    plain = HELLO_KERNELS[f"hello-{kind}"]()
    (tmp_path / "elf").write_bytes(plain)
    (tmp_path / "gz").write_bytes(gzip.compress(plain))
    (tmp_path / "other").write_bytes(plain.replace(b"Hello", b"Hallo"))
    overrides = {name: f'kernel="{tmp_path}/{name}"' for name in ("elf", "gz", "other")}
    assert digest(kind, overrides["elf"]) == digest(kind, overrides["gz"]) == digest(kind)
    assert digest(kind, overrides["other"]) != digest(kind)


def script_says(directory: Path) -> str:
    """Return what the script prints, which may use nothing of xlbuild: `-I` leaves it out."""
    command = [sys.executable, "-I", str(_SCRIPT), str(directory)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.removesuffix("\n")


NODES = 'vcpus=2\nvnuma=[["pnode=1","size=40","vcpus=0"],["pnode=0","size=24","vcpus=1"]]\n'


def test_a_script_without_xlbuild_computes_it(small_hvm: str, tmp_path: Path) -> None:
    guests = {**HELLO, "hvm": small_hvm.encode(), "nodes": f"{small_hvm}{NODES}".encode()}
    for name, config in guests.items():
        domain = write(config, tmp_path / name)
        assert script_says(tmp_path / name) == xlbuild.digests(domain).domain, name
    assert "xlbuild" not in "".join(line for line in _SCRIPT.read_text().splitlines() if "import" in line)


@pytest.mark.parametrize("name", ["pv-cloud", "hvm-seabios"])
def test_the_script_computes_that_of_real_guests(name: str, material: Material, tmp_path: Path) -> None:
    domain = write(REAL[name].config(material).encode(), tmp_path / "g", firmware_dirs=[str(XEN_ROOT)])
    assert script_says(tmp_path / "g") == xlbuild.digests(domain).domain


def test_the_script_passes_over_holes(tmp_path: Path) -> None:
    domain = write(PVH.replace(b"memory=32", b"memory=1048576"), tmp_path / "g")
    assert (tmp_path / "g" / "memory.img").stat().st_size > 1 << 40
    assert script_says(tmp_path / "g") == xlbuild.digests(domain).domain
