"""Xen's notes in a kernel: where they stand and what each holds (xen/elfnote.h).

Two spellings: ELF notes named "Xen" in PT_NOTE segments or SHT_NOTE sections, and, in old kernels, one string of
NAME=VALUE pairs in the section `__xen_guest`. Behaviour: elf_xen_parse_notes, elf_xen_parse_guest_info upstream.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from xlbuild.image.elf import ADDRESS_MASK, SHT_NOTE, ElfFile

_XEN = b"Xen\0"
_NOTE_HEADER = 12
_WORD_MASK = 0xFFFF_FFFF
MOST_NOTES = 65536
"""Xen's loader stops reading there; notes of other owners count as well."""

_HIGHEST_END = (1 << 64) - (1 << 47)
"""Bytes; Xen counts by address in its own process, so a range that ends higher ends before it begins."""

GUEST_SECTION = "__xen_guest"
_LONGEST_NAME = 31
_LONGEST_VALUE = 127
_SHOWN = 32
_DIGITS = tuple("0123456789abcdef")


class NoteType(IntEnum):
    """XEN_ELFNOTE_*, as far as a builder reads them."""

    ENTRY = 1
    HYPERCALL_PAGE = 2
    VIRT_BASE = 3
    PADDR_OFFSET = 4
    XEN_VERSION = 5
    GUEST_OS = 6
    GUEST_VERSION = 7
    LOADER = 8
    PAE_MODE = 9
    FEATURES = 10
    BSD_SYMTAB = 11
    HV_START_LOW = 12
    SUSPEND_CANCEL = 14
    INIT_P2M = 15
    MOD_START_PFN = 16
    SUPPORTED_FEATURES = 17
    PHYS32_ENTRY = 18


UNREAD_NOTES: dict[int, str] = {0: "INFO", 13: "L1_MFN_VALID", 19: "PHYS32_RELOC"}
"""Notes that change nothing for a guest; PHYS32_RELOC came with Xen 4.19."""

TEXT_NOTES = frozenset(
    {
        NoteType.XEN_VERSION,
        NoteType.GUEST_OS,
        NoteType.GUEST_VERSION,
        NoteType.LOADER,
        NoteType.PAE_MODE,
        NoteType.FEATURES,
        NoteType.BSD_SYMTAB,
    }
)
"""The notes that hold a string; the others hold a number."""

GUEST_STRING_NAMES: dict[str, NoteType] = {
    "LOADER": NoteType.LOADER,
    "GUEST_OS": NoteType.GUEST_OS,
    "GUEST_VER": NoteType.GUEST_VERSION,
    "XEN_VER": NoteType.XEN_VERSION,
    "PAE": NoteType.PAE_MODE,
    "BSD_SYMTAB": NoteType.BSD_SYMTAB,
    "VIRT_BASE": NoteType.VIRT_BASE,
    "VIRT_ENTRY": NoteType.ENTRY,
    "ELF_PADDR_OFFSET": NoteType.PADDR_OFFSET,
    "HYPERCALL_PAGE": NoteType.HYPERCALL_PAGE,
    "FEATURES": NoteType.FEATURES,
}
"""What a `__xen_guest` string may name, and the note of the same meaning."""


@dataclass(frozen=True, slots=True)
class RawNote:
    """One note: its type and where its description stands in the file."""

    type: int
    offset: int
    size: int


def xen_notes(elf: ElfFile) -> Iterator[RawNote]:
    """Yield the notes named "Xen" in file order: those of PT_NOTE segments or, without any, of SHT_NOTE sections.

    A segment with p_offset 0 does not count (old binutils wrote such).
    """
    return notes_named(elf, _XEN)


def notes_named(elf: ElfFile, owner: bytes) -> Iterator[RawNote]:
    """Yield the notes of a name, its NUL included, from where `xen_notes` looks for Xen's."""
    found = False
    for note in _notes_in(elf, _segments(elf), owner):
        found = True
        yield note
    if not found:
        yield from _notes_in(elf, _sections(elf), owner)


