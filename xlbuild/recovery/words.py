"""Little-endian words in memory: as numbers in an array, and in structures."""

import sys
from array import array
from collections.abc import Mapping

from xlbuild.abi.layout import Fields, Layout


def number(fields: Fields, name: str) -> int:
    """Return a field that is one number."""
    value = fields[name]
    assert isinstance(value, int)
    return value


def with_words(page: bytes, layout: Layout, values: Mapping[str, int]) -> bytes:
    """Return a page that begins with a structure, some of whose fields are other numbers, cut to the fields' size."""
    changed = bytearray(page)
    for name, value in values.items():
        at, size = layout.offset_of(name), layout.size_of(name)
        changed[at : at + size] = (value & (1 << 8 * size) - 1).to_bytes(size, "little")
    return bytes(changed)


def words_of(typecode: str, data: bytes) -> "array[int]":
    """Return words, whose size is that of an array's type `Q` or `I`."""
    words = array(typecode, data)
    if sys.byteorder == "big":
        words.byteswap()
    return words


def bytes_of_words(words: "array[int]") -> bytes:
    """Return words as memory has them."""
    if sys.byteorder == "big":
        words = words[:]
        words.byteswap()
    return words.tobytes()
