"""The compressions of Linux's bzImage payloads, in the order in which Xen looks for them.

All but gzip are followed by four bytes that Linux's build appends: the unpacked size, little-endian, which the
output must have exactly (lz4 until 4.22: at most; the rest is zeros). The verdict on a truncated or damaged
stream is the real builder's: xz, lzma and bzip2 are content once the output is complete, even if the stream is not;
zstd wants every byte of its input to make sense.
"""

from __future__ import annotations

import bz2
import lzma
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from xlbuild.image.blob import Blob
from xlbuild.image.codecerror import DAMAGED, CodecError
from xlbuild.image.gunzip import PADDING, gunzip, limit_text, unpacked_room
from xlbuild.profiles import XC_DOM_DECOMPRESS_MAX, Profile
from xlbuild.units import MIB, human_size

_SIZE_FIELD = 4


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
        raise CodecError("it is too short, or claims to unpack to more than 1 GiB", DAMAGED)
    if room > profile.kernel_max_size:
        limit = profile.kernel_max_size
        says = f"it needs room for {room:,} bytes, {PADDING} more than it says that it unpacks to"
        raise CodecError(f"{says}; {limit_text(limit)}", _mend_of_size(room, limit))
    data = gunzip(payload, room)
    if data is None:
        raise CodecError("the stream is damaged, cut short, or larger than it claims to be", DAMAGED)
    return Blob.of(data, room)


def unpack_bzip2(payload: Blob, profile: Profile) -> Blob:
    """Unpack bzip2; only the first stream counts."""
    return _unpack_stream(payload, bz2.BZ2Decompressor(), (OSError, ValueError), profile)


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
    from xlbuild.image.zstdframes import unpack_frames

    stream, size = _stream_and_size(payload, profile)
    return _exactly(unpack_frames(stream, size), size)


def unpack_lzo(payload: Blob, profile: Profile) -> Blob:
    """Unpack an lzop file as Linux's build makes it."""
    from xlbuild.image.lzop import unpack_lzop

    stream, size = _stream_and_size(payload, profile)
    return _exactly(unpack_lzop(stream, size), size)


def unpack_lz4(payload: Blob, profile: Profile) -> Blob:
    """Unpack lz4's legacy frame; until 4.22 the output may be shorter than the length field says: zeros follow."""
    from xlbuild.image.lz4legacy import unpack_legacy_frame

    stream, size = _stream_and_size(payload, profile)
    data = unpack_legacy_frame(stream, size)
    return Blob.of(data, size) if profile.lz4_fills_up else _exactly(data, size)


def _stream_and_size(payload: Blob, profile: Profile) -> tuple[memoryview, int]:
    """Split a payload into its stream and the unpacked size behind it, which is within the limit."""
    if payload.size < _SIZE_FIELD:
        raise CodecError("it is too short", DAMAGED)
    size = payload.last_u32()
    limit = profile.kernel_max_size
    if size > limit:
        says = f"its length field says {human_size(size)}; {limit_text(limit)}"
        raise CodecError(says, _mend_of_size(size, limit))
    return payload.data[: payload.size - _SIZE_FIELD], size


def _mend_of_size(size: int, limit: int) -> str:
    """Return the mend of a payload that claims to be over the limit: Xen's own nobody can raise."""
    if size > XC_DOM_DECOMPRESS_MAX or limit == XC_DOM_DECOMPRESS_MAX:
        return DAMAGED
    return (
        "allow more with --max-kernel-size; if it is not so large, compare its checksum with the original's"
    )


def _unpack_lzma(payload: Blob, decoder: lzma.LZMADecompressor, profile: Profile) -> Blob:
    try:
        return _unpack_stream(payload, decoder, lzma.LZMAError, profile)
    except CodecError as error:
        if isinstance(error.__cause__, lzma.LZMAError) and "emory" in str(error.__cause__):
            limit = profile.lzma_memory_limit // MIB
            raise CodecError(
                f"its dictionary needs more memory than the {limit} MiB that Xen {profile.name} grants",
                "pack the kernel with a smaller dictionary",
            ) from error
        raise


def _unpack_stream(
    payload: Blob,
    decoder: _Decompressor,
    errors: type[Exception] | tuple[type[Exception], ...],
    profile: Profile,
) -> Blob:
    stream, size = _stream_and_size(payload, profile)
    try:
        data = decoder.decompress(stream, size)
    except errors as error:
        raise CodecError(f"the stream is damaged ({error})", DAMAGED) from error
    return _exactly(data, size)


def _exactly(data: bytes, size: int) -> Blob:
    if len(data) != size:
        raise CodecError(
            f"it unpacks to {len(data)} bytes, not to the {size} that its length field says", DAMAGED
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
