"""Start info as it lies in a guest's memory: field by field, what each means, and what the manifest has otherwise.

The memory may hold anything: what the fields point at is read only where memory exists, and never more than the
toolstack would write there.
"""

from collections.abc import Iterator

from xlbuild.abi.e820 import E820_MAX, E820_TYPE_NAMES
from xlbuild.abi.hvm_start_info import (
    HVM_MEMMAP_TABLE_ENTRY,
    HVM_MODLIST_ENTRY,
    HVM_START_INFO_COUNTS,
    XEN_HVM_START_MAGIC_VALUE,
)
from xlbuild.abi.layout import Fields, Layout
from xlbuild.abi.start_info import SIF_MOD_START_PFN, SIF_NAMES, START_INFO_COUNTS
from xlbuild.built import START_INFO_LAYOUTS, BuiltDomain, MemoryReader
from xlbuild.inspect.domains.fields import (
    Meaning,
    describe_fields,
    differences,
    said,
    said_unless_zero,
    text_of,
)
from xlbuild.inspect.domains.regions import virtual_address
from xlbuild.inspect.memory.room import exists, room_at
from xlbuild.inspect.tree import Branch, Tree, hexadecimal
from xlbuild.inspect.words import flag_names
from xlbuild.plan.model import MemoryMapEntry, ModuleEntry
from xlbuild.units import PAGE_SIZE, PhysAddr, bytes_of, human_size, page_down, page_offset

_MOST_MODULES = 64
_MOST_TEXT = 1 << 16
"""Bytes of a command line that are read."""


def describe_start_info(built: BuiltDomain) -> Branch:
    """Return the start info that is in memory, decoded."""
    fields = _decoded(built)
    place: dict[str, Tree] = {"addr": hexadecimal(built.start_info.address)}
    if built.is_pv:
        virtual = virtual_address(built, built.start_info.address)
        assert virtual is not None
        place["virt"] = hexadecimal(virtual)
    place["structure"] = START_INFO_LAYOUTS[built.guest_type].name
    return place | (_pv_fields(fields) if built.is_pv else _hvm_fields(built.memory, fields))


def start_info_problems(built: BuiltDomain) -> Iterator[str]:
    """Yield what is otherwise in memory than in the manifest, or wrong in itself."""
    fields, told = _decoded(built), built.start_info
    yield from differences(fields, told.fields, "start_info", "memory.img")
    if built.is_pv:
        return
    if fields["magic"] != XEN_HVM_START_MAGIC_VALUE:
        yield f"start_info.magic is no HVM start info's, which is {XEN_HVM_START_MAGIC_VALUE:#x}"
    text = _command_line(built.memory, fields)
    if text != told.command_line:
        yield f"the command line is {text!r} in memory.img, {told.command_line!r} in domain.json"
    if read_modules(built.memory, fields) != told.modules:
        yield "the module list in memory.img is not that of domain.json"
    if read_memory_map(built.memory, fields) != built.memory_map:
        yield "the memory map in memory.img is not that of domain.json"


def found_command_line(built: BuiltDomain) -> str | None:
    """Return the command line that the guest finds in memory; None where it has none."""
    fields = _decoded(built)
    if not built.is_pv:
        return _command_line(built.memory, fields)
    text = fields["cmd_line"]
    assert isinstance(text, bytes)
    return text_of(text)


def read_text(memory: MemoryReader, address: PhysAddr) -> str | None:
    """Return the C string at an address, 64 KiB of it at most; None where there is no memory."""
    if not exists(memory, address):
        return None
    data, end = bytearray(), address + _MOST_TEXT
    while b"\0" not in data and address < end and exists(memory, address):
        size = PAGE_SIZE - page_offset(address)
        data += memory.read(address, size)
        address = PhysAddr(page_down(address) + PAGE_SIZE)
    return text_of(bytes(data))


def read_modules(memory: MemoryReader, fields: Fields) -> tuple[ModuleEntry, ...]:
    """Return the modules that an HVM start info lists, 64 at most, as far as memory has them."""
    entries = _array(memory, fields, "modlist_paddr", "nr_modules", HVM_MODLIST_ENTRY, _MOST_MODULES)
    return tuple(_module(memory, entry) for entry in entries)


def read_memory_map(memory: MemoryReader, fields: Fields) -> tuple[MemoryMapEntry, ...]:
    """Return the memory map that an HVM start info has, 128 entries at most, as far as memory has them."""
    entries = _array(memory, fields, "memmap_paddr", "memmap_entries", HVM_MEMMAP_TABLE_ENTRY, E820_MAX)
    return tuple(
        MemoryMapEntry(PhysAddr(_number(e, "addr")), _number(e, "size"), _number(e, "type")) for e in entries
    )


