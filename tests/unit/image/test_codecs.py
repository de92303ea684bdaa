"""Payload compressions: what real tools packed is unpacked, and a wrong length or stream is refused."""

import struct
from collections.abc import Callable
from dataclasses import replace

import pytest
from kernels import packed, pattern, sized

from xlbuild.image.blob import Blob
from xlbuild.image.codecerror import MOST_PIECES, CodecError
from xlbuild.image.codecs import CODECS, Codec
from xlbuild.image.loaders import LOADERS
from xlbuild.profiles import PROFILES, Profile

XEN_4_17, XEN_4_18 = PROFILES[:2]
KERNEL = packed()
SUFFIXES = {
    "gzip": ".gz",
    "bzip2": ".bz2",
    "xz": ".xz",
    "zstd": ".zst",
    "lzma": ".lzma",
    "lzo": ".lzo",
    "lz4": ".lz4",
}
BY_NAME = {codec.name: codec for codec in CODECS}
SIZED = [codec for codec in CODECS if codec.name != "gzip"]


def payload(codec: Codec, size: int = len(KERNEL)) -> bytes:
    stream = packed(SUFFIXES[codec.name])
    return stream if codec.name == "gzip" else sized(stream, size)


def unpack(codec: Codec, data: bytes, profile: Profile = XEN_4_17) -> bytes:
    blob = codec.unpack(Blob.of(data), profile)
    return blob.read(0, blob.size)


def test_every_codec_has_a_file_packed_by_a_real_tool() -> None:
    assert SUFFIXES.keys() == BY_NAME.keys()


@pytest.mark.parametrize("function", [*(c.unpack for c in CODECS), *(loader.probe for loader in LOADERS)])
def test_every_codec_and_loader_says_what_it_does(function: Callable[..., object]) -> None:
    assert function.__doc__


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)
def test_what_the_real_tool_packed_is_unpacked(codec: Codec) -> None:
    data = payload(codec)
    assert data.startswith(codec.magic)
    assert unpack(codec, data).rstrip(b"\0") == KERNEL.rstrip(b"\0")


def test_gzip_counts_sixteen_bytes_more() -> None:
    assert unpack(BY_NAME["gzip"], payload(BY_NAME["gzip"])) == KERNEL + bytes(16)


@pytest.mark.parametrize("codec", SIZED, ids=lambda codec: codec.name)
@pytest.mark.parametrize("difference", [-len(KERNEL), -1, 1, (1 << 30) + 1])
def test_the_length_behind_a_stream_must_be_right(codec: Codec, difference: int) -> None:
    if codec.name == "lz4" and difference == 1:
        assert unpack(codec, payload(codec, len(KERNEL) + 1)) == KERNEL + b"\0"
    elif difference == -len(KERNEL) and codec.name in ("bzip2", "xz", "lzma"):
        assert unpack(codec, payload(codec, 0)) == b""
    elif difference == -1 and codec.name in ("bzip2", "xz", "lzma"):
        assert unpack(codec, payload(codec, len(KERNEL) - 1)) == KERNEL[:-1]
    else:
        with pytest.raises(CodecError):
            unpack(codec, payload(codec, (len(KERNEL) + difference) & 0xFFFF_FFFF))


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)
@pytest.mark.parametrize("length", [0, 1, 3, 4, 8, 30, 300])
def test_a_cut_stream_is_refused(codec: Codec, length: int) -> None:
    with pytest.raises(CodecError):
        unpack(codec, sized(payload(codec)[:length], len(KERNEL)))


@pytest.mark.parametrize("codec", SIZED, ids=lambda codec: codec.name)
def test_a_payload_without_room_for_a_length_is_refused(codec: Codec) -> None:
    with pytest.raises(CodecError, match="too short"):
        unpack(codec, codec.magic[:3])


@pytest.mark.parametrize("name", ["xz", "lzma", "bzip2"])
def test_bytes_behind_the_stream_do_not_matter(name: str) -> None:
    assert unpack(BY_NAME[name], sized(packed(SUFFIXES[name]) + b"more", len(KERNEL))) == KERNEL


def test_bytes_behind_a_zstd_frame_are_refused() -> None:
    with pytest.raises(CodecError):
        unpack(BY_NAME["zstd"], sized(packed(".zst") + b"more", len(KERNEL)))


@pytest.mark.parametrize("name", ["zstd", "lz4"])
def test_all_frames_count(name: str) -> None:
    twice = sized(packed(SUFFIXES[name]) * 2, 2 * len(KERNEL))
    assert unpack(BY_NAME[name], twice) == 2 * KERNEL


@pytest.mark.parametrize("name", ["xz", "lzma", "bzip2"])
def test_a_stream_cut_behind_its_last_byte_of_output_still_unpacks(name: str) -> None:
    assert unpack(BY_NAME[name], sized(packed(SUFFIXES[name])[:-4], len(KERNEL))) == KERNEL


