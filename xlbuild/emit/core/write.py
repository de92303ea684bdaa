"""A built domain as a dump-core: what `xl dump-core` would write of it before its first instruction.

Sections, notes and their order in the file are those of the real tool's. Pages of zeros are holes in the file.
"""

import os
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from xlbuild.abi.dump_core import (
    ELF64_HEADER,
    ELF64_SECTION,
    ELF64_SEGMENT,
    ELF_IDENT,
    ELF_NOTE,
    EM_X86_64,
    ET_CORE,
    EV_CURRENT,
    FORMAT_VERSION,
    FORMAT_VERSION_NOTE,
    HEADER_NOTE,
    MAGIC_HVM,
    MAGIC_PV,
    NOTE_NAME,
    NOTE_SECTION,
    P2M_ENTRY_SIZE,
    P2M_SECTION,
    PAGES_SECTION,
    PFN_ENTRY_SIZE,
    PFN_SECTION,
    PRSTATUS_SECTION,
    SHARED_INFO_SECTION,
    SHT_NOTE,
    SHT_PROGBITS,
    SHT_STRTAB,
    XEN_ELFNOTE_DUMPCORE_FORMAT_VERSION,
    XEN_ELFNOTE_DUMPCORE_HEADER,
    XEN_ELFNOTE_DUMPCORE_NONE,
    XEN_ELFNOTE_DUMPCORE_XEN_VERSION,
    XEN_VERSION_NOTE,
)
from xlbuild.abi.layout import Fields, Layout
from xlbuild.abi.vcpu_guest_context import VCPU_GUEST_CONTEXT_X86_64
from xlbuild.built import SHARED_INFO_FILE, VCPU_CONTEXT_FILE, BuiltDomain
from xlbuild.captured.contexts import guest_context
from xlbuild.emit.core.elf import starts_core
from xlbuild.emit.directory import page_batches
from xlbuild.emit.occupied import FileKind
from xlbuild.emit.structures import structure_of
from xlbuild.emit.unwritable import Size
from xlbuild.errors import RefusedError, Where
from xlbuild.units import MIB, PAGE_SIZE, FrameRange, Pfn, align_up, bytes_of
from xlbuild.version import VERSION

_STRINGS_SECTION = ".shstrtab"
_TABLE_CHUNK = MIB // PFN_ENTRY_SIZE
"""Frames of a table that are written at a time."""
_VIRT_START = 0xFFFF_8000_0000_0000
"""HYPERVISOR_VIRT_START of x86_64 (public arch-x86/xen-x86_64.h), which the version note carries."""


DUMP_CORE = FileKind("dump-core", ELF64_HEADER.size, starts_core)


def check_core(built: BuiltDomain) -> None:
    """Refuse a manifest alone, of whose memory nothing is known (RefusedError, core-without-memory)."""
    if not built.has_contents:
        raise RefusedError(
            "core-without-memory",
            "a manifest cannot be written as a dump-core",
            cause="what the guest's memory holds is not known: it is in the memory.img beside the manifest",
            hint="give the directory that `xlbuild create` wrote",
            where=Where(built.source),
        )


def fill_core(built: BuiltDomain, _config: bytes, place: Path) -> None:
    """Make the file `place`, which has no room for a configuration.

    Raises OSError, and FilesError where the domain's memory cannot be read, and as `structure_of`.
    """
    layout = _Layout.of(built)
    with place.open("wb") as file:
        fd = file.fileno()
        os.truncate(fd, layout.size)
        _write(fd, 0, layout.head())
        for name, content in layout.contents.items():
            _write(fd, layout.at[name], content)
        table = layout.at[layout.table]
        for piece in _table(built):
            table = _write(fd, table, piece)
        places = _Places(built.populated)
        for first, pages in page_batches(built.memory):
            _write(fd, layout.at[PAGES_SECTION] + bytes_of(places.index_of(first)), b"".join(pages))


def core_size(built: BuiltDomain, _config: bytes = b"") -> Size:
    """Return how much room the file takes."""
    size = _Layout.of(built).size
    pages = sum(1 for _ in built.memory.pages())
    holes = bytes_of(_nr_pages(built) - pages)
    return Size(size - holes, 1, size)


