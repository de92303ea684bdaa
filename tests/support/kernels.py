"""Small kernels for tests: ELF files with Xen notes, bzImages around them, all made of plain values.

Everything is deterministic. `elf_file` describes a file by its segments, sections and notes and lays it out itself;
each header field can be overridden, so that odd and damaged files are as easy to write down as good ones.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TypeAlias

PT_LOAD, PT_NOTE = 1, 4
SHT_PROGBITS, SHT_SYMTAB, SHT_STRTAB, SHT_NOTE = 1, 2, 3, 7
EM_386, EM_ARM, EM_X86_64, EM_AARCH64 = 3, 40, 62, 183

VIRT_BASE_64 = 0xFFFF_FFFF_8000_0000
VIRT_BASE_32 = 0xC000_0000
LOAD_ADDRESS = 0x10_0000

_JUNK = b"\x90" * 0x1C0
_PACKED = Path(__file__).parent / "packed"

NOTE_TYPES = {
    "INFO": 0,
    "ENTRY": 1,
    "HYPERCALL_PAGE": 2,
    "VIRT_BASE": 3,
    "PADDR_OFFSET": 4,
    "XEN_VERSION": 5,
    "GUEST_OS": 6,
    "GUEST_VERSION": 7,
    "LOADER": 8,
    "PAE_MODE": 9,
    "FEATURES": 10,
    "BSD_SYMTAB": 11,
    "HV_START_LOW": 12,
    "L1_MFN_VALID": 13,
    "SUSPEND_CANCEL": 14,
    "INIT_P2M": 15,
    "MOD_START_PFN": 16,
    "SUPPORTED_FEATURES": 17,
    "PHYS32_ENTRY": 18,
}


@dataclass(frozen=True)
class Load:
    """A PT_LOAD segment; memory size defaults to the size of its data."""

    vaddr: int
    data: bytes
    paddr: int | None = None
    memsz: int | None = None
    flags: int = 7
    header: Mapping[str, int] = field(default_factory=dict)
    """Program header fields to override: `p_filesz=…`."""


@dataclass(frozen=True)
class Section:
    """A section; `header` overrides fields of its section header."""

    name: str
    type: int
    data: bytes
    align: int = 4
    link: int = 0
    entsize: int = 0
    header: Mapping[str, int] = field(default_factory=dict)


Value: TypeAlias = int | str | bytes
Notes: TypeAlias = Sequence[tuple[str | int, Value]]
"""Notes by name or number: text gets its NUL, a number is a native word, bytes are themselves."""


@dataclass(frozen=True)
class Layout:
    """The structures of one ELF class and byte order."""

    bits: int
    order: str = "<"

    @property
    def header(self) -> tuple[str, tuple[str, ...]]:
        """Format and field names behind e_ident."""
        word = "Q" if self.bits == 64 else "I"
        names = "type machine version entry phoff shoff flags ehsize phentsize phnum shentsize shnum shstrndx"
        return f"{self.order}HHI{word * 3}IHHHHHH", tuple(f"e_{name}" for name in names.split())

    @property
    def program_header(self) -> tuple[str, tuple[str, ...]]:
        """Format and field names of a program header."""
        if self.bits == 64:
            return self.order + "IIQQQQQQ", _named("p_", "type flags offset vaddr paddr filesz memsz align")
        return self.order + "IIIIIIII", _named("p_", "type offset vaddr paddr filesz memsz flags align")

    @property
    def section_header(self) -> tuple[str, tuple[str, ...]]:
        """Format and field names of a section header."""
        names = _named("sh_", "name type flags addr offset size link info addralign entsize")
        return self.order + ("IIQQQQIIQQ" if self.bits == 64 else "IIIIIIIIII"), names

    def pack(self, shape: tuple[str, tuple[str, ...]], values: Mapping[str, int]) -> bytes:
        """Pack named values; each is cut to its field's width."""
        fmt, names = shape
        widths = {"H": 0xFFFF, "I": 0xFFFF_FFFF, "Q": 0xFFFF_FFFF_FFFF_FFFF}
        return struct.pack(fmt, *(values[n] & widths[c] for n, c in zip(names, fmt[1:], strict=True)))


