"""What can be taken out of a built domain: its segments, pages, structures and tables, each byte for byte."""

from collections.abc import Callable, Iterator
from functools import partial

from xlbuild.abi.hvm_start_info import HVM_MEMMAP_TABLE_ENTRY
from xlbuild.built import (
    HVM_CONTEXT_FILE,
    SHARED_INFO_FILE,
    START_INFO_LAYOUTS,
    VCPU_CONTEXT_FILE,
    BuiltDomain,
    MemoryReader,
)
from xlbuild.inspect.domains.regions import domain_regions
from xlbuild.inspect.domains.start_info import found_command_line
from xlbuild.inspect.memory.region import Region
from xlbuild.inspect.tree import Part
from xlbuild.units import MIB, PhysAddr

_PIECE = MIB

_FILES: tuple[tuple[str, str, str], ...] = (
    ("shared_info", SHARED_INFO_FILE, "shared info page as the toolstack leaves it"),
    ("vcpu_context", VCPU_CONTEXT_FILE, "entry state of the vCPU: struct vcpu_guest_context"),
    ("hvm_context", HVM_CONTEXT_FILE, "entry state of the vCPUs: HVM context records"),
)
"""Parts that are files of their own, not in memory: name, file and title."""

_STRUCTURES = ("cmdline", "modlist", "memmap", "start_info")
"""Regions that have parts of their own names, or none."""


def domain_parts(built: BuiltDomain) -> tuple[Part, ...]:
    """Return everything that can be taken out, by name; what is read is read when a part is.

    Segments and special pages have the manifest's names with `-` for blanks (`page-tables`), ACPI tables
    `acpi:` before them (`acpi:FADT-rev5`). A segment ends with its last byte used, not with its page.
    """
    tables = {table.name for table in built.acpi.tables} if built.acpi is not None else set()
    regions = (region for region in domain_regions(built) if region.name.partition("[")[0] not in _STRUCTURES)
    parts = (
        *(_of_region(built, region, is_table=region.name in tables) for region in regions),
        *_structures(built),
        *_texts(built),
        *_memory_map(built),
        *_files(built),
    )
    named = {part.name: part for part in parts}
    return tuple(named[name] for name in sorted(named))


def part_name(name: str) -> str:
    """Return what a region is called among parts: `page-tables`, `rsdp`, `System-Firmware-module` in lower case."""
    return name.lower().replace(" ", "-")


def _of_region(built: BuiltDomain, region: Region, *, is_table: bool) -> Part:
    name = part_name(region.name)
    if is_table:
        name = "acpi:" + region.name.replace("rev ", "rev").replace(" ", "-")
    return Part(name, region.title, region.size, _reader(built.memory, region.first, region.size))


def _structures(built: BuiltDomain) -> Iterator[Part]:
    layout = START_INFO_LAYOUTS[built.guest_type]
    reader = _reader(built.memory, built.start_info.address, layout.size)
    yield Part("start_info", f"start info: {layout.name}", layout.size, reader)


def _texts(built: BuiltDomain) -> Iterator[Part]:
    """Yield the command line as the guest finds it, without its NUL; none where it has none."""
    text = found_command_line(built)
    if text is not None:
        data = text.encode(errors="surrogateescape")
        yield Part.of("command-line", "the kernel's command line", data)


def _memory_map(built: BuiltDomain) -> Iterator[Part]:
    """Yield the memory map as hvm_memmap_table_entry structures, where it is in memory: a PV guest asks for it."""
    regions = (region for region in domain_regions(built) if region.name == "memmap")
    for region in regions:
        title = f"memory map: {HVM_MEMMAP_TABLE_ENTRY.name} × {region.size // HVM_MEMMAP_TABLE_ENTRY.size}"
        yield Part("memory-map", title, region.size, _reader(built.memory, region.first, region.size))
        return
    if "memory_map" in built.untold.members:
        return
    entries = (
        HVM_MEMMAP_TABLE_ENTRY.encode({"addr": entry.addr, "size": entry.size, "type": entry.type})
        for entry in built.memory_map
    )
    data = b"".join(entries)
    title = (
        f"memory map, which the hypervisor is told: {HVM_MEMMAP_TABLE_ENTRY.name} × {len(built.memory_map)}"
    )
    yield Part.of("memory-map", title, data)


def _files(built: BuiltDomain) -> Iterator[Part]:
    for name, file, title in _FILES:
        if file in built.structures:
            data = built.structures[file]
            yield Part.of(name, title, data)


def _reader(memory: MemoryReader, address: PhysAddr, size: int) -> Callable[[], Iterator[bytes]]:
    return partial(_pieces, memory, address, size)


def _pieces(memory: MemoryReader, address: PhysAddr, size: int) -> Iterator[bytes]:
    for offset in range(0, size, _PIECE):
        yield memory.read(PhysAddr(address + offset), min(_PIECE, size - offset))
