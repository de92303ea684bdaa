"""Fields of ACPI tables as they are described, against what iasl's disassembler says of the same bytes."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from acpimemory import RSDP_AT, acpi_memory, with_checksum

import xlbuild
from xlbuild.abi.layout import Layout
from xlbuild.inspect.memory.acpi import AcpiTable, describe_acpi, find_tables
from xlbuild.inspect.memory.acpi_fields import MADT_ENTRIES, SRAT_ENTRIES
from xlbuild.inspect.tree import Tree
from xlbuild.units import PhysAddr

pytestmark = pytest.mark.iasl

ROOT = Path(__file__).parents[3]
HEADER_SIZE = 36
ENTRIES = {"madt": (44, MADT_ENTRIES), "srat": (48, SRAT_ENTRIES)}
TEMPLATES = ("APIC", "HPET", "SLIT", "SRAT", "TPM2", "WAET")
KEPT = {b"SLIT": slice(36, 44), b"TPM2": slice(48, 52)}
"""What decides how iasl reads the rest of a table."""

FADT_FLAGS = {
    "WBINVD instruction is operational (V1)": "WBINVD",
    "WBINVD flushes all caches (V1)": "WBINVD_FLUSH",
    "All CPUs support C1 (V1)": "PROC_C1",
    "C2 works on MP system (V1)": "P_LVL2_UP",
    "Control Method Power Button (V1)": "PWR_BUTTON",
    "Control Method Sleep Button (V1)": "SLP_BUTTON",
    "RTC wake not in fixed reg space (V1)": "FIX_RTC",
    "RTC can wake system from S4 (V1)": "RTC_S4",
    "32-bit PM Timer (V1)": "TMR_VAL_EXT",
    "Docking Supported (V1)": "DCK_CAP",
    "Reset Register Supported (V2)": "RESET_REG_SUP",
    "Sealed Case (V3)": "SEALED_CASE",
    "Headless - No Video (V3)": "HEADLESS",
    "Use native instr after SLP_TYPx (V3)": "CPU_SW_SLP",
    "PCIEXP_WAK Bits Supported (V4)": "PCI_EXP_WAK",
    "Use Platform Timer (V4)": "USE_PLATFORM_CLOCK",
    "RTC_STS valid on S4 wake (V4)": "S4_RTC_STS_VALID",
    "Remote Power-on capable (V4)": "REMOTE_POWER_ON_CAPABLE",
    "Use APIC Cluster Model (V4)": "FORCE_APIC_CLUSTER_MODEL",
    "Use APIC Physical Destination Mode (V4)": "FORCE_APIC_PHYSICAL_DESTINATION_MODE",
    "Hardware Reduced (V5)": "HW_REDUCED_ACPI",
    "Low Power S0 Idle (V5)": "LOW_POWER_S0_IDLE_CAPABLE",
    "Legacy Devices Supported (V2)": "LEGACY_DEVICES",
    "8042 Present on ports 60/64 (V2)": "I8042",
    "VGA Not Present (V4)": "VGA_NOT_PRESENT",
    "MSI Not Supported (V4)": "MSI_NOT_SUPPORTED",
    "PCIe ASPM Not Supported (V4)": "PCIE_ASPM_CONTROLS",
    "CMOS RTC Not Present (V5)": "CMOS_RTC_NOT_PRESENT",
}
"""iasl's words for the FADT's flags, and the specification's names."""

Described = dict[str, Tree]


@dataclass(frozen=True)
class Disassembly:
    """What iasl says of a table."""

    source: str

    def value(self, offset: int, size: int) -> str:
        """Return its value of the field at an offset; of several of that size there, the last."""
        found = re.findall(rf"^\[{offset:03X}h \d+ +{size}\] .*? : (.*)$", self.source, re.MULTILINE)
        assert found, f"iasl has no field of {size} bytes at {offset:#x}"
        return str(found[-1])

    def bits(self) -> dict[str, str]:
        """Return the decoded bits by iasl's words for them."""
        return dict(re.findall(r"^ +(.*?) : ([01])$", self.source, re.MULTILINE))


