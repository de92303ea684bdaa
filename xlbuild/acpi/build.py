"""Where PVH's ACPI goes: every table at Xen's address, in the three pieces that libxl hands to the builder.

The DSDT is ours; each other byte is Xen's. So that it can be, Xen's own DSDT decides how much room ours has.
"""

from dataclasses import dataclass
from enum import Enum

from xlbuild.abi.limits import HVM_MAX_VCPUS
from xlbuild.acpi import tables
from xlbuild.acpi.dsdt import build_dsdt
from xlbuild.acpi.layouts import FACS, FADT_1, FADT_5
from xlbuild.errors import RefusedError, Where
from xlbuild.image.model import XenParameters
from xlbuild.units import PAGE_SIZE, PhysAddr, align_up, page_down, page_offset, page_up

ACPI_INFO_ADDRESS = PhysAddr(0xFC000000)
"""Start of the area that libxl keeps for PVH's ACPI: the info page, then the tables."""

ACPI_TABLES_ADDRESS = PhysAddr(ACPI_INFO_ADDRESS + PAGE_SIZE)

RSDP_SIZE = 64
"""Bytes that the RSDP takes; its own 36 come first."""

LOW_RSDP_ADDRESS = PhysAddr(0x100000 - RSDP_SIZE)
"""Where an RSDP must be found by a search below 1 MiB: as high as it goes."""

_GUEST_OS_LINUX = "linux"
_XENFEAT_LINUX_RSDP_UNRESTRICTED = 15  # xen/features.h

_ALIGNMENT = 16

_MADT_SPARE = 12 + 16 * 10
"""Room that Xen keeps behind the local APICs: as much as an IO-APIC and 16 interrupt overrides would take."""


class Table(Enum):
    """The tables by the names they are known by."""

    FACS = "FACS"
    DSDT = "DSDT"
    FADT_1 = "FADT rev 1"
    FADT_5 = "FADT rev 5"
    MADT = "MADT"
    XSDT = "XSDT"
    RSDT = "RSDT"


_IN_XSDT = (Table.FADT_5, Table.MADT)
_IN_RSDT = (Table.FADT_1, Table.MADT)


@dataclass(frozen=True, slots=True)
class PlacedTable:
    """One table and where it is."""

    table: Table
    address: PhysAddr
    data: bytes
    """The table alone, without the unused room behind it."""


@dataclass(frozen=True, slots=True)
class AcpiBlob:
    """A piece of ACPI with a guest address of its own, outside the segment allocator."""

    name: str
    address: PhysAddr
    data: bytes

    @property
    def map_start(self) -> PhysAddr:
        """Where its memory-map entry starts: at the page's start."""
        return PhysAddr(page_down(self.address))

    @property
    def map_size(self) -> int:
        """Size in bytes of its memory-map entry: from the page's start to the last byte, not rounded up."""
        return page_offset(self.address) + len(self.data)


@dataclass(frozen=True, slots=True)
class AcpiTables:
    """PVH's ACPI, ready to be put into guest memory."""

    rsdp: AcpiBlob
    """64 bytes; its address is the start info's `rsdp_paddr`."""
    info: AcpiBlob
    """The info page."""
    area: AcpiBlob
    """All other tables: whole pages."""
    tables: tuple[PlacedTable, ...]
    """What is in the area, in order."""

    @property
    def blobs(self) -> tuple[AcpiBlob, AcpiBlob, AcpiBlob]:
        """The three pieces in libxl's order, which is that of the memory map's entries."""
        return (self.rsdp, self.info, self.area)


