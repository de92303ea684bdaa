"""A captured guest's memory: which frames there are, and all of it as a part that can be taken out."""

from collections.abc import Iterator
from functools import partial

from xlbuild.built import MemoryReader
from xlbuild.inspect.tree import Branch, Part, hexadecimal
from xlbuild.units import MIB, TIB, PhysAddr, bytes_of

MOST_RANGES = 256
"""Ranges of frames that are listed."""
_PIECE = MIB
_MOST_MEMORY = TIB
"""Bytes up to which memory can be taken out."""


def describe_populated(memory: MemoryReader) -> Branch:
    """Return the frames that there are: `populated`, and of how many ranges nothing is said."""
    ranges = memory.populated
    return {
        "populated": [
            {
                "first": hexadecimal(item.first),
                "end": hexadecimal(item.end),
                "pages": item.pages,
                "size": bytes_of(item.pages),
            }
            for item in ranges[:MOST_RANGES]
        ],
        "populated_left_out": max(0, len(ranges) - MOST_RANGES) or None,
    }


def memory_parts(memory: MemoryReader) -> Iterator[Part]:
    """Yield memory from frame 0 on; nothing where it is too large."""
    size = bytes_of(memory.end)
    if size <= _MOST_MEMORY:
        yield Part("memory", "memory, frame n at n × 4096", size, partial(_pieces, memory, size))


def _pieces(memory: MemoryReader, size: int) -> Iterator[bytes]:
    for at in range(0, size, _PIECE):
        yield memory.read(PhysAddr(at), min(_PIECE, size - at))
