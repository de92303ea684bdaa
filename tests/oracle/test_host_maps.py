"""Guests whose memory depends on the host's, built live by both toolstacks for several hosts, and compared."""

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet
from compare import compare_directories
from guests import Guest, find_file
from hosts import FAR, GRAPHICS, HOSTS, SECOND_USB, SMALL, USB, HostFacts
from ours import create
from toolstack import BUILD, ROOT, Material, Toolstack

from xlbuild.emit.hostfile import parse_host

PV_GUESTS = {
    "64m": Guest("pv", "pv64-min", 64, more="e820_host=1"),
    "600m-of-1g": Guest("pv", "pv64-p2m", 600, maxmem=1024, more="e820_host=1"),
    "5g-of-6g-pci": Guest("pv", "pv64-min", 5120, maxmem=6144, more=f'e820_host=0\npci=["{USB}"]'),
    "512m-of-511m": Guest("pv", "pv64-min", 512, maxmem=511, more="e820_host=1"),
    "32-bit": Guest("pv", "pv32-low", 128, maxmem=130, more="e820_host=1"),
}

_HOST = 'rdm="strategy=host"'
_EACH = f'pci=["{USB}","{GRAPHICS},rdm_policy=relaxed","{FAR}@5","{SECOND_USB},rdm_policy=strict"]'
_NODES = ("size=2200", "vcpus=0", "vdistances=10,20"), ("size=2800", "vcpus=1", "vdistances=20,10")
_VNUMA = f"vnuma={[['pnode=0', *node] for node in _NODES]}"

HVM_GUESTS = {
    "not-asked": Guest("hvm", memory=3000),
    "all": Guest("hvm", memory=3000, more=_HOST),
    "all-8g": Guest("hvm", memory=8192, more=_HOST),
    "all-1g": Guest("hvm", memory=1024, more=_HOST),
    "all-on-demand": Guest("hvm", memory=1024, maxmem=5000, more=_HOST),
    "all-from-1m": Guest("hvm", memory=3000, more=f"{_HOST}\nrdm_mem_boundary=1"),
    "all-from-4g": Guest("hvm", memory=5000, more=f"{_HOST}\nrdm_mem_boundary=4096"),
    "all-with-a-hole": Guest("hvm", memory=5000, more=f"{_HOST}\nmmio_hole=2048"),
    "all-virtual-numa": Guest("hvm", vcpus=None, memory=5000, more=f"{_HOST}\n{_VNUMA}"),
    "each-virtual-numa": Guest("hvm", vcpus=None, memory=5000, more=f"{_EACH}\n{_VNUMA}"),
    "all-dropped": Guest("hvm", memory=3000, more='rdm="strategy=host,policy=relaxed"'),
    "all-and-more-firmware": Guest("hvm", memory=3000, more=f'{_HOST}\nbios="ovmf"\nacpi_firmware="{{rd.gz}}"'),
    "usb": Guest("hvm", memory=3000, more=f'pci=["{USB}"]'),
    "usb-strict": Guest("hvm", memory=3000, more=f'pci=["{USB},rdm_policy=strict"]\nrdm_mem_boundary=3000'),
    "usb-relaxed": Guest("hvm", memory=3000, more=f'pci=["{USB},rdm_policy=relaxed"]\nrdm_mem_boundary=3000'),
    "each": Guest("hvm", memory=6000, more=_EACH),
    "all-and-each": Guest("hvm", memory=6000, more=f"{_HOST}\n{_EACH}\nrdm_mem_boundary=1000"),
}  # fmt: skip

PVH_GUESTS = {
    "all-64m": Guest("pvh", "pvh32", 64, more=_HOST),
    "all-3000m": Guest("pvh", "pvh32", 3000, ramdisk="rd.raw", more=_HOST),
    "all-6000m": Guest("pvh", "pvh-linuxos", 6000, more=f"{_HOST}\nrdm_mem_boundary=4096"),
    "all-on-demand": Guest("pvh", "pvh32", 1024, maxmem=5000, more=_HOST),
    "all-in-the-shim": Guest("pvh", "pv64-min", 2560, more=f'{_HOST}\npvshim=1\npvshim_extra="x"'),
    "all-dropped": Guest("pvh", "pvh32", 3000, more='rdm="strategy=host,policy=strict"'),
}


