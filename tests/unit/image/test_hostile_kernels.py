"""Whatever a file holds, loading it gives a kernel or a refusal: no traceback, no endless loop, no stray piece."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_answers import segment_bytes
from kernel_cases import CASES
from kernels import Load, Table, binary, bzimage, elf_file, note, packed, sized

from xlbuild.errors import RefusedError
from xlbuild.image import KernelImage, load_kernel
from xlbuild.image.codecs import CODECS, Codec
from xlbuild.profiles import NEWEST

FILES = [
    CASES[name][1]
    for name in (
        "a plain PV kernel",
        "a PVH kernel",
        "firmware",
        "a __xen_guest string with features",
        "32-bit symbols behind 0x1231, 19 bytes of strings",
        "64-bit symbols, PVH",
        "bzImage, .xz, length +0",
        "gzip",
        "multiboot, an ELF file, pv",
    )
]
SMALL = 1 << 26


def try_to_load(data: bytes, hvm_container: bool) -> KernelImage | None:
    try:
        return load_kernel(data, name="kernel", hvm_container=hvm_container, profile=NEWEST)
    except RefusedError as error:
        refusal = error
    assert refusal.message
    assert refusal.where.file == "kernel"
    return None


@settings(max_examples=400)
@given(
    file=st.sampled_from(FILES),
    changes=st.lists(st.tuples(st.integers(0, 1 << 16), st.binary(min_size=1, max_size=8)), max_size=6),
    length=st.integers(0, 1 << 13) | st.none(),
    hvm_container=st.booleans(),
)
def test_a_damaged_kernel_is_taken_or_refused(
    file: bytes, changes: list[tuple[int, bytes]], length: int | None, hvm_container: bool
) -> None:
    data = bytearray(file)
    for place, replacement in changes:
        at = place % len(file)
        data[at : at + len(replacement)] = replacement
    image = try_to_load(bytes(data[:length]), hvm_container)
    if image is not None and image.end - image.start < SMALL:
        segment_bytes(image)


WORDS = st.sampled_from([0, 1, 0xFFF, 0x1000, 0x100000, 0x100400, 0x105000, 1 << 31, (1 << 32) - 1])
ADDRESSES = st.builds(lambda word, more: word + more, WORDS, st.integers(-8, 8)) | st.integers(
    0, (1 << 32) - 1
)


@settings(max_examples=300)
@given(
    table=st.builds(
        Table,
        header=ADDRESSES,
        load=ADDRESSES,
        load_end=ADDRESSES,
        bss_end=ADDRESSES,
        entry=ADDRESSES,
        flags=st.sampled_from([0x14000, 0x18000, 0x1C001]) | st.integers(0, (1 << 32) - 1),
    ),
    at=st.integers(0, 0x2100),
    size=st.integers(0, 0x3000),
)
def test_any_multiboot_table_is_taken_or_refused(table: Table, at: int, size: int) -> None:
    image = try_to_load(binary(table, at, size), False)
    if image is not None and image.end - image.start < SMALL:
        segment_bytes(image)


@settings(max_examples=100)
@given(
    data=st.binary(max_size=300),
    magic=st.sampled_from([b"", b"\x7fELF\x02\x01\x01", b"\x7fELF\x01\x01\x01", b"MZ"]),
)
def test_noise_is_taken_or_refused(data: bytes, magic: bytes) -> None:
    for hvm_container in (False, True):
        try_to_load(magic + data, hvm_container)


@settings(max_examples=100)
@given(
    codec=st.sampled_from(CODECS),
    change=st.tuples(st.integers(0, 400), st.integers(0, 255)),
    noise=st.binary(max_size=40),
)
def test_a_damaged_payload_is_taken_or_refused(codec: Codec, change: tuple[int, int], noise: bytes) -> None:
    suffix = {"gzip": ".gz", "bzip2": ".bz2", "zstd": ".zst"}.get(codec.name, f".{codec.name}")
    stream = bytearray(packed(suffix))
    stream[change[0] % len(stream)] = change[1]
    try_to_load(bzimage(sized(bytes(stream) + noise, len(packed()))), False)


@pytest.mark.parametrize("hvm_container", [False, True])
def test_65535_note_segments_that_all_hold_many_notes_end_soon(hvm_container: bool) -> None:
    notes = note("GUEST_OS", "x" * 4000) * 20
    load = Load(0, notes, header={"p_type": 4})
    assert try_to_load(elf_file([load], header={"e_phnum": 0xFFFF, "e_phentsize": 0}), hvm_container) is None


def test_65535_segments_over_one_another_end_soon() -> None:
    load = Load(0x10_0000, bytes(range(1, 251)) * 16, memsz=0)
    table = elf_file([load] * 3000, [("PHYS32_ENTRY", 0x10_0000)])
    at = table.index(struct.pack("<QQ", 0x10_0000, 0x10_0000))
    data = bytearray(table)
    for index in range(3000):
        struct.pack_into("<Q", data, at + 8 + 56 * index, 0x10_0000 + index % 7 * 64)
    assert try_to_load(bytes(data), True) is not None
