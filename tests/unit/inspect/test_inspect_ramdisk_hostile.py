"""Ramdisks that are damaged or made to do harm: bounded work, no error but what the description says."""

import bz2
import gzip
import lzma
import struct
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xlbuild.inspect.ramdisks.describe import describe_ramdisk, ramdisk_parts

MIB = 1 << 20


def entry(name: bytes, data: bytes = b"", *, size: int | None = None, name_size: int | None = None) -> bytes:
    """Return an entry of the form newc, its sizes as they are or as told."""
    fields = [0] * 13
    fields[1], fields[4] = 0o100755, 1
    fields[6] = len(data) if size is None else size
    fields[11] = len(name) + 1 if name_size is None else name_size
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name + b"\0"
    head += bytes(-len(head) % 4)
    return head + data + bytes(-len(data) % 4)


TRAILER = entry(b"TRAILER!!!")
GOOD = entry(b"init", b"#!/bin/sh\n") + TRAILER


def described(data: bytes, **options: int) -> Any:
    told = describe_ramdisk(data, **options)
    assert told is not None
    return told


def test_the_archive_made_here_is_a_good_one() -> None:
    told = described(GOOD)
    assert told["problems"] == []
    assert told["members"][0]["files"] == 1


@pytest.mark.parametrize(
    ("data", "problem", "offset"),
    [
        (entry(b"a", size=0xFFFF_FFFF), "4294967295 of the 4294967295 bytes of a are missing", 0),
        (entry(b"a") + entry(b"b", b"1234")[:-2], "2 of the 4 bytes of b are missing", len(entry(b"a"))),
        (entry(b"a", name_size=0xFFFF_FFFF), "4294967295 bytes (Linux reads 1 to 4096)", 0),
        (entry(b"a", name_size=0), "name has 0 bytes", 0),
        (entry(b"a"), "ends without the entry TRAILER!!!", len(entry(b"a"))),
        (entry(b"a")[:111], "ends in the name of an entry", 0),
        (entry(b"a") + b"07070Z" + bytes(200), "there is no header of an entry", len(entry(b"a"))),
        (GOOD + b"\x01junk" * 9, "neither an archive nor a compressed stream", len(GOOD)),
        (GOOD + b"\0" + GOOD, "multiples of 4 bytes only", len(GOOD) + 1),
        (b"070701" + b"-0000001" * 13 + b"a\0", "there is no header of an entry", 0),
        (gzip.compress(b"hello", mtime=0), "it starts with 68 65 6c 6c 6f", 0),
        (gzip.compress(GOOD, mtime=0)[:30], "cut short", 30),
        (gzip.compress(GOOD + b"x", mtime=0), "no archive starts there", 0),
        (gzip.compress(entry(b"a"), mtime=0), "ends without the entry TRAILER!!!", 0),
        (b"\x02\x21\x4c\x18" + struct.pack("<I", 100) + b"abc", "of the block at 0x8 are missing", None),
        (b"\x89LZO\0\r\n\x1a\n\x10", "cut short in its header", None),
        (b"\x28\xb5\x2f\xfd" + b"\xff" * 40, "damaged", None),
        (b"BZh9" + bytes(40), "damaged", None),
        (b"\xfd7zXZ\0" + bytes(40), "damaged", None),
        (b"\x04\x22\x4d\x18" + bytes(40), "damaged", None),
    ],
)
def test_what_is_wrong_is_told_with_its_place(data: bytes, problem: str, offset: int | None) -> None:
    problems = described(data)["problems"]
    found = [each for each in problems if problem in each["problem"]]
    assert found, problems
    assert offset is None or found[0]["offset"] == hex(offset)


def test_a_name_that_drives_a_terminal_is_shown_as_escapes() -> None:
    assert described(entry(b"\x1b[2J\xff") + TRAILER)["names"] == [r"\x1b[2J\xff"]


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": partial(zlib.compress, level=9, wbits=31),
    "bzip2": bz2.compress,
    "xz": partial(lzma.compress, preset=0),
    "lzma": partial(lzma.compress, format=lzma.FORMAT_ALONE, preset=0),
}


@pytest.mark.parametrize("name", PACKERS)
def test_a_bomb_is_unpacked_as_far_as_the_work_goes(name: str) -> None:
    bomb = PACKERS[name](bytes(32 * MIB))
    told = described(bomb, most_work=8 * MIB)
    assert told["unpacked_size"] <= 9 * MIB
    assert "not read further" in told["problems"][-1]["problem"]
    assert not told["members"][0]["whole"]
    assert ramdisk_parts(bomb, most_work=8 * MIB) == ()


@pytest.mark.parametrize(
    "data",
    [
        b"\x02\x21\x4c\x18" * 100_000,
        b"\x02\x21\x4c\x18" + (struct.pack("<I", 1) + b"\0") * 100_000,
        entry(b"a") * 100_000,
        gzip.compress(entry(b"a") * 100_000, mtime=0),
    ],
    ids=["lz4 magics", "lz4 blocks", "entries", "packed entries"],
)
def test_many_small_steps_count_as_work(data: bytes) -> None:
    told = described(data, most_work=8 * MIB)
    assert "not read further" in told["problems"][-1]["problem"]


def test_many_streams_are_told_up_to_a_number() -> None:
    told = described(gzip.compress(GOOD, mtime=0) * 100)
    assert len(told["members"]) == 64
    assert "nothing is told of what is behind 64 archives" in str(told["problems"])


SEEDS = (
    GOOD,
    GOOD + gzip.compress(GOOD, mtime=0) + bytes(100) + bz2.compress(GOOD),
    lzma.compress(GOOD),
    b"hsqs" + bytes(200),
    bytes(0x438) + b"\x53\xef" + bytes(200),
    b"QFI\xfb",
    bytes(0x1BE) + b"\x80\0\0\0\x83" + bytes(3) + struct.pack("<II", 1, 2) + bytes(48) + b"\x55\xaa",
    bytes(0x200) + b"EFI PART" + b"\xff" * 400,
    bytes(0x8000) + b"\1CD001",
)


@settings(max_examples=400)
@given(st.sampled_from(SEEDS), st.integers(0, 1 << 16), st.binary(max_size=12), st.integers(0, 1 << 16))
def test_any_damage_is_described(seed: bytes, at: int, change: bytes, end: int) -> None:
    at %= len(seed)
    damaged = (seed[:at] + change + seed[at + len(change) :])[: end % (len(seed) + 1) or None]
    told = describe_ramdisk(damaged)
    assert told is None or told["size"] == len(damaged)