def _half(guests: dict[str, Guest]) -> list[ParameterSet]:
    """Return every second pair of guest and host, in a chequered pattern: each guest and host is in many."""
    return [
        pytest.param(guest, host, id=f"{name}-{place}")
        for row, (name, guest) in enumerate(guests.items())
        for column, (place, host) in enumerate(HOSTS.items())
        if (row + column) % 2 == 0
    ]


@pytest.mark.parametrize(("guest", "host"), _half(PV_GUESTS))
def test_a_pv_guest_gets_the_hosts_map_as_libxl_gives_it(
    guest: Guest, host: HostFacts, oracle: Toolstack, material: Material, tmp_path: Path
) -> None:
    assert_same_verdict(guest.config(material), host, tmp_path)


@pytest.mark.parametrize(("guest", "host"), _half(HVM_GUESTS))
def test_an_hvm_guest_makes_room_as_libxl_does(
    guest: Guest, host: HostFacts, oracle: Toolstack, material: Material, tmp_path: Path
) -> None:
    config = guest.config(material).replace("{rd.gz}", str(find_file("rd.gz", material)))
    assert_same_verdict(config, host, tmp_path)


@pytest.mark.parametrize(("guest", "host"), _half(PVH_GUESTS))
def test_a_pvh_guest_makes_room_from_the_first_byte_on(
    guest: Guest, host: HostFacts, oracle: Toolstack, material: Material, tmp_path: Path
) -> None:
    assert_same_verdict(guest.config(material), host, tmp_path)


@pytest.mark.parametrize("start", [0x1000, 0xE0000, 0x12A000, 0x1FF000, 0x201000, 0x3FF000])
def test_what_is_reserved_below_4_mib(
    start: int, oracle: Toolstack, material: Material, tmp_path: Path
) -> None:
    host = HostFacts(((0, 1 << 32, 1),), ((start, 0x1000, ()),))
    for guest in (PVH_GUESTS["all-64m"], HVM_GUESTS["all-from-1m"]):
        assert_same_verdict(guest.config(material), host, tmp_path)


MODES = ("default", "disabled", "Enabled", "sync_pt", "share_pt", "unknown", "")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("more", ["", f'pci=["{USB}"]', "maxmem=128"])
@pytest.mark.parametrize(("kind", "kernel"), [("pv", "pv64-min"), ("pvh", "pvh32"), ("hvm", None)])
def test_any_mode_of_passthrough(
    kind: str, kernel: str, more: str, mode: str, oracle: Toolstack, material: Material, tmp_path: Path
) -> None:
    guest = Guest(kind, kernel, more=f'passthrough="{mode}"\n{more}')
    assert_same_verdict(guest.config(material), HOSTS["small"], tmp_path)


@pytest.mark.parametrize("seed", range(8))
def test_hosts_made_up_at_random(seed: int, oracle: Toolstack, material: Material, tmp_path: Path) -> None:
    rng = random.Random(seed)  # noqa: S311
    host = HostFacts(tuple(random_map(rng)), tuple(random_reserved(rng)))
    memory, most = rng.choice([64, 600, 3072]), rng.choice([None, 5000])
    pv = Guest("pv", "pv64-min", memory, maxmem=most, more="e820_host=1")
    assert_same_verdict(pv.config(material), host, tmp_path)
    boundary, more = rng.choice([0, 100, 2048, 3000]), rng.choice([_HOST, _EACH, f"{_HOST}\n{_EACH}"])
    hvm = Guest("hvm", memory=rng.choice([300, 3000, 6000]), more=f"{more}\nrdm_mem_boundary={boundary}")
    assert_same_verdict(hvm.config(material), host, tmp_path)
    pvh = Guest("pvh", "pvh32", rng.choice([64, 300, 3000, 6000]), more=_HOST)
    assert_same_verdict(pvh.config(material), host, tmp_path)


