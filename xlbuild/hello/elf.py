"""Writing the ELF files of the hello guests: one loadable segment, one segment of Xen notes, no sections.

0       ELF header, two program headers, notes
0x1000  the segment's contents, at the same offset within a page as its address
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Self

from xlbuild.hello.assembler import Assembled
from xlbuild.units import PAGE_SIZE, page_offset

# elf.h
_EM_386 = 3
_EM_X86_64 = 62
_ELFCLASS32 = 1
_ELFCLASS64 = 2
_ELFDATA2LSB = 1
_EV_CURRENT = 1
_ET_EXEC = 2
_PT_LOAD = 1
_PT_NOTE = 4
_PF_R = 4
_PF_RWX = 7
_IDENT_SIZE = 16
_NOTE_ALIGN = 4
_NOTE_OWNER = b"Xen\0"


class NoteType(IntEnum):
    """The Xen notes that the hello guests carry: XEN_ELFNOTE_* of xen/elfnote.h."""

    ENTRY = 1
    HYPERCALL_PAGE = 2
    VIRT_BASE = 3
    XEN_VERSION = 5
    GUEST_OS = 6
    GUEST_VERSION = 7
    LOADER = 8
    PHYS32_ENTRY = 18


@dataclass(frozen=True, slots=True)
class ElfClass:
    """What differs between 32-bit and 64-bit files, in Python's struct notation."""

    ident: int
    machine: int
    header: str
    """Everything behind e_ident, e_type to e_shstrndx."""
    program_header: str
    flags_come_second: bool
    """p_flags stands behind p_type, not behind p_memsz."""
    word: str
    """An address."""

    @property
    def header_size(self) -> int:
        """Bytes of the ELF header."""
        return _IDENT_SIZE + struct.calcsize(self.header)

    @property
    def program_header_size(self) -> int:
        """Bytes of one program header."""
        return struct.calcsize(self.program_header)


ELF32: Final = ElfClass(_ELFCLASS32, _EM_386, "<HHIIIIIHHHHHH", "<IIIIIIII", False, "<I")
ELF64: Final = ElfClass(_ELFCLASS64, _EM_X86_64, "<HHIQQQIHHHHHH", "<IIQQQQQQ", True, "<Q")


@dataclass(frozen=True, slots=True)
class LoadSegment:
    """The one segment, physical and virtual address alike; zeros fill it up to `memory_size` bytes."""

    address: int
    contents: bytes
    memory_size: int

    @classmethod
    def of(cls, program: Assembled) -> Self:
        """Take an assembled program; the zeros from its label `end_of_file` on are left out of the file."""
        file_size = program.labels["end_of_file"] - program.origin
        assert not any(program.image[file_size:])
        return cls(program.origin, program.image[:file_size], len(program.image))


@dataclass(frozen=True, slots=True)
class _ProgramHeader:
    type: int
    flags: int
    offset: int
    address: int
    file_size: int
    memory_size: int
    align: int

    def pack(self, elf_class: ElfClass) -> bytes:
        places = (self.offset, self.address, self.address, self.file_size, self.memory_size)
        if elf_class.flags_come_second:
            return struct.pack(elf_class.program_header, self.type, self.flags, *places, self.align)
        return struct.pack(elf_class.program_header, self.type, *places, self.flags, self.align)


def elf_file(elf_class: ElfClass, entry: int, segment: LoadSegment, notes: Iterable[bytes]) -> bytes:
    """Return an executable that starts at `entry`; the notes are those that `xen_note` makes."""
    note_bytes = b"".join(notes)
    notes_offset = elf_class.header_size + 2 * elf_class.program_header_size
    assert notes_offset + len(note_bytes) <= PAGE_SIZE, "headers and notes need more than a page"
    assert page_offset(segment.address) == 0, "the segment does not start with a page"
    load = _ProgramHeader(
        type=_PT_LOAD,
        flags=_PF_RWX,
        offset=PAGE_SIZE,
        address=segment.address,
        file_size=len(segment.contents),
        memory_size=segment.memory_size,
        align=PAGE_SIZE,
    )
    note = _ProgramHeader(
        type=_PT_NOTE,
        flags=_PF_R,
        offset=notes_offset,
        address=0,
        file_size=len(note_bytes),
        memory_size=len(note_bytes),
        align=_NOTE_ALIGN,
    )
    page = _elf_header(elf_class, entry) + load.pack(elf_class) + note.pack(elf_class) + note_bytes
    return page.ljust(PAGE_SIZE, b"\0") + segment.contents


def _elf_header(elf_class: ElfClass, entry: int) -> bytes:
    ident = b"\x7fELF" + bytes([elf_class.ident, _ELFDATA2LSB, _EV_CURRENT])
    return ident.ljust(_IDENT_SIZE, b"\0") + struct.pack(
        elf_class.header,
        _ET_EXEC,
        elf_class.machine,
        _EV_CURRENT,
        entry,
        elf_class.header_size,  # e_phoff: right behind
        0,  # e_shoff
        0,  # e_flags
        elf_class.header_size,  # e_ehsize
        elf_class.program_header_size,  # e_phentsize
        2,  # e_phnum
        0,  # e_shentsize
        0,  # e_shnum
        0,  # e_shstrndx
    )


def xen_note(elf_class: ElfClass, kind: NoteType, value: int | str) -> bytes:
    """Return one note: sizes of owner and value, type, owner "Xen", value padded to four bytes.

    A number has the class's word size; text ends with a NUL.
    """
    desc = struct.pack(elf_class.word, value) if isinstance(value, int) else value.encode("ascii") + b"\0"
    padding = bytes(-len(desc) % _NOTE_ALIGN)
    return struct.pack("<III", len(_NOTE_OWNER), len(desc), kind) + _NOTE_OWNER + desc + padding