def build_acpi(
    max_vcpus: int, online_vcpus: int, *, dsdt_length: int, rsdp_in_low_memory: bool
) -> AcpiTables:
    """Return the ACPI of a PVH guest with `max_vcpus` processors, the first `online_vcpus` of them enabled.

    `dsdt_length` is the length in bytes of Xen's DSDT (the profile's), on which the places of all tables
    behind it depend. RefusedError for more vCPUs than Xen gives. Source: the result of libxl_x86_acpi.c.
    """
    assert 0 <= online_vcpus <= max_vcpus
    if max_vcpus > HVM_MAX_VCPUS:
        raise _too_many(max_vcpus)
    at, end = _place(_rooms(max_vcpus, dsdt_length))
    contents = _contents(max_vcpus, online_vcpus, at)
    assert len(contents[Table.DSDT]) <= dsdt_length
    placed = tuple(PlacedTable(table, at[table], data) for table, data in contents.items())
    info = tables.acpi_info(max_vcpus, madt_at=at[Table.MADT]).ljust(PAGE_SIZE, b"\0")
    rsdp = tables.rsdp(rsdt_at=at[Table.RSDT], xsdt_at=at[Table.XSDT]).ljust(RSDP_SIZE, b"\0")
    behind = PhysAddr(page_up(end))
    return AcpiTables(
        rsdp=AcpiBlob("RSDP", LOW_RSDP_ADDRESS if rsdp_in_low_memory else behind, rsdp),
        info=AcpiBlob("ACPI info", ACPI_INFO_ADDRESS, info),
        area=AcpiBlob("ACPI tables", ACPI_TABLES_ADDRESS, _area(placed, behind - ACPI_TABLES_ADDRESS)),
        tables=placed,
    )


def needs_rsdp_in_low_memory(parameters: XenParameters) -> bool:
    """Return whether the kernel looks for the RSDP below 1 MiB instead of taking the start info's word.

    That is: GUEST_OS is `linux`, and the feature `linux_rsdp_unrestricted` (xen/features.h) is not supported.
    """
    unrestricted = parameters.features_supported >> _XENFEAT_LINUX_RSDP_UNRESTRICTED & 1
    return parameters.guest_os == _GUEST_OS_LINUX and not unrestricted


def _rooms(max_vcpus: int, dsdt_length: int) -> tuple[tuple[Table, int], ...]:
    """Return the tables in order and the bytes kept for each; no SRAT, no SLIT: PVH has no vNUMA."""
    return (
        (Table.FACS, FACS.size),
        (Table.DSDT, dsdt_length),
        (Table.FADT_1, FADT_1.size),
        (Table.FADT_5, FADT_5.size),
        (Table.MADT, tables.madt_size(max_vcpus) + _MADT_SPARE),
        (Table.XSDT, tables.xsdt_size(len(_IN_XSDT))),
        (Table.RSDT, tables.rsdt_size(len(_IN_RSDT))),
    )


def _place(rooms: tuple[tuple[Table, int], ...]) -> tuple[dict[Table, PhysAddr], PhysAddr]:
    """Return where each table goes, at the next multiple of 16, and where the last one's room ends.

    The FACS wants a multiple of 64, and has it: it is the first.
    """
    at: dict[Table, PhysAddr] = {}
    end = ACPI_TABLES_ADDRESS
    for table, size in rooms:
        at[table] = PhysAddr(align_up(end, _ALIGNMENT))
        end = PhysAddr(at[table] + size)
    return at, end


def _contents(max_vcpus: int, online_vcpus: int, at: dict[Table, PhysAddr]) -> dict[Table, bytes]:
    facs_at, dsdt_at = at[Table.FACS], at[Table.DSDT]
    return {
        Table.FACS: tables.facs(),
        Table.DSDT: build_dsdt(max_vcpus, online_vcpus),
        Table.FADT_1: tables.fadt_rev1(facs_at=facs_at, dsdt_at=dsdt_at),
        Table.FADT_5: tables.fadt_rev5(facs_at=facs_at, dsdt_at=dsdt_at),
        Table.MADT: tables.madt(max_vcpus, online_vcpus),
        Table.XSDT: tables.xsdt(at[table] for table in _IN_XSDT),
        Table.RSDT: tables.rsdt(at[table] for table in _IN_RSDT),
    }


def _area(placed: tuple[PlacedTable, ...], size: int) -> bytes:
    area = bytearray(size)
    for table in placed:
        offset = table.address - ACPI_TABLES_ADDRESS
        area[offset : offset + len(table.data)] = table.data
    return bytes(area)


def _too_many(max_vcpus: int) -> RefusedError:
    return RefusedError(
        "too-many-vcpus",
        f"A PVH guest cannot have {max_vcpus} vCPUs.",
        cause=f"Xen gives at most {HVM_MAX_VCPUS} vCPUs to a guest in an HVM container.",
        hint=f"Set maxvcpus to {HVM_MAX_VCPUS} or less.",
        where=Where(key="maxvcpus"),
    )
