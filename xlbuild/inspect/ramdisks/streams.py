"""Compressed streams, unpacked piece by piece and for so much work only, whatever they claim to hold.

Unlike `xlbuild.image.codecs`, which unpacks a kernel at one go as Xen does, nothing is kept here, and the end of a
stream is found: a ramdisk is often several streams, one after another.
"""

from __future__ import annotations

import bz2
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from xlbuild.image.codecerror import CodecError
from xlbuild.image.codecs import CODECS
from xlbuild.image.lzop import read_header
from xlbuild.units import KIB, MIB

_READ = 64 * KIB
"""Bytes that a decoder gets at a time."""
_WRITE = MIB
"""Bytes that it gives at a time."""
_STEP = 4 * KIB
"""What each step counts for beside its bytes, so that many steps for nothing come to an end, too."""
_WINDOW = 31
"""zlib's wbits for a gzip stream."""
_MEMORY = 256 * MIB
"""What an xz or lzma stream's dictionary may take."""
_WORD = 4
_LZ4_LEGACY = 0x184C2102
_LZ4_BLOCK = 8 * MIB
_LZ4_MOST_PACKED = _LZ4_BLOCK + _LZ4_BLOCK // 255 + 16
"""Bytes of the largest block of lz4's legacy format: one that does not shrink."""
_LZO_BLOCK = 256 * KIB

Errors = tuple[type[Exception], ...]


class BudgetSpentError(Exception):
    """A file asks for more work than it may."""


class Budget:
    """Work that may still be done for a file, in bytes read or unpacked."""

    __slots__ = ("left",)

    def __init__(self, left: int) -> None:
        """Start with so many bytes."""
        self.left = left

    def spend(self, work: int) -> None:
        """Count work that was done. Raises BudgetSpentError where it was the last."""
        self.left -= work
        if self.left < 0:
            raise BudgetSpentError


@dataclass(slots=True)
class Stream:
    """A compressed stream that starts at an offset of a file; `pieces` of its `codec` unpack it."""

    data: memoryview
    """The file."""
    start: int
    end: int
    """One past what has been read of it; once unpacked to its end, one past the stream."""
    budget: Budget
    size: int = 0
    """Bytes unpacked so far."""

    def word(self, offset: int, order: str) -> int:
        """Return an unsigned number of 32 bits. Raises CodecError behind the end of the file."""
        if offset + _WORD > len(self.data):
            raise CodecError(f"the stream is cut short at {len(self.data):#x}, where the file ends")
        big = order == "big"
        return int.from_bytes(self.data[offset : offset + _WORD], "big" if big else "little")

    def count(self, read: int, written: int, cost: int = 1) -> None:
        """Take note of a step. Raises BudgetSpentError."""
        self.size += written
        self.budget.spend(_STEP + read + cost * written)


Pieces = Callable[[Stream], Iterator[bytes]]
"""Yields what a stream unpacks to. Raises CodecError and BudgetSpentError."""


class _Decoder(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes | memoryview, max_length: int) -> bytes: ...


class _Inflater:
    """zlib's decoder with the interface of the others."""

    def __init__(self) -> None:
        self._inflater = zlib.decompressobj(wbits=_WINDOW)
        self._may_have_more = False

    @property
    def eof(self) -> bool:
        return self._inflater.eof

    @property
    def needs_input(self) -> bool:
        return not self._inflater.unconsumed_tail and not self._may_have_more

    @property
    def unused_data(self) -> bytes:
        return self._inflater.unused_data

    def decompress(self, data: bytes | memoryview, max_length: int) -> bytes:
        unpacked = self._inflater.decompress(data or self._inflater.unconsumed_tail, max_length)
        self._may_have_more = len(unpacked) == max_length
        return unpacked


def _pieces(
    stream: Stream, decoder: _Decoder, errors: Errors | type[Exception], cost: int = 1
) -> Iterator[bytes]:
    """Unpack with a decoder; `cost` is what a byte costs, where one of gzip costs 1."""
    while not decoder.eof:
        data = stream.data[stream.end : stream.end + _READ] if decoder.needs_input else b""
        if decoder.needs_input and not data:
            raise CodecError(f"the stream is cut short at {stream.end:#x}, where the file ends")
        try:
            unpacked = decoder.decompress(data, _WRITE)
        except errors as error:
            raise CodecError(f"the stream is damaged before {stream.end + len(data):#x} ({error})") from error
        stream.end += len(data)
        stream.count(len(data), len(unpacked), cost)
        if unpacked:
            yield unpacked
    stream.end -= len(decoder.unused_data or b"")


def _gzip(stream: Stream) -> Iterator[bytes]:
    return _pieces(stream, _Inflater(), zlib.error)


