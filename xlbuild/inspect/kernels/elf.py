"""An ELF file's header, segments, sections and symbols, read as forgivingly as the loader reads them."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from xlbuild.image.elf import (
    ADDRESS_MASK,
    EM_386,
    EM_AARCH64,
    EM_ARM,
    EM_X86_64,
    PT_LOAD,
    PT_NOTE,
    SHT_NOTE,
    SHT_STRTAB,
    SHT_SYMTAB,
    ElfFile,
    ProgramHeader,
    SectionHeader,
)
from xlbuild.inspect.tree import Branch, hexadecimal

MOST_SHOWN = 256
"""Segments, and sections, that are listed."""
MOST_SYMBOLS = 1 << 20
"""Symbols that are looked at."""

SHT_NOBITS = 8
"""A section that has no bytes in the file."""

_MACHINES = {EM_386: "x86 (32-bit)", EM_X86_64: "x86-64", EM_ARM: "Arm (32-bit)", EM_AARCH64: "Arm (64-bit)"}
_TYPES = {1: "relocatable", 2: "executable", 3: "shared or position independent", 4: "core"}
_SEGMENT_TYPES = {
    0: "NULL",
    PT_LOAD: "LOAD",
    2: "DYNAMIC",
    3: "INTERP",
    PT_NOTE: "NOTE",
    6: "PHDR",
    7: "TLS",
    0x6474E550: "GNU_EH_FRAME",
    0x6474E551: "GNU_STACK",
    0x6474E552: "GNU_RELRO",
    0x6474E553: "GNU_PROPERTY",
}
_SECTION_TYPES = {
    0: "NULL",
    1: "PROGBITS",
    SHT_SYMTAB: "SYMTAB",
    SHT_STRTAB: "STRTAB",
    4: "RELA",
    5: "HASH",
    6: "DYNAMIC",
    SHT_NOTE: "NOTE",
    SHT_NOBITS: "NOBITS",
    9: "REL",
    11: "DYNSYM",
    14: "INIT_ARRAY",
}
_SHF_ALLOC = 2
_STT_FUNC, _STT_OBJECT = 2, 1
_SHN_UNDEF = 0
_SHN_ABS = 0xFFF1
_SYMBOLS = {32: ("IIIBBH", 16), 64: ("IBBHQQ", 24)}


@dataclass(frozen=True, slots=True)
class Symbol:
    """A symbol with an address."""

    value: int
    kind: int
    """STT_*."""
    name_offset: int
    """Where in the file its name stands."""


def describe_elf(elf: ElfFile) -> Branch:
    """Return the header, and the tables of segments and sections."""
    header = elf.header
    segments = list(islice(elf.program_headers(), MOST_SHOWN))
    sections = list(islice(elf.section_headers(), MOST_SHOWN))
    return {
        "class": f"{elf.bits}-bit"
        if elf.bits == 64 or elf.is_class32
        else "neither 32-bit nor 64-bit: read as 32-bit",
        "byte_order": "little-endian" if elf.order == "<" else "big-endian",
        "type": _TYPES.get(header.type, f"type {header.type:#x}"),
        "machine": _MACHINES.get(header.machine, f"machine {header.machine}"),
        "entry": hexadecimal(header.entry),
        "program_headers": header.phnum,
        "section_headers": header.shnum,
        "segments": [_segment(index, segment) for index, segment in enumerate(segments)],
        "sections": [_section(elf, index, section) for index, section in enumerate(sections, 1)],
        "symbols": _symbols(elf),
    }


def _segment(index: int, segment: ProgramHeader) -> Branch:
    return {
        "number": index,
        "type": _SEGMENT_TYPES.get(segment.type, f"{segment.type:#x}"),
        "loaded": segment.is_loadable,
        "flags": flags_of(segment) or "none",
        "offset": hexadecimal(segment.offset),
        "p_paddr": hexadecimal(segment.paddr),
        "p_vaddr": hexadecimal(segment.vaddr),
        "file_size": segment.filesz,
        "memory_size": segment.memsz,
    }


def flags_of(segment: ProgramHeader) -> str:
    """Return what a segment's bytes are for: some of `rwx`."""
    return "".join(letter for bit, letter in ((4, "r"), (2, "w"), (1, "x")) if segment.flags & bit)


def _section(elf: ElfFile, index: int, section: SectionHeader) -> Branch:
    return {
        "number": index,
        "name": section_name(elf, section),
        "type": _SECTION_TYPES.get(section.type, f"{section.type:#x}"),
        "loaded": bool(section.flags & _SHF_ALLOC),
        "address": hexadecimal(section.addr),
        "offset": hexadecimal(section.offset),
        "size": section.size,
    }


def section_name(elf: ElfFile, section: SectionHeader) -> str | None:
    """Return a section's name; None where there is no table of names, or it leaves the file."""
    if elf.header.shstrndx >= elf.section_count:
        return None
    strings = elf.section_header(elf.header.shstrndx).offset
    return elf.text((strings + section.name) & ADDRESS_MASK)


def _symbols(elf: ElfFile) -> Branch | None:
    found = list(symbols(elf))
    if not found:
        return None
    return {
        "count": len(found),
        "functions": sum(symbol.kind == _STT_FUNC for symbol in found),
        "objects": sum(symbol.kind == _STT_OBJECT for symbol in found),
    }


def symbols(elf: ElfFile) -> Iterator[Symbol]:
    """Yield the symbols of the first symbol table that have an address, in its order, as many as are looked at."""
    table = next((s for s in elf.section_headers() if s.type == SHT_SYMTAB), None)
    if table is None or not 0 < table.link < elf.section_count:
        return
    strings = elf.section_header(table.link).offset
    shape, size = _SYMBOLS[elf.bits]
    end = min(table.offset + table.size, len(elf.blob.data))
    count = min(max(end - table.offset, 0) // size, MOST_SYMBOLS)
    records = elf.blob.data[table.offset : table.offset + count * size]
    for fields in struct.iter_unpack(elf.order + shape, records):
        if elf.bits == 64:
            name, info, _, section, value, _ = fields
        else:
            name, value, _, info, _, section = fields
        if section not in (_SHN_UNDEF, _SHN_ABS) and name:
            yield Symbol(value, info & 0xF, strings + name)


def symbol_at(elf: ElfFile, address: int) -> tuple[str, int] | None:
    """Return the name of the symbol that an address lies in or behind, and how far; None where there is none.

    Functions and objects go before labels; of several at one address the first counts.
    """
    best: Symbol | None = None
    for symbol in symbols(elf):
        if symbol.value <= address and (best is None or _nearness(symbol) > _nearness(best)):
            best = symbol
    name = elf.text(best.name_offset) if best is not None else None
    return None if best is None or not name else (name, address - best.value)


def _nearness(symbol: Symbol) -> tuple[int, bool]:
    return symbol.value, symbol.kind in (_STT_FUNC, _STT_OBJECT)
