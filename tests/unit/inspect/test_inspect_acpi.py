"""ACPI tables found in memory, and memory in which nothing can be trusted."""

from pathlib import Path
from typing import Any

import pytest
from acpimemory import FIRST_TABLE_AT, ROOM, RSDP_AT, XSDT_AT, acpi_memory, rsdp, table, with_checksum
from fakememory import FakeMemory
from hypothesis import given
from hypothesis import strategies as st

import xlbuild
from xlbuild.inspect.memory.acpi import acpi_problems, acpi_regions, describe_acpi, find_tables
from xlbuild.units import PhysAddr

ROOT = Path(__file__).parents[3]


def described(memory: FakeMemory, at: PhysAddr = RSDP_AT) -> Any:
    return describe_acpi(memory, at)


def test_the_tables_of_a_built_guest_are_where_the_plan_put_them() -> None:
    domain = xlbuild.build(ROOT / "configs" / "hello-pvh.cfg", overrides=["vcpus=3"])
    acpi = domain.plan.layout.acpi
    assert acpi is not None
    found = find_tables(domain.memory, acpi.rsdp.address)
    assert [(t.address, t.data) for t in found] == [(placed.address, placed.data) for placed in acpi.tables]
    assert all(t.problem is None for t in found)


def test_regions_have_the_tables_with_their_layouts() -> None:
    domain = xlbuild.build(ROOT / "configs" / "hello-pvh.cfg")
    acpi = domain.plan.layout.acpi
    assert acpi is not None
    regions = {region.name: region for region in acpi_regions(domain.memory, acpi.rsdp.address)}
    assert set(regions) == {"rsdp", "facs", "dsdt", "fadt_rev_1", "fadt_rev_5", "madt", "xsdt", "rsdt"}
    assert (regions["rsdp"].first, regions["rsdp"].size) == (acpi.rsdp.address, 36)
    layout = regions["fadt_rev_5"].layout
    assert layout is not None
    assert layout.offset_of("iapc_boot_arch") == 109  # ACPI specification, "Fixed ACPI Description Table"


def test_a_wrong_checksum_is_told_with_the_right_one() -> None:
    broken = bytearray(table(b"WAET", b"\1\0\0\0"))
    right = broken[9]
    broken[9] ^= 0xFF
    contents = described(acpi_memory(bytes(broken)))
    verdict = f"wrong: it is {broken[9]:#x}, would have to be {right:#x}"
    assert contents["contents"]["waet"]["checksum_means"] == verdict
    assert contents["tables"][-1]["checksum"] == verdict
    assert contents["contents"]["waet"]["emulated_device_flags_means"] == "RTC_GOOD"


def test_both_checksums_of_the_root_pointer_are_checked() -> None:
    broken = bytearray(rsdp())
    broken[12] ^= 1  # the OEM's name: under both
    memory = FakeMemory({RSDP_AT: bytes(broken), XSDT_AT: table(b"XSDT", b"")})
    root = described(memory)["rsdp"]
    assert root["checksum_means"].startswith("wrong")
    assert root["extended_checksum_means"].startswith("wrong")


def test_a_root_pointer_of_acpi_1_names_the_rsdt_alone() -> None:
    old = bytearray(rsdp(rsdt_at=0x2000)[:20])
    old[15] = 0
    memory = FakeMemory({0x1000: with_checksum(bytes(old), 8), 0x2000: table(b"RSDT", b"")})
    answer = described(memory, PhysAddr(0x1000))
    assert answer["rsdp"]["checksum_means"] == "ok"
    assert "xsdt_address" not in answer["rsdp"]
    assert list(answer["contents"]) == ["rsdt"]


@pytest.mark.parametrize(
    ("contents", "why"),
    [
        ({RSDP_AT: b"RSD PTX " + bytes(28)}, "not an RSDP: it would start with 'RSD PTR ', not 'RSD PTX '"),
        ({RSDP_AT: b"\0\x1b\xff"}, "not an RSDP"),
        ({0x200000: b"x"}, "there is no memory at this address"),
    ],
)
def test_a_place_without_an_rsdp_is_told(contents: dict[int, bytes], why: str) -> None:
    answer = described(FakeMemory(contents))
    assert why in answer["rsdp"]["problem"]
    assert answer["tables"] == []
    assert acpi_regions(FakeMemory(contents), RSDP_AT) == ()


def test_tables_of_one_signature_have_names_of_their_own() -> None:
    ssdts = [table(b"SSDT", bytes([0x08, *b"ABCD", number])) for number in (0, 1)]
    answer = described(acpi_memory(*ssdts, table(b"\x01\x02xy", b"")))
    assert list(answer["contents"]) == ["xsdt", "ssdt", "ssdt_2", "unknown"]
    assert answer["contents"]["ssdt_2"]["aml"]["objects"] == [
        {"path": "\\ABCD", "kind": "Name", "value": "0x1"}
    ]


def test_a_table_that_names_itself_is_read_once() -> None:
    xsdt = table(b"XSDT", XSDT_AT.to_bytes(8, "little") * 100)
    found = find_tables(FakeMemory({RSDP_AT: rsdp(), XSDT_AT: xsdt}), RSDP_AT)
    assert [(t.name, t.named_by) for t in found] == [("xsdt", ("rsdp.xsdt_address", "xsdt"))]


@pytest.mark.parametrize(
    ("length", "why"),
    [
        (0, "its length is 0, less than its header's 36"),
        (35, "its length is 35, less than its header's 36"),
        (0xFFFFFFFF, "its length is 4294967295, and memory ends 18 MiB behind its start"),
        (0x200000, "its length is 2097152; only 1 MiB are read"),
    ],
)
def test_a_table_is_not_followed_where_its_length_lies(length: int, why: str) -> None:
    memory = acpi_memory(table(b"TEST", b"abcd", length))
    row = described(memory)["tables"][-1]
    assert row["problem"] == why
    assert row["checksum"] == "not known"
    assert memory.bytes_read < 4 << 20


