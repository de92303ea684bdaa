"""Files of ACPI tables, as `acpi_firmware` takes them: one table behind the other.

A table's header (ACPI specification, 5.2.6): signature (4 characters), length (u32), revision, a checksum that makes
all bytes zero in sum, the maker's names for itself (6 bytes) and for the table (8 bytes).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from xlbuild.acpi.layouts import HEADER
from xlbuild.inspect.problems import Problem
from xlbuild.inspect.tree import Tree, hexadecimal
from xlbuild.units import MIB
from xlbuild.visible import visible

_NAME = re.compile(rb"[A-Z0-9_]{4}")
_TEXT = re.compile(rb"[\x20-\x7e]*\0*")
_LONGEST_LIST = 64
_LARGEST_TABLE = 16 * MIB
_WELL_KNOWN = ("DSDT", "SSDT", "FACP", "APIC", "HPET", "MCFG", "SLIC", "MSDM", "SRAT", "SLIT", "OEM0")


@dataclass(frozen=True, slots=True)
class _Header:
    """What a table's header says."""

    signature: str
    length: int
    revision: int
    maker: str
    name: str


def describe_acpi_file(data: memoryview) -> tuple[list[Tree], tuple[Problem, ...]] | None:
    """Return a file's tables, and what is wrong with them; None: it does not start with an ACPI table."""
    if not _starts_table(data):
        return None
    tables: list[Tree] = []
    problems: list[Problem] = []
    offset = 0
    while offset < len(data) and len(tables) < _LONGEST_LIST:
        header = _header(data[offset:])
        if header is None:
            words = "no ACPI table starts there: hvmloader would take these bytes for one"
            problems.append(Problem(offset, words, "end the file with its last table"))
            break
        table = data[offset : offset + header.length]
        is_good = len(table) == header.length and not sum(table) % 256
        tables.append(
            {
                "offset": hexadecimal(offset),
                "signature": header.signature,
                "size": header.length,
                "revision": header.revision,
                "maker": header.maker,
                "name": header.name,
                "checksum": "good" if is_good else "wrong",
            }
        )
        problems += _problems(offset, header.length, len(table), is_good)
        offset += header.length
    return (tables, tuple(problems)) if tables else None


def _problems(offset: int, length: int, there: int, is_good: bool) -> list[Problem]:
    if there < length:
        words = f"the table says that it has {length} bytes, and {length - there} of them are missing"
        return [Problem(offset, words, "compare the file with the original")]
    mend = "mend the checksum, the byte at 9 of the table, or compile it anew with iasl"
    return [] if is_good else [Problem(offset, "the bytes of the table do not make zero in sum", mend)]


def _starts_table(data: memoryview) -> bool:
    """Return whether a file starts with a table: any four letters are a signature, so that more has to fit."""
    header = _header(data)
    if header is None or header.length > _LARGEST_TABLE:
        return False
    length = header.length
    return header.signature in _WELL_KNOWN or (length <= len(data) and not sum(data[:length]) % 256)


def _header(data: memoryview) -> _Header | None:
    """Return what the header at the start says; None: it is no header."""
    if len(data) < HEADER.size or not _NAME.fullmatch(data[:4]):
        return None
    fields = HEADER.decode(data[: HEADER.size].tobytes())
    length, revision, maker, name = (
        fields[field] for field in ("length", "revision", "oem_id", "oem_table_id")
    )
    assert isinstance(length, int)
    assert isinstance(revision, int)
    assert isinstance(maker, bytes)
    assert isinstance(name, bytes)
    if length < HEADER.size or not _TEXT.fullmatch(maker) or not _TEXT.fullmatch(name):
        return None
    return _Header(data[:4].tobytes().decode(), length, revision, _text(maker), _text(name))


def _text(data: bytes) -> str:
    return visible(data.rstrip(b"\0 ").decode("latin-1"))
