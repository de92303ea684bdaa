"""zstd's frames, one behind the other, as ZSTD_decompress unpacks them: nothing may stand behind the last."""

from __future__ import annotations

import sys

from xlbuild.image.codecerror import DAMAGED, CodecError, check_pieces

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_OPTIONS: dict[int, int] = {zstd.DecompressionParameter.window_log_max: 31}
"""The window's log2 of bytes; unpacking at one go, as Xen does, has no limit of its own."""


def unpack_frames(stream: memoryview, size: int) -> bytes:
    """Unpack all frames into at most `size` bytes. Raises CodecError."""
    parts: list[bytes] = []
    room = size
    while stream:
        check_pieces(len(parts) + 1, "frames")
        frame = _first_frame(stream)
        decoder = zstd.ZstdDecompressor(options=_OPTIONS)
        try:
            part = decoder.decompress(frame, room + 1)
        except zstd.ZstdError as error:
            reason = str(error).rpartition(": ")[2]
            raise CodecError(f"the stream is damaged ({reason})", DAMAGED) from error
        if len(part) > room:
            raise CodecError(f"it unpacks to more than the {size} bytes that its length field says", DAMAGED)
        if not decoder.eof:
            raise CodecError("the stream is cut short", DAMAGED)
        parts.append(part)
        room -= len(part)
        stream = stream[len(frame) - len(decoder.unused_data) :]
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _first_frame(stream: memoryview) -> memoryview:
    """Return the first frame alone: of what is behind it, the decoder would make a copy, once for each frame.

    A stream in which no frame ends is returned whole, for the decoder to say what is wrong with it.
    """
    try:
        return stream[: zstd.get_frame_size(stream)]
    except zstd.ZstdError:
        return stream
