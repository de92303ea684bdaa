"""lzop files, as Linux's build makes them with `lzop -9`.

Shape (lzop's own file format, all numbers big-endian): a 9-byte magic, a header, then blocks: u32 unpacked size,
u32 packed size, one u32 checksum, data. An unpacked size of 0 ends the file. A block that does not shrink is stored.
Only files with that one checksum are read, the only ones that Linux's build writes and Xen understands.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from xlbuild.image.codecerror import DAMAGED, CodecError, check_pieces

_MAGIC = b"\x89LZO\0\r\n\x1a\n"
_WITH_LEVEL = 0x0940
"""From this version on the header has the fields: version needed, level, high mtime."""
_FLAG_FILTER = 0x800
_SUMS_UNPACKED = (0x001, 0x100)
_SUMS_PACKED = (0x002, 0x200)
"""Flags: Adler-32, CRC-32."""
_WORD = 4
_LARGEST_BLOCK = 256 * 1024
"""lzop's only block size, the largest that Xen reads."""


def unpack_lzop(stream: memoryview, size: int) -> bytes:
    """Unpack a lzop file into at most `size` bytes. Raises CodecError."""
    from lzallright import LZOCompressor, LZOError

    offset = read_header(stream).end
    parts: list[bytes] = []
    while unpacked := _word(stream, offset):
        packed = _word(stream, offset + _WORD)
        start = offset + 3 * _WORD
        offset = start + packed
        if not packed or packed > unpacked or unpacked > min(size, _LARGEST_BLOCK) or offset > len(stream):
            raise CodecError(f"the block at {start:#x} has an impossible size, or is not all there", DAMAGED)
        block = stream[start:offset]
        try:
            part = bytes(block) if packed == unpacked else LZOCompressor.decompress(bytes(block), unpacked)
        except LZOError as error:
            raise CodecError(f"the block at {start:#x} is damaged", DAMAGED) from error
        if len(part) != unpacked:
            raise CodecError(f"the block at {start:#x} is damaged", DAMAGED)
        size -= unpacked
        parts.append(part)
        check_pieces(len(parts), "blocks")
    return b"".join(parts)


@dataclass(frozen=True, slots=True)
class LzopHeader:
    """What a lzop file's header says of its blocks."""

    end: int
    """Where they start."""
    sums_unpacked: int
    """How many checksums of what it unpacks to each block has, u32 each."""
    sums_packed: int
    """How many of what is packed, where a block has shrunk."""


def read_header(stream: memoryview) -> LzopHeader:
    """Read a lzop file's header. Raises CodecError."""
    if bytes(stream[: len(_MAGIC)]) != _MAGIC:
        raise CodecError("the lzo magic is not that of a lzop file", "pack the kernel with `lzop`")
    offset = len(_MAGIC)
    try:
        (version,) = struct.unpack_from(">H", stream, offset)
        levelled = version >= _WITH_LEVEL
        offset += 2 + 2 + (2 if levelled else 0) + 1 + (1 if levelled else 0)
        (flags,) = struct.unpack_from(">I", stream, offset)
        offset += 4 + (4 if flags & _FLAG_FILTER else 0) + 4 + 4 + (4 if levelled else 0)
        name_length: int = struct.unpack_from(">B", stream, offset)[0]
    except struct.error as error:
        raise CodecError("the stream is cut short in its header", DAMAGED) from error
    sums = [sum(bool(flags & flag) for flag in kind) for kind in (_SUMS_UNPACKED, _SUMS_PACKED)]
    return LzopHeader(offset + 1 + name_length + 4, *sums)


def _word(stream: memoryview, offset: int) -> int:
    if offset + _WORD > len(stream):
        raise CodecError(f"the stream is cut short: nothing at {offset:#x}", DAMAGED)
    return int.from_bytes(stream[offset : offset + _WORD], "big")
