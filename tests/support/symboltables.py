"""Kernels with named sections and symbols, made of plain values."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from kernels import SHT_PROGBITS, SHT_STRTAB, SHT_SYMTAB, VIRT_BASE_64, Load, Notes, Section, elf_file

BASE = VIRT_BASE_64 + 0x10_0000
"""Where their `.text` begins."""

FUNC, OBJECT, LABEL = 2, 1, 0
_SHN_ABS = 0xFFF1
_ALLOC = 2

PV_NOTES: Notes = (
    ("LOADER", "generic"),
    ("XEN_VERSION", "xen-3.0"),
    ("VIRT_BASE", VIRT_BASE_64),
    ("ENTRY", BASE),
)


@dataclass(frozen=True)
class Part:
    """A section that is loaded."""

    name: str
    address: int
    data: bytes
    flags: int = _ALLOC | 4


@dataclass(frozen=True)
class Symbol:
    """A symbol; one without a section is absolute."""

    name: str
    address: int
    size: int = 0
    kind: int = FUNC
    section: str | None = ".text"
    is_local: bool = False


def kernel(
    parts: Sequence[Part], symbols: Sequence[Symbol] = (), notes: Notes = PV_NOTES, *, bits: int = 64
) -> bytes:
    """Return a kernel with a segment for each section; without symbols it has no symbol table."""
    loads = [Load(part.address, part.data, paddr=part.address - VIRT_BASE_64) for part in parts]
    sections = [
        Section(part.name, SHT_PROGBITS, part.data, header={"sh_addr": part.address, "sh_flags": part.flags})
        for part in parts
    ]
    first = 1 + bool(notes)
    numbers = {part.name: number for number, part in enumerate(parts, first)}
    if symbols:
        names = b"\0"
        table = bytes(24 if bits == 64 else 16)
        for symbol in symbols:
            section = _SHN_ABS if symbol.section is None else numbers[symbol.section]
            table += _packed(symbol, len(names), section, bits)
            names += symbol.name.encode("latin-1") + b"\0"
        link = first + len(parts) + 1
        sections.append(Section(".symtab", SHT_SYMTAB, table, link=link, entsize=24))
        sections.append(Section(".strtab", SHT_STRTAB, names))
    return elf_file(loads, notes, bits=bits, sections=sections)


def _packed(symbol: Symbol, name: int, section: int, bits: int) -> bytes:
    info = (0 if symbol.is_local else 1) << 4 | symbol.kind
    if bits == 64:
        return struct.pack("<IBBHQQ", name, info, 0, section, symbol.address, symbol.size)
    return struct.pack("<IIIBBH", name, symbol.address & 0xFFFF_FFFF, symbol.size, info, 0, section)
