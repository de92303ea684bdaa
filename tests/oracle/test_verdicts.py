"""Gives odd and damaged files to Xen's own toolstack and to xlbuild: both must take them, or both refuse.

Where both take one, what they build must be the same.
"""

import os
import shutil
import struct
from dataclasses import replace
from pathlib import Path

import mksynth
import pytest
from compare import compare_directories
from guests import Guest
from ours import create
from toolstack import Material, Toolstack

REFUSALS = {1, 3, 4}
"""xlbuild's exit statuses: the configuration, the kernel or the memory, a file."""

BEYOND_DEBIAN = {"bz-bzip2"}
"""Debian builds its library without bzip2, which upstream has and xlbuild unpacks."""

KERNELS = [name for name in mksynth.all_files() if not name.startswith("rd.") and name not in BEYOND_DEBIAN]


@pytest.mark.parametrize("kernel", [*KERNELS, "bz-lz4", "bz-zstd"])
@pytest.mark.parametrize("kind", ["pv", "pvh", "hvm"])
def test_every_synthetic_kernel(
    kind: str, kernel: str, oracle: Toolstack, material: Material, tmp_path: Path
) -> None:
    path = material.synth / kernel
    if not path.exists():
        pytest.skip(f"{kernel} needs a command-line tool to be packed")
    if kind == "hvm":
        guest = Guest(kind, memory=32, more=f'firmware_override="{path}"')
    else:
        guest = Guest(kind, str(path), 32, cmdline="a=b")
    assert_same_verdict(guest.config(material), oracle, tmp_path)


@pytest.mark.parametrize("kernel", ["fw32", "pvh32", "pv64-min", "bz-gzip", "gz-elf", "mb-64", "rd.raw"])
def test_a_file_as_hvm_firmware(kernel: str, oracle: Toolstack, material: Material, tmp_path: Path) -> None:
    guest = Guest("hvm", memory=64, more=f'firmware_override="{material.synth / kernel}"')
    assert_same_verdict(guest.config(material), oracle, tmp_path)


FRACTIONS = [f"{i}/16" for i in range(1, 13)]
LANDMARKS = (
    "before HdrS",
    "behind HdrS",
    "behind the header",
    "before the payload",
    "inside the payload's magic",
    "before the payload's size",
    "inside the payload's size",
    "behind the payload",
)


@pytest.mark.parametrize("cut", [*FRACTIONS, *LANDMARKS])
def test_a_bzimage_cut_short(cut: str, oracle: Toolstack, material: Material, tmp_path: Path) -> None:
    whole = material.cloud.read_bytes()
    kernel = tmp_path / "vmlinuz"
    kernel.write_bytes(whole[: _place(cut, whole)])
    assert_same_verdict(Guest("pvh", str(kernel), 128).config(material), oracle, tmp_path)


def _place(cut: str, bzimage: bytes) -> int:
    if "/" in cut:
        part, of = map(int, cut.split("/"))
        return len(bzimage) * part // of
    offset: int
    length: int
    offset, length = struct.unpack_from("<II", bzimage, 0x248)
    payload = (bzimage[0x1F1] + 1) * 512 + offset
    end = payload + length
    places = (0x202, 0x206, 0x250, payload, payload + 1, end - 4, end - 1, end)
    return dict(zip(LANDMARKS, places, strict=True))[cut]


@pytest.mark.parametrize("kind", ["pv", "pvh"])
def test_a_kernel_that_is_missing(kind: str, oracle: Toolstack, material: Material, tmp_path: Path) -> None:
    assert_both_refuse(Guest(kind, str(tmp_path / "nowhere")).config(material), oracle, tmp_path)


@pytest.mark.parametrize("kind", ["pv", "pvh"])
@pytest.mark.parametrize(
    "content",
    [b"", b"\x7fELF", b"\x1f\x8b", b"\x1f\x8b" + bytes(30), b"text\n" * 2000, bytes(1 << 20)],
    ids=["empty", "ELF magic", "gzip magic", "gzip of nothing", "text", "zeros"],
)
def test_a_file_that_is_no_kernel(
    kind: str, content: bytes, oracle: Toolstack, material: Material, tmp_path: Path
) -> None:
    kernel = tmp_path / "kernel"
    kernel.write_bytes(content)
    assert_both_refuse(Guest(kind, str(kernel)).config(material), oracle, tmp_path)


@pytest.mark.parametrize(
    ("kind", "kernel"), [("pv", "pv64-min"), ("pv", "pv64-modpfn"), ("pvh", "pvh32"), ("pvh", "pvh-linuxos")]
)
def test_a_ramdisk_larger_than_the_memory(
    kind: str, kernel: str, oracle: Toolstack, material: Material, tmp_path: Path
) -> None:
    ramdisk = tmp_path / "ramdisk"
    ramdisk.write_bytes(b"r" * (40 << 20))
    assert_both_refuse(Guest(kind, kernel, 32, ramdisk=str(ramdisk)).config(material), oracle, tmp_path)


@pytest.mark.parametrize(
    ("kind", "kernel", "memory"), [("pv", "cloud", 32), ("pvh", "cloud", 32), ("pv", "pv64-min", 1)]
)
def test_a_kernel_larger_than_the_memory(
    kind: str, kernel: str, memory: int, oracle: Toolstack, material: Material, tmp_path: Path
) -> None:
    assert_both_refuse(Guest(kind, kernel, memory).config(material), oracle, tmp_path)


@pytest.mark.parametrize("kind", ["pipe", "directory", "loop", "/dev/null", "/dev/zero", "/proc/version"])
@pytest.mark.parametrize("key", ["kernel", "ramdisk"])
def test_what_is_no_regular_file(
    key: str, kind: str, oracle: Toolstack, material: Material, tmp_path: Path
) -> None:
    file = tmp_path / "file" if "/" not in kind else Path(kind)
    if kind == "pipe":
        os.mkfifo(file)
        os.open(file, os.O_RDWR)  # a writer: xl would wait for one
    elif kind == "directory":
        file.mkdir()
    elif kind == "loop":
        file.symlink_to(file)
    good = Guest("pv", "pv64-min")
    guest = replace(good, kernel=str(file)) if key == "kernel" else replace(good, ramdisk=str(file))
    assert_both_refuse(guest.config(material), oracle, tmp_path)


def assert_same_verdict(config: str, oracle: Toolstack, directory: Path) -> None:
    """Give a configuration to both; where both build it, compare what they built."""
    reference = oracle.try_xlcreate(config)
    ours = directory / "ours"
    done = create(config, ours)
    if reference.refused:
        assert done.returncode in REFUSALS, f"xl refuses this guest:\n{reference.log[-1500:]}"
        assert not ours.exists()
    else:
        assert done.returncode == 0, f"xl builds this guest; status {done.returncode}: {done.stderr}"
        comparison = compare_directories(ours, reference.directory)
        assert not comparison.differences, f"\n{comparison}"
        shutil.rmtree(ours)
    oracle.discard(reference.directory)


def assert_both_refuse(config: str, oracle: Toolstack, directory: Path) -> None:
    """Give both a configuration that the real toolstack refuses."""
    reference = oracle.try_xlcreate(config)
    assert reference.refused
    done = create(config, directory / "ours")
    assert done.returncode in REFUSALS, done.stderr
    assert "Traceback" not in done.stderr
    assert not (directory / "ours").exists()
