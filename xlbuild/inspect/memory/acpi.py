"""The ACPI tables in a guest's memory, found from the RSDP as an operating system finds them.

The memory may hold anything: what a table says of its length is believed only as far as memory goes, and no more than
64 tables of 1 MiB each are read.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from xlbuild.abi.layout import Layout
from xlbuild.acpi.layouts import FADT_5, HEADER, RSDP, RSDP_1_SIZE
from xlbuild.built import MemoryReader
from xlbuild.inspect.memory.acpi_fields import TABLES, TITLES, UNKNOWN_TABLE, printable
from xlbuild.inspect.memory.acpi_tables import (
    ADDRESS_SIZES,
    describe_root_pointer,
    describe_table,
    table_addresses,
    table_checksum,
)
from xlbuild.inspect.memory.region import Region
from xlbuild.inspect.memory.room import room_at
from xlbuild.inspect.tree import Branch, Tree, hexadecimal
from xlbuild.units import MIB, PhysAddr, human_size

_MAX_TABLES = 64
_MAX_TABLE_SIZE = 1 * MIB
"""Bytes that are read of one table; firmware's largest have a third of that."""

_RSDP_SIGNATURE = b"RSD PTR "


@dataclass(frozen=True, slots=True)
class AcpiTable:
    """A table in memory."""

    name: str
    """What it is called among the others: `madt`, `fadt_rev_5`, `ssdt_2`."""
    signature: bytes
    address: PhysAddr
    data: bytes
    """Its bytes, as many as its length says and memory has."""
    named_by: tuple[str, ...]
    """The fields that hold its address: `xsdt`, `fadt_rev_5.x_dsdt`."""
    problem: str | None
    """Why it is not whole, in words."""

    @property
    def layout(self) -> Layout:
        """The structure at its start."""
        return TABLES.get(self.signature, UNKNOWN_TABLE).layout


def describe_acpi(memory: MemoryReader, rsdp: PhysAddr) -> Branch:
    """Return the RSDP at an address and all tables that it leads to, field by field.

    `tables` has a row for each, by address; `contents` their fields, by the rows' names.
    """
    tables = find_tables(memory, rsdp)
    return {
        "rsdp": _root_pointer(memory, rsdp),
        "tables": [_row(table) for table in tables],
        "contents": {
            table.name: {"addr": hexadecimal(table.address), **describe_table(table.signature, table.data)}
            for table in tables
        },
    }


def acpi_regions(memory: MemoryReader, rsdp: PhysAddr) -> tuple[Region, ...]:
    """Return where the RSDP and the tables lie that are in memory; nothing without an RSDP there."""
    found = _root_pointer_data(memory, rsdp)
    if found is None:
        return ()
    root = Region(
        "rsdp", rsdp, PhysAddr(rsdp + len(found)), "ACPI root pointer, from which all tables are found", RSDP
    )
    tables = (
        Region(
            table.name,
            table.address,
            PhysAddr(table.address + len(table.data)),
            f"ACPI table: {TITLES.get(table.signature, printable(table.signature))}",
            table.layout,
        )
        for table in find_tables(memory, rsdp)
        if table.data
    )
    return (root, *tables)


def acpi_problems(memory: MemoryReader, rsdp: PhysAddr) -> Iterator[str]:
    """Yield a sentence for each thing that is wrong with the tables that an RSDP leads to."""
    root = _root_pointer(memory, rsdp)
    if "problem" in root:
        yield f"ACPI's root pointer at {rsdp:#x}: {root['problem']}"
    for name in ("checksum", "extended_checksum"):
        verdict = root.get(f"{name}_means", "ok")
        if verdict != "ok":
            yield f"ACPI's root pointer at {rsdp:#x}: its {name} is {verdict}"
    for table in find_tables(memory, rsdp):
        verdict = table_checksum(table.signature, table.data)
        if table.problem is not None:
            yield f"ACPI's {table.name} at {table.address:#x}: {table.problem}"
        elif verdict not in ("ok", "none"):
            yield f"ACPI's {table.name} at {table.address:#x}: its checksum is {verdict}"


def find_tables(memory: MemoryReader, rsdp: PhysAddr) -> tuple[AcpiTable, ...]:
    """Return the tables that an RSDP leads to, by address; none where there is no RSDP.

    Followed are the RSDT and XSDT, their entries, and each FADT's addresses of FACS and DSDT.
    """
    found: dict[PhysAddr, AcpiTable] = {}
    names: dict[str, int] = {}
    waiting = deque(_from_root_pointer(memory, rsdp))
    while waiting:
        named_by, address = waiting.popleft()
        if address in found:
            found[address] = _also_named(found[address], named_by)
        elif address and len(found) < _MAX_TABLES:
            table = _read_table(memory, address, named_by, names)
            found[address] = table
            waiting += _references(table)
    return tuple(found[address] for address in sorted(found))


