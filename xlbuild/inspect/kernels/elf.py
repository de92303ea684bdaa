"""An ELF file's header, segments and sections, read as forgivingly as the loader reads them."""

from __future__ import annotations

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
SHF_ALLOC = 2
"""A section that is in memory."""


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
    }


def _segment(index: int, segment: ProgramHeader) -> Branch:
    return {
        "number": index,
        "type": segment_type(segment),
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
        "type": section_type(section),
        "loaded": bool(section.flags & SHF_ALLOC),
        "address": hexadecimal(section.addr),
        "offset": hexadecimal(section.offset),
        "size": section.size,
    }


def segment_type(segment: ProgramHeader) -> str:
    """Return what a program header is of: `LOAD`."""
    return _SEGMENT_TYPES.get(segment.type, f"{segment.type:#x}")


def section_type(section: SectionHeader) -> str:
    """Return what kind a section is of: `PROGBITS`."""
    return _SECTION_TYPES.get(section.type, f"{section.type:#x}")


def section_name(elf: ElfFile, section: SectionHeader) -> str | None:
    """Return a section's name; None where there is no table of names, or it leaves the file."""
    if elf.header.shstrndx >= elf.section_count:
        return None
    strings = elf.section_header(elf.header.shstrndx).offset
    return elf.text((strings + section.name) & ADDRESS_MASK)
