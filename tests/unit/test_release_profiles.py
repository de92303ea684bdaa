"""Each release differs from the one before in what its profile says, and in nothing else."""

import gzip
from collections.abc import Iterator
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from kernels import LOAD_ADDRESS, Load, bzimage, elf_file, packed, pattern, sized

import xlbuild
from xlbuild.profiles import PROFILES, Profile
from xlbuild.units import PAGE_SIZE, PhysAddr, paddr_of

RELEASES = ("4.17", "4.18", "4.19", "4.20", "4.21", "4.22")

GUESTS = {
    "pv64": 'type="pv"\nkernel="{kernels}/pv64-min"\ncmdline="x"',
    "pv64-ramdisk": 'type="pv"\nkernel="{kernels}/pv64-modpfn"\nramdisk="{kernels}/rd.raw"',
    "pv64-gz": 'type="pv"\nkernel="{kernels}/pv64-min"\nramdisk="{kernels}/rd.gz"',
    "pv32": 'type="pv"\nkernel="{kernels}/pv32-extcr3"\nramdisk="{kernels}/rd.raw"',
    "pvh": 'type="pvh"\nkernel="{kernels}/pvh32"\nramdisk="{kernels}/rd.raw"\nvcpus=2',
    "pvh-gz": 'type="pvh"\nkernel="{kernels}/pvh32"\nramdisk="{kernels}/rd.gz"',
    "pvh-linux": 'type="pvh"\nkernel="{kernels}/pvh-linuxos"\nmaxvcpus=12',
    "pvh-offset": 'type="pvh"\nkernel="{files}/pvh-offset"',
    "pv64-lz4-short": 'type="pv"\nkernel="{files}/lz4-short"',
    "hvm": 'type="hvm"\nfirmware_override="{kernels}/fw32"\nbios_path_override="{kernels}/rd.raw"\nbios="seabios"',
    "hvm-altp2m": 'type="hvm"\nfirmware_override="{kernels}/fw32"\nbios_path_override="{kernels}/rd.raw"\n'
    'bios="seabios"\naltp2m="mixed"',
    "hvm-acpi": 'type="hvm"\nfirmware_override="{kernels}/fw32"\nbios_path_override="{kernels}/rd.raw"\n'
    'bios="seabios"\nacpi_firmware="{kernels}/rd.raw"',
    "hvm-traditional": 'type="hvm"\nfirmware_override="{kernels}/fw32"\ndevice_model_version="qemu-xen-traditional"',
}
"""Guests in whose builds any two releases might differ."""

ANOTHER_DSDT = {
    "/acpi/blobs",
    "/acpi/tables",
    "/memory_map",
    "/populated",
    "memory of RSDP",
    "memory of ACPI info",
    "memory of ACPI tables",
    "memory of HVM start info",
}
ANOTHER_DSDT_AND_PLACE = ANOTHER_DSDT | {"/start_info/rsdp_paddr"}
NVS = {"/memory_map", "memory of HVM start info", "memory of console"}

CHANGES: dict[tuple[str, str], set[str]] = {
    ("4.18", "pvh-offset"): {"refused before: the kernel cannot be started as PVH or HVM"},
    **{
        ("4.19", guest): {"/hvm_params"} | ANOTHER_DSDT_AND_PLACE for guest in ("pvh", "pvh-gz", "pvh-offset")
    },
    ("4.19", "pvh-linux"): {"/hvm_params"} | ANOTHER_DSDT,
    **{("4.19", guest): {"/hvm_params"} for guest in ("hvm", "hvm-altp2m", "hvm-acpi", "hvm-traditional")},
    **{("4.21", guest): {"memory of console"} for guest in ("pv64", "pv64-ramdisk", "pv64-gz", "pv32")},
    **{("4.21", guest): NVS for guest in ("pvh", "pvh-gz", "pvh-linux", "pvh-offset", "hvm-acpi")},
    **{("4.21", guest): {"memory of console"} for guest in ("hvm", "hvm-altp2m")},
    ("4.21", "pv64-lz4-short"): {"memory of console"},
    ("4.21", "hvm-traditional"): {"refused now: Xen 4.21 has no device model 'qemu-xen-traditional'"},
    ("4.22", "pv64-lz4-short"): {"refused now: no loader for PV takes the kernel"},
}
"""What changes with a release for a guest, by manifest path; where nothing is said, nothing changes.

A gzip'd ramdisk (4.20) moves everything behind it, and has a test of its own. In the decoder memory of xz and lzma
today's stable updates of all releases are the same.
"""

MOVES_EVERYTHING = {("4.20", "pv64-gz"), ("4.20", "pvh-gz")}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("profiles")
    notes = [("PHYS32_ENTRY", LOAD_ADDRESS), ("PADDR_OFFSET", 0)]
    (directory / "pvh-offset").write_bytes(elf_file([Load(LOAD_ADDRESS, pattern(5000))], notes))
    short = sized(packed(".lz4"), len(packed()) + 16)
    (directory / "lz4-short").write_bytes(bzimage(short))
    return directory


def build(guest: str, release: str, kernels: Path, files: Path) -> xlbuild.Domain | xlbuild.XlbuildError:
    settings = GUESTS[guest].format(kernels=kernels, files=files)
    try:
        return xlbuild.build(f'name="g"\nmemory=64\n{settings}\n'.encode(), xen=release)
    except xlbuild.XlbuildError as error:
        return error


