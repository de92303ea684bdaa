"""What lies at an address: every way to write one, what owns it, how it is mapped, and what is not there."""

import re
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from addressspaces import address_space
from fakememory import FakeMemory
from hypothesis import given
from hypothesis import strategies as st
from pagingmemory import LINKED, READ_ONLY, WRITABLE, tables_by_hand
from toolstack import Material

import xlbuild
from xlbuild.abi.layout import Layout, raw, u16, u32
from xlbuild.domain import Domain
from xlbuild.errors import UsageError
from xlbuild.inspect.memory.address import describe_address
from xlbuild.inspect.memory.hexdump import MOST_DUMPED
from xlbuild.inspect.memory.paging import PageTables
from xlbuild.inspect.memory.place import AddressSpace
from xlbuild.inspect.memory.region import Region
from xlbuild.plan.pagetables import X86_32_PAE, X86_64
from xlbuild.units import Mfn, PhysAddr, paddr_of

ROOT = Path(__file__).parents[3]


@cache
def hello(kind: str) -> Domain:
    return xlbuild.build(ROOT / "configs" / f"hello-{kind}.cfg")


@cache
def space_of(kind: str) -> AddressSpace:
    return address_space(hello(kind))


def at(kind: str, text: str, length: int = 64) -> Any:
    return describe_address(space_of(kind), text, length)


def test_the_root_table_of_a_pv_guest_is_called_what_it_is() -> None:
    linear = hello("pv").plan.page_tables[0]
    top, leaf = linear.tables.first, linear.levels[-1].pfn
    assert at("pv", f"frame:{top:#x}")["what"] == "page tables: L4 of 0x0, read-only because it is a table"
    answer = at("pv", f"phys:{paddr_of(leaf) + 8:#x}")
    assert answer["what"] == "page tables: L1 of 0x0, read-only because it is a table"
    assert answer["mapping"] == "read-only because it is a table"
    (table,) = answer["page_table"]
    assert (table["level"], table["index"], table["entry_first"]) == ("L1", 1, "0x1000")
    assert (table["value"], table["flags"]) == ("0x1023", "PRESENT, RW, ACCESSED")
    assert answer["mapped"][0]["why_read_only"].startswith("page tables")


def test_fields_of_structures_are_named_with_their_values() -> None:
    plan = hello("pv").plan
    address = plan.start_info.address
    answer = at("pv", f"phys:{address + 32:#x}")
    assert answer["what"] == "start_info.nr_pages"  # behind `magic`, 32 bytes (public xen.h)
    assert answer["field_value"] == hex(plan.layout.total_pages)
    layout = next(region.layout for region in space_of("pv").regions if region.name == "start_info")
    assert layout is not None
    command_line = at("pv", f"phys:{address + layout.offset_of('cmd_line') + 5:#x}")
    assert command_line["what"] == "start_info.cmd_line + 5"
    assert command_line["field_value"] is None


def test_structures_that_follow_one_another_are_counted() -> None:
    memmap = hello("pvh").plan.start_info.fields["memmap_paddr"]
    assert isinstance(memmap, int)
    answer = at("pvh", f"phys:{memmap + 24 + 8:#x}")  # 24 bytes an entry, `size` at 8 (hvm/start_info.h)
    assert answer["what"] == "memmap[1].size"
    assert answer["field_value"] == hex(hello("pvh").plan.layout.memory_map[1].size)


def test_an_address_between_structures_belongs_to_what_encloses_them() -> None:
    answer = at("pvh", "0x103060")
    assert answer["what"] == "HVM start info + 0x60"
    assert answer["before"] == "start_info, which ends 40 bytes before, at 0x103038"
    assert answer["after"].startswith("memmap, which starts ")


