"""A domain's description says what lies in its memory and files, and where the manifest says otherwise."""

import json
import os
import shutil
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from builtdomains import HELLO, PVH, REAL, built, change_manifest, poke, write
from guests import Guest
from hypothesis import given
from hypothesis import strategies as st
from toolstack import XEN_ROOT, Material

import xlbuild
from xlbuild.built import BuiltDomain
from xlbuild.emit.readback import in_memory, read_directory, verify
from xlbuild.inspect.domains.describe import describe_domain, domain_problems
from xlbuild.inspect.domains.regions import domain_regions, virtual_address
from xlbuild.inspect.memory.region import region_at
from xlbuild.units import PAGE_SIZE, PhysAddr

Described = dict[str, Any]


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("domains")
    for name, config in HELLO.items():
        write(config, place / name)
    return {name: place / name for name in HELLO}


@pytest.fixture
def pv(originals: dict[str, Path], tmp_path: Path) -> Path:
    """A PV guest's directory, to be damaged."""
    return copied(originals["pv"], tmp_path / "g")


@pytest.fixture
def pvh(originals: dict[str, Path], tmp_path: Path) -> Path:
    """A PVH guest's directory, to be damaged."""
    return copied(originals["pvh"], tmp_path / "g")


def copied(directory: Path, target: Path) -> Path:
    """Copy a domain, its image as sparse as it is."""
    target.mkdir()
    memory = read_directory(directory).memory
    for file in directory.iterdir():
        if file.name != "memory.img":
            shutil.copy(file, target)
    with (target / "memory.img").open("wb") as image:
        image.truncate((directory / "memory.img").stat().st_size)
        for pfn, page in memory.pages():
            image.seek(pfn * 4096)
            image.write(page)
    return target


def described(directory: Path) -> Described:
    """Return a description as JSON has it."""
    domain = read_directory(directory)
    loaded: Described = json.loads(json.dumps(describe_domain(domain, verify(domain))))
    return loaded


def problems(directory: Path) -> list[str]:
    domain = read_directory(directory)
    return domain_problems(domain, verify(domain))


def rows(table: list[Described], key: str = "name") -> dict[str, Described]:
    return {row[key]: row for row in table}


def test_a_pv_guest_is_described(pv: Path) -> None:
    found = described(pv)
    assert found["problems"] == []
    assert (found["container"], found["guest_type"], found["command_line"]) == (
        "pv",
        "xen-3.0-x86_64",
        "greeting=hello",
    )
    info = found["start_info"]
    assert (info["magic"], info["cmd_line"], info["nr_pages"]) == ("xen-3.0-x86_64", "greeting=hello", 4096)
    assert info["nr_pages_means"] == "frames of memory: 16 MiB"
    assert info["mod_start_means"] == "there is no ramdisk"
    places = rows(found["map"])
    registers = rows(found["vcpus"][0]["registers"])
    assert registers["rsi"]["value"] == info["virt"] == places["start_info"]["virt"]
    assert registers["rsi"]["means"] == "points at start_info"
    assert registers["rsp"]["value"] == places["boot_stack"]["end"]
    assert registers["rsp"]["means"] == "the end of boot_stack"
    assert registers["rip"]["means"] == "starts at kernel"
    assert registers["flags"]["means"] == "VGCF_in_kernel, VGCF_online"
    assert registers["cs"]["means"] == "Xen's flat 64-bit code segment"
    assert registers["ctrlreg[3]"]["value"] == places["page tables"]["addr"] == info["pt_base"]
    assert registers["ctrlreg[3]"]["means"] == "cr3: the first frame of the page tables"
    assert "rax" in found["vcpus"][0]["zero"].split(", ")
    assert found["shared_info"]["evtchn_upcall_mask_means"] == "32 vCPUs of 32 with events masked"
    assert found["p2m"]["runs"] == [{"pfn": "0x0", "mfn": "0x0", "frames": 4096}]
    assert found["hypercall_page"]["means"] == "128 entries of the hypervisor's"
    assert {row["means"] for row in found["grants"]} == {
        "permit_access: domain 0 may map console",
        "permit_access: domain 0 may map xenstore",
    }
    assert found["digests"]["memory_means"] == found["digests"]["domain_means"] == "matches"


