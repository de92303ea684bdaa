"""The frame of a dump-core: its ELF header, sections and notes, none of which is believed."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from xlbuild.abi.dump_core import (
    ELF64_HEADER,
    ELF64_SECTION,
    ELF64_SEGMENT,
    ELF_MAGIC,
    ELF_NOTE,
    ET_CORE,
    NOTE_SECTION,
    PT_NOTE,
    SHT_NOBITS,
    SHT_NULL,
)
from xlbuild.captured.model import CoreNote, CoreSection
from xlbuild.emit.openfile import OpenFile
from xlbuild.errors import RefusedError, Where
from xlbuild.units import KIB, align_up, human_size

_MOST_SECTIONS = 64
_MOST_NOTES = 64 * KIB
"""Bytes of notes; a dump has 1.4 KiB."""
_MOST_STRINGS = 64 * KIB
_LONGEST_NAME = 64
"""Bytes of a section's or note's name that are read; Xen's are shorter."""
_MOST_SEGMENTS = 16
"""Program headers that are looked at, to say what a file is that is no dump-core of Xen's."""
_MOST_SEGMENT_NOTES = 64 * KIB

_OTHER_FILES = (
    (b"KDUMP   ", "a compressed dump of kdump's"),
    (b"makedumpfile", "a dump that makedumpfile has flattened"),
    (b"Xen saved domain", "a save file, as `xl save` writes"),
    (b"LibxlFmt", "libxl's stream of a save file, without xl's header"),
)

_HINT = "give a file that `xl dump-core` or `xlbuild create --format core` wrote"


@dataclass(frozen=True, slots=True)
class CoreFile:
    """An open file that is taken for a dump-core."""

    opened: OpenFile

    @property
    def source(self) -> str:
        """What messages call it."""
        return self.opened.path

    @property
    def size(self) -> int:
        """Bytes that it has."""
        return self.opened.size

    def read(self, offset: int, size: int) -> bytes:
        """Return bytes that lie within the file; FilesError where it has become shorter, or cannot be read."""
        return self.opened.read(offset, size)

    def check_within(self, what: str, offset: int, size: int) -> None:
        """Refuse something that would not lie in the file."""
        if offset + size > self.size:
            raise RefusedError(
                "core-truncated",
                "the dump-core is cut off",
                cause=f"{what} is {size} bytes at {offset:#x}, and the file has {self.size} bytes",
                hint="copy the whole file; a dump that was interrupted has to be made again",
                where=self._where(offset),
            )

    def invalid(self, cause: str, offset: int | None) -> NoReturn:
        """Refuse what no dump-core has."""
        raise RefusedError(
            "core-invalid",
            "the dump-core is damaged",
            cause=cause,
            hint=f"make it again, or copy it again; {_HINT}",
            where=self._where(offset),
        )

    def not_xens(self, cause: str) -> NoReturn:
        """Refuse another kind of file."""
        raise RefusedError(
            "core-not-xen",
            "it is no dump-core of a Xen guest",
            cause=cause,
            hint=_HINT,
            where=Where(self.source),
        )

    def _where(self, offset: int | None) -> Where:
        """Return a place in the file; an offset behind its end is none."""
        return Where(self.source, offset=offset if offset is not None and offset < self.size else None)


def starts_core(head: bytes) -> bool:
    """Return whether a file that begins like this, 64 bytes at least, is a core without program headers.

    The cores of processes and of crashed kernels have some.
    """
    if len(head) < ELF64_HEADER.size or not head.startswith(ELF_MAGIC):
        return False
    header = ELF64_HEADER.decode(head)
    return (header["e_type"], header["e_phnum"]) == (ET_CORE, 0)


def read_sections(file: CoreFile) -> tuple[CoreSection, ...]:
    """Return the sections of a file that has the one with a dump's notes, the empty first left out.

    RefusedError for another kind of file, and for sections that do not lie in it.
    """
    header = _header(file)
    count, at = header["e_shnum"], header["e_shoff"]
    if count == 0 or at == 0:
        file.not_xens(_what_it_is(file, header))
    if count > _MOST_SECTIONS:
        file.not_xens(f"it has {count} sections, and a dump-core has some seven")
    if header["e_shentsize"] != ELF64_SECTION.size:
        file.invalid(f"its section headers have {header['e_shentsize']} bytes, not {ELF64_SECTION.size}", 0)
    file.check_within("the table of its sections", at, count * ELF64_SECTION.size)
    table = file.read(at, count * ELF64_SECTION.size)
    rows = [ELF64_SECTION.numbers(table[n * ELF64_SECTION.size :]) for n in range(count)]
    strings = _strings(file, rows, header["e_shstrndx"])
    sections = tuple(_named(file, rows, strings))
    names = [section.name for section in sections]
    if NOTE_SECTION not in names:
        file.not_xens(f"it has no section {NOTE_SECTION}: {_what_it_is(file, header)}")
    for section in sections:
        if names.count(section.name) > 1:
            file.invalid(f"it has two sections {section.name}", section.offset)
    for section in sections:
        file.check_within(f"section {section.name}", section.offset, section.size)
    return sections


