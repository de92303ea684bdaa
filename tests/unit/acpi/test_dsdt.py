"""The DSDT: a processor for each vCPU, as ASL would have it."""

import pytest

from xlbuild.acpi.dsdt import build_dsdt
from xlbuild.profiles import PROFILES, Profile

# AML behind the table's header, from `iasl -on` 20200925 (Debian's acpica-tools 20200925-8) and this source:
#   DefinitionBlock ("", "DSDT", 2, "Xen", "HVM", 0)
#   {
#       Scope (\_SB)
#       {
#           Device (C000) { Name (_HID, "ACPI0007") Name (_UID, 0) Name (_STA, 0xF) }
#           Device (C001) { Name (_HID, "ACPI0007") Name (_UID, 1) Name (_STA, 0) }
#       }
#   }
TWO_PROCESSORS_ONE_ONLINE = bytes.fromhex("""
    104c045c5f53425f5b822143303030085f4849440d414350493030303700085f
    55494400085f5354410a0f5b822043303031085f4849440d4143504930303037
    00085f55494401085f53544100
""")


def test_two_processors_are_encoded_as_iasl_encodes_them() -> None:
    assert build_dsdt(2, 1)[36:] == TWO_PROCESSORS_ONE_ONLINE


def test_the_header_names_xen_and_its_checksum_holds() -> None:
    table = build_dsdt(2, 2)
    assert table[:4] == b"DSDT"
    assert int.from_bytes(table[4:8], "little") == len(table)
    assert table[10:24] == b"Xen\0\0\0HVM\0\0\0\0\0"
    assert sum(table) & 0xFF == 0


def test_there_is_no_soft_off() -> None:
    assert b"_S5_" not in build_dsdt(128, 128)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_128_processors_fit_where_xens_own_dsdt_would_be(profile: Profile) -> None:
    assert len(build_dsdt(128, 128)) <= profile.pvh_dsdt_length