def random_map(rng: random.Random) -> Iterator[tuple[int, int, int]]:
    for _ in range(rng.randrange(1, 12)):
        start = rng.choice([0, 1 << 20, 1 << 26, 0xC0000000, 1 << 32, rng.randrange(1 << 34)])
        yield start, rng.choice([0, 0x400, 0x1000, rng.randrange(1 << 31)]), rng.choice([1, 1, 2, 3, 4, 5, 9])


def random_reserved(rng: random.Random) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    for _ in range(rng.randrange(6)):
        page = rng.choice([0xA0, 0x80000, 0xF0000, 1 << 20, rng.randrange(1, 0x110000)])
        users = rng.sample([USB, SECOND_USB, GRAPHICS, FAR], rng.randrange(3))
        yield page * 4096, rng.choice([1, 16, 0x10000]) * 4096, tuple(users)


def test_a_map_is_no_longer_than_libxl_has_room_for(
    oracle: Toolstack, material: Material, tmp_path: Path
) -> None:
    guest = Guest("hvm", memory=3000, more=_HOST).config(material)
    pv = Guest("pv", "pv64-min", 64, maxmem=65, more="e820_host=1").config(material)
    for count in (126, 127):
        places = [0xE0000000 + n * 0x2000 for n in range(count)]
        reserved = HostFacts(((0, 0x1000, 1),), tuple((place, 0x1000, ()) for place in places))
        assert assert_same_verdict(guest, reserved, tmp_path) is (count == 126)
    fits = HostFacts(tuple((place, 0x1000, 2) for place in places[:125]))
    assert assert_same_verdict(pv, fits, tmp_path)


def test_the_script_for_hosts_writes_what_the_hypervisor_says(oracle: Toolstack, tmp_path: Path) -> None:
    _, document = SMALL.write(tmp_path)
    done = host_facts(SMALL, tmp_path, USB, FAR)
    assert done.returncode == 0, done.stderr
    assert parse_host(done.stdout.encode(), "-") == parse_host(document.read_bytes(), "-")


@pytest.mark.parametrize(
    ("regions", "device", "complaint"),
    [(129, USB, "more than 128 regions"), (1, "10000:00:1a.0", "'10000:00:1a.0' is no PCI address")],
)
def test_the_script_for_hosts_says_what_it_cannot_tell(
    regions: int, device: str, complaint: str, oracle: Toolstack, tmp_path: Path
) -> None:
    places = [0xE0000000 + n * 0x1000 for n in range(regions)]
    done = host_facts(HostFacts(SMALL.memory_map, tuple((at, 0x1000, ()) for at in places)), tmp_path, device)
    assert done.returncode == 1
    assert complaint in done.stderr
    assert not done.stdout


def host_facts(host: HostFacts, directory: Path, *devices: str) -> "subprocess.CompletedProcess[str]":
    """Run the script on a host."""
    lines, _ = host.write(directory)
    return subprocess.run(
        [sys.executable, ROOT / "scripts" / "host-facts", *devices],
        env={**os.environ, "LD_PRELOAD": str(BUILD / "libfakexen.so"), "FAKEXEN_HOST": str(lines)},
        capture_output=True,
        text=True,
        check=False,
    )


def assert_same_verdict(config: str, host: HostFacts, directory: Path) -> bool:
    """Build a guest for a host with both toolstacks and compare; return whether it can be built."""
    lines, document = host.write(directory)
    outputs, ours = directory / "theirs", directory / "ours"
    outputs.mkdir(exist_ok=True)
    built = Toolstack(outputs, {"FAKEXEN_HOST": str(lines)}).try_xlcreate(config)
    done = create(config, ours, "--host", str(document))
    assert done.returncode in ((1, 3) if built.refused else (0,)), f"{done.stderr}\n{built.log[-2000:]}"
    if not built.refused:
        comparison = compare_directories(ours, built.directory)
        assert not comparison.differences, f"\n{comparison}"
        assert comparison.pages > 0
        shutil.rmtree(ours)
    shutil.rmtree(outputs)
    return not built.refused