def describe_memory_map(entries: tuple[MemoryMapEntry, ...]) -> list[Tree]:
    """Return a memory map's entries, with their types in words."""
    return [
        {
            "addr": hexadecimal(entry.addr),
            "end": hexadecimal(entry.addr + entry.size),
            "size": entry.size,
            "type": entry.type,
            "means": E820_TYPE_NAMES.get(entry.type, "not known"),
        }
        for entry in entries
    ]


def _decoded(built: BuiltDomain) -> Fields:
    layout = START_INFO_LAYOUTS[built.guest_type]
    return layout.decode(built.memory.read(built.start_info.address, layout.size))


def _number(fields: Fields, name: str) -> int:
    value = fields[name]
    assert isinstance(value, int)
    return value


def _pv_fields(fields: Fields) -> dict[str, Tree]:
    described = describe_fields(fields, _PV_MEANINGS, START_INFO_COUNTS)
    for name in ("magic", "cmd_line"):
        value = fields[name]
        assert isinstance(value, bytes)
        described[name] = text_of(value)
    return described


def _hvm_fields(memory: MemoryReader, fields: Fields) -> dict[str, Tree]:
    described = describe_fields(fields, _HVM_MEANINGS, HVM_START_INFO_COUNTS)
    described["cmdline"] = _command_line(memory, fields)
    described["modlist"] = [
        {
            "addr": hexadecimal(module.paddr),
            "size": module.size,
            "cmdline_addr": hexadecimal(module.cmdline_paddr or 0),
            "cmdline": module.command_line,
        }
        for module in read_modules(memory, fields)
    ]
    described["memmap"] = describe_memory_map(read_memory_map(memory, fields))
    return described


def _command_line(memory: MemoryReader, fields: Fields) -> str | None:
    address = _number(fields, "cmdline_paddr")
    return read_text(memory, PhysAddr(address)) if address else None


def _module(memory: MemoryReader, entry: Fields) -> ModuleEntry:
    text_at = PhysAddr(_number(entry, "cmdline_paddr"))
    return ModuleEntry(
        PhysAddr(_number(entry, "paddr")),
        _number(entry, "size"),
        text_at or None,
        read_text(memory, text_at) if text_at else None,
    )


def _array(
    memory: MemoryReader, fields: Fields, at: str, count: str, layout: Layout, most: int
) -> Iterator[Fields]:
    """Yield the elements of an array that two fields tell of, as far as memory has them."""
    first = _number(fields, at)
    for index in range(min(_number(fields, count), most) if first else 0):
        address = PhysAddr(first + index * layout.size)
        if room_at(memory, address) < layout.size:
            return
        yield layout.decode(memory.read(address, layout.size))


def _flags(value: int, fields: Fields) -> str:
    return flag_names(value, SIF_NAMES)


def _nr_pages(value: int, fields: Fields) -> str:
    return f"frames of memory: {human_size(bytes_of(value))}"


def _mod_start(value: int, fields: Fields) -> str:
    if not value:
        return "there is no ramdisk"
    if _number(fields, "flags") & SIF_MOD_START_PFN:
        return "first frame of the ramdisk, which is not mapped"
    return "virtual address of the ramdisk"


def _mod_len(value: int, fields: Fields) -> str | None:
    return human_size(value) if value else None


def _magic(value: int, fields: Fields) -> str:
    return "HVM start info" if value == XEN_HVM_START_MAGIC_VALUE else "not what a start info begins with"


_PV_MEANINGS: dict[str, Meaning] = {
    "nr_pages": _nr_pages,
    "shared_info": said("machine address of the shared info page, which each host chooses for itself"),
    "flags": _flags,
    "store_mfn": said("machine frame of xenstore's ring"),
    "store_evtchn": said("port of xenstore's event channel"),
    "console_mfn": said("machine frame of the console's ring"),
    "console_evtchn": said("port of the console's event channel"),
    "pt_base": said("virtual address of the top page table"),
    "nr_pt_frames": said("frames of page tables, from there on"),
    "mfn_list": said("virtual address of the p2m list"),
    "mod_start": _mod_start,
    "mod_len": _mod_len,
    "first_p2m_pfn": said_unless_zero(
        "first frame of the p2m list, which is mapped where the kernel wanted it",
        "the p2m list is in the first mapping",
    ),
    "nr_p2m_frames": said_unless_zero("frames of the p2m list and of the page tables that map it"),
}

_HVM_MEANINGS: dict[str, Meaning] = {
    "magic": _magic,
    "version": said_unless_zero("there is a memory map", "there is no memory map"),
    "flags": _flags,
    "modlist_paddr": said_unless_zero("address of the module list", "there are no modules"),
    "cmdline_paddr": said_unless_zero("address of the command line", "there is no command line"),
    "rsdp_paddr": said_unless_zero("address of ACPI's root pointer", "no ACPI tables: firmware makes them"),
    "memmap_paddr": said_unless_zero("address of the memory map", "there is no memory map"),
}
