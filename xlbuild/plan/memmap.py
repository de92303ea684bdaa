"""The memory of HVM containers: which frames exist and the map (e820) that says so.

Fixed places, all below 4 GiB: ACPI tables from 0xFC000000, the local APIC at 0xFEE00000, the special pages that end
at frame 0xFEFFF, ioreq server pages right below them.
"""

from collections.abc import Iterator

from xlbuild.abi.e820 import E820_MAX, E820_RAM, E820_RESERVED
from xlbuild.acpi.build import AcpiTables
from xlbuild.container import Container, VirtualNuma
from xlbuild.plan.hostmap import Room, check_length, make_room
from xlbuild.plan.model import MemoryLayout, MemoryMapEntry, VirtualMemoryRange
from xlbuild.profiles import Profile
from xlbuild.units import (
    FOUR_GIB,
    KIB,
    MIB,
    FrameRange,
    Pfn,
    PhysAddr,
    bytes_of,
    paddr_of,
    page_offset,
    pages_for,
    pfn_of,
)

SPECIAL_PAGES_FIRST = Pfn(0xFEFF8)
SPECIAL_PAGES: tuple[str, ...] = (
    "paging",
    "access",
    "sharing",
    "bufioreq",
    "xenstore",
    "ioreq",
    "ident_pt",
    "console",
)
"""In frame order (upstream: SPECIALPAGE_*)."""

NR_IOREQ_SERVER_PAGES = 8
IOREQ_SERVER_FIRST = Pfn(SPECIAL_PAGES_FIRST - NR_IOREQ_SERVER_PAGES)

VGA_HOLE = FrameRange(Pfn(0xA0), Pfn(0xC0))
HVM_MMIO_SIZE = 256 * MIB
PVH_MMIO_START = PhysAddr(0xFC000000)
"""Where low memory ends for PVH: at the lowest of the ACPI area, the local APIC and the special pages."""


def special_frames() -> FrameRange:
    """Return the frames of the special pages."""
    return FrameRange.of(SPECIAL_PAGES_FIRST, len(SPECIAL_PAGES))


def mmio_start(container: Container) -> PhysAddr:
    """Return where memory below 4 GiB has to stop.

    A `mmio_hole` counts only where it is larger than the hole that HVM has anyway.
    """
    if not container.has_device_model:
        return PVH_MMIO_START
    hole = max(HVM_MMIO_SIZE, (container.mmio_hole_mib or 0) * MIB)
    return PhysAddr(FOUR_GIB - hole)


def memory_layout(
    container: Container, profile: Profile, acpi: AcpiTables | None, acpi_firmware_size: int = 0
) -> MemoryLayout:
    """Return the layout of an HVM container's memory (upstream: meminit_hvm, libxl's domain_construct_memmap)."""
    size = (container.memory.max_kib - container.memory.video_kib) * KIB // MIB * MIB
    target = (container.memory.target_kib - container.memory.video_kib) * KIB
    start = mmio_start(container)
    low = PhysAddr(min(size, start))
    high = PhysAddr(FOUR_GIB + size - start) if size > start else PhysAddr(0)
    room = make_room(container, low, high)
    low, high = room.low, room.high
    return MemoryLayout(
        total_pages=pages_for(size),
        target_pages=pages_for(target) if target < size else None,
        ram=_ram(container, low, high),
        memory_map=_memory_map(container, profile, room, acpi, acpi_firmware_size),
        lowmem_end=low,
        highmem_end=high,
        mmio_start=start,
        acpi=acpi,
        special=_special(container, acpi),
        vmemranges=tuple(_vmemranges(container.vnuma, low)) if container.vnuma is not None else (),
        warnings=room.warnings,
    )


def _ram(container: Container, low: PhysAddr, high: PhysAddr) -> tuple[FrameRange, ...]:
    first, end = Pfn(0), pfn_of(low)
    ranges = [FrameRange(first, end)]
    if container.has_device_model:
        ranges = [FrameRange(first, min(end, VGA_HOLE.first)), FrameRange(VGA_HOLE.end, end)]
    if high:
        ranges.append(FrameRange(pfn_of(FOUR_GIB), pfn_of(high)))
    return tuple(frames for frames in ranges if frames.first < frames.end)


def _vmemranges(vnuma: VirtualNuma, low: PhysAddr) -> Iterator[VirtualMemoryRange]:
    """Yield the nodes' memory, one behind the other and around the hole (libxl__vnuma_build_vmemrange_hvm)."""
    end = 0
    for vnode, mib in enumerate(vnuma.ram_mib):
        start, end = end, end + mib * MIB
        if start < min(end, low):
            yield VirtualMemoryRange(PhysAddr(start), PhysAddr(min(end, low)), vnode)
        if max(start, low) < end:
            above = FOUR_GIB - low
            yield VirtualMemoryRange(PhysAddr(max(start, low) + above), PhysAddr(end + above), vnode)


def _special(container: Container, acpi: AcpiTables | None) -> tuple[FrameRange, ...]:
    frames = [special_frames()]
    if container.has_device_model:
        frames.append(FrameRange.of(IOREQ_SERVER_FIRST, NR_IOREQ_SERVER_PAGES))
    if acpi is not None:
        frames += [blob_frames(blob.address, len(blob.data)) for blob in acpi.blobs]
    return tuple(frames)


def blob_frames(address: PhysAddr, size: int) -> FrameRange:
    """Return the frames that hold `size` bytes at an address of any alignment."""
    return FrameRange.of(pfn_of(address), pages_for(page_offset(address) + size))


def _memory_map(
    container: Container,
    profile: Profile,
    room: Room,
    acpi: AcpiTables | None,
    acpi_firmware_size: int,
) -> tuple[MemoryMapEntry, ...]:
    ram_start = PhysAddr(MIB if container.has_device_model else 0)
    entries = [MemoryMapEntry(ram_start, room.low - ram_start, E820_RAM), *room.reserved]
    if not container.has_device_model:
        special = special_frames()
        entries.append(MemoryMapEntry(paddr_of(special.first), bytes_of(special.pages), E820_RESERVED))
    if acpi_firmware_size:
        # The map is made before the pass-through tables are placed: the real toolstack says address 0 too.
        entries.append(MemoryMapEntry(PhysAddr(0), acpi_firmware_size, profile.acpi_memory_type))
    for blob in acpi.blobs if acpi is not None else ():
        entries.append(MemoryMapEntry(blob.map_start, blob.map_size, profile.acpi_memory_type))
    if room.high:
        entries.append(MemoryMapEntry(FOUR_GIB, room.high - FOUR_GIB, E820_RAM))
    check_length(entries, E820_MAX - 1)  # libxl takes a full table for one that is too long
    return tuple(entries)
