"""LZ4's legacy frame, as `lz4 -l` writes it and Linux's build uses it.

Shape: the magic, then blocks: u32 packed size, LZ4 block. A magic in place of a size begins a further frame and is
skipped; the frame ends where the input ends. Every block stands for itself (8 MiB unpacked, less for the last).
"""

from __future__ import annotations

from xlbuild.image.codecerror import DAMAGED, CodecError, check_pieces
from xlbuild.units import MIB

_MAGIC = 0x184C2102
_WORD = 4
_BLOCK = 8 * MIB


def unpack_legacy_frame(stream: memoryview, size: int) -> bytes:
    """Unpack a legacy frame into at most `size` bytes. Raises CodecError."""
    if _word(stream, 0) != _MAGIC:
        raise CodecError("the lz4 magic is not that of a legacy frame", "pack the kernel with `lz4 -l`")
    parts: list[bytes] = []
    room, offset, blocks = size, _WORD, 0
    while True:
        packed = _word(stream, offset)
        blocks += 1
        check_pieces(blocks, "blocks")
        offset += _WORD
        if packed == _MAGIC:
            continue
        if packed > len(stream) - offset:
            raise CodecError(
                f"the stream is cut short: a block of {packed} bytes at {offset:#x} is not all there", DAMAGED
            )
        if packed:
            part = _unpack_block(stream[offset : offset + packed], room, offset)
            parts.append(part)
            room -= len(part)
        offset += packed
        if offset == len(stream):
            return b"".join(parts)


def _word(stream: memoryview, offset: int) -> int:
    if offset + _WORD > len(stream):
        raise CodecError(f"the stream is cut short: no block size at {offset:#x}", DAMAGED)
    return int.from_bytes(stream[offset : offset + _WORD], "little")


def _unpack_block(block: memoryview, room: int, offset: int) -> bytes:
    # Imported here: a module written in C, needed for few kernels.
    import lz4.block

    # A block of more than 8 MiB is odd, but Xen takes it; asking for less room first keeps the buffers small.
    for limit in (min(room, _BLOCK), room):
        try:
            return bytes(lz4.block.decompress(block, uncompressed_size=limit))
        except lz4.block.LZ4BlockError as error:
            failure = error
    raise CodecError(
        f"the block at {offset:#x} is damaged, or unpacks to more than the length field says", DAMAGED
    ) from failure
