"""ELF files as Xen's loader reads them: whatever lies outside the file reads as zero.

Own parsing instead of pyelftools: the verdict on odd and damaged files must be that of Xen's libelf, which never
fails on a field it cannot reach, where pyelftools raises; and it must stay fast and bounded on hostile files.
Layouts: the System V ABI's Elf32/Elf64 headers (elf.h); behaviour: elf_init, elf_phdr_by_index,
elf_shdr_by_index, elf_strval upstream.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from xlbuild.errors import Where
from xlbuild.image.blob import Blob
from xlbuild.image.verdict import RejectedError

MAGIC = b"\x7fELF"
ADDRESS_MASK = (1 << 64) - 1
"""Addresses and offsets wrap at 64 bits, also in 32-bit files."""

CUT_SHORT_HINT = "the file seems to be cut short or damaged: compare its size and checksum with the original"

PT_LOAD = 1
PT_NOTE = 4
PF_RWX = 7
SHT_SYMTAB = 2
SHT_STRTAB = 3
SHT_NOTE = 7
EM_386 = 3
EM_ARM = 40
EM_X86_64 = 62
EM_AARCH64 = 183

_EI_CLASS, _EI_DATA, _EI_NIDENT = 4, 5, 16
_CLASS32, _CLASS64 = 1, 2
_LITTLE_ENDIAN = 1

_LONGEST_TEXT = 4096
_SMALLEST_SECTION_HEADER = 40


class Header(NamedTuple):
    """The ELF header behind e_ident."""

    type: int
    machine: int
    version: int
    entry: int
    phoff: int
    shoff: int
    flags: int
    ehsize: int
    phentsize: int
    phnum: int
    shentsize: int
    shnum: int
    shstrndx: int


class ProgramHeader(NamedTuple):
    """A program header; addresses and sizes in bytes."""

    type: int
    flags: int
    offset: int
    vaddr: int
    paddr: int
    filesz: int
    memsz: int
    align: int

    @property
    def is_loadable(self) -> bool:
        """Whether it is PT_LOAD with any of the R, W and X flags."""
        return self.type == PT_LOAD and bool(self.flags & PF_RWX)


class SectionHeader(NamedTuple):
    """A section header."""

    name: int
    type: int
    flags: int
    addr: int
    offset: int
    size: int
    link: int
    info: int
    addralign: int
    entsize: int


@dataclass(frozen=True, slots=True)
class _Shapes:
    """The struct formats of one ELF class."""

    header: str
    program: str
    section: str


_SHAPES = {
    32: _Shapes("HHIIIIIHHHHHH", "IIIIIIII", "IIIIIIIIII"),
    64: _Shapes("HHIQQQIHHHHHH", "IIQQQQQQ", "IIQQQQIIQQ"),
}


@dataclass(frozen=True, slots=True)
class ElfFile:
    """An ELF file with headers that fit into it; make one with `open_elf`."""

    blob: Blob
    bits: int
    """How its structures are read: 64, or 32 for any other class."""
    is_class32: bool
    """Whether it says that it is a 32-bit file, and not something unheard of."""
    order: str
    """`<` or `>`, as for struct; any byte order but little-endian counts as big-endian."""
    header: Header
    loadable: tuple[ProgramHeader, ...] = ()
    """The program headers that put bytes into memory, in file order."""
    note_segments: tuple[ProgramHeader, ...] = ()
    """The program headers with notes, likewise."""

    @property
    def ends_in_header(self) -> bool:
        """Whether the file ends inside its ELF header."""
        return self.blob.size < _EI_NIDENT + struct.calcsize(self.order + _SHAPES[self.bits].header)

    def number(self, offset: int, size: int) -> int:
        """Return an unsigned number of 1, 2, 4 or 8 bytes; 0 when it is not wholly inside the file."""
        if not self.blob.holds(offset, size):
            return 0
        return int.from_bytes(self.blob.read(offset, size), "big" if self.order == ">" else "little")

    def text(self, offset: int) -> str | None:
        """Return the string at an offset up to its NUL (Latin-1); None when the file ends before one.

        Only the first 4096 characters are read, so that a hostile file cannot make it slow.
        """
        window = self.text_window(offset)
        text, nul, _ = window.partition(b"\0")
        if not nul and offset + len(window) >= self.blob.size:
            return None
        return text.decode("latin-1")

    def text_window(self, offset: int) -> bytes:
        """Return the bytes among which a string at an offset is looked for, to the file's end at most."""
        return self.blob.data[offset : offset + _LONGEST_TEXT].tobytes()

    def program_headers(self) -> Iterator[ProgramHeader]:
        """Yield all program headers, as many as the header claims."""
        shape = _SHAPES[self.bits].program
        record = struct.Struct(self.order + shape)
        data, last = self.blob.data, len(self.blob.data) - record.size
        for index in range(self.header.phnum):
            offset = (self.header.phoff + index * self.header.phentsize) & ADDRESS_MASK
            fields = record.unpack_from(data, offset) if offset <= last else self._record(offset, shape)
            if self.bits == 32:  # p_flags stands elsewhere there
                fields = (fields[0], fields[6], *fields[1:6], fields[7])
            yield ProgramHeader._make(fields)

    def section_headers(self) -> Iterator[SectionHeader]:
        """Yield all section headers but the first, which stands for no section; at most what the file could hold."""
        for index in range(1, self.section_count):
            yield self.section_header(index)

    @property
    def section_count(self) -> int:
        """How many section headers there are, at most as many as the file could hold."""
        return min(self.header.shnum, self.blob.size // _SMALLEST_SECTION_HEADER)

    def section_offset(self, index: int) -> int:
        """Return where in the file a section header stands."""
        return (self.header.shoff + index * self.header.shentsize) & ADDRESS_MASK

    def section_header(self, index: int) -> SectionHeader:
        """Return one section header; the caller has checked the index."""
        return SectionHeader(*self._record(self.section_offset(index), _SHAPES[self.bits].section))

    def section_named(self, name: str) -> SectionHeader | None:
        """Return the first section of a name."""
        if self.header.shstrndx >= self.section_count:
            return None
        strings = self.section_header(self.header.shstrndx).offset
        wanted = name.encode() + b"\0"
        for section in self.section_headers():
            offset = (strings + section.name) & ADDRESS_MASK
            if self.blob.holds(offset, len(wanted)) and self.blob.read(offset, len(wanted)) == wanted:
                return section
        return None

    def _record(self, offset: int, shape: str) -> tuple[int, ...]:
        """Unpack a structure; fields that are not wholly inside the file read as zero."""
        size = struct.calcsize(self.order + shape)
        if offset + size <= len(self.blob.data):
            return struct.unpack_from(self.order + shape, self.blob.data, offset)
        fields = []
        for code in shape:
            width = struct.calcsize("=" + code)
            fields.append(self.number(offset, width))
            offset += width
        return tuple(fields)


def open_elf(blob: Blob) -> ElfFile:
    """Read the ELF header. Raises RejectedError when it is none, or its header tables leave the file."""
    if not blob.starts_with(MAGIC):
        raise RejectedError("it is not an ELF file")
    ident = blob.data[:_EI_NIDENT].tobytes().ljust(_EI_NIDENT, b"\0")
    bits = 64 if ident[_EI_CLASS] == _CLASS64 else 32
    is_class32 = ident[_EI_CLASS] == _CLASS32
    order = "<" if ident[_EI_DATA] == _LITTLE_ENDIAN else ">"
    empty = ElfFile(blob, bits, is_class32, order, Header(*[0] * len(Header._fields)))
    header = Header(*empty._record(_EI_NIDENT, _SHAPES[bits].header))
    elf = replace(empty, header=header)
    _check_table(elf, "program", header.phoff, header.phentsize, header.phnum)
    _check_table(elf, "section", header.shoff, header.shentsize, elf.section_count)
    of_interest = [segment for segment in elf.program_headers() if segment.type in (PT_LOAD, PT_NOTE)]
    return replace(
        elf,
        loadable=tuple(segment for segment in of_interest if segment.is_loadable),
        note_segments=tuple(segment for segment in of_interest if segment.type == PT_NOTE),
    )


def _check_table(elf: ElfFile, kind: str, offset: int, entry: int, count: int) -> None:
    if (offset + entry * count) & ADDRESS_MASK > elf.blob.size:
        raise RejectedError(
            f"its {kind} header table ({count} of {entry} bytes at {offset:#x}) does not fit into"
            f" the file's {elf.blob.size} bytes",
            CUT_SHORT_HINT,
            _place_of(elf, "phoff" if kind == "program" else "shoff"),
        )


def _place_of(elf: ElfFile, field: str) -> Where:
    """Return where a field of the ELF header stands."""
    index = Header._fields.index(field)
    shape = elf.order + _SHAPES[elf.bits].header[: index + 1]
    offset = _EI_NIDENT + struct.calcsize(shape) - struct.calcsize("=" + shape[-1])
    return Where(offset=offset, note=f"e_{field}")