def test_a_table_at_the_end_of_memory_is_cut_there() -> None:
    madt = table(b"APIC", bytes(8) + bytes.fromhex("0008000001000000") * 4)
    memory = FakeMemory({RSDP_AT: rsdp(0x10FE0), 0x10FE0: madt[:32]}, (0, 0x11), (0xF0, 0xF1))
    assert described(memory)["tables"] == [
        {
            "name": "madt",
            "addr": "0x10fe0",
            "size": 32,
            "checksum": "not known",
            "named_by": ["rsdp.xsdt_address"],
            "problem": "memory ends 32 bytes behind its start, within its header",
        }
    ]


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ("0008000001000000 0000", "2 bytes: an entry of type 0 has the length 0"),
        ("0008000001000000 00ff00", "3 bytes: the last entry runs past the table's end"),
        ("0008000001000000 01", "1 byte: the last entry runs past the table's end"),
    ],
)
def test_entries_that_do_not_add_up_are_told(entries: str, why: str) -> None:
    madt = described(acpi_memory(table(b"APIC", bytes(8) + bytes.fromhex(entries))))["contents"]["madt"]
    assert len(madt["entries"]["local_apic"]) == 1
    assert madt["entries_not_read"] == why


def test_an_entry_that_is_shorter_than_its_type_says_is_told() -> None:
    madt = described(acpi_memory(table(b"APIC", bytes(8) + bytes.fromhex("00040102"))))["contents"]["madt"]
    (entry,) = madt["entries"]["local_apic"]
    assert entry["apic_id"] == 2
    assert entry["length_means"] == "too short: 8 bytes are needed"
    assert "flags" not in entry


@pytest.mark.parametrize("signature", [b"APIC", b"SSDT", b"RSDT"])
def test_memory_full_of_tables_is_read_up_to_a_limit(signature: bytes) -> None:
    # Every 48 bytes a table starts that claims all memory behind it.
    one = table(signature, bytes.fromhex("0002") * 6, 0x7FFFFFFF)
    places = (FIRST_TABLE_AT + at * len(one) for at in range(100_000))
    xsdt = table(b"XSDT", b"".join(place.to_bytes(8, "little") for place in places))
    contents = {RSDP_AT: rsdp(), XSDT_AT: xsdt[: FIRST_TABLE_AT - XSDT_AT], FIRST_TABLE_AT: one * 60_000}
    memory = FakeMemory(contents, (0, 0x2000))
    answer = described(memory)
    assert len(answer["tables"]) == 64
    assert memory.bytes_read < 65 << 20


@given(st.data())
def test_any_bytes_in_the_place_of_tables_are_described(data: st.DataObject) -> None:
    signature = data.draw(
        st.sampled_from([b"FACP", b"APIC", b"SRAT", b"SLIT", b"DSDT", b"XSDT", b"RSDT", b"zzzz"])
    )
    body = data.draw(st.binary(max_size=300))
    length = data.draw(st.one_of(st.none(), st.integers(0, 0xFFFFFFFF)))
    answer = described(acpi_memory(table(signature, body, length)))
    assert len(answer["tables"]) >= 2


def test_a_table_outside_of_memory_is_told_and_has_no_region() -> None:
    xsdt = table(b"XSDT", (1 << 40).to_bytes(8, "little"))
    memory = FakeMemory({RSDP_AT: rsdp(), XSDT_AT: xsdt}, (0, 0x1000))
    assert described(memory)["tables"][-1]["problem"] == "there is no memory at this address"
    assert [region.name for region in acpi_regions(memory, RSDP_AT)] == ["rsdp", "xsdt"]


def test_what_is_wrong_is_told_in_sentences() -> None:
    broken = bytearray(table(b"WAET", b"\1\0\0\0"))
    broken[9] ^= 0xFF
    memory = acpi_memory(table(b"GOOD", b""), bytes(broken), table(b"LONG", b"", 0xFFFFFF00))
    at = FIRST_TABLE_AT + ROOM
    assert list(acpi_problems(memory, RSDP_AT)) == [
        f"ACPI's waet at {at:#x}: its checksum is wrong: it is {broken[9]:#x}, "
        f"would have to be {broken[9] ^ 0xFF:#x}",
        f"ACPI's long at {at + ROOM:#x}: its length is 4294967040, and memory ends 18 MiB behind its start",
    ]
    damaged = bytearray(rsdp())
    damaged[8] ^= 1
    (first, second) = acpi_problems(
        FakeMemory({RSDP_AT: bytes(damaged), XSDT_AT: table(b"XSDT", b"")}), RSDP_AT
    )
    assert first.startswith("ACPI's root pointer at 0xf0000: its checksum is wrong")
    assert second.startswith("ACPI's root pointer at 0xf0000: its extended_checksum is wrong")
    assert list(acpi_problems(FakeMemory({0: b"x"}), RSDP_AT)) == [
        "ACPI's root pointer at 0xf0000: there is no memory at this address"
    ]


def test_a_built_guests_tables_have_nothing_wrong_with_them() -> None:
    domain = xlbuild.build(ROOT / "configs" / "hello-pvh.cfg", overrides=["vcpus=2", "maxvcpus=5"])
    acpi = domain.plan.layout.acpi
    assert acpi is not None
    assert list(acpi_problems(domain.memory, acpi.rsdp.address)) == []