def _named(prefix: str, names: str) -> tuple[str, ...]:
    return tuple(prefix + name for name in names.split())


def note(kind: str | int, value: Value, *, bits: int = 64, name: bytes = b"Xen\0", order: str = "<") -> bytes:
    """One ELF note: a string with its NUL, a number cut to a native word, or raw bytes."""
    if isinstance(value, str):
        value = value.encode() + b"\0"
    elif isinstance(value, int):
        value = struct.pack(order + ("Q" if bits == 64 else "I"), value & ((1 << bits) - 1))
    number = NOTE_TYPES[kind] if isinstance(kind, str) else kind
    head = struct.pack(order + "III", len(name), len(value), number)
    return head + name + b"\0" * (-len(name) % 4) + value + b"\0" * (-len(value) % 4)


class _File:
    """Bytes at growing offsets."""

    def __init__(self, start: int) -> None:
        self.start = start
        self.body = bytearray()

    def add(self, data: bytes, align: int) -> int:
        self.body += b"\0" * (-(self.start + len(self.body)) % align)
        offset = self.start + len(self.body)
        self.body += data
        return offset


def elf_file(
    loads: Sequence[Load],
    notes: Notes = (),
    *,
    bits: int = 64,
    order: str = "<",
    notes_in: str = "segment",
    sections: Sequence[Section] = (),
    raw_notes: bytes = b"",
    align: int = 16,
    header: Mapping[str, int] | None = None,
    note_header: Mapping[str, int] | None = None,
) -> bytes:
    """Build an ELF file; `notes_in` is `segment` (PT_NOTE and a section) or `section` alone."""
    layout = Layout(bits, order)
    eh_size, ph_size, sh_size = (64, 56, 64) if bits == 64 else (52, 32, 40)
    packed = b"".join(note(kind, value, bits=bits, order=order) for kind, value in notes) + raw_notes
    in_segment = bool(packed) and notes_in == "segment"
    file = _File(eh_size + ph_size * (len(loads) + in_segment))
    program: list[dict[str, int]] = []
    for load in loads:
        fields = {
            "p_type": PT_LOAD,
            "p_flags": load.flags,
            "p_offset": file.add(load.data, align),
            "p_vaddr": load.vaddr,
            "p_paddr": load.vaddr if load.paddr is None else load.paddr,
            "p_filesz": len(load.data),
            "p_memsz": len(load.data) if load.memsz is None else load.memsz,
            "p_align": 4096,
        }
        program.append({**fields, **load.header})
    all_sections = list(sections)
    if packed:
        all_sections.insert(0, Section(".note.Xen", SHT_NOTE, packed))
    names = b"\0" + b"".join(s.name.encode() + b"\0" for s in all_sections) + b".shstrtab\0"
    all_sections.append(Section(".shstrtab", SHT_STRTAB, names, align=1))
    table = [dict.fromkeys(layout.section_header[1], 0)]
    for section in all_sections:
        fields = {
            "sh_name": names.index(b"\0" + section.name.encode() + b"\0") + 1,
            "sh_type": section.type,
            "sh_flags": 0,
            "sh_addr": 0,
            "sh_offset": file.add(section.data, section.align),
            "sh_size": len(section.data),
            "sh_link": section.link,
            "sh_info": 0,
            "sh_addralign": section.align,
            "sh_entsize": section.entsize,
        }
        table.append({**fields, **section.header})
    if in_segment:
        offset, size = table[1]["sh_offset"], len(packed)
        fields = {"p_type": PT_NOTE, "p_flags": 4, "p_offset": offset, "p_vaddr": 0, "p_paddr": 0}
        program.append({**fields, "p_filesz": size, "p_memsz": size, "p_align": 4, **(note_header or {})})
    sh_offset = file.add(b"".join(layout.pack(layout.section_header, entry) for entry in table), 16)
    values = {
        "e_type": 2,
        "e_machine": EM_X86_64 if bits == 64 else EM_386,
        "e_version": 1,
        "e_entry": 0,
        "e_phoff": eh_size,
        "e_shoff": sh_offset,
        "e_flags": 0,
        "e_ehsize": eh_size,
        "e_phentsize": ph_size,
        "e_phnum": len(program),
        "e_shentsize": sh_size,
        "e_shnum": len(table),
        "e_shstrndx": len(table) - 1,
        **(header or {}),
    }
    ident = b"\x7fELF" + bytes([2 if bits == 64 else 1, 1 if order == "<" else 2, 1]).ljust(12, b"\0")
    ph_table = b"".join(layout.pack(layout.program_header, entry) for entry in program)
    return ident + layout.pack(layout.header, values) + ph_table + bytes(file.body)


