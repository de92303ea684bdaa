"""`--max-kernel-size`: what it takes, that every way of packing obeys it, and what is said."""

import gzip
from pathlib import Path

import pytest
from forked import run
from kernels import bzimage, packed, sized

import xlbuild
from xlbuild.cli.sizes import kernel_size

KERNEL = packed()
ROOM = len(KERNEL)
SUFFIXES = ("bz2", "xz", "zst", "lzma", "lzo", "lz4")


def limited(tmp_path: Path, kernel: bytes, limit: int, command: str = "create -n -q") -> tuple[int, str]:
    """Return how a run with a limit ends, and what it says; 1 is the status of a check that finds something."""
    (tmp_path / "kernel").write_bytes(kernel)
    (tmp_path / "guest.cfg").write_text('name = "g"\ntype = "pv"\nkernel = "kernel"\nmemory = 64\n')
    done = run(tmp_path, *command.split(), "--max-kernel-size", str(limit), "guest.cfg")
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1", 1),
        ("4096", 4096),
        ("64K", 64 << 10),
        ("64k", 64 << 10),
        ("64KiB", 64 << 10),
        ("64M", 64 << 20),
        ("64mib", 64 << 20),
        ("1G", 1 << 30),
        ("1073741824", 1 << 30),
    ],
)
def test_a_size_is_bytes_or_has_a_unit(text: str, size: int) -> None:
    assert kernel_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "64X", "64 M", "M", "1.5G", "0x10", "2G", "1073741825", "9" * 20]
)
def test_what_is_no_size_or_more_than_xen_takes_is_a_usage_error(tmp_path: Path, text: str) -> None:
    for command in ("create", "check"):
        done = run(tmp_path, command, "--max-kernel-size", text, "guest.cfg")
        assert done.returncode == 2
        assert "--max-kernel-size" in done.stderr


def test_the_library_refuses_the_same_sizes() -> None:
    for size in (0, -1, (1 << 30) + 1):
        with pytest.raises(xlbuild.UsageError, match="no limit for a kernel"):
            xlbuild.build(b"", max_kernel_size=size)


def test_a_plain_kernel_may_be_as_large_as_the_limit(tmp_path: Path) -> None:
    assert limited(tmp_path, KERNEL, ROOM) == (0, "")
    status, said = limited(tmp_path, KERNEL, ROOM - 1)
    assert status == 3
    assert "the kernel kernel is too large" in said
    assert "the most that --max-kernel-size allows" in said
    assert "or allow more with --max-kernel-size" in said


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_payload_may_unpack_to_as_much_as_the_limit(tmp_path: Path, suffix: str) -> None:
    kernel = bzimage(sized(packed(f".{suffix}"), ROOM))
    assert len(kernel) < ROOM
    assert limited(tmp_path, kernel, ROOM) == (0, "")
    status, said = limited(tmp_path, kernel, ROOM - 1)
    assert status == 3
    assert "payload cannot be unpacked: its length field says" in said
    assert "as --max-kernel-size says" in said
    assert "allow more with --max-kernel-size" in said


def test_what_claims_more_than_xen_unpacks_is_not_told_to_be_allowed(tmp_path: Path) -> None:
    status, said = limited(tmp_path, bzimage(sized(packed(".xz"), (1 << 30) + 1)), ROOM)
    assert status == 3
    assert "allow more" not in said
    assert "the file seems to be damaged" in said


@pytest.mark.parametrize("whole", [True, False], ids=["the whole file", "a payload"])
def test_gzip_needs_room_for_sixteen_bytes_more(tmp_path: Path, whole: bool) -> None:
    kernel = packed(".gz") if whole else bzimage(packed(".gz"))
    assert limited(tmp_path, kernel, ROOM + 16) == (0, "")
    status, said = limited(tmp_path, kernel, ROOM + 15)
    assert status == 3
    assert "as --max-kernel-size says" in said
    assert "allow more with --max-kernel-size" in said


def test_a_ramdisk_is_no_kernel(tmp_path: Path) -> None:
    (tmp_path / "guest.cfg").write_text('name="g"\nkernel="xlbuild:hello-pv"\nmemory=64\nramdisk="ramdisk"\n')
    (tmp_path / "ramdisk").write_bytes(gzip.compress(bytes(1 << 20)) + bytes(1 << 20))
    done = run(tmp_path, "create", "-n", "--max-kernel-size", "100K", "guest.cfg")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_check_obeys_the_limit(tmp_path: Path) -> None:
    status, said = limited(tmp_path, KERNEL, ROOM - 1, "check")
    assert status == 1
    assert "the kernel kernel is too large" in said
    assert limited(tmp_path, KERNEL, ROOM, "check")[0] == 0


def test_without_a_limit_none_is_spoken_of(tmp_path: Path) -> None:
    (tmp_path / "kernel").write_bytes(sized(gzip.compress(KERNEL)[:-4], 1 << 30))
    (tmp_path / "guest.cfg").write_text('name = "g"\ntype = "pv"\nkernel = "kernel"\nmemory = 64\n')
    said = run(tmp_path, "create", "-n", "guest.cfg").stderr
    assert "the limit is 1 GiB\n" in said
    assert "--max-kernel-size" not in said
