"""The structures in a guest's memory, byte by byte: which member of the description each byte is of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from xlbuild.abi.hvm_info import HVM_INFO_TABLE
from xlbuild.abi.hvm_start_info import HVM_MEMMAP_TABLE_ENTRY, HVM_MODLIST_ENTRY
from xlbuild.abi.layout import Layout
from xlbuild.acpi.layouts import ACPI_INFO, FACS, FADT_5, HEADER, MADT, RSDP
from xlbuild.built import START_INFO_LAYOUTS, BuiltDomain
from xlbuild.diff.memory.places import Places
from xlbuild.inspect.memory.acpi_fields import MADT_ENTRIES
from xlbuild.inspect.memory.region import Region
from xlbuild.inspect.tree import hexadecimal
from xlbuild.units import KIB

_MOST_READ = 128 * KIB
"""Bytes of a structure that is looked into; with 128 vCPUs, a PVH guest's largest table has not 5 KiB."""


@dataclass(frozen=True, slots=True)
class Member:
    """Bytes of a structure that belong together."""

    first: int
    """Offset from the structure's start."""
    end: int
    path: str
    """The description's: `start_info.cmdline_paddr`."""
    is_described: bool = True
    """Whether the description has it: it has no padding."""

    @property
    def name(self) -> str:
        """Its own name, without what numbers it in a list: `cmdline_paddr`."""
        return self.path.rpartition(".")[2].partition("[")[0]

    def words(self, offset: int) -> str:
        """Return in words what its byte at an offset is: `start_info.cmd_line + 5`, `madt.length`."""
        told = self.path.removeprefix("acpi.").removeprefix("contents.")
        if not self.is_described:
            told = f"{told.rpartition('.')[0]}: no field"
        return f"{told} + {offset if offset < 10 else hex(offset)}" if offset else told


@dataclass(frozen=True, slots=True)
class Structure:
    """A structure, and what each of its bytes is of."""

    region: Region
    """Its name is the same on both sides."""
    path: str
    """The description's: `start_info`."""
    members: tuple[Member, ...]
    """By offset, without a gap; no two have the same path."""


def structures_of(built: BuiltDomain, places: Places) -> tuple[Structure, ...]:
    """Return the structures that the description tells field by field, by address; none lies in another.

    Where they lie is the manifest's word, so that damage to one of them is seen as that.
    """
    found: list[Structure] = []
    for region in places.regions:
        kind = _kind_of(region.name)
        is_free = not found or found[-1].region.end <= region.first
        if kind is not None and is_free and region.size <= _MOST_READ:
            data = built.memory.read(region.first, region.size)
            members = kind.members(data, kind.path, kind.layout or START_INFO_LAYOUTS[built.guest_type])
            found.append(Structure(region, kind.path, tuple(_tiles(members, len(data), kind.path))))
    return tuple(found)


def _kind_of(name: str) -> _Kind | None:
    """Return what a region of that name is; None for one that is no structure."""
    if name.startswith("modlist["):
        return _Kind(f"start_info.{name}", _text)
    return _KINDS.get(name)


def _tiles(members: Iterator[Member], size: int, path: str) -> Iterator[Member]:
    """Yield members as far as there are bytes of them, and one more for what follows the last."""
    end = 0
    for member in members:
        if member.first < size:
            end = min(member.end, size)
            yield member if member.end == end else replace(member, end=end)
    if end < size:
        yield Member(end, size, f"{path}.rest", is_described=False)


Members = Callable[[bytes, str, Layout], Iterator[Member]]
"""Yields the members of a structure by offset, given its bytes, its path and its layout, or that of its start."""


def _fields(layout: Layout, path: str, first: int = 0) -> Iterator[Member]:
    """Yield the fields of a layout at an offset."""
    for name, size in layout.field_sizes().items():
        called = _RENAMED.get((layout, name), name)
        yield Member(first, first + size, f"{path}.{called}", is_described=not name.startswith("_"))
        first += size


_RENAMED: Mapping[tuple[Layout, str], str] = {
    (HVM_MODLIST_ENTRY, "paddr"): "addr",
    (HVM_MODLIST_ENTRY, "cmdline_paddr"): "cmdline_addr",
}
"""Fields that the description calls otherwise than the header."""