def test_acpi_tables_have_names_and_fields() -> None:
    acpi = hello("pvh").plan.layout.acpi
    assert acpi is not None
    fadt = next(table for table in acpi.tables if table.table.value == "FADT rev 5")
    assert at("pvh", f"{fadt.address + 109:#x}")["what"] == "fadt_rev_5.iapc_boot_arch"
    assert at("pvh", f"{acpi.rsdp.address + 16:#x}")["what"] == "rsdp.rsdt_address"


@pytest.mark.parametrize(
    "text", ["0x103004", "1060868", "phys:0x103004", "PHYS:0X103004", "virt:0x103004", " 0x103004 "]
)
def test_an_address_is_read_however_it_is_written(text: str) -> None:
    answer = at("pvh", text)
    assert (answer["physical"], answer["frame"], answer["offset_in_page"]) == ("0x103004", "0x103", 4)
    assert answer["what"] == "start_info.version"


def test_virtual_addresses_of_a_guest_without_paging_are_physical() -> None:
    assert "without paging" in at("pvh", "virt:0x103004")["understood"]


@pytest.mark.parametrize("text", ["frame:0x103", "pfn:0x103", "frame:259"])
def test_a_frame_is_its_first_byte(text: str) -> None:
    assert at("pvh", text)["physical"] == "0x103000"


def test_a_bare_number_says_what_else_it_might_be() -> None:
    answer = at("pvh", "0xfeffe")
    assert answer["understood"] == "a physical address: the guest has memory there"
    assert answer["might_also_be"] == ["frame:0xfeffe (ident_pt)"]
    assert at("pvh", "phys:0xfeffe")["might_also_be"] is None


def test_a_number_that_is_a_frame_alone_is_taken_for_one() -> None:
    memory = FakeMemory({0x900000: b"x"})
    answer: Any = describe_address(AddressSpace(memory, ()), "0x900")
    assert answer["understood"] == "a frame: the guest has this frame, and no memory at this address"
    assert answer["dump"][0]["bytes"].startswith("78 00")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("0x3000000", "no memory: a hole between 0x2000000 and 0xfc000000"),
        ("phys:0xff000000", "no memory: beyond the guest's memory, which ends at 0xff000000"),
        ("frame:0xfffffffffffff", "no memory: beyond the guest's memory, which ends at 0xff000000"),
    ],
)
def test_where_nothing_is_the_answer_says_why(text: str, what: str) -> None:
    answer = at("pvh", text)
    assert answer["what"] == what
    assert answer["dump"] == []
    assert answer["dump_ends"].endswith("where nothing is")


def test_memory_that_starts_high_or_is_not_there_at_all() -> None:
    low: Any = describe_address(AddressSpace(FakeMemory({0x5000: b"x"}), ()), "phys:0")
    assert low["what"] == "no memory: below the guest's memory, which starts at 0x5000"
    none: Any = describe_address(AddressSpace(FakeMemory({}), ()), "5")
    assert none["what"] == "no memory: the guest has no memory at all"


def test_an_unmapped_virtual_address_tells_the_entry_that_ends_it() -> None:
    linear = hello("pv").plan.page_tables[0]
    end = linear.first + linear.frames.pages * 4096
    answer = at("pv", f"virt:{end:#x}")
    assert answer["what"].startswith("not mapped: not present: L2[2] of frame ")
    assert answer["before"] == f"mapped up to {end:#x}"
    assert (answer["after"], answer["dump"], answer["physical"]) == (None, None, None)
    assert [entry["level"] for entry in answer["entries"]] == ["L4", "L3", "L2"]


def test_an_address_that_is_not_canonical_is_told_so() -> None:
    answer = at("pv", "virt:0x1000000000000")
    assert answer["what"] == "not mapped: it is not canonical: bits 48 to 63 of an address are as bit 47 is"
    assert (answer["entries"], answer["before"], answer["after"]) == (None, None, None)
    assert at("pv", "0x1000000000000")["physical"] is None


