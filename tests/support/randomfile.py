"""What random files are packed in, and how they are damaged; random ramdisks."""

import bz2
import gzip
import lzma
import struct
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import lz4.block
from dice import Dice
from kernels import bzimage, gzip_stored, sized
from lzallright import LZOCompressor

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


@dataclass(frozen=True)
class File:
    """A file's bytes and what they are."""

    data: bytes
    label: str
    stand_in: bytes | None = None
    """The same packed otherwise, when the real library was built without its codec."""


def _gzip(dice: Dice, data: bytes) -> bytes:
    return gzip_stored(data) if dice.chance(30) else gzip.compress(data, dice.pick(1, 6, 9), mtime=0)


def _xz(dice: Dice, data: bytes) -> bytes:
    check = dice.pick(
        lzma.CHECK_CRC32, lzma.CHECK_CRC32, lzma.CHECK_NONE, lzma.CHECK_CRC64, lzma.CHECK_SHA256
    )
    branches = [{"id": lzma.FILTER_X86}] if dice.chance(30) else []
    dictionary = dice.weighted(((12, 1 << 20), (6, 1 << 23), (1, 1 << 27)))
    filters = [*branches, {"id": lzma.FILTER_LZMA2, "preset": 1, "dict_size": dictionary}]
    return sized(lzma.compress(data, lzma.FORMAT_XZ, check, filters=filters), len(data))


def _lzma(dice: Dice, data: bytes) -> bytes:
    return sized(lzma.compress(data, lzma.FORMAT_ALONE, preset=dice.pick(0, 1, 6)), len(data))


def _zstd(dice: Dice, data: bytes) -> bytes:
    """One or two frames, with their size in the header or, as a pipe makes them, without."""
    cut = dice.place(len(data)) if dice.chance(10) else len(data)
    piped, level = dice.chance(50), dice.pick(1, 3, 9, 19)
    stream = b""
    for part in filter(None, (data[:cut], data[cut:])):
        packer = zstd.ZstdCompressor(level)
        stream += packer.compress(part) + packer.flush() if piped else zstd.compress(part, level)
    return sized(stream, len(data))


def _lz4(dice: Dice, data: bytes) -> bytes:
    block = dice.pick(8 << 20, 8 << 20, 4096, 0x1_0000)
    stream = struct.pack("<I", 0x184C_2102)
    for at in range(0, len(data), block):
        packed = lz4.block.compress(data[at : at + block], store_size=False)
        stream += struct.pack("<I", len(packed)) + packed
    return sized(stream, len(data))


def _bzip2(dice: Dice, data: bytes) -> bytes:
    return sized(bz2.compress(data, dice.pick(1, 9)), len(data))


def _lzo(dice: Dice, data: bytes) -> bytes:
    """A lzop file of 256 KiB blocks (see xlbuild/image/lzop.py)."""
    fields = struct.pack(">HHHBBIIIIB", 0x1030, 0x20A0, 0x0940, 3, 9, 1, 0o644, 0, 0, 0)
    stream = b"\x89LZO\0\r\n\x1a\n" + fields + struct.pack(">I", zlib.adler32(fields))
    for at in range(0, len(data), 1 << 18):
        block = data[at : at + (1 << 18)]
        packed = LZOCompressor().compress(block)
        packed = packed if len(packed) < len(block) else block
        stream += struct.pack(">III", len(block), len(packed), zlib.adler32(block)) + packed
    return sized(stream + bytes(4), len(data))


def _none(dice: Dice, data: bytes) -> bytes:
    return data


Pack = Callable[[Dice, bytes], bytes]

CODECS: dict[str, tuple[float, Pack]] = {
    "gzip": (6, _gzip),
    "xz": (6, _xz),
    "lzma": (4, _lzma),
    "zstd": (6, _zstd),
    "lz4": (6, _lz4),
    "none": (3, _none),
    "bzip2": (2, _bzip2),
    "lzo": (2, _lzo),
}
"""Payloads of a bzImage."""

WITHOUT_CODEC = ("bzip2", "lzo")
"""What Debian's library is built without."""


def packed(dice: Dice, file: File) -> File:
    """Return a kernel as it is, gzip'd, or as a bzImage that may be gzip'd as well."""
    if dice.chance(35 if file.data.startswith(b"\x7fELF") else 3):
        file = _as_bzimage(dice, file)
    if dice.chance(15):
        stand_in = None if file.stand_in is None else gzip_stored(file.stand_in)
        file = File(_gzip(dice, file.data), f"{file.label}; gzip", stand_in)
    return file