def differences(before: xlbuild.Domain | xlbuild.XlbuildError, after: Any) -> set[str]:
    """Return what differs between two builds: paths of the manifest, whose memory, or that one was refused."""
    if isinstance(before, xlbuild.XlbuildError) and isinstance(after, xlbuild.XlbuildError):
        return set()
    if isinstance(before, xlbuild.XlbuildError):
        return {f"refused before: {before.message}"}
    if isinstance(after, xlbuild.XlbuildError):
        return {f"refused now: {after.message}"}
    one, other = ({**xlbuild.manifest(d), "profile": None, "digests": None} for d in (before, after))
    return {_shortened(path) for path in _changed(one, other)} | set(_memory_owners(before, after))


def _shortened(path: str) -> str:
    parts = path.split("/")
    keep = 3 if parts[1] in ("acpi", "start_info") else 2
    return "/".join(parts[:keep])


def _changed(before: Any, after: Any, path: str = "") -> Iterator[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in before.keys() | after.keys():
            yield from _changed(before.get(key), after.get(key), f"{path}/{key}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _changed(one, other, f"{path}/{index}")
    elif before != after:
        yield path


def _memory_owners(before: xlbuild.Domain, after: xlbuild.Domain) -> Iterator[str]:
    pages, others = dict(before.memory.pages()), dict(after.memory.pages())
    for pfn in pages.keys() | others.keys():
        one, other = pages.get(pfn, bytes(PAGE_SIZE)), others.get(pfn, bytes(PAGE_SIZE))
        for offset in range(PAGE_SIZE) if one != other else ():
            if one[offset] != other[offset]:
                address = PhysAddr(paddr_of(pfn) + offset)
                yield f"memory of {after.memory.owner_of(address) or before.memory.owner_of(address)}"


def test_releases_are_listed_oldest_first_and_each_is_one() -> None:
    assert tuple(profile.name for profile in PROFILES) == RELEASES


SAME_IN_ALL = {"lzma_memory_limit", "kernel_max_size"}
"""One differs between first releases, and the profiles are those of today's stable updates; a user sets the other."""


def test_every_fact_of_a_profile_differs_somewhere() -> None:
    for field in fields(Profile):
        if field.name in SAME_IN_ALL:
            continue
        assert len({getattr(profile, field.name) for profile in PROFILES}) > 1, field.name


def test_every_fact_of_a_profile_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "releases.md").read_text()
    assert [field.name for field in fields(Profile) if f"`{field.name}`" not in text] == ["name"]


@pytest.mark.parametrize("guest", GUESTS)
@pytest.mark.parametrize(("before", "after"), [*pairwise(RELEASES)])
def test_a_release_changes_what_its_profile_says_and_nothing_else(
    before: str, after: str, guest: str, synthetic_kernels: Path, files: Path
) -> None:
    if (after, guest) in MOVES_EVERYTHING:
        return
    found = differences(
        build(guest, before, synthetic_kernels, files), build(guest, after, synthetic_kernels, files)
    )
    assert found == CHANGES.get((after, guest), set())


def test_4_19_has_a_shorter_dsdt_and_no_altp2m_parameter(synthetic_kernels: Path, files: Path) -> None:
    for release, rsdp, altp2m in (("4.18", "0xfc008000", True), ("4.19", "0xfc006000", False)):
        domain = build("pvh", release, synthetic_kernels, files)
        assert isinstance(domain, xlbuild.Domain)
        document: Any = xlbuild.manifest(domain)
        assert document["start_info"]["rsdp_paddr"] == rsdp
        assert ("ALTP2M" in {param["name"] for param in document["hvm_params"]}) == altp2m


@pytest.mark.parametrize("guest", ["pv64-gz", "pvh-gz"])
def test_4_20_leaves_a_gzipped_ramdisk_as_it_is(guest: str, synthetic_kernels: Path, files: Path) -> None:
    packed = (synthetic_kernels / "rd.gz").read_bytes()
    for release, loaded in (("4.19", gzip.decompress(packed) + bytes(16)), ("4.20", packed)):
        domain = build(guest, release, synthetic_kernels, files)
        assert isinstance(domain, xlbuild.Domain)
        segment = domain.plan.segment("module0")
        assert segment is not None
        assert segment.vend - segment.vstart == len(loaded)
        assert domain.memory.read(paddr_of(segment.pfn), len(loaded)) == loaded


@pytest.mark.parametrize("guest", ["pv64", "pv32", "pvh", "hvm"])
def test_4_21_marks_the_console_disconnected(guest: str, synthetic_kernels: Path, files: Path) -> None:
    for release, connection in (("4.20", 0), ("4.21", 1)):
        domain = build(guest, release, synthetic_kernels, files)
        assert isinstance(domain, xlbuild.Domain)
        page = domain.memory.read(paddr_of(domain.plan.special_pages["console"]), PAGE_SIZE)
        assert page == bytes(3088) + bytes([connection]) + bytes(PAGE_SIZE - 3089)


def test_4_21_tells_of_acpi_tables_as_nvs(synthetic_kernels: Path, files: Path) -> None:
    for release, kind in (("4.20", 3), ("4.21", 4)):
        domain = build("pvh", release, synthetic_kernels, files)
        assert isinstance(domain, xlbuild.Domain)
        assert [entry.type for entry in domain.plan.layout.memory_map] == [1, 2, kind, kind, kind]


def test_a_release_that_is_not_known_is_refused() -> None:
    with pytest.raises(xlbuild.XlbuildError, match=r"Xen 4\.9 is not a release that xlbuild knows"):
        xlbuild.build(b'name="g"\n', xen="4.9")


def test_reading_outside_what_is_written_gives_zeros() -> None:
    domain = xlbuild.build(b'name="g"\ntype="pvh"\nkernel="xlbuild:hello-pvh"\nmemory=32\n')
    assert domain.memory.read(PhysAddr(0x1F00000), 64) == bytes(64)