# Debian's library 4.17.7+13 takes 128 MiB (of xz) and refuses 256, as do the stable updates of later releases; first
# releases up to 4.19 had half of that.
@pytest.mark.parametrize(
    ("limit", "mib", "fits"), [(128, 96, True), (128, 192, False), (256, 192, True), (256, 256, False)]
)
def test_the_dictionary_must_fit_into_the_release_s_memory_limit(limit: int, mib: int, fits: bool) -> None:
    profile = replace(XEN_4_17, lzma_memory_limit=limit << 20)
    stream = packed(".lzma")
    data = sized(stream[:1] + struct.pack("<I", mib << 20) + stream[5:], len(KERNEL))
    if fits:
        assert unpack(BY_NAME["lzma"], data, profile) == KERNEL
        return
    with pytest.raises(CodecError, match=f"more memory than the {limit} MiB that Xen 4.17 grants"):
        unpack(BY_NAME["lzma"], data, profile)


def test_every_release_has_the_limit_of_its_stable_updates() -> None:
    assert {profile.lzma_memory_limit for profile in PROFILES} == {256 << 20}


def test_an_lz4_frame_of_another_kind_is_refused() -> None:
    with pytest.raises(CodecError, match="legacy"):
        unpack(BY_NAME["lz4"], sized(b"\x02\x21" + bytes(20), 10))


def lz4_frame(*blocks: bytes) -> bytes:
    return b"\x02\x21\x4c\x18" + b"".join(struct.pack("<I", len(block)) + block for block in blocks)


def test_lz4_blocks_follow_one_another_and_may_be_empty() -> None:
    frame = lz4_frame(b"\x50hello", b"", b"\x60, 1234")
    assert unpack(BY_NAME["lz4"], sized(frame, 12)) == b"hello, 1234\0"


def test_an_lz4_block_of_more_than_the_usual_eight_mebibytes_is_unpacked() -> None:
    size = 9 << 20
    run = b"\x1fA\x01\x00" + b"\xff" * ((size - 25) // 255) + bytes([(size - 25) % 255]) + b"\x50ABCDE"
    data = unpack(BY_NAME["lz4"], sized(lz4_frame(run), size))
    assert data.rstrip(b"\0") == b"A" * (size - 5) + b"ABCDE"


EMPTY_ZSTD_FRAME = bytes.fromhex("28b52ffd2000010000")


@pytest.mark.parametrize(
    ("name", "start", "piece", "size", "end"),
    [
        ("zstd", b"", EMPTY_ZSTD_FRAME, 0, b""),
        ("lz4", b"\x02\x21\x4c\x18", bytes(4), 0, b""),
        ("lzo", lambda: lzop_file()[:-4], struct.pack(">III", 1, 1, 0) + b"x", 1, bytes(4)),
    ],
)
def test_a_stream_of_65536_pieces_is_unpacked_and_of_more_is_not(
    name: str, start: bytes | Callable[[], bytes], piece: bytes, size: int, end: bytes
) -> None:
    head = start if isinstance(start, bytes) else start()
    for count in (MOST_PIECES, MOST_PIECES + 1):
        data = sized(head + piece * count + end, size * count)
        if count == MOST_PIECES:
            assert len(unpack(BY_NAME[name], data)) == size * count
        else:
            with pytest.raises(CodecError, match="has more than 65,536 "):
                unpack(BY_NAME[name], data)


def lzop_file(*blocks: tuple[int, bytes]) -> bytes:
    head = (
        b"\x89LZO\0\r\n\x1a\n"
        + struct.pack(">HHHBBIIIIB", 0x1040, 0x20A0, 0x940, 3, 9, 1, 0, 0, 0, 0)
        + bytes(4)
    )
    packed_blocks = (struct.pack(">III", size, len(block), 0) + block for size, block in blocks)
    return head + b"".join(packed_blocks) + bytes(4)


def test_an_lzo_block_that_did_not_shrink_is_stored() -> None:
    data = pattern(1000)
    assert unpack(BY_NAME["lzo"], sized(lzop_file((1000, data)), 1000)) == data


@pytest.mark.parametrize(
    "file",
    [
        lzop_file((1000, b"")),
        lzop_file((10, bytes(11))),
        lzop_file((300_000, bytes(300_000))),
        lzop_file((1000, bytes(1000)), (1, b"x")),
        lzop_file((1000, b"\x11\0\0")),
        lzop_file((1000, bytes(1000)))[:-4],
        lzop_file((1000, bytes(1000)))[:20],
        b"\x89LZO\0 something else",
    ],
)
def test_an_odd_lzo_file_is_refused(file: bytes) -> None:
    with pytest.raises(CodecError):
        unpack(BY_NAME["lzo"], sized(file, 1000))