def _bzip2(stream: Stream) -> Iterator[bytes]:
    return _pieces(stream, bz2.BZ2Decompressor(), (OSError, ValueError), cost=16)


def _xz(stream: Stream) -> Iterator[bytes]:
    return _pieces(stream, lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY), lzma.LZMAError, cost=2)


def _lzma(stream: Stream) -> Iterator[bytes]:
    return _pieces(stream, lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=_MEMORY), lzma.LZMAError, cost=2)


def _zstd(stream: Stream) -> Iterator[bytes]:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return _pieces(stream, zstd.ZstdDecompressor(), zstd.ZstdError)


def _lz4_frame(stream: Stream) -> Iterator[bytes]:
    import lz4.frame

    decoder: _Decoder = lz4.frame.LZ4FrameDecompressor()
    return _pieces(stream, decoder, (RuntimeError, EOFError))


def _lz4_legacy(stream: Stream) -> Iterator[bytes]:
    """Unpack blocks up to the end of the file, or to a word that can be no block's size."""
    import lz4.block

    stream.end += _WORD
    while stream.end < len(stream.data):
        packed = stream.word(stream.end, "little")
        if packed == _LZ4_LEGACY:
            stream.end += _WORD
            stream.count(_WORD, 0)
            continue
        if not 0 < packed <= _LZ4_MOST_PACKED:
            return
        start = stream.end + _WORD
        block = _block(stream, start, packed)
        try:
            unpacked = bytes(lz4.block.decompress(block, uncompressed_size=_LZ4_BLOCK))
        except lz4.block.LZ4BlockError as error:
            raise CodecError(f"the block at {start:#x} is damaged") from error
        stream.end = start + packed
        stream.count(packed, len(unpacked))
        yield unpacked


def _lzop(stream: Stream) -> Iterator[bytes]:
    """Unpack the blocks of a lzop file; its checksums are passed over."""
    from lzallright import LZOCompressor, LZOError

    header = read_header(stream.data[stream.start : stream.start + _READ])
    stream.end = stream.start + header.end
    while unpacked := stream.word(stream.end, "big"):
        packed = stream.word(stream.end + _WORD, "big")
        sums = header.sums_unpacked + (header.sums_packed if packed < unpacked else 0)
        start = stream.end + (2 + sums) * _WORD
        if not 0 < packed <= unpacked <= _LZO_BLOCK:
            raise CodecError(f"the block at {start:#x} has an impossible size")
        block = _block(stream, start, packed)
        try:
            data = bytes(block) if packed == unpacked else LZOCompressor.decompress(bytes(block), unpacked)
        except LZOError as error:
            raise CodecError(f"the block at {start:#x} is damaged") from error
        stream.end = start + packed
        stream.count(packed, len(data))
        yield data
    stream.end += _WORD


def _block(stream: Stream, start: int, size: int) -> memoryview:
    if start + size > len(stream.data):
        raise CodecError(
            f"the stream is cut short: {start + size - len(stream.data)} bytes of the block at {start:#x} are missing"
        )
    return stream.data[start : start + size]


@dataclass(frozen=True, slots=True)
class Packing:
    """A compression as whole files have it."""

    name: str
    magic: bytes
    pieces: Pieces
    unpack: str
    """The command that undoes it."""


_MAGICS = {codec.name: codec.magic for codec in CODECS}

PACKINGS: tuple[Packing, ...] = (
    Packing("gzip", _MAGICS["gzip"], _gzip, "gunzip"),
    Packing("bzip2", _MAGICS["bzip2"], _bzip2, "bunzip2"),
    Packing("xz", _MAGICS["xz"], _xz, "xz -d"),
    Packing("zstd", _MAGICS["zstd"], _zstd, "zstd -d"),
    Packing("lzma", _MAGICS["lzma"] + b"\0", _lzma, "xz -d --format=lzma"),
    Packing("lzo", _MAGICS["lzo"], _lzop, "lzop -d"),
    Packing("lz4", _MAGICS["lz4"] + b"\x4c\x18", _lz4_legacy, "lz4 -d"),
    Packing("lz4 frame", b"\x04\x22\x4d\x18", _lz4_frame, "lz4 -d"),
)
"""Every compression, by the bytes that a stream starts with."""


def packing_at(data: memoryview, offset: int) -> Packing | None:
    """Return the compression of the stream that starts at an offset of a file; None: none starts there."""
    for packing in PACKINGS:
        if data[offset : offset + len(packing.magic)] == packing.magic:
            return packing
    return None


def open_stream(data: memoryview, offset: int, budget: Budget) -> Stream:
    """Return the stream that starts at an offset of a file, with nothing unpacked yet."""
    return Stream(data, offset, offset, budget)