def read_notes(file: CoreFile, section: CoreSection) -> tuple[CoreNote, ...]:
    """Return the notes of a section."""
    if section.size > _MOST_NOTES:
        file.invalid(f"its notes take {human_size(section.size)}, and are 1.4 KiB", section.offset)
    return tuple(_notes(file, section.offset, file.read(section.offset, section.size)))


def _notes(file: CoreFile, offset: int, data: bytes) -> Iterator[CoreNote]:
    at = 0
    while at + ELF_NOTE.size <= len(data):
        head = ELF_NOTE.numbers(data[at:])
        name_at = at + ELF_NOTE.size
        body_at = name_at + align_up(head["n_namesz"], 4)
        end = body_at + head["n_descsz"]
        if end > len(data):
            file.invalid("a note would end behind its section", offset + at)
        name = data[name_at : name_at + head["n_namesz"]][:_LONGEST_NAME].split(b"\0", 1)[0]
        yield CoreNote(name.decode(errors="backslashreplace"), head["n_type"], data[body_at:end])
        at = align_up(end, 4)


def _header(file: CoreFile) -> dict[str, int]:
    head = file.read(0, min(file.size, ELF64_HEADER.size))
    for magic, what in _OTHER_FILES:
        if head.startswith(magic):
            file.not_xens(f"it is {what}")
    if not head.startswith(ELF_MAGIC):
        file.not_xens("it is no ELF file")
    file.check_within("its ELF header", 0, ELF64_HEADER.size)
    if head[4:6] != b"\2\1":
        file.not_xens(
            "it is an ELF file of 32 bits, or big-endian, and a dump-core has 64 bits, little-endian"
        )
    header = ELF64_HEADER.numbers(head)
    if header["e_type"] != ET_CORE:
        file.not_xens(f"it is an ELF file of type {header['e_type']}, and a core is of type {ET_CORE}")
    return header


def _strings(file: CoreFile, rows: list[dict[str, int]], index: int) -> bytes:
    if index >= len(rows):
        file.invalid(f"its sections' names would be in section {index}, and it has {len(rows)}", 0)
    row = rows[index]
    file.check_within("the section with its sections' names", row["sh_offset"], row["sh_size"])
    return file.read(row["sh_offset"], min(row["sh_size"], _MOST_STRINGS))


def _named(file: CoreFile, rows: list[dict[str, int]], strings: bytes) -> Iterator[CoreSection]:
    for row in rows:
        if row["sh_type"] == SHT_NULL:
            continue
        if row["sh_name"] >= len(strings):
            file.invalid("the name of a section lies behind all names", row["sh_offset"])
        name = strings[row["sh_name"] :][:_LONGEST_NAME].split(b"\0", 1)[0]
        size = 0 if row["sh_type"] == SHT_NOBITS else row["sh_size"]
        yield CoreSection(name.decode(errors="backslashreplace"), row["sh_offset"], size, row["sh_entsize"])


def _what_it_is(file: CoreFile, header: dict[str, int]) -> str:
    """Return what a core of another kind is: who makes one writes notes into its segments."""
    at, count = header["e_phoff"], min(header["e_phnum"], _MOST_SEGMENTS)
    size = count * ELF64_SEGMENT.size
    if not count or header["e_phentsize"] != ELF64_SEGMENT.size or at + size > file.size:
        return "it is an ELF core without the sections that Xen's have"
    table = file.read(at, size)
    for number in range(count):
        segment = ELF64_SEGMENT.numbers(table[number * ELF64_SEGMENT.size :])
        if segment["p_type"] != PT_NOTE or segment["p_offset"] >= file.size:
            continue
        room = min(segment["p_filesz"], _MOST_SEGMENT_NOTES, file.size - segment["p_offset"])
        if b"VMCOREINFO" in file.read(segment["p_offset"], room):
            return "it is a dump of a Linux or Xen that crashed (kdump's vmcore), which speaks of a whole machine"
    return "it is a process's core, or a debugger's"
