"""Ramdisks: unzipped until Xen 4.20, and how long the guest is told they are.

The expected contents and lengths are those of Xen 4.17's own library; the live test asks it again:
`xcbuild --type pv --kernel packed/kernel --ramdisk FILE` (tests/oracle), the segment module0.
"""

import json
import struct
from pathlib import Path

import pytest
from kernels import gzip_stored, packed, pattern
from toolstack import Toolstack

from xlbuild.errors import RefusedError
from xlbuild.image import prepare_module
from xlbuild.profiles import PROFILES
from xlbuild.units import bytes_of

XEN_4_17, XEN_4_20 = PROFILES[0], PROFILES[3]
RAW = packed()
ZIPPED = packed(".gz")
SIZE, FILE = len(RAW), len(ZIPPED)
LIMIT = 1 << 30


def claiming(size: int) -> bytes:
    return ZIPPED + struct.pack("<I", size)


WRONG_CHECKSUM = ZIPPED[:-8] + b"abcd" + ZIPPED[-4:]
SMALL_MEMBER = ZIPPED + gzip_stored(b"x")

CASES: dict[str, tuple[bytes, bytes, int]] = {
    "not packed": (RAW, RAW, SIZE),
    "gzip": (ZIPPED, RAW, SIZE + 16),
    "gzip that grew": (gzip_stored(RAW), RAW, SIZE + 23),
    "two members": (ZIPPED + ZIPPED, RAW, SIZE + 16),
    "padding behind it": (ZIPPED + bytes(100), ZIPPED + bytes(100), FILE + 100),
    "a small last member": (SMALL_MEMBER, SMALL_MEMBER, FILE + 24),
    "claims as much as there is room for": (claiming(SIZE - 16), RAW, SIZE),
    "claims too little": (claiming(SIZE - 17), claiming(SIZE - 17), SIZE - 1),
    "claims too much": (claiming(100_000), RAW, 100_016),
    "claims all there may be": (claiming(LIMIT - 16), RAW, LIMIT),
    "claims a little more": (claiming(LIMIT - 15), claiming(LIMIT - 15), FILE + 4),
    "claims more than the limit": (claiming(LIMIT + 1), claiming(LIMIT + 1), FILE + 4),
    "a wrong checksum": (WRONG_CHECKSUM, WRONG_CHECKSUM, SIZE + 16),
    "only the magic": (b"\x1f\x8b", b"\x1f\x8b", 2),
    "nothing, packed": (gzip_stored(b""), b"", 23),
    "one byte": (b"x", b"x", 1),
    "noise": (pattern(5000), pattern(5000), 5000),
}
"""For each file its contents in guest memory, before zeros, and the length."""


@pytest.mark.parametrize("name", CASES)
def test_a_module_as_xen_4_17_loads_it(name: str) -> None:
    file, content, length = CASES[name]
    module = prepare_module(file, XEN_4_17)
    assert (bytes(module.data), module.length) == (content, length)
    assert module.unzipped == (content != file)


@pytest.mark.parametrize("name", CASES)
def test_a_module_as_xen_s_own_library_loads_it(name: str, oracle: Toolstack, tmp_path: Path) -> None:
    file, content, length = CASES[name]
    kernel, ramdisk = tmp_path / "kernel", tmp_path / "ramdisk"
    kernel.write_bytes(packed())
    ramdisk.write_bytes(file)
    arguments = ("--type", "pv", "--memory", "1200", "--kernel", kernel, "--ramdisk", ramdisk)
    status, directory = oracle.xcbuild(*arguments)
    assert status == 0
    segments = json.loads((directory / "domain.json").read_text())["segments"]
    (segment,) = [segment for segment in segments if segment["name"] == "module0"]
    assert int(segment["vend"], 16) - int(segment["vstart"], 16) == length
    with (directory / "memory.img").open("rb") as memory:
        memory.seek(bytes_of(int(segment["pfn"], 16)))
        assert memory.read(len(content) + 4096).startswith(
            content.ljust(min(length, len(content) + 4096), b"\0")
        )


def test_from_4_20_on_a_gzip_file_stays_as_it_is() -> None:
    module = prepare_module(ZIPPED, XEN_4_20)
    assert (bytes(module.data), module.length, module.unzipped) == (ZIPPED, FILE, False)


def test_an_empty_module_is_refused() -> None:
    with pytest.raises(RefusedError) as caught:
        prepare_module(b"", XEN_4_17, name="initrd.gz")
    assert (caught.value.code, str(caught.value.where)) == ("module-empty", "initrd.gz")
