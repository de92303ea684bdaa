"""Tables that a kernel file has somewhere near its start: a magic number, and words that make zero in sum."""

from __future__ import annotations

import struct


def find_header(head: bytes, magic: int, *, words: int, step: int, end: int) -> int | None:
    """Return the offset of the first table in a file's head, before `end` and at a multiple of `step` bytes.

    Its first `words` little-endian u32, of which `magic` is the first, make zero modulo 2^32. None: there is none.
    """
    shape, pattern = struct.Struct(f"<{words}I"), magic.to_bytes(4, "little")
    offset = head.find(pattern)
    while 0 <= offset < end:
        if offset % step == 0 and sum(shape.unpack_from(head, offset)) % (1 << 32) == 0:
            return offset
        offset = head.find(pattern, offset + 1)
    return None