def disassemble(data: bytes, directory: Path) -> Disassembly:
    (directory / "table.dat").write_bytes(data)
    subprocess.run(["iasl", "-d", directory / "table.dat"], check=True, capture_output=True)
    return Disassembly((directory / "table.dsl").read_text())


def template(signature: str, directory: Path) -> bytes:
    """Return iasl's own example of a table."""
    subprocess.run(["iasl", "-T", signature], check=True, capture_output=True, cwd=directory)
    source = f"{signature.lower()}.asl"
    subprocess.run(["iasl", source], check=True, capture_output=True, cwd=directory)
    return (directory / f"{signature.lower()}.aml").read_bytes()


def with_pattern(table: bytes, entries_at: int | None) -> bytes:
    """Return a table in which each byte that is no type, length or count differs from its neighbours."""
    patterned = bytearray(table)
    if entries_at is None:
        patterned[HEADER_SIZE:] = (index * 37 + 11 & 0xFF for index in range(len(table) - HEADER_SIZE))
        kept = KEPT.get(table[:4], slice(0))
        patterned[kept] = table[kept]
    for at, length in entries_of(table, entries_at) if entries_at else ():
        patterned[at + 2 : at + length] = (index * 53 + at & 0xFF for index in range(length - 2))
    return with_checksum(bytes(patterned))


def entries_of(table: bytes, at: int) -> Iterator[tuple[int, int]]:
    """Yield where each entry is, and its length."""
    while at < len(table):
        yield at, table[at + 1]
        at += table[at + 1]


def assert_agrees(described: Described, layout: Layout, there: Disassembly, base: int = 0) -> int:
    """Compare each described field with iasl's at the same place; return how many were compared."""
    compared = 0
    for name in layout.field_names:
        if name not in described:
            continue
        offset, size = base + layout.offset_of(name), layout.size_of(name)
        value = described[name]
        if isinstance(value, str) and size == 12 and not re.fullmatch("[0-9a-f]{24}", value):
            assert_same_register(value, there, offset)
        else:
            assert_same_value(name, value, there.value(offset, size))
        compared += 1
    return compared


def assert_same_value(name: str, ours: Tree, iasls: str) -> None:
    if text := re.match('"(.*)"', iasls):
        assert str(ours).rstrip() == text[1].rstrip(), name
        return
    number = iasls.partition("[")[0].replace(" ", "")
    if isinstance(ours, int):
        assert ours == int(number, 16), name
    elif str(ours).startswith("0x"):
        assert int(str(ours), 16) == int(number, 16), name
    else:
        raw = bytes.fromhex(str(ours))
        assert raw.hex() in (number.lower(), bytes.fromhex(number)[::-1].hex()), name


def assert_same_register(ours: str, there: Disassembly, offset: int) -> None:
    """Compare a register in words with the five fields that iasl has of it."""
    space, bits, first_bit, access = (int(there.value(offset + at, 1)[:2], 16) for at in range(4))
    address = int(there.value(offset + 4, 8), 16)
    if ours == "none":
        assert not any((space, bits, first_bit, access, address))
        return
    words = re.fullmatch(r"(.*) 0x(\w+), (\d+) bits(?: from bit (\d+) on)?(?:, accessed as (.*))?", ours)
    assert words
    assert (int(words[2], 16), int(words[3]), int(words[4] or 0)) == (address, bits, first_bit)
    spaces = {0: "memory", 1: "I/O ports"}
    assert words[1] == spaces.get(space, f"address space {space:#x}")
    assert bool(words[5]) == bool(access)


