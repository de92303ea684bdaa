"""What is taken out of a domain is, byte for byte, what was put in."""

from pathlib import Path
from typing import Any

import pytest
from builtdomains import PV, PVH, REAL, built, poke, write
from toolstack import XEN_ROOT, Material

from xlbuild.built import BuiltDomain
from xlbuild.emit.readback import read_directory
from xlbuild.inspect.domains.parts import domain_parts
from xlbuild.inspect.tree import Part
from xlbuild.units import MIB


def parts_of(domain: BuiltDomain) -> dict[str, Part]:
    parts = domain_parts(domain)
    named = {part.name: part for part in parts}
    assert [part.name for part in parts] == sorted(named)
    return named


def taken(part: Part) -> bytes:
    data = b"".join(part.read())
    assert len(data) == part.size
    return data


def test_the_parts_of_a_pv_guest_are_those_of_its_structures(tmp_path: Path) -> None:
    domain = built(PV, tmp_path / "g")
    parts = parts_of(domain)
    assert set(parts) == {
        *("kernel", "phys2mach", "page-tables", "xenstore", "console", "boot_stack", "hypercall_page"),
        *("start_info", "shared_info", "vcpu_context", "command-line", "memory-map"),
    }
    assert taken(parts["vcpu_context"]) == (tmp_path / "g" / "vcpu_context.bin").read_bytes()
    assert taken(parts["shared_info"]) == (tmp_path / "g" / "shared_info.bin").read_bytes()
    assert (tmp_path / "g" / "start_info.bin").read_bytes().startswith(taken(parts["start_info"]))
    assert taken(parts["command-line"]) == b"greeting=hello"
    assert taken(parts["phys2mach"]) == b"".join(n.to_bytes(8, "little") for n in range(4096))
    assert parts["start_info"].size == 1168


def test_the_parts_of_a_pvh_guest_are_those_of_its_structures(tmp_path: Path) -> None:
    domain = built(PVH, tmp_path / "g")
    parts = parts_of(domain)
    files = {
        "hvm_context": "hvm_context.bin",
        "hvm-start-info": "start_info.bin",
        "rsdp": "acpi_rsdp.bin",
        "acpi-info": "acpi_info.bin",
        "acpi:DSDT": "acpi_dsdt.bin",
        "acpi:FACS": "acpi_facs.bin",
        "acpi:FADT-rev1": "acpi_fadt_rev_1.bin",
        "acpi:FADT-rev5": "acpi_fadt_rev_5.bin",
        "acpi:MADT": "acpi_madt.bin",
        "acpi:RSDT": "acpi_rsdt.bin",
        "acpi:XSDT": "acpi_xsdt.bin",
    }
    for name, file in files.items():
        assert taken(parts[name]) == (tmp_path / "g" / file).read_bytes(), name
    start_info = taken(parts["hvm-start-info"])
    assert start_info.startswith(taken(parts["start_info"]))
    assert taken(parts["start_info"]).startswith(bytes.fromhex("78c56e33"))
    assert start_info.endswith(taken(parts["memory-map"]))
    assert taken(parts["command-line"]) == b"greeting=hello"
    assert len(taken(parts["ident_pt"])) == 4096


def test_what_is_taken_out_is_what_is_in_the_image_now(tmp_path: Path) -> None:
    write(PV, tmp_path / "g")
    poke(tmp_path / "g", 0x100000, b"changed")
    poke(tmp_path / "g", 0x10B000 + 128, b"Cheerio\0")
    parts = parts_of(read_directory(tmp_path / "g"))
    assert taken(parts["kernel"]).startswith(b"changed")
    assert taken(parts["command-line"]) == b"Cheerio"


def test_a_guest_without_a_command_line_has_no_such_part(tmp_path: Path) -> None:
    domain = built(PVH.replace(b'cmdline="greeting=hello"', b""), tmp_path / "g")
    assert "command-line" not in parts_of(domain)


def test_a_ramdisk_comes_out_as_it_went_in(tmp_path: Path) -> None:
    ramdisk = bytes(range(256)) * 5000 + b"the end"
    (tmp_path / "rd").write_bytes(ramdisk)
    domain = built(PVH + f'ramdisk="{tmp_path}/rd"\n'.encode(), tmp_path / "g")
    part = parts_of(domain)["module0"]
    assert taken(part) == ramdisk
    assert max(map(len, part.read())) == MIB
    assert part.title == "the ramdisk"


@pytest.mark.parametrize("name", ["pv-cloud-balloon", "pv-grub32", "pvh-cloud-5g", "hvm-seabios"])
def test_each_segment_of_a_real_guest_is_what_was_built(
    name: str, material: Material, tmp_path: Path
) -> None:
    domain: Any = write(REAL[name].config(material).encode(), tmp_path / "g", firmware_dirs=[str(XEN_ROOT)])
    parts = parts_of(read_directory(tmp_path / "g"))
    for segment in (*domain.plan.segments, *domain.plan.firmware):
        size = segment.vend - segment.vstart
        assert taken(parts[segment.name.lower().replace(" ", "-")]) == domain.memory.read(
            segment.pfn * 4096, size
        )
    for name, pfn in domain.plan.special_pages.items():
        if name != "start_info":
            assert taken(parts[name]) == domain.memory.read(pfn * 4096, 4096)
