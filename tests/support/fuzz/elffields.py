"""Where the numbers of seeds stand: ELF headers, program and section headers, notes; and multiboot tables."""

import struct
from collections.abc import Iterator

from fuzz.bytemutations import BZIMAGE_FIELDS
from fuzz.model import Field, Seed

_SIZES = {"B": 1, "H": 2, "I": 4, "Q": 8}
_SHAPES = {
    32: ("HHIIIIIHHHHHH", "IIIIIIII", "IIIIIIIIII"),
    64: ("HHIQQQIHHHHHH", "IIQQQQQQ", "IIQQQQIIQQ"),
}
_MULTIBOOT = b"\x78\xc5\x6e\x33"


def seed(data: bytes) -> Seed:
    """Return a file as a seed, with the fields of whatever it seems to be."""
    return Seed(data, tuple(field for field in _fields(data) if field.offset + field.size <= len(data)))


def _fields(data: bytes) -> Iterator[Field]:
    if data.startswith(b"\x7fELF") and len(data) >= 64:
        yield from _elf_fields(data)
    if data[0x202:0x206] == b"HdrS":
        yield from BZIMAGE_FIELDS
    if data.startswith(b"\x1f\x8b"):
        yield from (Field(2, 1), Field(3, 1), Field(len(data) - 4, 4), Field(len(data) - 8, 4))
    table = data[:0x2020].find(_MULTIBOOT)
    if table >= 0:
        yield from (Field(table + 4 * index, 4) for index in range(8))


def _elf_fields(data: bytes) -> Iterator[Field]:
    bits = 64 if data[4] == 2 else 32
    order = "<" if data[5] == 1 else ">"
    header, program, section = _SHAPES[bits]
    yield from (Field(4, 1), Field(5, 1))
    yield from _record(16, header)
    values = struct.unpack_from(order + header, data, 16)
    phoff, shoff, phentsize, phnum, shentsize, shnum = (values[n] for n in (4, 5, 8, 9, 10, 11))
    for index in range(min(phnum, 16)):
        yield from _record(phoff + index * phentsize, program)
    for index in range(min(shnum, 16)):
        yield from _record(shoff + index * shentsize, section)
    at = data.find(b"Xen\0")
    while at >= 12:
        yield from (Field(at - 12 + 4 * index, 4) for index in range(3))
        yield Field(at + 4, 8 if bits == 64 else 4)
        at = data.find(b"Xen\0", at + 1)


def _record(offset: int, shape: str) -> Iterator[Field]:
    for code in shape:
        yield Field(offset, _SIZES[code])
        offset += _SIZES[code]
