"""Reading a dump-core, of a real host or our own: nothing in it is trusted, and only tables are read at once.

Sizes are compared with the file's before anything is believed. The pages stay in the file.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from xlbuild.abi.dump_core import (
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
    XEN_ELFNOTE_DUMPCORE_FORMAT_VERSION,
    XEN_ELFNOTE_DUMPCORE_HEADER,
    XEN_ELFNOTE_DUMPCORE_XEN_VERSION,
    XEN_VERSION_NOTE,
)
from xlbuild.abi.layout import Layout
from xlbuild.abi.vcpu_guest_context import VCPU_GUEST_CONTEXT_X86_32, VCPU_GUEST_CONTEXT_X86_64
from xlbuild.captured.frames import FrameMap
from xlbuild.captured.model import CoreNote, CoreSection, DumpCore
from xlbuild.captured.pageruns import MOST_RUNS, PageRuns, TooScatteredError
from xlbuild.emit.core.elf import CoreFile, read_notes, read_sections
from xlbuild.emit.core.tables import FrameRuns, read_p2m, read_pfns
from xlbuild.emit.openfile import OpenFile
from xlbuild.emit.pagefile import PageFile
from xlbuild.errors import RefusedError, Where
from xlbuild.units import PAGE_SIZE, bytes_of

_WHAT = "dump-core"
_MOST_VCPUS = 8192
"""What Xen gives a PV guest at most."""
_CONTEXTS = (VCPU_GUEST_CONTEXT_X86_64, VCPU_GUEST_CONTEXT_X86_32)
"""The second is a 32-bit PV guest's, where it has no more room than it takes."""


def read_core(path: str | os.PathLike[str]) -> DumpCore:
    """Return what a dump-core has; of the guest's memory nothing is read yet, and the file stays open.

    Raises FilesError where the file cannot be read or changes meanwhile, and RefusedError: `core-not-xen` for another
    kind of file, `core-truncated` where something would lie behind the file's end, `core-invalid` for what no dump
    has, `core-scattered` for frames in more disorder than is read.
    """
    return _read_open(OpenFile.at(path, _WHAT))


def read_core_data(data: bytes, name: str) -> DumpCore:
    """Return the same of a dump-core that is in memory already, as what comes from standard input is."""
    return _read_open(OpenFile.of(data, name, _WHAT))


def _read_open(file: OpenFile) -> DumpCore:
    """Return what an open file has, which is closed with its memory."""
    try:
        return _read(CoreFile(file))
    except BaseException:
        file.close()
        raise


def _read(file: CoreFile) -> DumpCore:
    sections = read_sections(file)
    by_name = {section.name: section for section in sections}
    notes = read_notes(file, by_name[NOTE_SECTION])
    header = _header(file, by_name[NOTE_SECTION], notes)
    parts = _Parts(file, by_name, header)
    version, extra = _xen_version(notes)
    contexts, shared_info = parts.contexts(), parts.shared_info()
    runs, machine_frames = parts.frames()
    file.opened.check_unchanged()
    return DumpCore(
        source=file.source,
        size=file.size,
        sections=sections,
        notes=notes,
        is_pv=header.is_pv,
        pages=header.pages,
        format_version=_format_version(file, by_name[NOTE_SECTION], notes),
        xen_version=version,
        xen_extra=extra,
        vcpus=contexts,
        shared_info=shared_info,
        memory=PageFile(file.opened, runs),
        machine_frames=machine_frames,
    )


@dataclass(frozen=True, slots=True)
class _Header:
    """XEN_ELFNOTE_DUMPCORE_HEADER."""

    is_pv: bool
    vcpus: int
    pages: int


def _fields(note: CoreNote | None, layout: Layout) -> dict[str, int | bytes]:
    """Return a note's fields; none where it is not there, or shorter."""
    if note is None or len(note.body) < layout.size:
        return {}
    values = layout.decode(note.body)
    return {name: value for name, value in values.items() if isinstance(value, int | bytes)}


def _note(notes: tuple[CoreNote, ...], kind: int) -> CoreNote | None:
    return next((note for note in notes if note.name == NOTE_NAME and note.type == kind), None)


def _header(file: CoreFile, section: CoreSection, notes: tuple[CoreNote, ...]) -> _Header:
    fields = _fields(_note(notes, XEN_ELFNOTE_DUMPCORE_HEADER), HEADER_NOTE)
    if not fields:
        file.invalid("there is no note with the dump's header in its section of notes", section.offset)
    magic, vcpus, pages, page_size = (value for value in fields.values() if isinstance(value, int))
    if magic not in (MAGIC_PV, MAGIC_HVM):
        file.invalid(
            f"the header's magic number is {magic:#x}, neither a PV guest's nor another's", section.offset
        )
    if page_size != PAGE_SIZE:
        file.invalid(f"its pages have {page_size} bytes, and x86's have {PAGE_SIZE}", section.offset)
    if vcpus > _MOST_VCPUS:
        file.invalid(f"it would have {vcpus} vCPUs, and Xen gives {_MOST_VCPUS} at most", section.offset)
    if pages == 0:
        file.invalid("it has no pages", section.offset)
    return _Header(magic == MAGIC_PV, vcpus, pages)