def _from_root_pointer(memory: MemoryReader, rsdp: PhysAddr) -> Iterator[tuple[str, PhysAddr]]:
    data = _root_pointer_data(memory, rsdp)
    if data is None:
        return
    fields = RSDP.decode(data.ljust(RSDP.size, b"\0"))
    for name in ("rsdt_address", "xsdt_address"):
        address = fields[name]
        assert isinstance(address, int)
        yield f"rsdp.{name}", PhysAddr(address)


def _root_pointer_data(memory: MemoryReader, rsdp: PhysAddr) -> bytes | None:
    """Return the RSDP's bytes, 20 or 36; None where there is none."""
    data = memory.read(rsdp, min(RSDP.size, room_at(memory, rsdp)))
    if len(data) < RSDP_1_SIZE or not data.startswith(_RSDP_SIGNATURE):
        return None
    return data[:RSDP_1_SIZE] if data[RSDP.offset_of("revision")] == 0 else data


def _root_pointer(memory: MemoryReader, rsdp: PhysAddr) -> Branch:
    place: dict[str, Tree] = {"addr": hexadecimal(rsdp)}
    if not room_at(memory, rsdp):
        return place | {"problem": "there is no memory at this address"}
    data = _root_pointer_data(memory, rsdp)
    if data is None:
        found = printable(memory.read(rsdp, min(len(_RSDP_SIGNATURE), room_at(memory, rsdp))))
        return place | {
            "problem": f"not an RSDP: it would start with {_RSDP_SIGNATURE.decode()!r}, not {found!r}"
        }
    return place | describe_root_pointer(data)


def _row(table: AcpiTable) -> Branch:
    return {
        "name": table.name,
        "addr": hexadecimal(table.address),
        "size": len(table.data),
        "checksum": table_checksum(table.signature, table.data) if table.problem is None else "not known",
        "named_by": list(table.named_by),
        "problem": table.problem,
    }


def _read_table(memory: MemoryReader, address: PhysAddr, named_by: str, names: dict[str, int]) -> AcpiTable:
    """Return the table at an address, with a name that no other has."""
    room = room_at(memory, address)
    head = memory.read(address, min(HEADER.size, room))
    signature = head[: HEADER.size_of("signature")]
    at, size = HEADER.offset_of("length"), HEADER.size_of("length")
    length = int.from_bytes(head[at : at + size], "little")
    readable = max(len(head), min(length, room, _MAX_TABLE_SIZE))
    data = memory.read(address, readable)
    problem = _why_not_whole(length, room)
    return AcpiTable(_name(signature, data, names), signature, address, data, (named_by,), problem)


def _why_not_whole(length: int, room: int) -> str | None:
    if room == 0:
        return "there is no memory at this address"
    if room < HEADER.size:
        return f"memory ends {human_size(room)} behind its start, within its header"
    if length < HEADER.size:
        return f"its length is {length}, less than its header's {HEADER.size}"
    if length > room:
        return f"its length is {length}, and memory ends {human_size(room)} behind its start"
    if length > _MAX_TABLE_SIZE:
        return f"its length is {length}; only {human_size(_MAX_TABLE_SIZE)} are read"
    return None


_NAMES: Mapping[bytes, str] = {b"FACP": "fadt", b"APIC": "madt"}
"""Tables that are not called by their signature."""


def _name(signature: bytes, data: bytes, names: dict[str, int]) -> str:
    text = signature.decode("ascii", errors="replace")
    name = _NAMES.get(signature, text.lower() if text.isascii() and text.isalnum() else "unknown")
    if signature == b"FACP" and len(data) >= HEADER.size:
        name = f"{name}_rev_{data[HEADER.offset_of('revision')]}"
    names[name] = names.get(name, 0) + 1
    return name if names[name] == 1 else f"{name}_{names[name]}"


def _also_named(table: AcpiTable, by: str) -> AcpiTable:
    if by in table.named_by:
        return table
    return replace(table, named_by=(*table.named_by, by))


def _references(table: AcpiTable) -> list[tuple[str, PhysAddr]]:
    """Return the addresses of tables that a table holds, and what holds each."""
    if table.signature in ADDRESS_SIZES:
        return [(table.name, PhysAddr(at)) for at in table_addresses(table.signature, table.data)]
    if table.signature != b"FACP":
        return []
    return [
        (f"{table.name}.{name}", PhysAddr(int.from_bytes(table.data[at : at + size], "little")))
        for name in ("firmware_ctrl", "dsdt", "x_firmware_ctrl", "x_dsdt")
        for at, size in [(FADT_5.offset_of(name), FADT_5.size_of(name))]
        if at + size <= len(table.data)
    ]