def _as_bzimage(dice: Dice, file: File) -> File:
    codec = dice.weighted([(weight, name) for name, (weight, _) in CODECS.items()])
    payload = CODECS[codec][1](dice, file.data)
    label = f"{file.label}; bzImage {codec}"
    if dice.chance(6):
        wrong = dice.pick(
            0, 1, len(file.data) - 1, len(file.data) + 1, len(file.data) + 5000, 1 << 30, (1 << 30) + 1
        )
        return File(bzimage(payload[:-4] + struct.pack("<I", wrong)), f"{label}, wrong length")
    if dice.chance(4):
        rubbish = dice.randbytes(dice.pick(1, 4, 100))
        return File(bzimage(sized(payload[:-4] + rubbish, len(file.data))), f"{label}, rubbish behind it")
    sectors, version = dice.pick(4, 4, 0, 1, 30, 255), dice.weighted(((50, 0x20C), (45, 0x208), (5, 0x207)))
    stand_in = None
    if codec in WITHOUT_CODEC:
        other = sized(lzma.compress(file.data, lzma.FORMAT_XZ, lzma.CHECK_CRC32), len(file.data))
        stand_in = bzimage(other, setup_sectors=sectors, version=version)
    return File(bzimage(payload, setup_sectors=sectors, version=version), label, stand_in)


# Damage


def _cut(dice: Dice, data: bytes) -> bytes:
    return data[: dice.place(len(data))] if dice.chance(70) else data[: -dice.randrange(1, 64)]


def _flip(dice: Dice, data: bytes) -> bytes:
    return _changed(dice, data, lambda old: old ^ 1 << dice.randrange(8))


def _set(dice: Dice, data: bytes) -> bytes:
    return _changed(dice, data, lambda old: dice.pick(0, 1, 2, 0x7F, 0x80, 0xFF))


def _changed(dice: Dice, data: bytes, change: Callable[[int], int]) -> bytes:
    """Change a few bytes, most of them near the start, where the headers are."""
    changed = bytearray(data)
    for _ in range(dice.pick(1, 1, 2, 8)):
        at = dice.place(len(data), towards_the_start=dice.pick(1, 4, 8))
        if at < len(changed):
            changed[at] = change(changed[at])
    return bytes(changed)


def _zero(dice: Dice, data: bytes) -> bytes:
    at, size = dice.place(len(data)), dice.pick(1, 16, 512, 4096)
    return data[:at] + bytes(len(data[at : at + size])) + data[at + size :]


def _extend(dice: Dice, data: bytes) -> bytes:
    return data + dice.pick(bytes(dice.pick(1, 4, 16, 5000)), dice.randbytes(dice.pick(1, 4, 16, 5000)), data)


def _nothing(dice: Dice, data: bytes) -> bytes:
    return b""


def _another_file(dice: Dice, data: bytes) -> bytes:
    return dice.pick(
        dice.randbytes(5000), bytes(8192), b"text\n" * 200, b"\x7fELF", b"\x1f\x8b", b"BZh91AY&SY"
    )


DAMAGE: tuple[tuple[float, Pack], ...] = (
    (6, _cut),
    (6, _flip),
    (5, _set),
    (3, _zero),
    (4, _extend),
    (1, _nothing),
    (1, _another_file),
)


def damaged(dice: Dice, file: File) -> File:
    """Return the file with something wrong with it."""
    damage = dice.weighted(DAMAGE)
    return File(damage(dice, file.data), f"{file.label}; {damage.__name__.strip('_').replace('_', ' ')}")


def ramdisk(dice: Dice) -> File:
    """Return a ramdisk: raw or gzip'd, whole or damaged."""
    size = dice.pick(1, 4095, 4096, 4097, 70_000, dice.randrange(1, 300_000), 3_000_000)
    file = File(dice.randbytes(min(size, 100_000)).ljust(size, b"r"), f"{size} bytes")
    if dice.chance(60):
        file = File(_gzip(dice, file.data), f"{file.label}; gzip")
        if dice.chance(15):
            file = File(
                file.data + _gzip(dice, dice.randbytes(dice.pick(10, 9999))), f"{file.label}, two members"
            )
        if dice.chance(15):
            claim = struct.pack("<I", dice.pick(0, size - 1 & 0xFFFF_FFFF, size + 5000, 1 << 30, 0xFFFF_FFFF))
            file = File(file.data + claim, f"{file.label}, a claim behind it")
    return damaged(dice, file) if dice.chance(12) else file
