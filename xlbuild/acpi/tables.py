"""ACPI's tables as Xen fills them for a PVH guest, one function a table.

Layouts are those of the ACPI specification ("ACPI Software Programming Model"), with its field names in
lower case; values are what libxl 4.17 was seen to build. Addresses are guest-physical, lengths in bytes.
"""

from collections.abc import Iterable
from enum import IntFlag

from xlbuild.abi.layout import Fields, Layout, raw, u8, u16, u32, u64
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


class FadtFlag(IntFlag):
    """The FADT's fixed feature flags that Xen sets."""

    WBINVD = 1 << 0
    PROC_C1 = 1 << 2
    PWR_BUTTON = 1 << 4
    """No fixed-hardware power button."""
    SLP_BUTTON = 1 << 5
    """No fixed-hardware sleep button."""
    FIX_RTC = 1 << 6
    """RTC wake is not in fixed registers."""
    TMR_VAL_EXT = 1 << 8
    USE_PLATFORM_CLOCK = 1 << 15


class BootArchitecture(IntFlag):
    """The FADT's IA-PC boot architecture flags that Xen sets."""

    VGA_NOT_PRESENT = 1 << 2
    CMOS_RTC_NOT_PRESENT = 1 << 5


_HEADER_FIELDS = (
    ("signature", raw(4)),
    ("length", u32),
    ("revision", u8),
    ("checksum", u8),
    ("oem_id", raw(6)),
    ("oem_table_id", raw(8)),
    ("oem_revision", u32),
    ("creator_id", raw(4)),
    ("creator_revision", u32),
)
HEADER = Layout.of("ACPI system description table header", *_HEADER_FIELDS)

GENERIC_ADDRESS = Layout.of(
    "ACPI generic address structure",
    ("address_space_id", u8),
    ("register_bit_width", u8),
    ("register_bit_offset", u8),
    ("access_size", u8),
    ("address", u64),
)
_generic_address = raw(GENERIC_ADDRESS.size)

RSDP = Layout.of(
    "ACPI root system description pointer",
    ("signature", raw(8)),
    ("checksum", u8),
    ("oem_id", raw(6)),
    ("revision", u8),
    ("rsdt_address", u32),
    ("length", u32),
    ("xsdt_address", u64),
    ("extended_checksum", u8),
    ("_reserved", raw(3)),
)
_RSDP_1_SIZE = 20
"""The part of the RSDP that its first checksum covers."""

FACS = Layout.of(
    "ACPI firmware ACPI control structure",
    ("signature", raw(4)),
    ("length", u32),
    ("hardware_signature", u32),
    ("firmware_waking_vector", u32),
    ("global_lock", u32),
    ("flags", u32),
    ("x_firmware_waking_vector", u64),
    ("version", u8),
    ("_reserved", raw(31)),
)

_FADT_1_FIELDS = (
    *_HEADER_FIELDS,
    ("firmware_ctrl", u32),
    ("dsdt", u32),
    ("int_model", u8),
    ("preferred_pm_profile", u8),
    ("sci_int", u16),
    ("smi_cmd", u32),
    ("acpi_enable", u8),
    ("acpi_disable", u8),
    ("s4bios_req", u8),
    ("pstate_cnt", u8),
    ("pm1a_evt_blk", u32),
    ("pm1b_evt_blk", u32),
    ("pm1a_cnt_blk", u32),
    ("pm1b_cnt_blk", u32),
    ("pm2_cnt_blk", u32),
    ("pm_tmr_blk", u32),
    ("gpe0_blk", u32),
    ("gpe1_blk", u32),
    ("pm1_evt_len", u8),
    ("pm1_cnt_len", u8),
    ("pm2_cnt_len", u8),
    ("pm_tmr_len", u8),
    ("gpe0_blk_len", u8),
    ("gpe1_blk_len", u8),
    ("gpe1_base", u8),
    ("cst_cnt", u8),
    ("p_lvl2_lat", u16),
    ("p_lvl3_lat", u16),
    ("flush_size", u16),
    ("flush_stride", u16),
    ("duty_offset", u8),
    ("duty_width", u8),
    ("day_alrm", u8),
    ("mon_alrm", u8),
    ("century", u8),
    ("iapc_boot_arch", u16),
    ("_reserved", u8),
    ("flags", u32),
)
FADT_1 = Layout.of("ACPI 1.0 fixed ACPI description table", *_FADT_1_FIELDS)
FADT_5 = Layout.of(
    "ACPI 5.0 fixed ACPI description table",
    *_FADT_1_FIELDS,
    ("reset_reg", _generic_address),
    ("reset_value", u8),
    ("arm_boot_arch", u16),
    ("fadt_minor_version", u8),
    ("x_firmware_ctrl", u64),
    ("x_dsdt", u64),
    ("x_pm1a_evt_blk", _generic_address),
    ("x_pm1b_evt_blk", _generic_address),
    ("x_pm1a_cnt_blk", _generic_address),
    ("x_pm1b_cnt_blk", _generic_address),
    ("x_pm2_cnt_blk", _generic_address),
    ("x_pm_tmr_blk", _generic_address),
    ("x_gpe0_blk", _generic_address),
    ("x_gpe1_blk", _generic_address),
    ("sleep_control_reg", _generic_address),
    ("sleep_status_reg", _generic_address),
)

MADT = Layout.of(
    "ACPI multiple APIC description table", *_HEADER_FIELDS, ("local_apic_address", u32), ("flags", u32)
)
_PCAT_COMPAT = 1
LOCAL_APIC = Layout.of(
    "ACPI processor local APIC structure",
    ("type", u8),
    ("length", u8),
    ("processor_id", u8),
    ("apic_id", u8),
    ("flags", u32),
)
_APIC_ENABLED = 1

_XSDT_ENTRY, _RSDT_ENTRY = 8, 4

ACPI_INFO = Layout.of(
    "the block that Xen leaves for its own AML",
    ("_pad0", raw(2)),
    ("nr_cpus", u16),
    ("_pad1", raw(8)),
    ("madt_checksum_address", u32),
    ("madt_lapic0_address", u32),
)


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
    fields["checksum"] = _checksum(RSDP.encode(fields)[:_RSDP_1_SIZE])
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