def test_a_pvh_guest_is_described(pvh: Path) -> None:
    found = described(pvh)
    assert found["problems"] == []
    info = found["start_info"]
    assert (info["magic"], info["magic_means"], info["version"]) == ("0x336ec578", "HVM start info", 1)
    assert info["cmdline"] == "greeting=hello"
    assert info["memmap"] == found["memory_map"]
    places = rows(found["map"])
    assert info["rsdp_paddr"] == places["RSDP"]["addr"]
    assert info["cmdline_paddr"] == places["cmdline"]["addr"]
    first, *others = found["vcpus"]
    registers = rows(first["registers"])
    assert registers["rbx"]["value"] == places["HVM start info"]["addr"]
    assert registers["rbx"]["means"] == "points at start_info"
    assert registers["cr0"]["means"] == "PE, ET: protected mode, without paging"
    assert registers["cs_arbytes"]["means"] == "32-bit code, ring 0, present, 4 KiB granules"
    assert [(vcpu["state"], vcpu["mtrr"]) for vcpu in others] == [
        ("waits until the guest starts it", "as vCPU 0's")
    ] * 2
    params = rows(found["hvm_params"])
    assert params["STORE_PFN"]["value"] == "0xfeffc"
    assert params["TIMER_MODE"]["means"].endswith(": no_delay_for_missed_ticks")


def test_an_hvm_guest_is_described(small_hvm: str, tmp_path: Path) -> None:
    write((small_hvm + "vcpus=2\nmaxvcpus=5\n").encode(), tmp_path / "g")
    found = described(tmp_path / "g")
    assert found["problems"] == []
    table = found["hvm_info_table"]
    assert (table["addr"], table["signature"], table["checksum_means"]) == ("0x9f800", "HVM INFO", "ok")
    assert (table["nr_vcpus"], table["vcpu_online_means"]) == (5, "vCPUs online at start: 0 to 1")
    places = rows(found["map"])
    assert places["kernel"]["means"] == "hvmloader's image, which starts the firmware"
    (module,) = found["start_info"]["modlist"]
    assert (module["addr"], module["size"], module["cmdline"]) == (
        places["System Firmware module"]["addr"],
        0x20000,
        "firmware",
    )


def test_populate_on_demand_and_nodes_are_described(small_hvm: str, tmp_path: Path) -> None:
    write((small_hvm + "maxmem=128\n").encode(), tmp_path / "pod")
    memory = described(tmp_path / "pod")["memory"]
    assert memory["target_size"] < memory["total_size"]
    assert memory["populate_on_demand"]["target"] < memory["total_pages"]
    nodes = 'vnuma=[["pnode=0","size=64","vcpus=0","vdistances=10"]]\n'
    write((small_hvm + nodes).encode(), tmp_path / "nodes")
    assert described(tmp_path / "nodes")["vnuma"]["vdistance"] == [[10]]


