"""Kernels made to take time and memory: with a limit for a kernel's size, a clear end soon, in bounded memory."""

import bz2
import gzip
import lzma
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import lz4.block
import pytest
import smallprocess
from kernels import Load, Section, bzimage, elf_file, note, sized

MIB = 1 << 20
LIMIT = 32 * MIB
MOST_MEMORY = 256 * MIB
"""Bytes that a run may have at its peak, measured by the kernel."""

SECONDS = 10
"""Ten times what the slowest takes on an idle machine: a machine that runs tests is busy."""

EMPTY_ZSTD_FRAME = bytes.fromhex("28b52ffd2000010000")
ZSTD_MAGIC = EMPTY_ZSTD_FRAME[:4]
LZ4_MAGIC = b"\x02\x21\x4c\x18"
LZOP_HEAD = b"\x89LZO\0\r\n\x1a\n" + struct.pack(
    ">HHHBBIIIIBI", 0x1040, 0x20A0, 0x940, 3, 9, 1, 0, 0, 0, 0, 0
)
SEGMENT = Load(0x10_0000, b"\xf4" * 64)


def zstd_frame(window_log: int, blocks: bytes) -> bytes:
    """Make a frame without a content size, and with a window of its own."""
    return ZSTD_MAGIC + bytes([0, (window_log - 10) << 3]) + blocks


def zstd_runs(size: int, block: int = 128 << 10) -> bytes:
    """Make blocks, each of which is one byte repeated."""
    count = size // block
    return b"".join(
        struct.pack("<I", (block << 3) | 2 | (number == count - 1))[:3] + b"\0" for number in range(count)
    )


def lz4_frame(*blocks: bytes) -> bytes:
    return LZ4_MAGIC + b"".join(struct.pack("<I", len(block)) + block for block in blocks)


def xz_with_dictionary(data: bytes, mib: int) -> bytes:
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": mib * MIB, "mode": lzma.MODE_FAST, "mf": lzma.MF_HC3}]
    return lzma.compress(data, lzma.FORMAT_XZ, filters=filters)


def lzma_with_dictionary(data: bytes, mib: int) -> bytes:
    stream = lzma.compress(data, lzma.FORMAT_ALONE, preset=0)
    return stream[:1] + struct.pack("<I", mib * MIB) + stream[5:]


def features_everywhere() -> bytes:
    """65,000 note segments, all of them one FEATURES note."""
    notes = note("FEATURES", "|".join(["a"] * 2040))
    load = Load(0, notes, header={"p_type": 4})
    return elf_file([load], header={"e_phnum": 65_000, "e_phentsize": 0})


def sections(count: int) -> bytes:
    """A kernel without notes and with sections that all have nearly the name of the one that is looked for."""
    many = [Section("__xen_guesu", 1, b"", align=1)] * count
    return elf_file([SEGMENT], sections=many)


def segments_everywhere() -> bytes:
    """60,000 segments, each in a place of its own, from the last to the first and then in between."""
    places = [*range(59_998, -1, -2), *range(1, 60_000, 2)]
    segments = b"".join(
        struct.pack("<IIQQQQQQ", 1, 7, 0, 0x10_0000 + 64 * n, 0x10_0000 + 64 * n, 32, 32, 1) for n in places
    )
    kernel = bytearray(elf_file([], [("PHYS32_ENTRY", 0x10_0000)], header={"e_phnum": 1}))
    table = len(kernel)
    struct.pack_into("<Q", kernel, 32, table)
    note_header = kernel[64 : 64 + 56]
    struct.pack_into("<H", kernel, 56, len(places) + 1)
    return bytes(kernel + note_header) + segments


