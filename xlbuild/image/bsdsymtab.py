"""BSD_SYMTAB: the symbol and string tables that NetBSD and FreeBSD want behind their kernel.

Shape, from the first address behind the kernel that is a multiple of the word size (8 or 4 bytes): a u32 with the
size of what follows; a small ELF header; at its byte 0x40 three section headers (null, symbols, strings); then the
two tables, each word aligned. Section offsets count from the ELF header. Behaviour: elf_parse_bsdsyms (the room
that is reserved) and elf_load_bsdsyms (what is written) upstream, seen in what Xen 4.17 writes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from xlbuild.errors import RefusedError, Where
from xlbuild.image.elf import ADDRESS_MASK, SHT_STRTAB, SHT_SYMTAB, ElfFile, SectionHeader
from xlbuild.image.model import Piece
from xlbuild.units import align_up

_SIZE_FIELD = 4
_VERSION_OFFSET = 20
"""e_version, in both classes."""
_HEADERS_OFFSET = 0x40
"""Where the section headers stand behind the ELF header, in both classes."""
_TABLES_OFFSET = 0x100
"""Where the tables may start behind the ELF header, in both classes."""


@dataclass(frozen=True, slots=True)
class _Class:
    """What differs between 32-bit and 64-bit tables, in bytes."""

    word: int
    header: int
    section: int
    reserved: int
    """Room set aside in front of the tables; for 32 bits it is smaller than what is written there."""


_CLASSES = {64: _Class(8, 64, 64, 264), 32: _Class(4, 52, 40, 192)}


@dataclass(frozen=True, slots=True)
class _Tables:
    symbols_index: int
    strings_index: int
    symbols: SectionHeader
    strings: SectionHeader


def symtab_end(elf: ElfFile, end: int) -> int:
    """Return the end of a kernel that ends at physical address `end`, with the room for its symbol tables."""
    tables = _find(elf)
    if tables is None:
        return end
    shape = _CLASSES[elf.bits]
    size = (
        shape.reserved + align_up(tables.symbols.size, shape.word) + align_up(tables.strings.size, shape.word)
    )
    return (align_up(end, shape.word) + size) & ADDRESS_MASK


def symtab_pieces(elf: ElfFile, end: int, start: int, room: int, name: str) -> Iterator[Piece]:
    """Yield the tables' pieces for a kernel from physical address `start` to `end` and `room` bytes of segment.

    A table that the file does not hold, or strings that the segment has no room for, are left out as the real
    builder leaves them out. Raises RefusedError where the real builder crashes: no room for any of the strings.
    """
    tables = _find(elf)
    if tables is None:
        return
    shape = _CLASSES[elf.bits]
    base = align_up(end, shape.word)
    header = base + _SIZE_FIELD
    symbols = align_up(header + _TABLES_OFFSET, shape.word)
    strings = align_up(symbols + tables.symbols.size, shape.word)
    if strings - start >= room:
        raise RefusedError(
            "kernel-bsd-symtab",
            "the kernel's symbol tables do not fit behind it",
            cause=f"its string table would start {strings - start - room} bytes behind the kernel segment's last page"
            " (Xen's own builder reserves too little for 32-bit kernels, and crashes here)",
            hint="strip the kernel's symbols, or add a few hundred bytes to its .bss",
            where=Where(name),
        )
    size = strings + tables.strings.size - header
    head = struct.pack("<I", size & 0xFFFF_FFFF) + _headers(elf, tables, symbols - header, strings - header)
    wanted = [(base, memoryview(head))]
    for address, section in ((symbols, tables.symbols), (strings, tables.strings)):
        if elf.blob.holds(section.offset, section.size):
            wanted.append((address, elf.blob.data[section.offset : section.offset + section.size]))
    for address, data in wanted:
        if address - start + len(data) <= room:
            yield Piece(address - start, data)


def _find(elf: ElfFile) -> _Tables | None:
    """Return the file's first symbol table and the string table it links to, if that is one."""
    for index in range(1, elf.section_count):
        symbols = elf.section_header(index)
        if symbols.type == SHT_SYMTAB:
            if symbols.link >= elf.section_count:
                return None
            strings = elf.section_header(symbols.link)
            found = _Tables(index, symbols.link, symbols, strings)
            return found if strings.type == SHT_STRTAB else None
    return None


def _headers(elf: ElfFile, tables: _Tables, symbols: int, strings: int) -> bytes:
    """Return the ELF header and section headers: the file's own, with the fields that change in little-endian."""
    shape = _CLASSES[elf.bits]
    out = bytearray(_HEADERS_OFFSET + 3 * shape.section)
    out[: shape.header] = elf.blob.read(0, shape.header)
    struct.pack_into("<I", out, _VERSION_OFFSET, 1)
    fields = struct.Struct("<QQIHHHHHH" if elf.bits == 64 else "<IIIHHHHHH")
    flags = int.from_bytes(out[shape.header - 16 : shape.header - 12], "little")
    fields.pack_into(
        out, shape.header - fields.size, 0, _HEADERS_OFFSET, flags, shape.header, 0, 0, shape.section, 3, 0
    )
    for number, index, offset in ((1, tables.symbols_index, symbols), (2, tables.strings_index, strings)):
        at = _HEADERS_OFFSET + number * shape.section
        out[at : at + shape.section] = elf.blob.read(elf.section_offset(index), shape.section)
        if elf.bits == 64:
            struct.pack_into("<Q", out, at + 24, offset & ADDRESS_MASK)
        else:
            struct.pack_into("<I", out, at + 16, offset & 0xFFFF_FFFF)
        if number == 1:
            struct.pack_into("<I", out, at + (40 if elf.bits == 64 else 24), 2)
    return bytes(out)