def numbers(value: object) -> Iterator[tuple[str, object]]:
    """Yield name and value of all numbers in a description."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield name, member
            yield from numbers(member)
    elif isinstance(value, list):
        for member in value:
            yield from numbers(member)


@pytest.mark.parametrize("guest", REAL.values(), ids=list(REAL))
def test_each_kind_of_real_guest_is_described_as_planned(
    guest: Guest, material: Material, tmp_path: Path
) -> None:
    domain = write(guest.config(material).encode(), tmp_path / "g", firmware_dirs=[str(XEN_ROOT)])
    found, plan = described(tmp_path / "g"), domain.plan
    assert found["problems"] == []
    for name, value in plan.start_info.fields.items():
        if isinstance(value, int):
            shown = found["start_info"][name]
            assert (int(shown, 16) if isinstance(shown, str) else shown) == value, name
    registers = plan.vcpus[0].registers
    assert registers is not None
    told = {row["name"]: int(row["value"], 16) for row in found["vcpus"][0]["registers"]}
    for name, value in registers.items():
        if isinstance(value, int):
            assert told.get(name, 0) == value, name
    places = rows(found["map"])
    for segment in (*plan.segments, *plan.firmware):
        place = places[segment.name]
        assert (int(place["addr"], 16), place["size"]) == (
            segment.pfn * 4096,
            segment.vend - segment.vstart,
        )
        if place.get("virt") is not None:
            assert int(place["virt"], 16) == segment.vstart
    unmapped = plan.request.image.parameters.unmapped_initrd
    assert ("virt" in places["kernel"]) == (found["container"] == "pv")
    if found["container"] == "pv" and "module0" in places:
        assert (places["module0"]["virt"] is None) == unmapped
    for key, member in numbers(found):
        if key == "size" or key.endswith("_size"):
            assert isinstance(member, int), key


@pytest.mark.parametrize("kind", HELLO)
def test_regions_are_in_order_and_where_memory_is(kind: str, originals: dict[str, Path]) -> None:
    domain = read_directory(originals[kind])
    regions = domain_regions(domain)
    assert [(r.first, -r.end) for r in regions] == sorted((r.first, -r.end) for r in regions)
    for region in regions:
        assert any(f.first * 4096 <= region.first < region.end <= f.end * 4096 for f in domain.populated)
    info = region_at(regions, domain.start_info.address)
    assert info is not None
    assert info.name == "start_info"
    assert region_at(regions, PhysAddr(0)) is None


def test_what_is_mapped_elsewhere_has_its_own_virtual_address(material: Material, tmp_path: Path) -> None:
    config = REAL["pv-cloud-balloon"].config(material).encode()
    domain = built(config, tmp_path / "g")
    p2m, module = domain.segment("phys2mach"), domain.segment("module0")
    assert p2m is not None
    assert module is not None
    assert virtual_address(domain, PhysAddr(p2m.pfn * 4096 + 5)) == p2m.vstart + 5
    assert virtual_address(domain, PhysAddr(module.pfn * 4096)) is None
    assert virtual_address(domain, PhysAddr(0)) == 0xFFFFFFFF80000000


# What does not agree is told.

DAMAGE_PV: list[tuple[Callable[[Path, BuiltDomain], object], str]] = [
    (
        lambda path, _: change_manifest(path, lambda d: d["start_info"].update(nr_pages=4097)),
        "start_info.nr_pages is 0x1000 in memory.img, 0x1001 in domain.json",
    ),
    (
        lambda path, domain: poke(path, domain.start_info.address + 128, b"X"),
        "start_info.cmd_line is 'Xreeting=hello' in memory.img, 'greeting=hello' in domain.json",
    ),
    (
        lambda path, domain: poke(path, domain.start_info.address + 4000, b"X"),
        "start_info.bin is not what memory.img has at 0x10b000",
    ),
    (
        lambda path, _: change_manifest(path, lambda d: d["vcpus"][0]["registers"].update(rip="0x5")),
        "vcpus[0].registers.rip is 0x100000 in vcpu_context.bin, 0x5 in domain.json",
    ),
    (
        lambda path, _: change_manifest(
            path, lambda d: d["vcpus"][0]["registers"]["ctrlreg"].__setitem__(0, "0x1")
        ),
        "vcpus[0].registers.ctrlreg is ['0x0', '0x0', '0x0', '0x10e000',",
    ),
    (lambda path, _: (path / "shared_info.bin").unlink(), "shared_info.bin is missing"),
    (
        lambda path, _: (path / "shared_info.bin").write_bytes(bytes(4096)),
        "shared_info.bin is not the page that the toolstack leaves: events masked, all else zero",
    ),
    (
        lambda path, _: (path / "vcpu_context.bin").write_bytes(bytes(100)),
        "vcpu_context.bin: 100 bytes are too few for foreign/x86_64.h struct vcpu_guest_context_x86_64: 5168",
    ),
    (
        lambda path, _: poke(path, 0x103000 + 8 * 7, struct.pack("<Q", 0x77)),
        "p2m[0x7] is 0x77 in memory.img, and the image has the frame at 0x7",
    ),
    (
        lambda path, _: poke(path, 0x101000, b"X"),
        "the hypercall page at 0x101000 is filled, domain.json says, and is not in memory.img",
    ),
    (
        lambda path, _: poke(path, 0x100000, b"XX"),
        "memory.img does not match the manifest's digest: it has been changed since (kernel)",
    ),
    (
        lambda path, _: poke(path, 0x200000, b"XX"),
        "memory.img does not match the manifest's digest: it has been changed since (outside all segments)",
    ),
    (
        lambda path, _: change_manifest(path, lambda d: d["event_channels"][0].update(port=9)),
        "domain.json does not match its own digest: it has been changed since",
    ),
]

DAMAGE_PVH: list[tuple[Callable[[Path, BuiltDomain], object], str]] = [
    (
        lambda path, domain: poke(path, domain.start_info.address, b"\0"),
        "start_info.magic is no HVM start info's, which is 0x336ec578",
    ),
    (
        lambda path, domain: poke(path, domain.start_info.address + 56, b"G"),
        "the command line is 'Greeting=hello' in memory.img, 'greeting=hello' in domain.json",
    ),
    (
        lambda path, _: change_manifest(path, lambda d: d["memory_map"].pop()),
        "the memory map in memory.img is not that of domain.json",
    ),
    (
        lambda path, domain: poke(path, domain.start_info.address + 12, b"\1"),
        "start_info.nr_modules is 0x1 in memory.img, 0x0 in domain.json",
    ),
    (
        lambda path, _: (path / "hvm_context.bin").write_bytes((path / "hvm_context.bin").read_bytes()[:-8]),
        "hvm_context.bin: it ends at offset",
    ),
    (
        lambda path, _: (path / "hvm_context.bin").write_bytes(b"\7\0\0\0\0\0\0\0" * 1000),
        "hvm_context.bin: the record at offset 0x0 is of type 7, which the builder does not write",
    ),
    (
        lambda path, _: (path / "hvm_context.bin").write_bytes(b"\2\0\0\0\xff\xff\xff\xff"),
        "hvm_context.bin: the record at offset 0x0 has 4294967295 bytes, and the file ends before",
    ),
    (
        lambda path, _: (path / "acpi_dsdt.bin").write_bytes(b"DSDT"),
        "acpi_dsdt.bin is not what memory.img has at 0xfc001040",
    ),
    (
        lambda path, _: change_manifest(path, lambda d: d["vcpus"][2].pop("mtrr")),
        "vcpus[2].mtrr is in hvm_context.bin, and not in domain.json",
    ),
    (
        lambda path, _: poke(path, 0x8000_0000, b"X"),
        "memory.img has something at frame 0x80000, where the guest has no memory",
    ),
]


@pytest.mark.parametrize(("damage", "problem"), DAMAGE_PV, ids=[problem[:40] for _, problem in DAMAGE_PV])
def test_what_does_not_agree_in_a_pv_guest_is_told(
    pv: Path, damage: Callable[[Path, BuiltDomain], object], problem: str
) -> None:
    damage(pv, read_directory(pv))
    assert any(found.startswith(problem) for found in problems(pv)), problems(pv)


@pytest.mark.parametrize(("damage", "problem"), DAMAGE_PVH, ids=[problem[:40] for _, problem in DAMAGE_PVH])
def test_what_does_not_agree_in_a_pvh_guest_is_told(
    pvh: Path, damage: Callable[[Path, BuiltDomain], object], problem: str
) -> None:
    damage(pvh, read_directory(pvh))
    assert any(found.startswith(problem) for found in problems(pvh)), problems(pvh)


def test_what_does_not_agree_in_hvm_info_table_is_told(small_hvm: str, tmp_path: Path) -> None:
    write(small_hvm.encode(), tmp_path / "g")
    poke(tmp_path / "g", 0x9F800 + 16, b"\7")  # nr_vcpus, 1
    found = problems(tmp_path / "g")
    assert "hvm_info_table.nr_vcpus is 0x7 in memory.img, 0x1 in domain.json" in found
    checksum = (tmp_path / "g" / "hvm_info_table.bin").read_bytes()[12]
    wanted = (checksum - 6) & 0xFF
    assert f"hvm_info_table.checksum is wrong: it is {checksum:#x}, would have to be {wanted:#x}" in found, (
        found
    )


def test_a_description_without_verification_says_nothing_of_what_memory_comes_to(pv: Path) -> None:
    poke(pv, 0x200000, b"X")
    found = describe_domain(read_directory(pv))
    assert found["problems"] == []
    digests = found["digests"]
    assert isinstance(digests, dict)
    assert "memory_means" not in digests


def test_problems_have_an_end(pv: Path) -> None:
    for number, name in enumerate(("vcpu_context.bin", "shared_info.bin", "start_info.bin")):
        size = (pv / name).stat().st_size
        (pv / name).write_bytes(bytes([0x5A + number]) * size)
    poke(pv, 0x10B000, b"\xff" * 4096)
    assert 10 < len(problems(pv)) <= 66


@pytest.mark.parametrize("fill", [b"\0", b"\xff", b"\x01"])
@pytest.mark.parametrize("kind", HELLO)
def test_memory_full_of_anything_is_described(
    kind: str, fill: bytes, originals: dict[str, Path], tmp_path: Path
) -> None:
    directory = copied(originals[kind], tmp_path / "g")
    domain = read_directory(directory)
    for region in domain_regions(domain):
        poke(directory, region.first, fill * region.size)
    assert len(described(directory)["problems"]) > 3


@given(at=st.integers(0, 55), data=st.binary(min_size=1, max_size=16))
def test_a_start_info_of_any_bytes_is_described(at: int, data: bytes) -> None:
    address = _PVH.plan.start_info.address
    _PVH.memory.replace("damage", PhysAddr(address + at), data)
    json.dumps(describe_domain(_IN_MEMORY))


_PVH = xlbuild.build(PVH)
_IN_MEMORY = in_memory(_PVH, "g")
_PVH.memory.claim("damage", _PVH.plan.segments[1].frames)


def test_a_table_of_half_a_terabyte_is_not_read(pvh: Path) -> None:
    frames = 1 << 28

    def change(document: Described) -> None:
        document["populated"] = [[0, frames]]
        document["acpi"]["tables"][0]["size"] = frames * PAGE_SIZE // 2

    change_manifest(pvh, change)
    os.truncate(pvh / "memory.img", frames * PAGE_SIZE)
    found = domain_problems(read_directory(pvh))
    assert [problem for problem in found if problem.startswith("acpi_")], found
