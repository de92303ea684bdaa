"""ACPI's tables as Xen fills them for a PVH guest, one function a table.

Values are what libxl 4.17 was seen to build. Addresses are guest-physical, lengths in bytes.
"""

from collections.abc import Iterable

from xlbuild.abi.layout import Fields
from xlbuild.acpi.layouts import (
    ACPI_INFO,
    FACS,
    FADT_1,
    FADT_5,
    GENERIC_ADDRESS,
    HEADER,
    LOCAL_APIC,
    MADT,
    RSDP,
    RSDP_1_SIZE,
    BootArchitecture,
    FadtFlag,
)
from xlbuild.units import PhysAddr

_OEM_ID = b"Xen\0\0\0"
_OEM_TABLE_ID = b"HVM\0\0\0\0\0"
_CREATOR_ID = b"HVML"

_LOCAL_APIC_ADDRESS = PhysAddr(0xFEE00000)
_SCI_INTERRUPT = 9
_RESET_PORT = 0xCF9
_RESET_VALUE = 6
# ACPI_*_V1 of the public hvm/ioreq.h.
_PM1A_EVT_PORT = 0xB000
_PM1A_CNT_PORT = 0xB004
_PM_TMR_PORT = 0xB008
_GPE0_PORT = 0xAFE0
_NO_C_STATE = 0xFFF
"""Latency in microseconds above which a C2 or C3 state counts as missing."""

_XSDT_ENTRY, _RSDT_ENTRY = 8, 4
_PCAT_COMPAT = 1
_APIC_ENABLED = 1


def description_table(signature: bytes, revision: int, body: bytes, creator_id: bytes = _CREATOR_ID) -> bytes:
    """Return a table with the standard header: its length, and the checksum that makes it add up to 0."""
    header = HEADER.encode(_header(signature, HEADER.size + len(body), revision, creator_id))
    return _with_checksum(header + body)


def facs() -> bytes:
    """Return the firmware ACPI control structure: 64 bytes, the one table without a checksum."""
    return FACS.encode({"signature": b"FACS", "length": FACS.size, "version": 1})


def fadt_rev1(*, facs_at: PhysAddr, dsdt_at: PhysAddr) -> bytes:
    """Return the FADT of ACPI 1.0, which the RSDT names: 116 bytes."""
    fields = {
        **_header(b"FACP", FADT_1.size, 1),
        **_fadt_common(facs_at, dsdt_at),
        "pm_tmr_blk": _PM_TMR_PORT,
        "pm_tmr_len": 4,
        "flags": FadtFlag.WBINVD
        | FadtFlag.PROC_C1
        | FadtFlag.FIX_RTC
        | FadtFlag.TMR_VAL_EXT
        | FadtFlag.USE_PLATFORM_CLOCK,
    }
    return _with_checksum(FADT_1.encode(fields))


def fadt_rev5(*, facs_at: PhysAddr, dsdt_at: PhysAddr) -> bytes:
    """Return the FADT of ACPI 5.0, which the XSDT names: 268 bytes; no PM timer, buttons, VGA or RTC."""
    fields = {
        **_header(b"FACP", FADT_5.size, 5),
        **_fadt_common(facs_at, dsdt_at),
        "iapc_boot_arch": BootArchitecture.VGA_NOT_PRESENT | BootArchitecture.CMOS_RTC_NOT_PRESENT,
        "flags": FadtFlag.WBINVD
        | FadtFlag.PROC_C1
        | FadtFlag.PWR_BUTTON
        | FadtFlag.SLP_BUTTON
        | FadtFlag.FIX_RTC
        | FadtFlag.TMR_VAL_EXT
        | FadtFlag.USE_PLATFORM_CLOCK,
        "reset_reg": _io_register(_RESET_PORT, bits=8),
        "reset_value": _RESET_VALUE,
        "x_firmware_ctrl": facs_at,
        "x_dsdt": dsdt_at,
        "x_pm1a_evt_blk": _io_register(_PM1A_EVT_PORT, bits=32),
        "x_pm1a_cnt_blk": _io_register(_PM1A_CNT_PORT, bits=16),
    }
    return _with_checksum(FADT_5.encode(fields))


