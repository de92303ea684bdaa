"""Every table through iasl, which must have nothing to say against it."""

import re
import subprocess
from pathlib import Path

import pytest

from xlbuild.acpi import PlacedTable, Table, build_acpi
from xlbuild.profiles import NEWEST

pytestmark = pytest.mark.iasl

COMPLAINT = re.compile(r"warning|error|invalid|incorrect|unknown|should be|could not", re.IGNORECASE)


def _iasl(*arguments: object) -> str:
    done = subprocess.run(
        ["iasl", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    return done.stdout


def _disassemble(table: bytes, directory: Path) -> Path:
    """Return the source that iasl makes of a table, once neither it nor iasl complains."""
    (directory / "table.dat").write_bytes(table)
    output = _iasl("-d", directory / "table.dat")
    source = directory / "table.dsl"
    assert COMPLAINT.findall(output + source.read_text()) == []
    return source


# Not the RSDP: this iasl disassembles none, not even the one that it compiles from its own template.
@pytest.mark.parametrize(("max_vcpus", "online"), [(1, 1), (9, 9), (10, 3), (33, 33), (128, 128)])
@pytest.mark.parametrize("table", Table, ids=lambda table: table.name)
def test_iasl_disassembles_a_table_without_complaint(
    table: Table, max_vcpus: int, online: int, tmp_path: Path
) -> None:
    _disassemble(_table(table, max_vcpus, online).data, tmp_path)


@pytest.mark.parametrize(("max_vcpus", "online"), [(1, 1), (9, 9), (10, 3), (33, 33), (128, 128)])
def test_the_disassembled_dsdt_compiles_to_the_same_aml(max_vcpus: int, online: int, tmp_path: Path) -> None:
    dsdt = _table(Table.DSDT, max_vcpus, online).data
    output = _iasl("-on", "-p", tmp_path / "again", _disassemble(dsdt, tmp_path))
    assert "0 Errors, 0 Warnings, 0 Remarks" in output
    assert (tmp_path / "again.aml").read_bytes()[36:] == dsdt[36:]


def test_a_wrong_checksum_would_be_noticed(tmp_path: Path) -> None:
    madt = bytearray(_table(Table.MADT, 1, 1).data)
    madt[9] ^= 1
    with pytest.raises(AssertionError):
        _disassemble(bytes(madt), tmp_path)


def _table(table: Table, max_vcpus: int, online: int) -> PlacedTable:
    acpi = build_acpi(max_vcpus, online, dsdt_length=NEWEST.pvh_dsdt_length, rsdp_in_low_memory=False)
    return next(placed for placed in acpi.tables if placed.table is table)
