"""ACPI's fields for people: how each is written, and what its value means.

Every integer whose name is not in `_COUNTS` is an address, a register or flags, and is written in hex. Where there is
more to say, a second member follows, named `…_means`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntFlag
from types import MappingProxyType

from xlbuild.abi.layout import FieldValue, Layout
from xlbuild.acpi.layouts import (
    FACS,
    FADT_5,
    GENERIC_ADDRESS,
    HEADER,
    HPET,
    INTERRUPT_SOURCE_OVERRIDE,
    IO_APIC,
    LOCAL_APIC,
    LOCAL_APIC_ADDRESS_OVERRIDE,
    LOCAL_APIC_NMI,
    LOCAL_X2APIC,
    LOCAL_X2APIC_NMI,
    MADT,
    MEMORY_AFFINITY,
    NMI_SOURCE,
    PROCESSOR_AFFINITY,
    RSDP,
    SLIT,
    SRAT,
    TPM2,
    WAET,
    X2APIC_AFFINITY,
    BootArchitecture,
    FadtFlag,
)
from xlbuild.inspect.tree import Tree, hexadecimal

Meaning = Callable[[int], str]
"""Says in words what a field's value means."""


@dataclass(frozen=True, slots=True)
class Structure:
    """A structure and what the values of its fields mean."""

    layout: Layout
    meanings: Mapping[str, Meaning] = field(default_factory=dict)


def _bits(*names: str) -> Meaning:
    """Return a meaning that names the bits that are set, from bit 0 on."""

    def means(value: int) -> str:
        known = [name for bit, name in enumerate(names) if value >> bit & 1]
        rest = value >> len(names) << len(names)
        return ", ".join([*known, f"unknown: {rest:#x}"] if rest else known) or "none"

    return means


def _flags(kind: type[IntFlag]) -> Meaning:
    """Return a meaning that names the bits that are set; `kind` has every bit from 0 on."""
    return _bits(*(flag.name or "" for flag in kind))


def _one_of(names: Mapping[int, str]) -> Meaning:
    return lambda value: names.get(value, "unknown")


def _interrupt(value: int) -> str:
    """Return polarity and trigger mode (MPS INTI flags)."""
    polarity = ("as the bus has it", "active high", "reserved", "active low")[value & 3]
    trigger = ("as the bus has it", "edge-triggered", "reserved", "level-triggered")[value >> 2 & 3]
    return f"polarity: {polarity}; trigger: {trigger}"


def _every_processor(everyone: int) -> Meaning:
    return lambda value: "every processor" if value == everyone else "this processor alone"


def _event_timer_block(value: int) -> str:
    comparators = (value >> 8 & 0x1F) + 1
    width = "64-bit counter" if value >> 13 & 1 else "32-bit counter"
    legacy = "; can replace the legacy timers' interrupts" if value >> 15 & 1 else ""
    return f"revision {value & 0xFF}, {comparators} comparators, {width}, PCI vendor {value >> 16:#x}{legacy}"


_APIC_FLAGS = _bits("ENABLED", "ONLINE_CAPABLE")
_AFFINITY_FLAGS = _bits("ENABLED")

_PM_PROFILES = {
    0: "unspecified",
    1: "desktop",
    2: "mobile",
    3: "workstation",
    4: "enterprise server",
    5: "SOHO server",
    6: "appliance PC",
    7: "performance server",
    8: "tablet",
}

ADDRESS_SPACES: Mapping[int, str] = {
    0x00: "memory",
    0x01: "I/O ports",
    0x02: "PCI configuration",
    0x03: "embedded controller",
    0x04: "SMBus",
    0x05: "system CMOS",
    0x06: "PCI BAR",
    0x0A: "platform communications channel",
    0x7F: "functional fixed hardware",
}
_ACCESS_SIZES = {1: "bytes", 2: "words", 3: "double words", 4: "quad words"}


def _c_state(limit: int, name: str) -> Meaning:
    """Return what a worst-case latency in microseconds says of a C state (over `limit`: not supported)."""
    return lambda value: f"no {name} state" if value > limit else f"{name} takes up to {value} µs"


_HEADER = Structure(HEADER)
_FADT = Structure(
    FADT_5,
    {
        "preferred_pm_profile": _one_of(_PM_PROFILES),
        "p_lvl2_lat": _c_state(100, "C2"),
        "p_lvl3_lat": _c_state(1000, "C3"),
        "iapc_boot_arch": _flags(BootArchitecture),
        "flags": _flags(FadtFlag),
        "arm_boot_arch": _bits("PSCI_COMPLIANT", "PSCI_USE_HVC"),
    },
)
TABLES: Mapping[bytes, Structure] = {
    b"FACP": _FADT,
    b"FACS": Structure(FACS, {"flags": _bits("S4BIOS_F", "64BIT_WAKE_SUPPORTED_F")}),
    b"APIC": Structure(MADT, {"flags": _bits("PCAT_COMPAT")}),
    b"HPET": Structure(HPET, {"event_timer_block_id": _event_timer_block}),
    b"WAET": Structure(WAET, {"emulated_device_flags": _bits("RTC_GOOD", "ACPI_PM_TIMER_GOOD")}),
    b"SRAT": Structure(SRAT),
    b"SLIT": Structure(SLIT),
    b"TPM2": Structure(
        TPM2,
        {
            "platform_class": _one_of({0: "client", 1: "server"}),
            "start_method": _one_of({2: "ACPI start", 6: "TIS (FIFO)", 7: "CRB", 8: "CRB with ACPI start"}),
        },
    ),
}
"""The tables whose fields are known, by signature."""

