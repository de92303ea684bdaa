"""An ELF file's symbols: whatever a file claims, they are read in bounded time and memory."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from xlbuild.image.elf import SHT_SYMTAB, ElfFile, SectionHeader
from xlbuild.inspect.kernels.elf import section_name
from xlbuild.inspect.tree import Branch
from xlbuild.units import MIB

MOST_SYMBOLS = 1 << 20
"""Symbols that are looked at."""
MOST_NAMED = 1 << 18
"""Symbols whose names are read; a distribution's Linux has some 200,000."""
_MOST_NAMES = 32 * MIB
"""Bytes of the table of names that are read, and of all names together, which may overlap in it."""
_LONGEST_NAME = 4096

STT_OBJECT, STT_FUNC = 1, 2
_STT_SECTION, _STT_FILE = 3, 4
_STB_LOCAL = 0
_SHN_UNDEF = 0
_SHN_ABS = 0xFFF1
_SHAPES = {32: ("IIIBBH", 16), 64: ("IBBHQQ", 24)}
_KINDS = {STT_OBJECT: "object", STT_FUNC: "function", 6: "thread's object", 10: "function chosen at start"}
_COMPILERS_NUMBER = re.compile(r"\.[0-9]+")
"""What tells static symbols of one name apart within a source file; it changes with whatever stands before them."""


class Symbol(NamedTuple):
    """A symbol with an address."""

    value: int
    size: int
    kind: int
    """STT_*."""
    is_local: bool
    section: int
    """Number of the section header that it belongs to; a reserved number for none."""
    name_offset: int
    """Where in the table of names its name stands."""


class NamedSymbol(NamedTuple):
    """A symbol as it is told."""

    name: str
    """Without the numbers that a compiler puts behind the names of static ones."""
    address: int
    size: int
    kind: str
    """`function`, `object`, or `label`."""
    section: str
    is_local: bool


@dataclass(frozen=True, slots=True)
class SymbolTable:
    """The symbols of a file that can be told by their names."""

    symbols: tuple[NamedSymbol, ...]
    """In the table's order."""
    left_out: int
    """How many more there are, whose names were not read."""


def describe_symbols(elf: ElfFile) -> Branch | None:
    """Return how many symbols there are; None where there are none."""
    kinds = [symbol.kind for symbol in symbols(elf)]
    if not kinds:
        return None
    return {"count": len(kinds), "functions": kinds.count(STT_FUNC), "objects": kinds.count(STT_OBJECT)}


def symbols(elf: ElfFile) -> Iterator[Symbol]:
    """Yield the symbols of the first symbol table that have an address, in its order, as many as are looked at."""
    table = _table(elf)
    if table is None:
        return
    shape, size = _SHAPES[elf.bits]
    end = min(table.offset + table.size, len(elf.blob.data))
    count = min(max(end - table.offset, 0) // size, MOST_SYMBOLS)
    records = elf.blob.data[table.offset : table.offset + count * size]
    for fields in struct.iter_unpack(elf.order + shape, records):
        if elf.bits == 64:
            name, info, _, section, value, length = fields
        else:
            name, value, length, info, _, section = fields
        if section not in (_SHN_UNDEF, _SHN_ABS) and name:
            yield Symbol(value, length, info & 0xF, info >> 4 == _STB_LOCAL, section, name)


def _table(elf: ElfFile) -> SectionHeader | None:
    """Return the first symbol table, if it says where its names are."""
    table = next((s for s in elf.section_headers() if s.type == SHT_SYMTAB), None)
    return table if table is not None and 0 < table.link < elf.section_count else None


class SymbolNames:
    """The table of a symbol table's names."""

    def __init__(self, elf: ElfFile) -> None:
        """Read the table."""
        table = _table(elf)
        self._data = b""
        if table is not None:
            strings = elf.section_header(table.link)
            end = strings.offset + min(strings.size, _MOST_NAMES)
            self._data = elf.blob.data[strings.offset : end].tobytes()

    def read(self, offset: int) -> str | None:
        """Return the name at an offset (Latin-1), its first 4096 characters; None where there is none."""
        end = self._data.find(b"\0", offset, offset + _LONGEST_NAME)
        name = self._data[offset : end if end >= 0 else offset + _LONGEST_NAME].decode("latin-1")
        return name or None


def named_symbols(elf: ElfFile) -> SymbolTable | None:
    """Return the symbols by their names, but for those of sections and source files; None where there are none."""
    names, sections = SymbolNames(elf), _SectionNames(elf)
    found: list[NamedSymbol] = []
    left_out = characters = 0
    for symbol in symbols(elf):
        if symbol.kind in (_STT_SECTION, _STT_FILE):
            continue
        is_read = len(found) < MOST_NAMED and characters < _MOST_NAMES
        name = names.read(symbol.name_offset) if is_read else None
        if name is None:
            left_out += 1
            continue
        characters += len(name)
        if symbol.is_local and "." in name:
            name = _COMPILERS_NUMBER.sub("", name) or name
        kind = _KINDS.get(symbol.kind, "label")
        section = sections[symbol.section]
        found.append(NamedSymbol(name, symbol.value, symbol.size, kind, section, symbol.is_local))
    return SymbolTable(tuple(found), left_out) if found or left_out else None


class _SectionNames(dict[int, str]):
    """Names of sections by their numbers, each read once."""

    def __init__(self, elf: ElfFile) -> None:
        super().__init__()
        self._elf = elf

    def __missing__(self, number: int) -> str:
        """Read the name of a section."""
        there = number < self._elf.section_count
        name = section_name(self._elf, self._elf.section_header(number)) if there else None
        self[number] = name or f"section {number}"
        return self[number]
