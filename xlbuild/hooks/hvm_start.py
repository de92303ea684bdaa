"""The HVM start info: one segment that holds the structure and everything it points at.

In order: hvm_start_info, the command line, the module list, a slot for each module's command line, the memory map
(public arch-x86/hvm/start_info.h). Room for the modules is there whether or not there are any.
"""

from dataclasses import dataclass

from xlbuild.abi.hvm_start_info import (
    HVM_MEMMAP_TABLE_ENTRY,
    HVM_MODLIST_ENTRY,
    HVM_START_INFO,
    XEN_HVM_START_MAGIC_VALUE,
)
from xlbuild.container import SYSTEM_FIRMWARE_MODULE
from xlbuild.errors import RefusedError
from xlbuild.hooks.base import Draft
from xlbuild.hooks.names import names_of
from xlbuild.plan.model import BuildRequest, ModuleEntry, Plan, StartInfo
from xlbuild.units import PhysAddr, align_up, paddr_of

MAX_MODULES = 2
MODULE_CMDLINE_SIZE = 1024
"""Bytes of a module's command-line slot, its NUL included."""
_FIRMWARE_MODULE_CMDLINE = "firmware"
"""How hvmloader knows the system firmware among its modules."""


@dataclass(frozen=True, slots=True)
class StartInfoPlaces:
    """Offsets in bytes from the start of the segment, and its size."""

    command_line: int
    module_list: int
    module_command_lines: int
    memory_map: int
    size: int


def place_start_info(request: BuildRequest, memory_map_entries: int) -> StartInfoPlaces:
    """Return where each part lies (upstream: alloc_magic_pages_hvm).

    With a device model no room is kept for a command line.
    """
    command_line = request.container.command_line
    at_command_line = HVM_START_INFO.size
    at_modules = at_command_line
    if command_line is not None and not request.container.has_device_model:
        at_modules += align_up(len(_encoded(command_line)) + 1, 8)
    at_module_command_lines = at_modules + MAX_MODULES * HVM_MODLIST_ENTRY.size
    at_map = at_module_command_lines + MAX_MODULES * MODULE_CMDLINE_SIZE
    size = at_map + memory_map_entries * HVM_MEMMAP_TABLE_ENTRY.size
    return StartInfoPlaces(at_command_line, at_modules, at_module_command_lines, at_map, size)


def start_info(draft: Draft) -> StartInfo:
    """Return the structure's fields and the modules it tells of."""
    request = draft.request
    segment = draft.segment("HVM start info")
    assert segment is not None
    address = paddr_of(segment.pfn)
    places = place_start_info(request, len(draft.layout.memory_map))
    modules = _modules(draft, PhysAddr(address + places.module_command_lines))
    command_line = None if request.container.has_device_model else request.container.command_line
    acpi = draft.layout.acpi
    return StartInfo(
        address,
        {
            "magic": XEN_HVM_START_MAGIC_VALUE,
            "version": 1,
            "flags": 0,
            "nr_modules": len(modules),
            "modlist_paddr": address + places.module_list if modules else 0,
            "cmdline_paddr": address + places.command_line if command_line is not None else 0,
            "rsdp_paddr": acpi.rsdp.address if acpi is not None else 0,
            "memmap_paddr": address + places.memory_map,
            "memmap_entries": len(draft.layout.memory_map),
            "reserved": 0,
        },
        command_line,
        modules,
    )


def start_info_bytes(plan: Plan) -> bytes:
    """Return the segment's bytes."""
    places = place_start_info(plan.request, len(plan.layout.memory_map))
    info = plan.start_info
    out = bytearray(places.size)
    _put(out, 0, HVM_START_INFO.encode(info.fields))
    if info.command_line is not None:
        _put(out, places.command_line, _encoded(info.command_line))
    for index, module in enumerate(info.modules):
        entry = HVM_MODLIST_ENTRY.encode(
            {"paddr": module.paddr, "size": module.size, "cmdline_paddr": module.cmdline_paddr or 0}
        )
        _put(out, places.module_list + index * len(entry), entry)
        slot = places.module_command_lines + index * MODULE_CMDLINE_SIZE
        _put(out, slot, _encoded(module.command_line or ""))
    for index, region in enumerate(plan.layout.memory_map):
        entry = HVM_MEMMAP_TABLE_ENTRY.encode({"addr": region.addr, "size": region.size, "type": region.type})
        _put(out, places.memory_map + index * len(entry), entry)
    return bytes(out)


def _modules(draft: Draft, slots: PhysAddr) -> tuple[ModuleEntry, ...]:
    """Return the modules, then the system firmware; one that was not placed is told with address 0, as upstream."""
    told: list[tuple[PhysAddr, int, str | None]] = []
    for module in draft.request.modules:
        segment = draft.segment(module.name)
        assert segment is not None
        told.append((paddr_of(segment.pfn), module.content.length, module.command_line))
    for firmware in draft.request.firmware_modules:
        if firmware.name == SYSTEM_FIRMWARE_MODULE:
            placed = draft.segment(firmware.name)
            paddr = paddr_of(placed.pfn) if placed is not None else PhysAddr(0)
            told.append((paddr, len(firmware.data), _FIRMWARE_MODULE_CMDLINE))
    return tuple(
        ModuleEntry(
            paddr=paddr,
            size=size,
            cmdline_paddr=PhysAddr(slots + index * MODULE_CMDLINE_SIZE) if text is not None else None,
            command_line=text,
        )
        for index, (paddr, size, text) in enumerate(told)
    )


def check_modules(request: BuildRequest) -> None:
    """Refuse a module's command line that is longer than its slot (RefusedError)."""
    names = names_of(request)
    for module in request.modules:
        size = len(_encoded(module.command_line or "")) + 1
        if size > MODULE_CMDLINE_SIZE:
            raise RefusedError(
                "module-cmdline-too-long",
                f"the command line of the {names[module.name]} does not fit",
                cause=f"it has {size - 1:,} bytes, and a module's has room for {MODULE_CMDLINE_SIZE - 1:,}",
                hint="shorten cmdline= (root= and extra= count, too)",
            )


def _encoded(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


def _put(out: bytearray, offset: int, data: bytes) -> None:
    out[offset : offset + len(data)] = data
