"""cpio archives, walked once from start to end: the first names are kept, and what a ramdisk is told by.

Shapes: cpio(5), and "initramfs buffer format" in Linux's documentation. An entry is a header, a name and data; name
and data are filled up to a multiple of 4 bytes (newc, crc) or 2 (bin). The entry TRAILER!!! ends an archive.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from xlbuild.inspect.ramdisks.source import Source
from xlbuild.inspect.ramdisks.streams import Budget
from xlbuild.units import KIB, align_up
from xlbuild.visible import visible

MOST_NAMES = 24
"""So many names of an archive are kept."""

_LONGEST_NAME = 4 * KIB
_ENTRY_WORK = 2 * KIB
_TRAILER = b"TRAILER!!!"
_INIT = b"init"
_INIT_SAMPLE = 256
_MOST_KINDS = 16
"""Of kernels with modules, and of microcode, that are kept."""
_MODULES = re.compile(rb"(?:^|/)lib/modules/([^/]+)/")
_EARLY = (
    (b"kernel/x86/microcode/GenuineIntel.bin", "microcode for Intel"),
    (b"kernel/x86/microcode/AuthenticAMD.bin", "microcode for AMD"),
    (b"kernel/firmware/acpi/", "ACPI tables"),
)
"""What Linux takes from an archive that is not packed before it unpacks anything, by the start of its name."""
_KIND, _LINK, _REGULAR, _EXECUTABLE = 0o170000, 0o120000, 0o100000, 0o111


class CpioError(Exception):
    """An archive is damaged, or not all there."""

    def __init__(self, reason: str, offset: int) -> None:
        """Say why, and where in what is walked."""
        super().__init__(reason)
        self.offset = offset


@dataclass(frozen=True, slots=True)
class _Entry:
    mode: int
    links: int
    name_size: int
    """Bytes, its NUL among them."""
    size: int


@dataclass(frozen=True, slots=True)
class CpioFormat:
    """One of the forms of a cpio archive."""

    name: str
    magic: bytes
    header: int
    """Bytes of an entry's header."""
    alignment: int
    read: Callable[[bytes], _Entry | None]
    """Reads a header; None: it is none."""
    for_linux: bool = False
    """Whether Linux takes it for a ramdisk."""


_HEXADECIMAL = re.compile(rb"07070[12][0-9A-Fa-f]{104}")
_OCTAL = re.compile(rb"070707[0-7]{70}")


def _read_newc(header: bytes) -> _Entry | None:
    if not _HEXADECIMAL.fullmatch(header):
        return None
    mode, links, size, name_size = (int(header[at : at + 8], 16) for at in (14, 38, 54, 94))
    return _Entry(mode, links, name_size, size)


def _read_odc(header: bytes) -> _Entry | None:
    if not _OCTAL.fullmatch(header):
        return None
    mode, links, name_size, size = (
        int(header[at:end], 8) for at, end in ((18, 24), (36, 42), (59, 65), (65, 76))
    )
    return _Entry(mode, links, name_size, size)


def _read_bin(header: bytes, order: str = "<") -> _Entry | None:
    words = struct.unpack(order + "13H", header)
    if words[0] != 0o070707:
        return None
    return _Entry(words[3], words[6], words[10], words[11] << 16 | words[12])


def _read_swapped(header: bytes) -> _Entry | None:
    return _read_bin(header, ">")


FORMATS: tuple[CpioFormat, ...] = (
    CpioFormat("newc", b"070701", 110, 4, _read_newc, for_linux=True),
    CpioFormat("crc", b"070702", 110, 4, _read_newc, for_linux=True),
    CpioFormat("odc", b"070707", 76, 1, _read_odc),
    CpioFormat("bin", b"\xc7\x71", 26, 2, _read_bin),
    CpioFormat("bin, big-endian", b"\x71\xc7", 26, 2, _read_swapped),
)
"""Every form, by the bytes that each entry starts with."""

LONGEST_MAGIC = max(len(form.magic) for form in FORMATS)


def format_of(head: bytes) -> CpioFormat | None:
    """Return the form of an archive that starts with these bytes; None: it is no archive."""
    return next((form for form in FORMATS if head.startswith(form.magic)), None)


def starts_archive(head: bytes) -> CpioFormat | None:
    """Return the form of an archive by its first header and name, and not by its first bytes alone."""
    form = format_of(head)
    entry = form.read(head[: form.header]) if form and len(head) >= form.header else None
    if form is None or entry is None or not 0 < entry.name_size <= _LONGEST_NAME:
        return None
    return form if head[form.header + entry.name_size - 1 :][:1] == b"\0" else None


