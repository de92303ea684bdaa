"""What AML declares, against the source that iasl compiled it from; and AML that is none."""

import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from toolstack import Material

from xlbuild.acpi import aml
from xlbuild.acpi.dsdt import build_dsdt
from xlbuild.inspect.memory.aml import describe_aml
from xlbuild.inspect.tree import Tree

SOURCE = r"""
DefinitionBlock ("", "DSDT", 2, "Test", "AML", 0)
{
    Name (\_S5, Package () { 5, 5, 0, 0 })
    OperationRegion (BIOS, SystemMemory, 0xFC000000, 20)
    Field (BIOS, ByteAcc, NoLock, Preserve) { UAR1, 1, Offset (2), NCPU, 16 }
    OperationRegion (MSUM, SystemMemory, NCPU, 1)
    OperationRegion (MATR, SystemMemory, Add (UAR1, 8), 8)
    Name (PRT0, Buffer (8) { 1 })
    CreateWordField (PRT0, 2, WRDF)
    Mutex (PRSC, 0)
    Event (EVNT)
    Scope (\_SB)
    {
        Name (_UID, 0xDEADBEEFCAFE)
        Device (PCI0)
        {
            Name (_HID, EisaId ("PNP0A03"))
            Name (_DDN, "a host bridge")
            Name (BUF, Buffer (4) { 1, 2, 3, 4 })
            Method (_CRS, 0, Serialized) { Return (BUF) }
            Device (ISA) { Name (_ADR, 0x00010000) }
        }
        Alias (\_SB.PCI0.ISA, LPC)
        PowerResource (PWR, 0, 0) { Method (_STA) { Return (1) } }
    }
    ThermalZone (\_TZ.TZ0) { Name (_TZP, 0xFF) }
    Name (LAST, Zero)
}
"""
DECLARED: list[tuple[str, str, Tree]] = [
    ("\\_S5", "Name", "package (8 bytes of AML)"),
    ("\\BIOS", "OperationRegion", "address space 0x0 from 0xfc000000, 0x14 bytes"),
    ("\\MSUM", "OperationRegion", "address space 0x0 from NCPU, 0x1 bytes"),
    ("\\MATR", "OperationRegion", "address space 0x0 from UAR1 + 0x8, 0x8 bytes"),
    ("\\PRT0", "Name", "buffer (4 bytes of AML)"),
    ("\\WRDF", "BufferField", "PRT0 0x2"),
    ("\\PRSC", "Mutex", None),
    ("\\EVNT", "Event", None),
    ("\\_SB", "Scope", None),
    ("\\_SB._UID", "Name", "0xdeadbeefcafe"),
    ("\\_SB.PCI0", "Device", None),
    ("\\_SB.PCI0._HID", "Name", "PNP0A03"),
    ("\\_SB.PCI0._DDN", "Name", "a host bridge"),
    ("\\_SB.PCI0.BUF", "Name", "buffer (7 bytes of AML)"),
    ("\\_SB.PCI0._CRS", "Method", None),
    ("\\_SB.PCI0.ISA", "Device", None),
    ("\\_SB.PCI0.ISA._ADR", "Name", "0x10000"),
    ("\\_SB.LPC", "Alias", "\\_SB.PCI0.ISA"),
    ("\\_SB.PWR", "PowerResource", None),
    ("\\_SB.PWR._STA", "Method", None),
    ("\\_TZ.TZ0", "ThermalZone", None),
    ("\\_TZ.TZ0._TZP", "Name", "0xff"),
    ("\\LAST", "Name", "0x0"),
]


def rows(described: object) -> list[tuple[object, object, object]]:
    assert isinstance(described, list)
    return [(row["path"], row["kind"], row["value"]) for row in described]


@pytest.mark.iasl
def test_every_declaration_of_a_compiled_source_is_found(tmp_path: Path) -> None:
    (tmp_path / "t.asl").write_text(SOURCE)
    subprocess.run(["iasl", "-on", "t.asl"], cwd=tmp_path, check=True, capture_output=True)
    described = describe_aml((tmp_path / "t.aml").read_bytes()[36:])
    assert described["understood"] == "all of it"
    found = [row for row in rows(described["objects"]) if row[1] != "Field"]
    assert found == DECLARED