def test_an_address_of_more_than_32_bits_is_none_in_pae() -> None:
    memory = tables_by_hand({1: {0: 2 << 12 | 1}, 2: {0: 3 << 12 | LINKED}, 3: {0: 9 << 12 | WRITABLE}})
    space = AddressSpace(memory, (), PageTables(memory, Mfn(1), X86_32_PAE))
    answer: Any = describe_address(space, "virt:0x100000000")
    assert answer["what"] == "not mapped: addresses of this guest have 32 bits"
    assert describe_address(space, "virt:5")["physical"] == "0x9005"


def test_a_virtual_address_that_is_the_same_physical_one_has_one_meaning() -> None:
    number = paddr_of(hello("pv").plan.page_tables[0].tables.first)
    answer = at("pv", f"{number:#x}")
    assert answer["virtual"] == answer["physical"] == hex(number)
    assert answer["might_also_be"] is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "abc",
        "0x",
        "virt:",
        "virt:-1",
        "ffffffff81000000",
        "1e3",
        "0x10000000000000000",
        "frame:0x10000000000000",
        "phy\u017f:1",
        "\u0661",
    ],
)
def test_what_is_no_address_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        at("pvh", text)
    assert refused.value.code == "address-unreadable"
    assert "phys:0x1f3000" in str(refused.value.hint)


def test_endless_digits_cost_nothing() -> None:
    with pytest.raises(UsageError) as refused:
        at("pvh", "9" * 1_000_000)
    assert len(refused.value.message) < 100


@pytest.mark.parametrize("length", [-1, MOST_DUMPED + 1])
def test_a_dump_has_a_sensible_length(length: int) -> None:
    with pytest.raises(UsageError) as refused:
        at("pvh", "0", length)
    assert refused.value.code == "dump-length"


def test_a_dump_shows_the_bytes_and_their_characters() -> None:
    memory = FakeMemory({0x1000: b"Xen\0\x7f~ 0123456789abcdef!"})
    answer: Any = describe_address(AddressSpace(memory, ()), "0x1000", 24)
    assert answer["dump"] == [
        {
            "at": "0x1000",
            "bytes": "58 65 6e 00 7f 7e 20 30 31 32 33 34 35 36 37 38",
            "text": "Xen..~ 012345678",
        },
        {"at": "0x1010", "bytes": "39 61 62 63 64 65 66 21", "text": "9abcdef!"},
    ]
    assert answer["dump_ends"] is None


def test_a_dump_ends_where_memory_does() -> None:
    answer: Any = describe_address(AddressSpace(FakeMemory({0x1000: bytes(4096)}), ()), "0x1ff8")
    assert [row["at"] for row in answer["dump"]] == ["0x1ff8"]
    assert answer["dump_ends"] == "at 0x2000, where nothing is"


def test_a_dump_of_virtual_addresses_follows_the_page_tables() -> None:
    tables = {
        1: {0: 2 << 12 | LINKED, 511: 2 << 12 | LINKED},
        2: {0: 3 << 12 | LINKED, 511: 3 << 12 | LINKED},
        3: {0: 4 << 12 | LINKED, 511: 4 << 12 | LINKED},
        4: {0: 9 << 12 | WRITABLE, 1: 7 << 12 | READ_ONLY, 511: 8 << 12 | WRITABLE},
    }
    memory = tables_by_hand(tables)
    memory.contents |= {0x9FF8: b"ninenine", 0x7000: b"seven", 0x8FF0: b"the very end\0\0\0\0"}
    space = AddressSpace(memory, (), PageTables(memory, Mfn(1), X86_64))
    answer: Any = describe_address(space, "0xff8", 16)
    assert answer["dump"][0]["text"] == "nineninesevenn"[:13] + "..."
    assert answer["mapping"] == "writable"
    assert describe_address(space, "0x1000")["mapping"] == "read-only"
    short: Any = describe_address(space, "0x1ff8", 64)
    assert (len(short["dump"]), short["dump_ends"]) == (1, "at 0x2000, where nothing is")
    top: Any = describe_address(space, "0xfffffffffffffff0", 64)
    assert [row["text"] for row in top["dump"]] == ["the very end...."]


