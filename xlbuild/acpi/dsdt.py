r"""The DSDT of a PVH guest: its processors, and nothing else, since there is no other hardware behind it.

Our own AML, not Xen's: one processor device for each local APIC of the MADT. There is no `\_S5`, since no
power-management registers would answer.
"""

from xlbuild.acpi import aml
from xlbuild.acpi.tables import description_table

PROCESSOR_HID = "ACPI0007"
"""Hardware id of a processor device (ACPI specification, "Processor Device")."""

STA_ABSENT = 0
STA_WORKING = 0xF
"""`_STA`: present, enabled, shown and functioning."""

_REVISION = 2
"""From revision 2 on, integers in AML have 64 bits."""


def build_dsdt(max_vcpus: int, online_vcpus: int) -> bytes:
    """Return the table: `max_vcpus` processors, of which the first `online_vcpus` are there."""
    processors = (_processor(cpu, online=cpu < online_vcpus) for cpu in range(max_vcpus))
    return description_table(b"DSDT", _REVISION, aml.scope("\\_SB", *processors), creator_id=b"XLBD")


def _processor(cpu: int, *, online: bool) -> aml.Term:
    # An operating system finds the processor's local APIC by `_UID`: it is the MADT entry's processor id.
    return aml.device(
        f"C{cpu:03X}",
        aml.name("_HID", aml.string(PROCESSOR_HID)),
        aml.name("_UID", aml.integer(cpu)),
        aml.name("_STA", aml.integer(STA_WORKING if online else STA_ABSENT)),
    )
