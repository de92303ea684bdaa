"""Ramdisks as real systems make them, and what becomes of them in a guest."""

import mmap
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from archivers import COMPRESSORS, FILE_SYSTEMS, cpio, file_system, listing, pack

from xlbuild.errors import RefusedError
from xlbuild.image.modules import prepare_module
from xlbuild.inspect.ramdisks.describe import describe_ramdisk, ramdisk_parts
from xlbuild.profiles import PROFILES

pytestmark = pytest.mark.archivers


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root file system's directory, with what a ramdisk is told by."""
    root = tmp_path_factory.mktemp("root")
    modules = root / "lib" / "modules" / "6.1.0-9-amd64"
    (modules / "kernel").mkdir(parents=True)
    (modules / "modules.dep").write_text("kernel/a.ko:\n")
    (modules / "kernel" / "a.ko").write_bytes(bytes(3001))
    (root / "init").write_text("#!/bin/busybox sh\n")
    (root / "init").chmod(0o755)
    (root / "ünïcode").write_text("x")
    return root


@pytest.fixture(scope="module")
def microcode(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An early archive, as initramfs-tools and dracut put before the packed one."""
    root = tmp_path_factory.mktemp("early")
    directory = root / "kernel" / "x86" / "microcode"
    directory.mkdir(parents=True)
    (directory / "AuthenticAMD.bin").write_bytes(bytes(5000))
    (directory / "GenuineIntel.bin").write_bytes(bytes(600))
    return cpio(root)


def described(data: bytes) -> Any:
    tree = describe_ramdisk(data)
    assert tree is not None
    return tree


def words(described: Any) -> str:
    return "\n".join(problem["problem"] for problem in described["problems"])


@pytest.mark.parametrize("form", ["newc", "crc", "odc", "bin"])
def test_every_form_of_a_cpio_archive_has_the_files_that_cpio_lists(tree: Path, form: str) -> None:
    archive = cpio(tree, form)
    told = described(archive)
    assert told["members"][0]["format"] == f"cpio ({form})"
    assert told["members"][0]["files"] == len(listing(archive))
    assert sorted(told["names"]) == sorted(str(path.relative_to(tree)) for path in tree.rglob("*"))
    assert ("Linux reads newc and crc only" in words(told)) == (form in ("odc", "bin"))


@pytest.mark.parametrize("packing", COMPRESSORS)
def test_a_packed_archive_is_told_as_the_plain_one(tree: Path, packing: str) -> None:
    archive = cpio(tree)
    packed = pack(packing, archive)
    (member,) = described(packed)["members"]
    assert (member["compression"], member["size"], member["unpacked_size"]) == (
        packing,
        len(packed),
        len(archive),
    )
    assert member["files"] == len(listing(archive))
    assert member["whole"]


@pytest.mark.parametrize("packing", COMPRESSORS)
def test_microcode_before_a_packed_archive_is_told_apart(tree: Path, microcode: bytes, packing: str) -> None:
    packed = pack(packing, cpio(tree))
    told = described(microcode + packed)
    assert told["contents"] == (
        "early cpio archive (microcode for AMD, microcode for Intel), "
        f"then cpio archive, packed with {packing}"
    )
    early, main = told["members"]
    assert early["early"] == "microcode for AMD, microcode for Intel"
    assert int(main["offset"], 16) == len(microcode)
    assert main["size"] == len(packed)
    assert told["init"]["what"] == "a script for /bin/busybox sh"
    assert told["modules_for"] == ["6.1.0-9-amd64"]


def test_microcode_in_the_main_archive_makes_it_no_early_one(tree: Path) -> None:
    microcode = tree / "kernel/x86/microcode/AuthenticAMD.bin"
    microcode.parent.mkdir(parents=True)
    microcode.write_bytes(b"microcode")
    try:
        archive = cpio(tree)
    finally:
        shutil.rmtree(tree / "kernel")
    plain, packed = described(archive), described(pack("gzip", archive))
    assert plain["contents"] == "cpio archive, with microcode for AMD"
    assert "init" in plain["names"]
    # Linux looks for microcode before it unpacks anything.
    assert packed["contents"] == "cpio archive, packed with gzip"
    assert packed["members"][0]["early"] is None
    assert packed["names"] == plain["names"]


def test_several_archives_with_zeros_between_them_are_all_found(tree: Path) -> None:
    archive, packed = cpio(tree), pack("gzip", cpio(tree))
    told = described(archive + bytes(4096) + packed + bytes(508) + packed)
    assert [member["compression"] for member in told["members"]] == ["none", "gzip", "gzip"]
    assert all(member["whole"] for member in told["members"])


@pytest.mark.parametrize("kind", FILE_SYSTEMS)
def test_a_file_system_is_told_with_its_size_and_label(kind: str, tree: Path, tmp_path: Path) -> None:
    file_system(kind, tree, tmp_path / "image")
    with (tmp_path / "image").open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as data:
        told: Any = describe_ramdisk(memoryview(data))
    assert told["contents"] == kind
    assert told["problems"] == []
    label = {
        "ext2": "e2",
        "ext3": "e3",
        "ext4": "e4",
        "ISO 9660": "ISO",
        "romfs": "rom",
        "btrfs": "bt",
        "XFS": "xf",
    }
    assert told["image"].get("label") == label.get(kind)
    assert told["image"].get("partitions") == (2 if kind.startswith("disk") else None)
    assert told["image"]["expected_size"] <= told["size"]
    assert told["image"].get("compression") == ("xz" if kind == "squashfs" else None)


def test_a_file_system_that_is_cut_short_says_how_much_is_missing(tree: Path, tmp_path: Path) -> None:
    file_system("ext4", tree, tmp_path / "image")
    data = (tmp_path / "image").read_bytes()
    cut = f"the image is cut short: 4096 of its {len(data)} bytes are missing"
    assert words(described(data[:-4096])) == cut
    assert words(described(pack("gzip", data[:-4096]))) == cut


def test_a_packed_file_system_is_told_by_what_is_in_it(tree: Path, tmp_path: Path) -> None:
    file_system("ext2", tree, tmp_path / "image")
    told = described(pack("xz", (tmp_path / "image").read_bytes()))
    assert told["members"][0]["format"] == "ext2"
    assert told["images"][0]["label"] == "e2"


@pytest.mark.parametrize("packing", [None, *COMPRESSORS])
def test_a_ramdisk_that_is_cut_short_says_where(tree: Path, packing: str | None) -> None:
    data = pack(packing, cpio(tree)) if packing else cpio(tree)
    told = described(data[: len(data) // 2])
    assert not told["members"][0]["whole"]
    if packing in (None, "gzip", "xz", "lzma"):  # the others unpack blocks that are whole
        assert told["members"][0]["format"] == "cpio (newc)"
        assert told["members"][0]["files"] > 1
    assert "missing" in words(told) or "cut short" in words(told)
    assert any(problem["mend"] for problem in told["problems"])


def test_what_is_behind_an_archive_and_no_archive_is_told_with_its_offset(tree: Path) -> None:
    packed = pack("gzip", cpio(tree))
    told = described(packed + b"garbage")
    assert told["problems"][-1]["offset"] == hex(len(packed)) or "garbage" in repr(told)
    assert "67 61 72 62 61 67 65" in words(told)


def test_an_archive_at_an_odd_offset_is_one_that_linux_does_not_find(tree: Path) -> None:
    packed = pack("gzip", cpio(tree))
    odd = bytes(5 - len(packed) % 4)
    assert "multiples of 4 bytes only" in words(described(packed + odd + cpio(tree)))


@pytest.mark.parametrize(
    ("change", "words_of_it", "mend"),
    [
        (lambda init: init.chmod(0o644), "/init cannot be started", "chmod +x"),
        (lambda init: init.unlink(), "there is no /init", "rdinit="),
    ],
)
def test_an_init_that_cannot_be_started_is_told(
    tmp_path: Path, change: Callable[[Path], None], words_of_it: str, mend: str
) -> None:
    (tmp_path / "init").write_text("#!/bin/sh\n")
    (tmp_path / "init").chmod(0o755)
    (tmp_path / "other").write_text("")
    assert described(cpio(tmp_path))["problems"] == []
    change(tmp_path / "init")
    (problem,) = described(cpio(tmp_path))["problems"]
    assert words_of_it in problem["problem"]
    assert mend in problem["mend"]


def test_an_init_is_told_by_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "init").symlink_to("usr/lib/systemd/systemd")
    assert described(cpio(tmp_path))["init"]["what"] == "a link to usr/lib/systemd/systemd"
    (tmp_path / "init").unlink()
    (tmp_path / "init").write_bytes(b"\x7fELF\2" + bytes(100))
    assert described(cpio(tmp_path))["init"]["what"] == "a 64-bit ELF program"


def ramdisks(tree: Path, microcode: bytes) -> dict[str, bytes]:
    archive, gzipped = cpio(tree), pack("gzip", cpio(tree))
    return {
        "plain": archive,
        "gzip": gzipped,
        "gzip of zeros": pack("gzip", bytes(1 << 20)),
        "zstd": pack("zstd", archive),
        "microcode before": microcode + gzipped,
        "two streams": gzipped + pack("gzip", archive * 2),
        "cut short": gzipped[:-100],
        "damaged": gzipped[:500] + b"\xff" * 8 + gzipped[508:],
        "zeros behind": gzipped + bytes(8),
        "claims too little": gzipped[:-4] + b"\1\0\0\0",
    }


def test_what_a_guest_gets_is_what_the_builder_makes_of_it(tree: Path, microcode: bytes) -> None:
    for name, data in ramdisks(tree, microcode).items():
        told = described(data)
        for row in told["in_guest"]:
            first, _, last = row["xen"].partition(" to ")
            for profile in PROFILES:
                if float(first) <= float(profile.name) <= float(last):
                    built = prepare_module(data, profile)
                    assert row["size"] == built.length, (name, profile.name)
                    assert row["what"].startswith("unpacked") == built.unzipped, (name, profile.name)
                    assert row["pages"] == -(-built.length // 4096)


def test_zeros_behind_a_gzip_stream_are_told_to_be_what_it_claims_to_unpack_to(tree: Path) -> None:
    """Its last four bytes are its size, and Xen does not look where the stream ends."""
    older, newer = described(pack("gzip", cpio(tree)) + bytes(512))["in_guest"]
    assert (
        older["what"]
        == "as it is: the stream is damaged, or unpacks to more than the 0 bytes that its last four claim"
    )
    assert newer["what"] == "as it is"


def test_a_second_gzip_stream_is_one_that_older_releases_lose(tree: Path) -> None:
    packed = pack("gzip", cpio(tree))
    assert "is lost to the guest" in words(described(packed + packed))


def test_a_ramdisk_that_the_builder_refuses_is_told_to_be_refused() -> None:
    with pytest.raises(RefusedError):
        prepare_module(b"", PROFILES[0])
    assert describe_ramdisk(b"") is None


@pytest.mark.parametrize("packing", COMPRESSORS)
def test_an_archive_can_be_taken_out_unpacked(tree: Path, microcode: bytes, packing: str) -> None:
    archive = cpio(tree)
    early, main = ramdisk_parts(microcode + pack(packing, archive))
    assert b"".join(bytes(piece) for piece in main.read()) == archive
    assert main.size == len(archive)
    assert microcode.startswith(b"".join(bytes(piece) for piece in early.read()))