def has_notes(elf: ElfFile) -> bool:
    """Tell whether there is any place for notes, Xen's or not."""
    return bool(_segments(elf) or _sections(elf))


def _segments(elf: ElfFile) -> list[tuple[int, int]]:
    return [(p.offset, p.filesz) for p in elf.note_segments if p.offset]


def _sections(elf: ElfFile) -> list[tuple[int, int]]:
    return [(s.offset, s.size) for s in elf.section_headers() if s.type == SHT_NOTE]


def _notes_in(elf: ElfFile, ranges: list[tuple[int, int]], owner: bytes) -> Iterator[RawNote]:
    budget = MOST_NOTES
    for start, length in ranges:
        offset, end = start, start + length
        if end > _HIGHEST_END:
            continue
        while offset < min(end, elf.blob.size):
            if not budget:
                return
            budget -= 1
            name_size, size, kind = (elf.number(offset + field, 4) for field in (0, 4, 8))
            description = offset + _NOTE_HEADER + _rounded(name_size)
            if _is_named(elf, offset + _NOTE_HEADER, owner):
                yield RawNote(kind, description, size)
            offset = description + _rounded(size)


def _rounded(size: int) -> int:
    """Return a note's field size rounded up to 4 in 32 bits, where a size near 4 GiB becomes 0."""
    return (size + 3) & ~3 & _WORD_MASK


def _is_named(elf: ElfFile, offset: int, owner: bytes) -> bool:
    return elf.blob.holds(offset, len(owner)) and elf.blob.read(offset, len(owner)) == owner


def note_number(elf: ElfFile, note: RawNote) -> int:
    """Return a numeric note's value, 1, 2, 4 or 8 bytes by its own size; any other size reads as 0."""
    return elf.number(note.offset, note.size) if note.size in (1, 2, 4, 8) else 0


def note_bitmap(elf: ElfFile, note: RawNote) -> int:
    """Return the first u32 of a note that holds an array of them; 0 when its size is no multiple of 4."""
    return elf.number(note.offset, 4) if note.size and note.size % 4 == 0 else 0


def note_bytes(elf: ElfFile, note: RawNote) -> bytes:
    """Return the first bytes, 32 at most, of a note that nobody reads."""
    return elf.blob.data[note.offset : note.offset + min(note.size, _SHOWN)].tobytes()


def guest_string(elf: ElfFile) -> list[tuple[str, str]] | None:
    """Return the NAME=VALUE pairs of a `__xen_guest` section; None without one.

    A name is cut after 31 characters and a value after 127; what is cut off is read as the next pair.
    """
    section = elf.section_named(GUEST_SECTION)
    if section is None:
        return None
    text = elf.text_window(section.offset).partition(b"\0")[0].decode("latin-1")
    pairs: list[tuple[str, str]] = []
    while text:
        name, ended, text = _word(text, "=,", _LONGEST_NAME)
        value = ""
        if ended == "=":
            value, _, text = _word(text, ",", _LONGEST_VALUE)
        pairs.append((name, value))
    return pairs


def _word(text: str, delimiters: str, longest: int) -> tuple[str, str, str]:
    """Split off the text before a delimiter: return it, the delimiter ("" if there is none near) and the rest."""
    for length, character in enumerate(text[:longest]):
        if character in delimiters:
            return text[:length], character, text[length + 1 :]
    return text[:longest], "", text[longest:]


def c_number(text: str) -> int:
    """Read a number as C's strtoull with base 0 does: what follows it is ignored, too large means all ones."""
    text = text.lstrip(" \t\n\v\f\r")
    negative = text.startswith("-")
    text = text.removeprefix("-") if negative else text.removeprefix("+")
    base = 10
    if text[:2].lower() == "0x" and text[2:3].lower() in _DIGITS:
        base, text = 16, text[2:]
    elif text.startswith("0"):
        base = 8
    digits = _DIGITS[:base]
    length = next((n for n, c in enumerate(text) if c.lower() not in digits), len(text))
    value = int(text[:length] or "0", base)
    if value > ADDRESS_MASK:
        return ADDRESS_MASK
    return -value & ADDRESS_MASK if negative else value