TITLES: Mapping[bytes, str] = {
    b"FACP": "fixed hardware (FADT)",
    b"FACS": "firmware control structure",
    b"DSDT": "the devices, as AML code",
    b"SSDT": "further devices, as AML code",
    b"APIC": "interrupt controllers, and with them the processors (MADT)",
    b"XSDT": "64-bit addresses of the others",
    b"RSDT": "32-bit addresses of the others",
    b"HPET": "high precision event timer",
    b"WAET": "emulated devices that Windows need not work round",
    b"SRAT": "which NUMA node processors and memory are in",
    b"SLIT": "distances between NUMA nodes",
    b"TPM2": "trusted platform module",
}
"""What tables are, by signature."""

ROOT_POINTER = Structure(RSDP)
UNKNOWN_TABLE = _HEADER
"""What is known of a table that is none of `TABLES`."""

MADT_ENTRIES: Mapping[int, tuple[str, Structure]] = {
    0: ("local_apic", Structure(LOCAL_APIC, {"flags": _APIC_FLAGS})),
    1: ("io_apic", Structure(IO_APIC)),
    2: ("interrupt_source_override", Structure(INTERRUPT_SOURCE_OVERRIDE, {"flags": _interrupt})),
    3: ("nmi_source", Structure(NMI_SOURCE, {"flags": _interrupt})),
    4: (
        "local_apic_nmi",
        Structure(LOCAL_APIC_NMI, {"processor_id": _every_processor(0xFF), "flags": _interrupt}),
    ),
    5: ("local_apic_address_override", Structure(LOCAL_APIC_ADDRESS_OVERRIDE)),
    9: ("local_x2apic", Structure(LOCAL_X2APIC, {"flags": _APIC_FLAGS})),
    10: (
        "local_x2apic_nmi",
        Structure(LOCAL_X2APIC_NMI, {"processor_uid": _every_processor(0xFFFFFFFF), "flags": _interrupt}),
    ),
}
SRAT_ENTRIES: Mapping[int, tuple[str, Structure]] = {
    0: ("processor_affinity", Structure(PROCESSOR_AFFINITY, {"flags": _AFFINITY_FLAGS})),
    1: (
        "memory_affinity",
        Structure(MEMORY_AFFINITY, {"flags": _bits("ENABLED", "HOT_PLUGGABLE", "NON_VOLATILE")}),
    ),
    2: ("x2apic_affinity", Structure(X2APIC_AFFINITY, {"flags": _AFFINITY_FLAGS})),
}
"""By type: what an entry is, and its structure."""

_COUNTS = frozenset(
    {
        *("length", "revision", "version", "fadt_minor_version", "oem_revision", "creator_revision"),
        *("preferred_pm_profile", "int_model", "sci_int", "cst_cnt", "pm1_evt_len", "pm1_cnt_len"),
        *("pm2_cnt_len", "pm_tmr_len", "gpe0_blk_len", "gpe1_blk_len", "gpe1_base"),
        *("p_lvl2_lat", "p_lvl3_lat", "flush_size", "flush_stride", "duty_offset", "duty_width"),
        *("day_alrm", "mon_alrm", "century", "type", "processor_id", "processor_uid", "apic_id"),
        *("x2apic_id", "io_apic_id", "global_system_interrupt", "global_system_interrupt_base"),
        *("bus", "source", "local_apic_lint", "local_x2apic_lint", "hpet_number", "main_counter_minimum"),
        *("number_of_system_localities", "proximity_domain", "clock_domain", "local_sapic_eid", "size"),
        *("platform_class", "start_method", "log_area_minimum_length"),
    }
)
_TEXTS = frozenset({"signature", "oem_id", "oem_table_id", "creator_id"})
_RAW = frozenset({"start_method_parameters", "proximity_domain_upper"})
"""Fields of bytes that are neither text nor, as all others, a generic address."""


def describe_fields(
    structure: Structure, data: bytes, verdicts: Mapping[str, str] = MappingProxyType({})
) -> dict[str, Tree]:
    """Return a structure's fields and what they mean; of data that is too short, those that are whole.

    `verdicts` are meanings that more than the field's own value decides, by field.
    """
    layout = structure.layout
    values = layout.decode(data.ljust(layout.size, b"\0"))
    described: dict[str, Tree] = {}
    end = 0
    for name, size in layout.field_sizes().items():
        end += size
        if end > len(data):
            break
        if name not in values:
            continue
        value = values[name]
        described[name] = _value(name, value)
        if name in structure.meanings and isinstance(value, int):
            described[f"{name}_means"] = structure.meanings[name](value)
        if name in verdicts:
            described[f"{name}_means"] = verdicts[name]
    return described


def _value(name: str, value: FieldValue) -> Tree:
    if isinstance(value, int):
        return value if name in _COUNTS else hexadecimal(value)
    assert isinstance(value, bytes)
    if name in _TEXTS:
        return printable(value)
    return value.hex() if name in _RAW else _generic_address(value)


def printable(data: bytes) -> str:
    """Return a name as it stands in a table: up to its NULs, with what is not ASCII escaped."""
    return data.rstrip(b"\0").decode("ascii", errors="backslashreplace").translate(_UNPRINTABLE)


_UNPRINTABLE = {code: f"\\x{code:02x}" for code in (*range(32), 127)}


def _generic_address(data: bytes) -> str:
    """Return a generic address in words; one of zeros names no register."""
    if not any(data):
        return "none"
    space, bits, offset, access = data[: GENERIC_ADDRESS.offset_of("address")]
    address = int.from_bytes(data[GENERIC_ADDRESS.offset_of("address") :], "little")
    place = f"{ADDRESS_SPACES.get(space, f'address space {space:#x}')} {address:#x}, {bits} bits"
    shift = f" from bit {offset} on" if offset else ""
    size = f", accessed as {_ACCESS_SIZES.get(access, f'size {access}')}" if access else ""
    return place + shift + size
