"""A built domain on disk whose page tables or ACPI tables are damaged: told among its problems, and at an address."""

from pathlib import Path
from typing import Any

import xlbuild
from xlbuild.api import examine
from xlbuild.domain import Domain
from xlbuild.units import paddr_of

ROOT = Path(__file__).parents[3]


def written(kind: str, directory: Path) -> Domain:
    domain = xlbuild.build(ROOT / "configs" / f"hello-{kind}.cfg")
    xlbuild.write(domain, directory)
    return domain


def change(directory: Path, address: int, data: bytes) -> None:
    with (directory / "memory.img").open("r+b") as file:
        file.seek(address)
        file.write(data)


def problems(directory: Path) -> list[str]:
    """Return the problems that are not the digests'."""
    described: Any = examine(directory).describe()
    return [problem for problem in described["problems"] if "digest" not in problem]


def test_sound_domains_have_no_problems(tmp_path: Path) -> None:
    for kind in ("pv", "pvh"):
        written(kind, tmp_path / kind)
        assert problems(tmp_path / kind) == []


def test_a_table_made_writable_is_among_the_problems(tmp_path: Path) -> None:
    plan = written("pv", tmp_path / "d").plan
    tables = plan.page_tables[0]
    top, leaf = tables.tables.first, tables.levels[-1].pfn
    at = paddr_of(leaf) + 8 * top
    change(tmp_path / "d", at, (top << 12 | 0x23).to_bytes(8, "little"))
    assert problems(tmp_path / "d") == [
        f"the page tables at {top << 12:#x}: frame {top:#x} is a table (L4) and mapped writable"
    ]
    answer: Any = examine(tmp_path / "d").describe_address(f"virt:{top << 12:#x}")
    assert "Xen would refuse that" in answer["what"]


def test_a_broken_checksum_is_among_the_problems(tmp_path: Path) -> None:
    acpi = written("pvh", tmp_path / "d").plan.layout.acpi
    assert acpi is not None
    madt = next(table for table in acpi.tables if table.table.value == "MADT")
    change(tmp_path / "d", madt.address + 9, bytes([madt.data[9] ^ 1]))
    (problem,) = (problem for problem in problems(tmp_path / "d") if "checksum" in problem)
    assert problem.startswith(f"ACPI's madt at {madt.address:#x}: its checksum is wrong")


def test_an_acpi_table_at_an_address_is_named_once(tmp_path: Path) -> None:
    acpi = written("pvh", tmp_path / "d").plan.layout.acpi
    assert acpi is not None
    madt = next(table for table in acpi.tables if table.table.value == "MADT")
    answer: Any = examine(tmp_path / "d").describe_address(f"{madt.address + 36:#x}")
    assert [row["name"] for row in answer["lies_in"]] == ["ACPI tables", "madt"]
    assert answer["what"] == "madt.local_apic_address"
    assert answer["field_value"] == "0xfee00000"


def test_each_entry_of_a_table_is_named_by_its_number(tmp_path: Path) -> None:
    plan = written("pvh", tmp_path / "d").plan
    memmap = plan.start_info.fields["memmap_paddr"]
    assert isinstance(memmap, int)
    second = memmap + 24  # bytes of an entry (hvm/start_info.h)
    answer: Any = examine(tmp_path / "d").describe_address(f"{second:#x}")
    assert answer["what"] == "memmap[1].addr"
    assert answer["field_value"] == f"{plan.layout.memory_map[1].addr:#x}"