def _format_version(file: CoreFile, section: CoreSection, notes: tuple[CoreNote, ...]) -> int:
    """Return the version of the format; only its upper half says that old readers cannot read it."""
    version = _fields(_note(notes, XEN_ELFNOTE_DUMPCORE_FORMAT_VERSION), FORMAT_VERSION_NOTE).get(
        "version", 0
    )
    assert isinstance(version, int)
    if major := version >> 32:
        file.invalid(f"its format is of version {major}, and only 0 is known", section.offset)
    return version


def _xen_version(notes: tuple[CoreNote, ...]) -> tuple[tuple[int, int] | None, str | None]:
    fields = _fields(_note(notes, XEN_ELFNOTE_DUMPCORE_XEN_VERSION), XEN_VERSION_NOTE)
    if not fields:
        return None, None
    major, minor, extra = (fields[name] for name in ("major_version", "minor_version", "extra_version"))
    assert isinstance(major, int)
    assert isinstance(minor, int)
    assert isinstance(extra, bytes)
    return (major, minor), extra.split(b"\0", 1)[0].decode(errors="backslashreplace")


@dataclass(frozen=True, slots=True)
class _Parts:
    """The sections that a dump is made of, compared with what its header says."""

    file: CoreFile
    sections: dict[str, CoreSection]
    header: _Header

    def contexts(self) -> tuple[bytes, ...]:
        """Return each vCPU's struct vcpu_guest_context."""
        section, count = self._needed(PRSTATUS_SECTION), self.header.vcpus
        known = _CONTEXTS if self.header.is_pv else _CONTEXTS[:1]
        sizes = [layout.size for layout in known if section.size == count * layout.size]
        if not sizes:
            self.file.invalid(
                f"{PRSTATUS_SECTION} has {section.size} bytes, and {count} vCPUs take "
                + " or ".join(str(count * layout.size) for layout in known),
                section.offset,
            )
        data = self.file.read(section.offset, section.size)
        return tuple(data[at : at + sizes[0]] for at in range(0, len(data), sizes[0]))

    def shared_info(self) -> bytes | None:
        section = self.sections.get(SHARED_INFO_SECTION)
        if section is None:
            return None
        if section.size != PAGE_SIZE:
            self.file.invalid(f"{section.name} has {section.size} bytes, and it is a page", section.offset)
        return self.file.read(section.offset, PAGE_SIZE)

    def frames(self) -> tuple[PageRuns, FrameMap | None]:
        """Return where each frame's page is, and a PV guest's machine frames."""
        pages = self._of_pages(PAGES_SECTION, PAGE_SIZE)
        if self.header.is_pv:
            return self._kept(read_p2m(self.file, self._of_pages(P2M_SECTION, P2M_ENTRY_SIZE)), pages)
        return self._kept(read_pfns(self.file, self._of_pages(PFN_SECTION, PFN_ENTRY_SIZE)), pages)

    def _kept(self, runs: Iterator[FrameRuns], pages: CoreSection) -> tuple[PageRuns, FrameMap | None]:
        found = PageRuns()

        def with_places() -> Iterator[tuple[int, int, int]]:
            for run in runs:
                found.add(run.pfn, run.pages, pages.offset + bytes_of(run.index))
                yield run.pfn, run.mfn, run.pages

        try:
            machine_frames = FrameMap(with_places())
            found.settle()
        except TooScatteredError:
            self._scattered()
        return found, machine_frames if self.header.is_pv else None

    def _needed(self, name: str) -> CoreSection:
        section = self.sections.get(name)
        if section is None:
            self.file.invalid(f"it has no section {name}", None)
        return section

    def _of_pages(self, name: str, entry_size: int) -> CoreSection:
        section, count = self._needed(name), self.header.pages
        if section.size != count * entry_size:
            self.file.invalid(
                f"{name} has {section.size} bytes, and {count} pages take {count * entry_size}",
                section.offset,
            )
        return section

    def _scattered(self) -> NoReturn:
        raise RefusedError(
            "core-scattered",
            "the dump-core's frames are in more disorder than is read",
            cause=f"there are more than {MOST_RUNS:,} runs of frames that follow one another",
            hint="dump a guest that has just been created: its memory is in large pieces then",
            where=Where(self.file.source),
        )