@pytest.mark.parametrize("vcpus", [1, 3, 128])
def test_every_field_of_a_built_guests_tables_is_as_iasl_reads_it(vcpus: int, tmp_path: Path) -> None:
    config = ROOT / "configs" / "hello-pvh.cfg"
    domain = xlbuild.build(config, overrides=["vcpus=1", f"maxvcpus={vcpus}"])
    rsdp = domain.plan.start_info.fields["rsdp_paddr"]
    assert isinstance(rsdp, int)
    tables = find_tables(domain.memory, PhysAddr(rsdp))
    contents = describe_acpi(domain.memory, PhysAddr(rsdp))["contents"]
    assert isinstance(contents, dict)
    assert [table.name for table in tables] == [
        *("facs", "dsdt", "fadt_rev_1", "fadt_rev_5", "madt", "xsdt", "rsdt")
    ]
    for table in tables:
        there = disassemble(table.data, tmp_path)
        if table.name == "dsdt":
            continue
        described = contents[table.name]
        assert assert_agrees(described, table.layout, there) >= 8
        assert_entries_agree(table, described, there)
        assert_flags_agree(described, there)


@pytest.mark.parametrize("signature", TEMPLATES)
def test_every_field_of_a_firmware_table_is_as_iasl_reads_it(signature: str, tmp_path: Path) -> None:
    data = template(signature, tmp_path)
    name = {"APIC": "madt"}.get(signature, signature.lower())
    at = ENTRIES[name][0] if name in ENTRIES else None
    memory = acpi_memory(with_pattern(data, at))
    table = find_tables(memory, RSDP_AT)[-1]
    contents = describe_acpi(memory, RSDP_AT)["contents"]
    assert isinstance(contents, dict)
    described = contents[name]
    there = disassemble(table.data, tmp_path)
    assert described["checksum_means"] == "ok"
    assert assert_agrees(described, table.layout, there) >= 9
    assert_entries_agree(table, described, there)


def assert_entries_agree(table: AcpiTable, described: Described, there: Disassembly) -> None:
    """Compare each entry of a MADT or SRAT, wherever its type is known."""
    if table.name not in ENTRIES:
        return
    first, known = ENTRIES[table.name]
    groups = described["entries"]
    assert isinstance(groups, dict)
    left = {name: list(rows) for name, rows in groups.items()}
    for at, _ in entries_of(table.data, first):
        kind = table.data[at]
        if kind in known:
            name, structure = known[kind]
            entry = left[name].pop(0)
            assert assert_agrees(entry, structure.layout, there, at) >= len(structure.layout.field_names) - 2
        else:
            assert left[f"type_{kind}"].pop(0)
    assert not any(left.values())


def assert_flags_agree(described: Described, there: Disassembly) -> None:
    """Compare the names of the FADT's flags with the bits that iasl has decoded."""
    if described["signature"] != "FACP":
        return
    named = ", ".join(str(described[field]) for field in ("flags_means", "iapc_boot_arch_means"))
    is_set = {FADT_FLAGS[words] for words, bit in there.bits().items() if bit == "1" and words in FADT_FLAGS}
    assert set(named.split(", ")) - {"none"} == is_set


def test_each_flag_of_the_fadt_has_iasls_name_for_it(tmp_path: Path) -> None:
    fadt = bytearray(template("FACP", tmp_path))
    bits = [(109, bit) for bit in range(6)] + [(112, bit) for bit in range(22)]
    for offset, bit in bits:
        fadt[109:111], fadt[112:116] = bytes(2), bytes(4)
        fadt[offset + bit // 8] = 1 << bit % 8
        memory = acpi_memory(with_checksum(bytes(fadt)))
        contents = describe_acpi(memory, RSDP_AT)["contents"]
        assert isinstance(contents, dict)
        described = contents[f"fadt_rev_{fadt[8]}"]
        assert_flags_agree(described, disassemble(find_tables(memory, RSDP_AT)[-1].data, tmp_path))


def test_slit_distances_are_rows(tmp_path: Path) -> None:
    memory = acpi_memory(template("SLIT", tmp_path))
    contents = describe_acpi(memory, RSDP_AT)["contents"]
    assert isinstance(contents, dict)
    source = re.sub(r"\\\s*\n", " ", (tmp_path / "slit.asl").read_text())
    rows = re.findall(r"Locality +\d+ : (.*)", source)
    assert len(rows) == 20
    assert contents["slit"]["distances"] == [[int(cell, 16) for cell in row.split()] for row in rows]
