"""fullcore DOMID FILE: a dump-core of a paused domain with every frame that it has, in seconds.

`xl dump-core` leaves out the last 256 MiB below 4 GiB of a PVH or HVM guest, where its ACPI tables and special pages
are, and takes many minutes to ask for each absent frame below. The file is laid out as xl's (dump-core-format).
"""

import struct
import sys
from pathlib import Path
from typing import BinaryIO

from xenlab.dom0.labxen import CONTEXT_SIZE, PAGE, Domain

_EHDR = struct.Struct("<16sHHIQQQIHHHHHH")
_SHDR = struct.Struct("<IIQQQQIIQQ")
_STRTAB, _NOTE, _PROGBITS = 3, 7, 1
_MAGIC_PV, _MAGIC_HVM = 0xF00F_EBED, 0xF00F_EBEE
_NOTES = range(0x200_0000, 0x200_0004)
"""XEN_ELFNOTE_DUMPCORE_NONE, _HEADER, _XEN_VERSION, _FORMAT_VERSION (elfnote.h)."""

_VERSION_PARTS = ((1, 16), (2, 144), (3, 1024), (4, 64), (5, 8))
"""version.h's commands and the sizes of their answers, in the order of the note: extraversion, compile_info, …"""
_BLANK = bytes(PAGE)


def main(number: str, file: str) -> None:
    """Write it."""
    domain = Domain(int(number))
    contexts = domain.contexts()
    before: list[tuple[str, int, bytes, int, int]] = [
        (".note.Xen", _NOTE, _notes(domain, len(contexts), 0), 0, 0),
        (".xen_prstatus", _PROGBITS, b"".join(contexts), CONTEXT_SIZE, 8),
    ]
    if not domain.hvm:
        before.append((".xen_shared_info", _PROGBITS, domain.page(domain.shared_info_frame), PAGE, 8))
    names = [
        ".shstrtab",
        *(name for name, *_ in before),
        ".xen_pages",
        ".xen_pfn" if domain.hvm else ".xen_p2m",
    ]
    place = _EHDR.size + _SHDR.size * (len(names) + 1)
    headers: list[tuple[str, int, int, int, int, int]] = []
    with Path(file).open("wb") as out:
        for name, kind, content, entry, align in before:
            out.seek(place)
            out.write(content)
            headers.append((name, kind, place, len(content), entry, align))
            place += len(content)
        place += -place % PAGE
        out.seek(place)
        count, table = _pages(domain, out)
        headers.append((".xen_pages", _PROGBITS, place, count * PAGE, PAGE, PAGE))
        place += count * PAGE
        out.seek(place)
        out.write(table)
        headers.append((names[-1], _PROGBITS, place, len(table), 8 if domain.hvm else 16, 8))
        strings = b"\0" + b"".join(name.encode() + b"\0" for name in names)
        out.write(strings)
        headers.insert(0, (".shstrtab", _STRTAB, place + len(table), len(strings), 0, 0))
        out.seek(headers[1][2])
        out.write(_notes(domain, len(contexts), count))
        out.seek(0)
        out.write(_headers(headers, strings))
    print(f"{count} frames of {domain.pages}, {len(contexts)} vCPUs")


def _notes(domain: Domain, vcpus: int, pages: int) -> bytes:
    number = domain.version_number()
    version = struct.pack("<QQ", number >> 16, number & 0xFFFF)
    version += b"".join(domain.version(command, size) for command, size in _VERSION_PARTS) + struct.pack(
        "<Q", PAGE
    )
    magic = _MAGIC_HVM if domain.hvm else _MAGIC_PV
    contents = (b"", struct.pack("<QQQQ", magic, vcpus, pages, PAGE), version, struct.pack("<Q", 1))
    return b"".join(
        struct.pack("<III4s", 4, len(content), kind, b"Xen") + content
        for kind, content in zip(_NOTES, contents, strict=True)
    )


def _pages(domain: Domain, out: BinaryIO) -> tuple[int, bytes]:
    """Write the frames that are there; return how many, and .xen_pfn or .xen_p2m."""
    entries = domain.frames() if domain.hvm else domain.p2m()
    count, table = 0, bytearray()
    for pfn, content in domain.read(entries):
        table += struct.pack("<Q", pfn) if domain.hvm else struct.pack("<QQ", pfn, entries[pfn])
        if content == _BLANK:
            out.seek(PAGE, 1)
        else:
            out.write(content)
        count += 1
    return count, bytes(table)


def _headers(sections: list[tuple[str, int, int, int, int, int]], strings: bytes) -> bytes:
    ident = b"\x7fELF\2\1\1\0\1" + bytes(7)
    count = len(sections) + 1
    written = _EHDR.pack(ident, 4, 62, 1, 0, 0, _EHDR.size, 0, _EHDR.size, 56, 0, _SHDR.size, count, 1)
    written += bytes(_SHDR.size)
    for name, kind, place, size, entry, align in sections:
        at = strings.index(b"\0" + name.encode() + b"\0") + 1
        written += _SHDR.pack(at, kind, 0, 0, place, size, 0, 0, align, entry)
    return written


if __name__ == "__main__":
    main(*sys.argv[1:])
