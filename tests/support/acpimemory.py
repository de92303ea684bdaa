"""ACPI tables put into memory by hand, with an RSDP and an XSDT that lead to them."""

from fakememory import FakeMemory

from xlbuild.units import PhysAddr

RSDP_AT = PhysAddr(0xF0000)
XSDT_AT = 0xF1000
FIRST_TABLE_AT = 0x100000
ROOM = 0x200000
"""Bytes kept for each table."""


def with_checksum(table: bytes, at: int = 9) -> bytes:
    """Return a table whose bytes add up to 0."""
    plain = table[:at] + b"\0" + table[at + 1 :]
    return plain[:at] + bytes([-sum(plain) & 0xFF]) + plain[at + 1 :]


def table(signature: bytes, body: bytes, length: int | None = None) -> bytes:
    """Return a table: the ACPI specification's 36-byte header, then its body; its length may be a lie."""
    size = (36 + len(body) if length is None else length).to_bytes(4, "little")
    return with_checksum(signature + size + b"\1\0Test\0\0Testing\0\0\0\0\0Test\0\0\0\0" + body)


def rsdp(xsdt_at: int = XSDT_AT, rsdt_at: int = 0) -> bytes:
    """Return an RSDP of revision 2."""
    start = with_checksum(b"RSD PTR \0Test\0\0\2" + rsdt_at.to_bytes(4, "little"), 8)
    return with_checksum(start + (36).to_bytes(4, "little") + xsdt_at.to_bytes(8, "little") + bytes(4), 32)


def acpi_memory(*tables: bytes) -> FakeMemory:
    """Return memory with tables, one every 2 MiB from 1 MiB on, and 16 MiB behind the last."""
    places = [FIRST_TABLE_AT + index * ROOM for index in range(len(tables))]
    xsdt = table(b"XSDT", b"".join(place.to_bytes(8, "little") for place in places))
    contents = {RSDP_AT: rsdp(), XSDT_AT: xsdt, **dict(zip(places, tables, strict=True))}
    return FakeMemory(contents, (0, (FIRST_TABLE_AT + len(tables) * ROOM) // 4096 + 0x1000))