def _alone(data: bytes, path: str, layout: Layout) -> Iterator[Member]:
    return _fields(layout, path)


def _text(data: bytes, path: str, layout: Layout) -> Iterator[Member]:
    yield Member(0, len(data), path)


def _modules(data: bytes, path: str, layout: Layout) -> Iterator[Member]:
    for index in range(len(data) // layout.size):
        yield from _fields(layout, f"{path}[{index}]", index * layout.size)


def _memory_map(data: bytes, path: str, layout: Layout) -> Iterator[Member]:
    """Yield the fields of entries that are named by their address, or by their number where two have the same."""
    names: set[str] = set()
    for index in range(len(data) // layout.size):
        at = index * layout.size
        addr = int.from_bytes(data[at : at + layout.size_of("addr")], "little")
        name = hexadecimal(addr) if hexadecimal(addr) not in names else str(index)
        names.add(name)
        yield from _fields(layout, f"{path}[{name}]", at)


def _addresses(size: int) -> Members:
    def members(data: bytes, path: str, layout: Layout) -> Iterator[Member]:
        """Yield a table's header and the addresses of tables behind it."""
        yield from _fields(layout, path)
        start = layout.size
        for index in range((len(data) - start) // size):
            first = start + index * size
            yield Member(first, first + size, f"{path}.entries[{index}]")

    return members


def _code(data: bytes, path: str, layout: Layout) -> Iterator[Member]:
    yield from _fields(layout, path)
    yield Member(layout.size, len(data), f"{path}.aml")


def _interrupt_controllers(data: bytes, path: str, layout: Layout) -> Iterator[Member]:
    """Yield a MADT's fields, and those of its entries: each a type byte, a length byte and more."""
    yield from _fields(layout, path)
    sizes = {kind: structure.layout.size for kind, (_, structure) in MADT_ENTRIES.items()}
    at = layout.size
    numbers: dict[str, int] = {}
    while at + 2 <= len(data):
        kind, length = data[at], data[at + 1]
        if length < 2 or at + length > len(data):
            return
        name, structure = MADT_ENTRIES.get(kind, (f"type_{kind}", None))
        number = numbers.get(name, 0)
        numbers[name] = number + 1
        entry = f"{path}.entries.{name}[{number}]"
        if structure is not None and sizes[kind] == length:
            yield from _fields(structure.layout, entry, at)
        else:
            yield Member(at, at + length, entry)
        at += length


@dataclass(frozen=True, slots=True)
class _Kind:
    """A structure that is known."""

    path: str
    members: Members
    layout: Layout | None = None
    """None: the start info's, which each type of guest has its own of."""


_KINDS: Mapping[str, _Kind] = MappingProxyType(
    {
        "start_info": _Kind("start_info", _alone),
        "cmdline": _Kind("start_info.cmdline", _text),
        "modlist": _Kind("start_info.modlist", _modules, HVM_MODLIST_ENTRY),
        "memmap": _Kind("start_info.memmap", _memory_map, HVM_MEMMAP_TABLE_ENTRY),
        "hvm_info_table": _Kind("hvm_info_table", _alone, HVM_INFO_TABLE),
        "ACPI info": _Kind("acpi_info", _alone, ACPI_INFO),
        "RSDP": _Kind("acpi.rsdp", _alone, RSDP),
        "XSDT": _Kind("acpi.contents.xsdt", _addresses(8), HEADER),
        "RSDT": _Kind("acpi.contents.rsdt", _addresses(4), HEADER),
        "FADT rev 1": _Kind("acpi.contents.fadt_rev_1", _alone, FADT_5),
        "FADT rev 5": _Kind("acpi.contents.fadt_rev_5", _alone, FADT_5),
        "FACS": _Kind("acpi.contents.facs", _alone, FACS),
        "DSDT": _Kind("acpi.contents.dsdt", _code, HEADER),
        "MADT": _Kind("acpi.contents.madt", _interrupt_controllers, MADT),
    }
)
"""By the names of their regions."""
