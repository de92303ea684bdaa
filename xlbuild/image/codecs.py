"""The compressions of Linux's bzImage payloads, in the order in which Xen looks for them.

All but gzip are followed by four bytes that Linux's build appends: the unpacked size, little-endian, which the
output must have exactly (lz4: at most; the rest is zeros). The verdict on a truncated or damaged stream is the
real builder's: xz, lzma and bzip2 are content once the output is complete, even if the stream is not; zstd wants
every byte of its input to make sense.
"""

from __future__ import annotations

import bz2
import lzma
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from xlbuild.image.blob import Blob
from xlbuild.image.codecerror import CodecError
from xlbuild.image.gunzip import gunzip, unpacked_room
from xlbuild.profiles import XC_DOM_DECOMPRESS_MAX, Profile
from xlbuild.units import MIB, human_size

_SIZE_FIELD = 4
_LARGEST_ZSTD_WINDOW = 31
"""log2 of bytes; unpacking at one go, as Xen does, has no limit of its own."""


@dataclass(frozen=True, slots=True)
class Codec:
    """One compression."""

    name: str
    magic: bytes
    unpack: Callable[[Blob, Profile], Blob]
    """Raises CodecError."""


class _Decompressor(Protocol):
    def decompress(self, data: memoryview, max_length: int) -> bytes: ...


def unpack_gzip(payload: Blob, profile: Profile) -> Blob:
    """Unpack gzip: no size of Linux's behind it, the stream's own last four bytes give it."""
    room = unpacked_room(payload)
    if room is None:
        raise CodecError("it is too short, or claims to unpack to more than 1 GiB")
    if room > XC_DOM_DECOMPRESS_MAX:
        raise CodecError("it claims to unpack to 1 GiB, less than 16 bytes under the limit")
    data = gunzip(payload, room)
    if data is None:
        raise CodecError("the stream is damaged, cut short, or larger than it claims to be", _DAMAGED)
    return Blob.of(data, room)


def unpack_bzip2(payload: Blob, profile: Profile) -> Blob:
    """Unpack bzip2; only the first stream counts."""
    return _unpack_stream(payload, bz2.BZ2Decompressor(), (OSError, ValueError))


def unpack_xz(payload: Blob, profile: Profile) -> Blob:
    """Unpack xz within the release's memory limit; only the first stream counts."""
    decoder = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=profile.lzma_memory_limit)
    return _unpack_lzma(payload, decoder, profile)


def unpack_lzma(payload: Blob, profile: Profile) -> Blob:
    """Unpack lzma (the .lzma format, with or without a size of its own) within the release's memory limit."""
    decoder = lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=profile.lzma_memory_limit)
    return _unpack_lzma(payload, decoder, profile)


def unpack_zstd(payload: Blob, profile: Profile) -> Blob:
    """Unpack zstd: all frames there are, and nothing may stand behind them (ZSTD_decompress)."""
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    stream, size = _stream_and_size(payload)
    options: dict[int, int] = {zstd.DecompressionParameter.window_log_max: _LARGEST_ZSTD_WINDOW}
    parts: list[bytes] = []
    room = size
    while stream:
        decoder = zstd.ZstdDecompressor(options=options)
        try:
            part = decoder.decompress(stream, room + 1)
        except zstd.ZstdError as error:
            raise CodecError(str(error), _DAMAGED) from error
        if len(part) > room:
            raise CodecError(f"it unpacks to more than the {size} bytes that its length field says")
        if not decoder.eof:
            raise CodecError("the stream is cut short", _DAMAGED)
        parts.append(part)
        room -= len(part)
        stream = memoryview(decoder.unused_data)
    return _exactly(parts[0] if len(parts) == 1 else b"".join(parts), size)


def unpack_lzo(payload: Blob, profile: Profile) -> Blob:
    """Unpack an lzop file as Linux's build makes it."""
    from xlbuild.image.lzop import unpack_lzop

    stream, size = _stream_and_size(payload)
    return _exactly(unpack_lzop(stream, size), size)


def unpack_lz4(payload: Blob, profile: Profile) -> Blob:
    """Unpack lz4's legacy frame; the output may be shorter than the length field says, the rest is zeros."""
    from xlbuild.image.lz4legacy import unpack_legacy_frame

    stream, size = _stream_and_size(payload)
    return Blob.of(unpack_legacy_frame(stream, size), size)


_DAMAGED = "the file seems to be damaged: compare its size and checksum with the original"


def _stream_and_size(payload: Blob) -> tuple[memoryview, int]:
    """Split a payload into its stream and the unpacked size behind it."""
    if payload.size < _SIZE_FIELD:
        raise CodecError("it is too short")
    size = payload.last_u32()
    if size > XC_DOM_DECOMPRESS_MAX:
        raise CodecError(f"its length field says {human_size(size)}, more than the limit of 1 GiB", _DAMAGED)
    return payload.data[: payload.size - _SIZE_FIELD], size


def _unpack_lzma(payload: Blob, decoder: lzma.LZMADecompressor, profile: Profile) -> Blob:
    try:
        return _unpack_stream(payload, decoder, lzma.LZMAError)
    except CodecError as error:
        if isinstance(error.__cause__, lzma.LZMAError) and "emory" in str(error.__cause__):
            limit = profile.lzma_memory_limit // MIB
            raise CodecError(
                f"its dictionary needs more memory than the {limit} MiB that Xen {profile.name} grants",
                "pack the kernel with a smaller dictionary",
            ) from error
        raise


def _unpack_stream(
    payload: Blob, decoder: _Decompressor, errors: type[Exception] | tuple[type[Exception], ...]
) -> Blob:
    stream, size = _stream_and_size(payload)
    try:
        data = decoder.decompress(stream, size)
    except errors as error:
        raise CodecError(f"the stream is damaged ({error})", _DAMAGED) from error
    return _exactly(data, size)


def _exactly(data: bytes, size: int) -> Blob:
    if len(data) != size:
        raise CodecError(
            f"it unpacks to {len(data)} bytes, not to the {size} that its length field says", _DAMAGED
        )
    return Blob.of(data)


CODECS: tuple[Codec, ...] = (
    Codec("gzip", b"\x1f\x8b", unpack_gzip),
    Codec("bzip2", b"BZh", unpack_bzip2),
    Codec("xz", b"\xfd7zXZ\0", unpack_xz),
    Codec("zstd", b"\x28\xb5\x2f\xfd", unpack_zstd),
    Codec("lzma", b"\x5d\0", unpack_lzma),
    Codec("lzo", b"\x89LZO\0", unpack_lzo),
    Codec("lz4", b"\x02\x21", unpack_lz4),
)
"""Every compression, in order: the first whose magic stands at the payload's start is used."""