@dataclass(frozen=True, slots=True)
class _Section:
    """A section header's values; the name's place among the strings is worked out."""

    name: str
    type: int
    size: int
    entry_size: int = 0
    alignment: int = 0


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where everything goes in the file."""

    sections: tuple[_Section, ...]
    """In the order of their headers, less the empty first."""
    at: dict[str, int]
    """Each section's place by its name."""
    contents: dict[str, bytes]
    """What the small sections hold."""
    table: str
    """Name of the section that says which frame each page is."""
    size: int

    @classmethod
    def of(cls, built: BuiltDomain) -> "_Layout":
        contexts = tuple(_contexts(built))
        contents = {
            NOTE_SECTION: _notes(built, len(contexts)),
            PRSTATUS_SECTION: b"".join(contexts),
        }
        if built.is_pv:
            contents[SHARED_INFO_SECTION] = structure_of(built, SHARED_INFO_FILE, PAGE_SIZE)
        sections = [
            _Section(NOTE_SECTION, SHT_NOTE, len(contents[NOTE_SECTION])),
            _Section(PRSTATUS_SECTION, SHT_PROGBITS, len(contents[PRSTATUS_SECTION]), len(contexts[0]), 8),
            *(
                _Section(SHARED_INFO_SECTION, SHT_PROGBITS, len(contents[name]), PAGE_SIZE, 8)
                for name in contents
                if name == SHARED_INFO_SECTION
            ),
            *_page_sections(built),
        ]
        strings = _strings([section.name for section in sections])
        contents[_STRINGS_SECTION] = strings
        at, end = _places(sections, ELF64_HEADER.size + (len(sections) + 2) * ELF64_SECTION.size)
        at[_STRINGS_SECTION] = end
        sections.insert(0, _Section(_STRINGS_SECTION, SHT_STRTAB, len(strings)))
        return cls(tuple(sections), at, contents, sections[-1].name, end + len(strings))

    def head(self) -> bytes:
        """Return the ELF header and the section headers behind it."""
        strings = self.contents[_STRINGS_SECTION]
        headers = [bytes(ELF64_SECTION.size)]
        headers += [
            ELF64_SECTION.encode(
                {
                    "sh_name": strings.index(section.name.encode() + b"\0"),
                    "sh_type": section.type,
                    "sh_offset": self.at[section.name],
                    "sh_size": section.size,
                    "sh_addralign": section.alignment,
                    "sh_entsize": section.entry_size,
                }
            )
            for section in self.sections
        ]
        header = ELF64_HEADER.encode(
            {
                "e_ident": ELF_IDENT.ljust(16, b"\0"),
                "e_type": ET_CORE,
                "e_machine": EM_X86_64,
                "e_version": EV_CURRENT,
                "e_shoff": ELF64_HEADER.size,
                "e_ehsize": ELF64_HEADER.size,
                "e_phentsize": ELF64_SEGMENT.size,
                "e_shentsize": ELF64_SECTION.size,
                "e_shnum": len(headers),
                "e_shstrndx": 1,
            }
        )
        return header + b"".join(headers)


def _page_sections(built: BuiltDomain) -> tuple[_Section, _Section]:
    count = _nr_pages(built)
    name, entry_size = (P2M_SECTION, P2M_ENTRY_SIZE) if built.is_pv else (PFN_SECTION, PFN_ENTRY_SIZE)
    return (
        _Section(PAGES_SECTION, SHT_PROGBITS, bytes_of(count), PAGE_SIZE, PAGE_SIZE),
        _Section(name, SHT_PROGBITS, count * entry_size, entry_size, 8),
    )


def _nr_pages(built: BuiltDomain) -> int:
    return sum(frames.pages for frames in built.populated)


def _places(sections: list[_Section], start: int) -> tuple[dict[str, int], int]:
    """Return where each section lies, one behind the other, and where the last ends."""
    at: dict[str, int] = {}
    for section in sections:
        at[section.name] = align_up(start, max(1, section.alignment))
        start = at[section.name] + section.size
    return at, start