def madt(max_vcpus: int, online_vcpus: int) -> bytes:
    """Return the MADT: one local APIC for each of `max_vcpus`, the first `online_vcpus` enabled; no IO-APIC.

    44 + 8 * max_vcpus bytes. The processor id is the vCPU's number, the APIC id twice that.
    """
    header = _header(b"APIC", madt_size(max_vcpus), 2)
    fields = {**header, "local_apic_address": _LOCAL_APIC_ADDRESS, "flags": _PCAT_COMPAT}
    apics = (_local_apic(cpu, enabled=cpu < online_vcpus) for cpu in range(max_vcpus))
    return _with_checksum(MADT.encode(fields) + b"".join(apics))


def madt_size(max_vcpus: int) -> int:
    """Return the MADT's length in bytes."""
    return MADT.size + max_vcpus * LOCAL_APIC.size


def xsdt(tables: Iterable[PhysAddr]) -> bytes:
    """Return the table that names others by 64-bit addresses."""
    return description_table(b"XSDT", 1, b"".join(table.to_bytes(_XSDT_ENTRY, "little") for table in tables))


def xsdt_size(entries: int) -> int:
    """Return the length in bytes of an XSDT that names so many tables."""
    return HEADER.size + entries * _XSDT_ENTRY


def rsdt(tables: Iterable[PhysAddr]) -> bytes:
    """Return the table that names others by 32-bit addresses."""
    return description_table(b"RSDT", 1, b"".join(table.to_bytes(_RSDT_ENTRY, "little") for table in tables))


def rsdt_size(entries: int) -> int:
    """Return the length in bytes of an RSDT that names so many tables."""
    return HEADER.size + entries * _RSDT_ENTRY


def rsdp(*, rsdt_at: PhysAddr, xsdt_at: PhysAddr) -> bytes:
    """Return the root pointer of ACPI 2.0: 36 bytes, with a checksum over the first 20 and one over all."""
    fields: dict[str, int | bytes] = {
        "signature": b"RSD PTR ",
        "oem_id": _OEM_ID,
        "revision": 2,
        "rsdt_address": rsdt_at,
        "length": RSDP.size,
        "xsdt_address": xsdt_at,
    }
    fields["checksum"] = _checksum(RSDP.encode(fields)[:RSDP_1_SIZE])
    fields["extended_checksum"] = _checksum(RSDP.encode(fields))
    return RSDP.encode(fields)


def acpi_info(max_vcpus: int, *, madt_at: PhysAddr) -> bytes:
    """Return the info block: the number of vCPUs and where the MADT's checksum and first local APIC are.

    Xen's own AML reads it at 0xFC000000 (its `BIOS` operation region). These 20 bytes are all that is set.
    """
    fields = {
        "nr_cpus": max_vcpus,
        "madt_checksum_address": madt_at + MADT.offset_of("checksum"),
        "madt_lapic0_address": madt_at + MADT.size,
    }
    return ACPI_INFO.encode(fields)


def _header(
    signature: bytes, length: int, revision: int, creator_id: bytes = _CREATOR_ID
) -> dict[str, int | bytes]:
    return {
        "signature": signature,
        "length": length,
        "revision": revision,
        "oem_id": _OEM_ID,
        "oem_table_id": _OEM_TABLE_ID,
        "creator_id": creator_id,
    }


def _fadt_common(facs_at: PhysAddr, dsdt_at: PhysAddr) -> Fields:
    """Return what both FADTs say."""
    return {
        "firmware_ctrl": facs_at,
        "dsdt": dsdt_at,
        "sci_int": _SCI_INTERRUPT,
        "pm1a_evt_blk": _PM1A_EVT_PORT,
        "pm1a_cnt_blk": _PM1A_CNT_PORT,
        "gpe0_blk": _GPE0_PORT,
        "pm1_evt_len": 4,
        "pm1_cnt_len": 2,
        "gpe0_blk_len": 4,
        "p_lvl2_lat": _NO_C_STATE,
        "p_lvl3_lat": _NO_C_STATE,
    }


def _io_register(port: int, *, bits: int) -> bytes:
    """Return the generic address of a register in I/O space."""
    return GENERIC_ADDRESS.encode({"address_space_id": 1, "register_bit_width": bits, "address": port})


def _local_apic(cpu: int, *, enabled: bool) -> bytes:
    fields = {"length": LOCAL_APIC.size, "processor_id": cpu, "apic_id": 2 * cpu}
    return LOCAL_APIC.encode({**fields, "flags": _APIC_ENABLED if enabled else 0})


def _checksum(data: bytes) -> int:
    return -sum(data) & 0xFF


def _with_checksum(table: bytes) -> bytes:
    at = HEADER.offset_of("checksum")
    return table[:at] + bytes([_checksum(table)]) + table[at + 1 :]
