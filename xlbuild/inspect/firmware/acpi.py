"""Files of ACPI tables, as `acpi_firmware` takes them: one table behind the other.

A table's header (ACPI specification, 5.2.6): signature (4 characters), length (u32), revision, a checksum that makes
all bytes zero in sum, the maker's names for itself (6 bytes) and for the table (8 bytes).
"""

from __future__ import annotations

import re
import struct

from xlbuild.inspect.problems import Problem
from xlbuild.inspect.tree import Tree, hexadecimal
from xlbuild.units import MIB
from xlbuild.visible import visible

_HEADER = struct.Struct("<4sIBB6s8sI4sI")
_NAME = re.compile(rb"[A-Z0-9_]{4}")
_TEXT = re.compile(rb"[\x20-\x7e]*\0*")
_LONGEST_LIST = 64
_LARGEST_TABLE = 16 * MIB
_WELL_KNOWN = (
    b"DSDT",
    b"SSDT",
    b"FACP",
    b"APIC",
    b"HPET",
    b"MCFG",
    b"SLIC",
    b"MSDM",
    b"SRAT",
    b"SLIT",
    b"OEM0",
)


def describe_acpi_file(data: memoryview) -> tuple[list[Tree], tuple[Problem, ...]] | None:
    """Return a file's tables, and what is wrong with them; None: it does not start with an ACPI table."""
    if not _starts_table(data):
        return None
    tables: list[Tree] = []
    problems: list[Problem] = []
    offset = 0
    while offset < len(data) and len(tables) < _LONGEST_LIST:
        length = _length(data[offset:])
        if length is None:
            words = "no ACPI table starts there: hvmloader would take these bytes for one"
            problems.append(Problem(offset, words, "end the file with its last table"))
            break
        table = data[offset : offset + length]
        signature, _, revision, _, maker, name, *_ = _HEADER.unpack_from(table)
        is_good = len(table) == length and not sum(table) % 256
        tables.append(
            {
                "offset": hexadecimal(offset),
                "signature": signature.decode(),
                "size": length,
                "revision": revision,
                "maker": _text(maker),
                "name": _text(name),
                "checksum": "good" if is_good else "wrong",
            }
        )
        problems += _problems(offset, length, len(table), is_good)
        offset += length
    return (tables, tuple(problems)) if tables else None


def _problems(offset: int, length: int, there: int, is_good: bool) -> list[Problem]:
    if there < length:
        words = f"the table says that it has {length} bytes, and {length - there} of them are missing"
        return [Problem(offset, words, "compare the file with the original")]
    mend = "mend the checksum, the byte at 9 of the table, or compile it anew with iasl"
    return [] if is_good else [Problem(offset, "the bytes of the table do not make zero in sum", mend)]


def _starts_table(data: memoryview) -> bool:
    """Return whether a file starts with a table: any four letters are a signature, so that more has to fit."""
    length = _length(data)
    if length is None or length > _LARGEST_TABLE:
        return False
    return bytes(data[:4]) in _WELL_KNOWN or (length <= len(data) and not sum(data[:length]) % 256)


def _length(data: memoryview) -> int | None:
    """Return the length that a table's header says; None: it is no header."""
    if len(data) < _HEADER.size:
        return None
    signature, length, _, _, maker, name, *_ = _HEADER.unpack_from(data)
    is_header = _NAME.fullmatch(signature) and _TEXT.fullmatch(maker) and _TEXT.fullmatch(name)
    return int(length) if is_header and length >= _HEADER.size else None


def _text(data: bytes) -> str:
    return visible(data.rstrip(b"\0 ").decode("latin-1"))