def _strings(names: list[str]) -> bytes:
    return b"\0" + b"".join(name.encode() + b"\0" for name in (_STRINGS_SECTION, *names))


def _notes(built: BuiltDomain, vcpus: int) -> bytes:
    major, _, minor = built.profile.partition(".")
    header = {
        "xch_magic": MAGIC_PV if built.is_pv else MAGIC_HVM,
        "xch_nr_vcpus": vcpus,
        "xch_nr_pages": _nr_pages(built),
        "xch_page_size": PAGE_SIZE,
    }
    # What a host's hypervisor says of itself is left empty: none was there. The first text is what was.
    version: Fields = {
        "major_version": int(major),
        "minor_version": int(minor),
        "compile_info": f"xlbuild {VERSION}".encode().ljust(XEN_VERSION_NOTE.size_of("compile_info"), b"\0"),
        "platform_params": _VIRT_START,
        "pagesize": PAGE_SIZE,
    }
    return b"".join(
        (
            _note(XEN_ELFNOTE_DUMPCORE_NONE, b""),
            _encoded_note(XEN_ELFNOTE_DUMPCORE_HEADER, HEADER_NOTE, header),
            _encoded_note(XEN_ELFNOTE_DUMPCORE_XEN_VERSION, XEN_VERSION_NOTE, version),
            _encoded_note(
                XEN_ELFNOTE_DUMPCORE_FORMAT_VERSION, FORMAT_VERSION_NOTE, {"version": FORMAT_VERSION}
            ),
        )
    )


def _encoded_note(kind: int, layout: Layout, fields: Fields) -> bytes:
    return _note(kind, layout.encode(fields))


def _note(kind: int, descriptor: bytes) -> bytes:
    """Return a note; the name and all descriptors are multiples of 4 bytes."""
    name = NOTE_NAME.encode() + b"\0"
    head = ELF_NOTE.encode({"n_namesz": len(name), "n_descsz": len(descriptor), "n_type": kind})
    return head + name + descriptor


def _contexts(built: BuiltDomain) -> Iterator[bytes]:
    """Yield a struct vcpu_guest_context for each vCPU that the toolstack starts."""
    if built.is_pv:
        # A 32-bit guest's is shorter, and Xen's tools leave the room of a 64-bit one (vcpu_guest_context_any_t).
        context = structure_of(built, VCPU_CONTEXT_FILE, built.vcpus[0].layout.size)
        yield context.ljust(VCPU_GUEST_CONTEXT_X86_64.size, b"\0")
        return
    for vcpu in built.vcpus:
        if vcpu.registers is not None:
            yield guest_context(vcpu.registers)


def _table(built: BuiltDomain) -> Iterator[bytes]:
    """Yield the section that says which frame each page is; a PV guest's machine frame is the same number."""
    for frames in built.populated:
        for first in range(frames.first, frames.end, _TABLE_CHUNK):
            numbers = array("Q", range(first, min(frames.end, first + _TABLE_CHUNK)))
            if not built.is_pv:
                yield numbers.tobytes()
                continue
            pairs = array("Q", bytes(P2M_ENTRY_SIZE * len(numbers)))
            pairs[0::2] = numbers
            pairs[1::2] = numbers
            yield pairs.tobytes()


class _Places:
    """Which page of the file each frame is; asked for ascending frames."""

    def __init__(self, populated: tuple[FrameRange, ...]) -> None:
        before = accumulate((frames.pages for frames in populated), initial=0)
        self._ranges = iter(zip(populated, before, strict=False))
        self._frames, self._before = next(self._ranges)

    def index_of(self, pfn: Pfn) -> int:
        while pfn >= self._frames.end:
            self._frames, self._before = next(self._ranges)
        return self._before + pfn - self._frames.first


def _write(fd: int, offset: int, content: bytes) -> int:
    """Write bytes at an offset; return where they end."""
    data = memoryview(content)
    while data:
        written = os.pwrite(fd, data, offset)
        data, offset = data[written:], offset + written
    return offset