@dataclass(frozen=True)
class Table:
    """The table of a multiboot-style binary; addresses are what the fields are called."""

    header: int = LOAD_ADDRESS + 0x400
    load: int = LOAD_ADDRESS
    load_end: int = 0
    bss_end: int = 0
    entry: int = LOAD_ADDRESS
    flags: int = 0x18000
    magic: int = 0x336E_C578
    sum: int = 0
    """What magic, flags and checksum make together."""

    def packed(self) -> bytes:
        """Return its bytes; each address is cut to 32 bits."""
        checksum = self.sum - self.magic - self.flags
        addresses = (self.header, self.load, self.load_end, self.bss_end, self.entry)
        words = (self.magic, self.flags, checksum, *addresses)
        return struct.pack("<8I", *(word & 0xFFFF_FFFF for word in words))


def binary(table: Table = Table(), at: int = 0x400, size: int = 0x5000) -> bytes:
    """A multiboot-style binary of some size, with its table at an offset (`header` names its address)."""
    packed = table.packed()
    return (pattern(at) + packed + pattern(max(0, size - at - len(packed)), 2))[:size]


@cache
def pattern(size: int, seed: int = 1) -> bytes:
    """Bytes that are never zero and differ from place to place."""
    return bytes((seed * 37 + i * 11 + (i >> 8) * 5) % 255 + 1 for i in range(size))


def bzimage(
    payload: bytes,
    *,
    version: int = 0x020C,
    setup_sectors: int = 4,
    offset: int | None = None,
    length: int | None = None,
) -> bytes:
    """A Linux bzImage of a boot protocol version around a payload, with junk before and behind it."""
    setup = 512 * (setup_sectors + 1)
    header = bytearray(max(setup, 0x400))
    header[0x1F1] = setup_sectors
    header[0x1FE:0x206] = b"\x55\xaa\xeb\x66HdrS"
    struct.pack_into("<H", header, 0x206, version)
    if offset is None:
        offset = len(header) + len(_JUNK) - setup
    struct.pack_into("<II", header, 0x248, offset, len(payload) if length is None else length)
    return bytes(header) + _JUNK + payload + b"\xcc" * 37


def sized(stream: bytes, size: int) -> bytes:
    """A payload as Linux's build appends it: a packed stream and its unpacked size."""
    return stream + struct.pack("<I", size)


def gzip_stored(data: bytes) -> bytes:
    """A gzip file whose bytes no version of zlib decides: everything is stored."""
    blocks = b""
    for start in range(0, max(len(data), 1), 0xFFFF):
        block = data[start : start + 0xFFFF]
        last = start + 0xFFFF >= len(data)
        blocks += struct.pack("<BHH", last, len(block), len(block) ^ 0xFFFF) + block
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + blocks + struct.pack("<II", zlib.crc32(data), len(data))


def packed(suffix: str = "") -> bytes:
    """The kernel of tests/support/packed, packed by a real tool (`.gz`, `.xz`, …) or plain."""
    return (_PACKED / f"kernel{suffix}").read_bytes()