@pytest.mark.iasl
def test_all_that_xens_firmware_declares_is_found(material: Material, tmp_path: Path) -> None:
    firmware = material.hvmloader.read_bytes()
    tables = [
        firmware[found.start() : found.start() + length]
        for found in re.finditer(b"[DS]SDT", firmware)
        for length in [int.from_bytes(firmware[found.start() + 4 : found.start() + 8], "little")]
        if 36 < length < len(firmware) - found.start() and not sum(firmware[found.start() :][:length]) & 0xFF
    ]
    assert len(tables) == 8
    for data in tables:
        (tmp_path / "t.aml").write_bytes(data)
        subprocess.run(["iasl", "-d", "t.aml"], cwd=tmp_path, check=True, capture_output=True)
        source = (tmp_path / "t.dsl").read_text()
        described = describe_aml(data[36:])
        assert described["understood"] == "all of it"
        kinds = Counter(kind for _, kind, _ in rows(described["objects"]))
        for kind in ("Device", "Method", "Processor", "OperationRegion", "Scope", "Field", "Mutex"):
            assert kinds[kind] == len(re.findall(rf"^ *{kind} \(", source, re.MULTILINE)), kind


def test_the_processors_of_a_built_dsdt_are_listed() -> None:
    described = describe_aml(build_dsdt(128, 3)[36:])
    assert described["understood"] == "all of it"
    assert described["declares"] == "1 Scope, 128 Device, 384 Name"
    found = rows(described["objects"])
    assert sum(kind == "Device" for _, kind, _ in found) == 128
    assert [value for path, _, value in found if str(path).endswith("_STA")] == ["0xf"] * 3 + ["0x0"] * 125
    assert ("\\_SB.C07F._HID", "Name", "ACPI0007") in found


def test_names_go_up_with_carets_and_start_anew_with_a_backslash() -> None:
    inner = aml.device("DEV", b"\x08^ABCD\x01", b"\x08\\EFGH\x01", b"\x08^^^^IJKL\x01")  # type: ignore[arg-type]
    paths = [path for path, _, _ in rows(describe_aml(aml.scope("\\_SB", inner))["objects"])]
    assert paths == ["\\_SB", "\\_SB.DEV", "\\_SB.ABCD", "\\EFGH", "\\IJKL"]


def test_what_cannot_be_followed_is_told_with_its_place() -> None:
    known = aml.name("ABCD", aml.integer(7))
    described = describe_aml(known + b"\x70\x01\x02")
    assert rows(described["objects"]) == [("\\ABCD", "Name", "0x7")]
    assert described["understood"] == "7 of 10 bytes: 0x7001 is not followed"


@pytest.mark.parametrize(
    "bad",
    [
        b"\x5b\x82\x3fABCD",  # a device longer than the table
        b"\x5b\x82\x01ABCD",  # a device shorter than its name
        b"\x5b",
        b"\x10",
        b"\x10\xc1",
        b"\x08ABC",
        b"\x08ABCD\x0dno end",
        b"\x08\x2f\xff" + b"ABCD" * 255 + b"\x00",  # a name of 255 segments
        b"\x08abcd\x00",
    ],
)
def test_broken_terms_end_the_walk(bad: bytes) -> None:
    assert "0 of" in str(describe_aml(bad)["understood"])


def test_devices_within_devices_are_followed_only_so_deep() -> None:
    term = b""
    for _ in range(100):
        term = aml.device("DEEP", aml.Term(term))
    described = describe_aml(term)
    assert len(rows(described["objects"])) == 17
    assert "is not followed" in str(described["understood"])


def test_a_table_of_endless_terms_is_cut() -> None:
    described = describe_aml(b"\xa0\x01" * (1 << 19))
    assert described["understood"] == "16382 of 1048576 bytes: there are more terms than 8192"


@given(st.binary(max_size=400), st.sampled_from([b"", b"\x10\x4f\x05\\_SB_", b"\x5b\x82\x4f\x06DEV_"]))
def test_any_bytes_are_described(noise: bytes, start: bytes) -> None:
    described = describe_aml(start + noise)
    assert described["size"] == len(start + noise)
    assert len(rows(described["objects"])) <= 400