@dataclass(frozen=True, slots=True)
class Init:
    """The program that Linux starts from a ramdisk."""

    mode: int
    what: str
    """In words."""
    mend: str | None = None
    """What to do where Linux cannot start it."""


@dataclass(slots=True)
class Contents:
    """What is known of the files in an archive, or in several."""

    files: int = 0
    """Entries, directories and links among them, as `cpio -t` lists them."""
    archives: int = 0
    """That were walked to their ends."""
    names: list[str] = field(default_factory=list)
    early: list[str] = field(default_factory=list)
    modules: list[str] = field(default_factory=list)
    """The kernel releases for which there are modules."""
    init: Init | None = None
    format: CpioFormat | None = None


def walk_archive(source: Source, contents: Contents, budget: Budget) -> None:
    """Walk an archive to its end, and add what is in it. Raises CpioError and BudgetSpentError."""
    start = source.offset
    form = contents.format = format_of(source.peek(LONGEST_MAGIC))
    assert form is not None
    while True:
        at = source.offset
        name, entry = _read_entry(source, form, start)
        if name == _TRAILER:
            contents.archives += 1
            return
        budget.spend(_ENTRY_WORK)
        _take_note(contents, name)
        end = source.offset + entry.size
        if name == _INIT:
            contents.init = _look_at(entry, source.peek(min(entry.size, _INIT_SAMPLE)))
        if (there := source.skip(entry.size)) < entry.size:
            missing = entry.size - there
            raise CpioError(f"{missing} of the {entry.size} bytes of {_text(name)} are missing", at)
        source.skip(_padding(end - start, form))


def _read_entry(source: Source, form: CpioFormat, start: int) -> tuple[bytes, _Entry]:
    """Read an entry up to its data; its name comes without what may stand before it."""
    at = source.offset
    header = source.read(form.header)
    if len(header) < form.header:
        raise CpioError("the archive ends without the entry TRAILER!!!", at)
    entry = form.read(header)
    if entry is None:
        raise CpioError(f"there is no header of an entry, but {header[:8].hex(' ')}", at)
    if not 0 < entry.name_size <= _LONGEST_NAME:
        raise CpioError(f"an entry's name has {entry.name_size} bytes (Linux reads 1 to {_LONGEST_NAME})", at)
    name = source.read(entry.name_size)
    if len(name) < entry.name_size:
        raise CpioError("the archive ends in the name of an entry", at)
    source.skip(_padding(source.offset - start, form))
    plain = name.partition(b"\0")[0]
    return plain.removeprefix(b"./").lstrip(b"/") or plain, entry


def _padding(size: int, form: CpioFormat) -> int:
    return align_up(size, form.alignment) - size


def _take_note(contents: Contents, name: bytes) -> None:
    contents.files += 1
    if len(contents.names) < MOST_NAMES:
        contents.names.append(_text(name))
    if match := _MODULES.search(name):
        _add(contents.modules, _text(match[1]))
    for beginning, what in _EARLY:
        if name.startswith(beginning):
            _add(contents.early, what)


def _add(found: list[str], what: str) -> None:
    if what not in found and len(found) < _MOST_KINDS:
        found.append(what)


def _text(name: bytes) -> str:
    return visible(name.decode(errors="surrogateescape"))


def _look_at(entry: _Entry, sample: bytes) -> Init:
    """Return what an /init is, by its mode and its first bytes."""
    kind = entry.mode & _KIND
    if kind == _LINK:
        return Init(entry.mode, f"a link to {_text(sample)}")
    if kind != _REGULAR:
        return Init(entry.mode, "no file", "put a program there: Linux starts it")
    mend = None if entry.mode & _EXECUTABLE else "make it executable: chmod +x init"
    if not entry.size and entry.links > 1:
        return Init(entry.mode, "one of several links to a file", mend)
    return Init(entry.mode, _program(sample), mend)


def _program(sample: bytes) -> str:
    if sample.startswith(b"#!"):
        interpreter = sample[2:].partition(b"\n")[0].strip()
        return f"a script for {_text(interpreter)}"
    if sample.startswith(b"\x7fELF"):
        return {b"\1": "a 32-bit ELF program", b"\2": "a 64-bit ELF program"}.get(
            sample[4:5], "an ELF program"
        )
    return "neither an ELF program nor a script" if sample else "an empty file"