def test_a_table_that_is_mapped_writable_is_called_wrong() -> None:
    memory = tables_by_hand(
        {
            1: {0: 2 << 12 | LINKED},
            2: {0: 3 << 12 | LINKED},
            3: {0: 4 << 12 | LINKED},
            4: {0: 4 << 12 | WRITABLE},
        }
    )
    space = AddressSpace(memory, (), PageTables(memory, Mfn(1), X86_64))
    answer: Any = describe_address(space, "0")
    assert answer["what"].endswith("L1 of 0x0, writable, though it is a table: Xen would refuse that")
    unmapped: Any = describe_address(space, "frame:2")
    assert unmapped["what"].endswith("L3 of 0x0, not mapped")


def test_padding_is_not_named_after_its_field() -> None:
    layout = Layout.of("test", ("a", u16), ("_pad", raw(2)), ("b", u32))
    region = Region("thing", PhysAddr(0x1000), PhysAddr(0x1020), "a thing", layout, count=2)
    assert [region.name_of(0x1000 + offset) for offset in (0, 1, 2, 3, 4, 12, 15, 16, 31)] == [
        "thing[0].a",
        "thing[0].a + 1",
        "thing[0]: padding",
        "thing[0]: padding + 1",
        "thing[0].b",
        "thing[1].b",
        "thing[1].b + 3",
        "thing + 0x10",
        "thing + 0x1f",
    ]


def test_a_real_kernels_tables_are_found_by_their_virtual_address(material: Material) -> None:
    config = f'name="g"\ntype="pv"\nmemory=256\nkernel="{material.cloud}"\n'
    domain = xlbuild.build(config.encode())
    space = address_space(domain)
    linear = domain.plan.page_tables[0]
    base = 0xFFFFFFFF80000000
    leaf = linear.levels[-1]
    answer: Any = describe_address(space, f"{base + paddr_of(leaf.pfn) + 0x5008:#x}")
    assert answer["understood"] == "a virtual address: the page tables map it"
    assert answer["what"] == (
        f"page tables: L1 of {base + 5 * (1 << 21):#x}, read-only because it is a table"
    )
    assert answer["page_table"][0]["entry_first"] == hex(base + 5 * (1 << 21) + 0x1000)
    assert [row["virtual"] for row in answer["mapped"]] == [answer["asked"]]
    p2m = domain.plan.segment("phys2mach")
    assert p2m is not None
    late: Any = describe_address(space, f"frame:{domain.plan.page_tables[1].tables.first:#x}")
    assert re.fullmatch(r"phys2mach: L3 of 0x[0-9a-f]+, not mapped", late["what"])


@given(
    kind=st.sampled_from(["pv", "pvh"]),
    prefix=st.sampled_from(["", "virt:", "phys:", "frame:", "pfn:"]),
    number=st.one_of(st.integers(0, 2**64), st.integers(0, 2**33), st.integers(0, 2**25)),
    length=st.integers(0, 300),
)
def test_every_number_has_an_answer(kind: str, prefix: str, number: int, length: int) -> None:
    limit = 2**52 if prefix in ("frame:", "pfn:") else 2**64
    if number >= limit:
        with pytest.raises(UsageError):
            at(kind, f"{prefix}{number:#x}", length)
        return
    answer = at(kind, f"{prefix}{number:#x}", length)
    dumped = bytes.fromhex("".join(row["bytes"] for row in answer["dump"] or ()))
    if answer["physical"] is None or answer["dump_ends"]:
        return
    assert len(dumped) == length
    if answer["virtual"] is None:
        assert dumped == hello(kind).memory.read(PhysAddr(int(answer["physical"], 16)), length)


@given(st.text(max_size=30))
def test_every_text_has_an_answer_or_a_refusal(text: str) -> None:
    with suppress(UsageError):
        assert at("pvh", text)["asked"] == text
