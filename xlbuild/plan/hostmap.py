"""Memory maps that depend on the host: a PV guest's with e820_host, and an HVM guest's around reserved device memory.

The rules are what libxl was seen to make of the maps in tests/oracle/test_host_maps.py, and of random ones (upstream:
libxl__e820_alloc, libxl__domain_device_construct_rdm).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from xlbuild.abi.e820 import E820_MAX, E820_RAM, E820_RESERVED, E820_UNUSABLE
from xlbuild.container import Container
from xlbuild.container.model import ReservedMemory
from xlbuild.errors import NOWHERE, Diagnostic, RefusedError
from xlbuild.host import HostRegion
from xlbuild.plan.layout import LayoutError
from xlbuild.plan.model import MemoryMapEntry
from xlbuild.units import FOUR_GIB, KIB, MIB, UINT64, PhysAddr

_SUPERPAGE = 2 * MIB
_NOWHERE = UINT64 - 1
"""Where a host's devices begin that has none."""


def pv_memory_map(container: Container) -> tuple[MemoryMapEntry, ...]:
    """Return a PV guest's memory map, which the hypervisor keeps for it: up to `maxmem=`, or like the host's."""
    memory = container.memory
    if container.host_memory_map is None:
        return (MemoryMapEntry(PhysAddr(0), memory.max_kib * KIB, E820_RAM),)
    entries = like_host(container.host_memory_map, memory.target_kib * KIB, memory.max_kib * KIB)
    check_length(entries, E820_MAX)
    return entries


def like_host(host: Sequence[HostRegion], memory: int, most: int) -> tuple[MemoryMapEntry, ...]:
    """Return a map like the host's for a PV guest of `memory` bytes at start and `most` at most.

    What is not RAM on the host stays where it is. The guest's RAM lies below all of that; what does not fit, and what
    the guest may get later, is told of at 4 GiB, whatever the host has there. The host's own RAM below is unusable,
    lest the guest take it for room for devices. What begins at 1 MiB or below on the host does not count.
    """
    above = [region for region in host if region.start > MIB]
    fixed = [region for region in above if region.type not in (E820_RAM, E820_UNUSABLE)]
    first = min((region.start for region in fixed), default=_NOWHERE)
    ram = HostRegion(0, min(memory, first // KIB * KIB), E820_RAM)
    shadows = (_shadow(region, ram.end) for region in above)
    regions = [ram, *_close_gap([region for region in shadows if region is not None], ram.end, first)]
    entries = [MemoryMapEntry(PhysAddr(r.start), r.end - r.start, r.type) for r in regions]
    if more := (most - ram.end) % UINT64:
        entries.append(MemoryMapEntry(FOUR_GIB, more, E820_RAM))
    return tuple(entries)


def _shadow(region: HostRegion, ram_end: int) -> HostRegion | None:
    """Return what the guest sees of a region of its host; None: nothing."""
    if region.type == E820_UNUSABLE or region.end < ram_end:
        return None
    if region.type != E820_RAM:
        return region
    if region.start >= FOUR_GIB or region.start == region.end == ram_end:
        return None
    return HostRegion(max(region.start, ram_end), region.end, E820_UNUSABLE)


def _close_gap(regions: list[HostRegion], start: int, end: int) -> list[HostRegion]:
    """Fill what lies between the guest's RAM and the host's first device: `[start, end)` is unusable."""
    if start >= end:
        return regions
    for index, region in enumerate(regions):
        if region.type == E820_UNUSABLE and region.start == start:
            regions[index] = replace(region, end=end)
            return regions
    return [HostRegion(start, end, E820_UNUSABLE), *regions]


def check_length(entries: Sequence[MemoryMapEntry], most: int) -> None:
    """Refuse a memory map of more entries than the toolstack has room for (RefusedError)."""
    if len(entries) > most:
        raise RefusedError(
            "memory-map-too-long",
            "the guest's memory map is too long",
            cause=f"it would have {len(entries)} entries, and Xen's toolstack has room for {most}",
            hint="this guest cannot have all of this host's memory map: remove e820_host, rdm or pci",
        )


@dataclass(frozen=True, slots=True)
class Room:
    """An HVM guest's RAM, `[0, low)` and `[4 GiB, high)`, with room for reserved device memory."""

    low: PhysAddr
    high: PhysAddr
    """Zero: none above 4 GiB."""
    reserved: tuple[MemoryMapEntry, ...]
    warnings: tuple[Diagnostic, ...]


def make_room(container: Container, low: PhysAddr, high: PhysAddr) -> Room:
    """Return where RAM goes that would go to `[0, low)` and `[4 GiB, high)`, with what is reserved kept out of it.

    What starts above the boundary and below `low` sends all RAM from its superpage on above 4 GiB; in the first
    superpage, all from its first byte on. LayoutError where RAM stays in the way of something strict.
    """
    for memory in container.reserved_memory:
        if container.reserved_memory_boundary < memory.start < low:
            start = _end_of_low_memory(memory.start)
            low, high = start, PhysAddr(max(high, FOUR_GIB) + low - start)
    clashes = [r for r in container.reserved_memory if r.start < low or (r.start < high and r.end > FOUR_GIB)]
    for memory in clashes:
        if memory.strict:
            raise _in_the_way(memory, container.reserved_memory_boundary)
    kept = [memory for memory in container.reserved_memory if memory not in clashes]
    return Room(
        low,
        high,
        tuple(MemoryMapEntry(PhysAddr(r.start), r.end - r.start, E820_RESERVED) for r in kept),
        tuple(_ignored(memory) for memory in clashes),
    )


def _end_of_low_memory(reserved: int) -> PhysAddr:
    return PhysAddr(reserved if reserved < _SUPERPAGE else reserved // _SUPERPAGE * _SUPERPAGE)


def _ways_out(memory: ReservedMemory) -> list[str]:
    """Return what can get RAM out of a region's way; nothing can at the start of memory, where guests are loaded."""
    if memory.start < _SUPERPAGE:
        return []
    return ["lower memory" if memory.end > FOUR_GIB else "lower memory or rdm_mem_boundary"]


def _in_the_way(memory: ReservedMemory, boundary: int) -> LayoutError:
    return LayoutError(
        "reserved-memory-conflict",
        f"the guest's memory is in the way of reserved device memory at {memory.start:#x}..{memory.end:#x}",
        "a device that the guest is to have needs that memory, and RAM is moved away from it only above "
        f"{boundary:#x} (rdm_mem_boundary) and below 4 GiB",
        ", or ".join([*_ways_out(memory), "give the device rdm_policy=relaxed"]),
        (),
    )


def _ignored(memory: ReservedMemory) -> Diagnostic:
    return Diagnostic(
        "reserved-memory-ignored",
        f"reserved device memory at {memory.start:#x}..{memory.end:#x} is RAM for this guest",
        NOWHERE,
        ": ".join(["the device that uses it may not work", *_ways_out(memory)]),
    )
