"""Fast ways to pack a file with each of the codecs, as Linux's build does it, for what is behind them."""

import bz2
import gzip
import lzma
import struct
import sys
from collections.abc import Callable

import lz4.block
from dice import Dice
from kernels import bzimage, gzip_stored, sized
from randomfile import CODECS

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Pack = Callable[[bytes], bytes]


def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, 1, mtime=0)


def _bzip2(data: bytes) -> bytes:
    return sized(bz2.compress(data, 1), len(data))


def _xz(data: bytes) -> bytes:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 16}]
    return sized(lzma.compress(data, lzma.FORMAT_XZ, lzma.CHECK_CRC32, filters=filters), len(data))


def _lzma(data: bytes) -> bytes:
    filters = [{"id": lzma.FILTER_LZMA1, "preset": 0, "dict_size": 1 << 16}]
    return sized(lzma.compress(data, lzma.FORMAT_ALONE, filters=filters), len(data))


def _zstd(data: bytes) -> bytes:
    return sized(zstd.compress(data, 1), len(data))


def _lzo(data: bytes) -> bytes:
    return CODECS["lzo"][1](Dice(0), data)


def _lz4(data: bytes) -> bytes:
    """Pack into blocks of 4 KiB, so that small files have several."""
    stream = struct.pack("<I", 0x184C_2102)
    for at in range(0, len(data), 4096):
        packed = lz4.block.compress(data[at : at + 4096], store_size=False)
        stream += struct.pack("<I", len(packed)) + packed
    return sized(stream, len(data))


PACKERS: dict[str, Pack] = {
    "gzip": _gzip,
    "bzip2": _bzip2,
    "xz": _xz,
    "zstd": _zstd,
    "lzma": _lzma,
    "lzo": _lzo,
    "lz4": _lz4,
}
"""By the codecs' names; the size that Linux's build appends is part of what they return."""


def gzip_whole(data: bytes) -> bytes:
    """Return a gzip file that stores what it holds."""
    return gzip_stored(data)


def bzimage_around(payload: bytes) -> bytes:
    """Return a bzImage around a payload."""
    return bzimage(payload, setup_sectors=1)
