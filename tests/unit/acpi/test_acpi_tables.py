"""PVH's ACPI against the bytes that the real toolstack hands to the builder, Xen's DSDT left out."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from xlbuild.acpi import AcpiTables, Table, build_acpi, needs_rsdp_in_low_memory
from xlbuild.errors import RefusedError
from xlbuild.image.model import PaeMode, XenParameters
from xlbuild.profiles import PROFILES, Profile

# How the golden values were made is told in the file itself.
GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "acpi" / "pvh-tables.json").read_text())
DSDT_LENGTH: int = GOLDEN["dsdt_length"]

Guest = dict[str, Any]


def _name(guest: Guest) -> str:
    return f"{guest['vcpus']}-of-{guest['maxvcpus']}{'-low' if guest['rsdp_in_low_memory'] else ''}"


each_guest = pytest.mark.parametrize("guest", GOLDEN["guests"], ids=_name)


def _build(guest: Guest) -> AcpiTables:
    return build_acpi(
        guest["maxvcpus"],
        guest["vcpus"],
        dsdt_length=DSDT_LENGTH,
        rsdp_in_low_memory=guest["rsdp_in_low_memory"],
    )


@each_guest
def test_every_table_but_the_dsdt_is_xens_at_xens_address(guest: Guest) -> None:
    ours = {
        placed.table.name: {"address": hex(placed.address), "bytes": placed.data.hex()}
        for placed in _build(guest).tables
        if placed.table is not Table.DSDT
    }
    assert ours == guest["tables"]


@each_guest
def test_the_root_pointer_and_the_info_block_are_xens(guest: Guest) -> None:
    acpi = _build(guest)
    assert acpi.rsdp.data.rstrip(b"\0").hex() == guest["rsdp"]
    assert acpi.info.data.rstrip(b"\0").hex() == guest["info"]


@each_guest
def test_the_blobs_are_xens_but_for_the_dsdts_bytes(guest: Guest) -> None:
    blobs = []
    for blob in _build(guest).blobs:
        data = bytearray(blob.data)
        if blob.name == "ACPI tables":
            data[64 : 64 + DSDT_LENGTH] = bytes(DSDT_LENGTH)
        digest = hashlib.sha256(data).hexdigest()
        blobs.append({"address": hex(blob.address), "length": len(data), "sha256": digest})
    assert blobs == guest["blobs"]


@each_guest
def test_a_memory_map_entry_starts_at_the_page_and_ends_with_the_blob(guest: Guest) -> None:
    assert [[hex(blob.map_start), hex(blob.map_size)] for blob in _build(guest).blobs] == guest["memory_map"]


def test_the_dsdt_lies_behind_the_facs_and_what_it_does_not_use_is_zero() -> None:
    acpi = build_acpi(10, 10, dsdt_length=DSDT_LENGTH, rsdp_in_low_memory=False)
    dsdt = next(placed for placed in acpi.tables if placed.table is Table.DSDT)
    area = acpi.area.data[64 : 64 + DSDT_LENGTH]
    assert dsdt.address == 0xFC001040
    assert area == dsdt.data.ljust(DSDT_LENGTH, b"\0")


@pytest.mark.parametrize("online", [1, 5, 10])
def test_processors_and_local_apics_agree(online: int) -> None:
    acpi = build_acpi(10, online, dsdt_length=DSDT_LENGTH, rsdp_in_low_memory=False)
    data = {placed.table: placed.data for placed in acpi.tables}
    apics = [data[Table.MADT][at : at + 8] for at in range(44, 44 + 80, 8)]
    for cpu, apic in enumerate(apics):
        assert apic == bytes([0, 8, cpu, 2 * cpu, cpu < online, 0, 0, 0])
        assert f"C{cpu:03X}".encode() in data[Table.DSDT]


# Table areas of 5 pages were seen with Xen 4.19.4, 4.20.2 and 4.21.0, of 7 and 8 with 4.17.7.
@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
@pytest.mark.parametrize("max_vcpus", [1, 128])
def test_the_root_pointer_is_in_the_page_behind_the_tables(profile: Profile, max_vcpus: int) -> None:
    acpi = build_acpi(max_vcpus, 1, dsdt_length=profile.pvh_dsdt_length, rsdp_in_low_memory=False)
    pages = (7 if max_vcpus == 1 else 8) if profile.name in ("4.17", "4.18") else 5
    assert len(acpi.area.data) == pages * 4096
    assert acpi.rsdp.address == 0xFC001000 + pages * 4096


def test_more_vcpus_than_xen_gives_are_refused() -> None:
    with pytest.raises(RefusedError, match="129 vCPUs") as refused:
        build_acpi(129, 1, dsdt_length=DSDT_LENGTH, rsdp_in_low_memory=False)
    assert refused.value.code == "too-many-vcpus"


# GUEST_OS values tried with xl create of 4.17.7: only `linux` itself, without the feature, gave 0xfffc0.
@pytest.mark.parametrize(
    ("guest_os", "features", "low"),
    [
        ("linux", 0, True),
        ("linux", ~(1 << 15) & 0xFFFFFFFF, True),
        ("linux", 1 << 15, False),
        ("Linux", 0, False),
        ("linu", 0, False),
        ("linuxx", 0, False),
        ("", 0, False),
    ],
)
def test_only_an_old_linux_needs_the_root_pointer_in_low_memory(
    guest_os: str, features: int, low: bool
) -> None:
    assert needs_rsdp_in_low_memory(_parameters(guest_os, features)) is low


def _parameters(guest_os: str, features_supported: int) -> XenParameters:
    return XenParameters(
        notes=(),
        guest_os=guest_os,
        guest_version="",
        xen_version="",
        loader="",
        pae=PaeMode.NO,
        bsd_symtab=False,
        unmapped_initrd=False,
        virt_base=0,
        virt_entry=None,
        virt_hypercall=None,
        virt_hv_start_low=None,
        p2m_base=None,
        elf_paddr_offset=0,
        phys_entry=0x100000,
        virt_kstart=0x100000,
        virt_kend=0x101000,
        features_supported=features_supported,
        features_required=0,
    )
