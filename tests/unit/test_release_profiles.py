"""Each release differs from the one before in what its profile says, and in nothing else."""

import gzip
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import xlbuild
from xlbuild.profiles import PROFILES, Profile
from xlbuild.units import PhysAddr, paddr_of

PVH = b'name="g"\ntype="pvh"\nkernel="xlbuild:hello-pvh"\nmemory=32\n'
PV = b'name="g"\ntype="pv"\nkernel="xlbuild:hello-pv"\nmemory=32\n'
NOT_COMPARED = {"profile", "digests"}


def changed(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """Yield the paths at which two documents differ."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in before.keys() | after.keys():
            yield from changed(before.get(key), after.get(key), f"{path}/{key}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from changed(one, other, f"{path}/{index}")
    elif before != after:
        yield path


def differences(config: bytes, one: str, other: str) -> set[str]:
    """Return what differs between two releases' builds: paths of the manifest, and `memory`."""
    domains = [xlbuild.build(config, xen=release) for release in (one, other)]
    before, after = ({k: v for k, v in xlbuild.manifest(d).items() if k not in NOT_COMPARED} for d in domains)
    found = {"/".join(path.split("/")[:3]) for path in changed(before, after)}
    if xlbuild.digests(domains[0]).memory != xlbuild.digests(domains[1]).memory:
        found.add("memory")
    return found


def test_releases_are_listed_oldest_first_and_each_is_one() -> None:
    names = [profile.name for profile in PROFILES]
    assert names == ["4.17", "4.18", "4.19", "4.20", "4.21", "4.22"]


def test_every_fact_of_a_profile_differs_somewhere() -> None:
    for field in fields(Profile):
        if field.name == "lzma_memory_limit":
            continue  # it differs between first releases; the profiles are those of today's stable updates
        assert len({getattr(profile, field.name) for profile in PROFILES}) > 1, field.name


def test_4_18_builds_ordinary_guests_as_4_17_does() -> None:
    assert differences(PV, "4.17", "4.18") == set()
    assert differences(PVH, "4.17", "4.18") == set()


def test_4_19_sets_no_altp2m_parameter_and_has_a_shorter_dsdt() -> None:
    assert differences(PV, "4.18", "4.19") == set()
    assert differences(PVH, "4.18", "4.19") == {
        "/hvm_params",
        "/acpi/blobs",
        "/acpi/tables",
        "/memory_map/2",
        "/memory_map/4",
        "/populated/1",
        "/start_info/rsdp_paddr",
        "memory",
    }
    for release, rsdp, params in (("4.18", "0xfc008000", 12), ("4.19", "0xfc006000", 11)):
        document: Any = xlbuild.manifest(xlbuild.build(PVH, xen=release))
        assert document["start_info"]["rsdp_paddr"] == rsdp
        assert len(document["hvm_params"]) == params
        assert ("ALTP2M" in {param["name"] for param in document["hvm_params"]}) == (release == "4.18")


@pytest.mark.parametrize("config", [PV, PVH])
def test_4_20_leaves_a_gzipped_ramdisk_as_it_is(config: bytes, tmp_path: Path) -> None:
    assert differences(config, "4.19", "4.20") == set()
    content = bytes(range(256)) * 40
    packed = gzip.compress(content, mtime=0)
    (tmp_path / "ramdisk").write_bytes(packed)
    with_ramdisk = config + f'ramdisk="{tmp_path / "ramdisk"}"\n'.encode()
    for release, loaded in (("4.19", content + bytes(16)), ("4.20", packed)):
        domain = xlbuild.build(with_ramdisk, xen=release)
        segment = domain.plan.segment("module0")
        assert segment is not None
        assert segment.vend - segment.vstart == len(loaded)
        assert domain.memory.read(paddr_of(segment.pfn), len(loaded)) == loaded


def test_4_21_marks_the_console_disconnected_and_acpi_as_nvs() -> None:
    assert differences(PV, "4.20", "4.21") == {"memory"}
    assert differences(PVH, "4.20", "4.21") == {"/memory_map/2", "/memory_map/3", "/memory_map/4", "memory"}
    for config in (PV, PVH):
        for release, connection in (("4.20", 0), ("4.21", 1)):
            domain = xlbuild.build(config, xen=release)
            page = domain.memory.read(paddr_of(domain.plan.special_pages["console"]), 4096)
            assert page == bytes(3088) + bytes([connection]) + bytes(4096 - 3089)


def test_4_21_has_no_traditional_device_model() -> None:
    config = b'name="g"\ntype="hvm"\nmemory=64\ndevice_model_version="qemu-xen-traditional"\n'
    with pytest.raises(xlbuild.ConfigError, match="traditional"):
        xlbuild.build(config, xen="4.21")


def test_4_22_builds_as_4_21_does() -> None:
    assert differences(PV, "4.21", "4.22") == set()
    assert differences(PVH, "4.21", "4.22") == set()


def test_a_release_that_is_not_known_is_refused() -> None:
    with pytest.raises(xlbuild.XlbuildError, match=r"Xen 4\.9 is not a release that xlbuild knows"):
        xlbuild.build(PVH, xen="4.9")


def test_reading_outside_what_is_written_gives_zeros() -> None:
    domain = xlbuild.build(PVH)
    assert domain.memory.read(PhysAddr(0x1F00000), 64) == bytes(64)