HOSTILE: dict[str, Callable[[], bytes]] = {
    "zstd, a window of 2 GiB": lambda: bzimage(sized(zstd_frame(31, zstd_runs(LIMIT)), LIMIT)),
    "zstd, a window of 2 GiB, larger than it says": lambda: bzimage(
        sized(zstd_frame(31, zstd_runs(20 * LIMIT)), LIMIT)
    ),
    "zstd, millions of frames": lambda: bzimage(sized(EMPTY_ZSTD_FRAME * 3_000_000, 0)),
    "zstd, as many frames as go": lambda: bzimage(sized(EMPTY_ZSTD_FRAME * 65536 + b"\0" * 20 * MIB, 0)),
    "xz, a dictionary of 1.5 GiB": lambda: bzimage(sized(xz_like(1536), LIMIT)),
    "xz, a dictionary of 190 MiB": lambda: bzimage(sized(xz_like(192), LIMIT)),
    "lzma, a dictionary of 4 GiB": lambda: bzimage(sized(lzma_with_dictionary(bytes(LIMIT), 4095), LIMIT)),
    "lzma, a dictionary of 190 MiB": lambda: bzimage(
        sized(lzma_with_dictionary(bytes(3 * LIMIT), 190), LIMIT)
    ),
    "bzip2, a bomb": lambda: bzimage(sized(bz2.compress(bytes(4 * LIMIT)), LIMIT)),
    "gzip, a bomb": lambda: bzimage(sized(gzip.compress(bytes(4 * LIMIT), 1)[:-4], LIMIT - 16)),
    "gzip, claims 1 GiB": lambda: bzimage(sized(gzip.compress(bytes(LIMIT), 1)[:-4], (1 << 30) - 16)),
    "gzip, the whole file, claims 1 GiB": lambda: sized(gzip.compress(bytes(LIMIT), 1)[:-4], (1 << 30) - 16),
    "gzip of gzip of gzip": lambda: gzip.compress(gzip.compress(gzip.compress(bytes(LIMIT)))),
    "gzip of a bzImage of gzip": lambda: gzip.compress(
        bzimage(gzip.compress(bytes(LIMIT - 16)) + bytes(LIMIT - 8 * MIB), length=62_000), 1
    ),
    "lz4, millions of empty blocks": lambda: bzimage(sized(LZ4_MAGIC + bytes(30 * MIB), LIMIT)),
    "lz4, millions of blocks of nothing": lambda: bzimage(
        sized(LZ4_MAGIC + b"\1\0\0\0\0" * 6_000_000, LIMIT)
    ),
    "lz4, millions of magics": lambda: bzimage(sized(LZ4_MAGIC * (7 * MIB), LIMIT)),
    "lz4, bombs": lambda: bzimage(
        sized(lz4_frame(*[lz4.block.compress(bytes(8 * MIB), store_size=False)] * 8), LIMIT)
    ),
    "lz4, as many blocks as go": lambda: bzimage(sized(lz4_frame(*[b"\x10a"] * 65_000), LIMIT)),
    "lzo, millions of blocks": lambda: bzimage(
        sized(LZOP_HEAD + (struct.pack(">III", 1, 1, 0) + b"x") * 2_000_000 + bytes(4), 2_000_000)
    ),
    "notes, FEATURES in 65,000 segments": features_everywhere,
    "sections, 65,000": lambda: sections(65_000),
    "segments, 60,000": segments_everywhere,
    "multiboot, its magic everywhere": lambda: (0x336EC578).to_bytes(4, "little") * (7 * MIB),
    "a text file of 30 MiB": lambda: b"a|" * (15 * MIB),
}


SLOWER_AS_PV = {"sections, 65,000"}
"""As a PVH kernel, whose loaders are two, the others take longer."""


def xz_like(mib: int) -> bytes:
    """Make an xz stream whose header asks for a dictionary of some MiB, from one that does not need it."""
    stream = bytearray(lzma.compress(bytes(4 * LIMIT), preset=0))
    size = mib * MIB
    code = next(c for c in range(40) if (2 | c & 1) << (c // 2 + 11) >= size)
    at = 12  # the block header: size, flags, filter id, size of properties, properties
    stream[at + 4] = code
    end = at + (stream[at] + 1) * 4
    stream[end - 4 : end] = struct.pack("<I", zlib.crc32(stream[at : end - 4]))
    return bytes(stream)


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_kernel_comes_to_an_end_soon_and_in_bounded_memory(tmp_path: Path, what: str) -> None:
    kind = "pv" if what in SLOWER_AS_PV else "pvh"
    (tmp_path / "kernel").write_bytes(HOSTILE[what]())
    (tmp_path / "guest.cfg").write_text(f'name = "g"\ntype = "{kind}"\nkernel = "kernel"\nmemory = 256\n')
    command = "create -n -q --max-kernel-size 32M guest.cfg"
    done = smallprocess.run(tmp_path, *command.split())
    assert done.returncode in (0, 3), done.stderr
    assert "internal error" not in done.stderr
    assert done.peak_memory < MOST_MEMORY
    assert done.seconds < SECONDS
