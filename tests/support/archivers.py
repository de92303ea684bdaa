"""The programs that make ramdisks on real systems: cpio, compressors, and what makes file systems."""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

COMPRESSORS: dict[str, tuple[str, ...]] = {
    "gzip": ("gzip", "-c"),
    "bzip2": ("bzip2", "-c"),
    "xz": ("xz", "-c", "--check=crc32"),
    "lzma": ("xz", "-c", "--format=lzma"),
    "zstd": ("zstd", "-q", "-c"),
    "lz4": ("lz4", "-q", "-l", "-c"),
    "lz4 frame": ("lz4", "-q", "-c"),
    "lzo": ("lzop", "-c"),
}
"""Commands that pack standard input, by the names of `xlbuild.inspect.streams.PACKINGS`."""

_FILE_SYSTEMS = ("mksquashfs", "genisoimage", "genromfs", "mkfs.ext4", "mkfs.btrfs", "mkfs.xfs", "sfdisk")
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


@cache
def why_no_archivers() -> str | None:
    """Return why they cannot be used, or None."""
    wanted = {"cpio", *(command[0] for command in COMPRESSORS.values()), *_FILE_SYSTEMS}
    missing = sorted(name for name in wanted if shutil.which(name, path=_PATH) is None)
    return f"{', '.join(missing)} not installed" if missing else None


def run(*command: str | Path, stdin: bytes = b"", directory: Path | None = None) -> bytes:
    """Run a program, and return what it prints."""
    done = subprocess.run(
        command,
        input=stdin,
        cwd=directory,
        capture_output=True,
        check=True,
        env={**os.environ, "PATH": _PATH},
    )
    return done.stdout


def pack(name: str, data: bytes) -> bytes:
    """Pack bytes with a real compressor."""
    return run(*COMPRESSORS[name], stdin=data)


def cpio(directory: Path, form: str = "newc") -> bytes:
    """Return an archive of a directory, made by cpio; its names in order."""
    names = sorted(str(path.relative_to(directory)) for path in directory.rglob("*"))
    return run("cpio", "-o", "-H", form, "--quiet", stdin="\n".join(names).encode(), directory=directory)


def listing(archive: bytes) -> list[str]:
    """Return the names in an archive, as cpio lists them."""
    return run("cpio", "-t", "--quiet", stdin=archive).decode().splitlines()


def file_system(kind: str, tree: Path, image: Path) -> None:
    """Make a file system of a directory, or an empty one where its program fills none; labels are the kind's."""
    size, command, table = _RECIPES[kind]
    if size:
        with image.open("wb") as file:
            file.truncate(size)
    places: dict[str, str | Path] = {"IMAGE": image, "TREE": tree}
    run(*(places.get(word, word) for word in command.split()), stdin=table.encode())


_MIB = 1 << 20
_RECIPES: dict[str, tuple[int, str, str]] = {
    "squashfs": (0, "mksquashfs TREE IMAGE -comp xz -quiet -no-progress", ""),
    "ext2": (8 * _MIB, "mkfs.ext2 -q -L e2 IMAGE", ""),
    "ext3": (8 * _MIB, "mkfs.ext3 -q -L e3 IMAGE", ""),
    "ext4": (8 * _MIB, "mkfs.ext4 -q -L e4 IMAGE", ""),
    "ISO 9660": (0, "genisoimage -quiet -V ISO -o IMAGE TREE", ""),
    "romfs": (0, "genromfs -f IMAGE -d TREE -V rom", ""),
    "btrfs": (128 * _MIB, "mkfs.btrfs -q -L bt IMAGE", ""),
    "XFS": (300 * _MIB, "mkfs.xfs -q -L xf IMAGE", ""),
    "disk with partitions (MBR)": (8 * _MIB, "sfdisk -q IMAGE", "2048,4096\n8192,1024\n"),
    "disk with a GPT": (8 * _MIB, "sfdisk -q IMAGE", "label: gpt\n2048,4096\n8192,1024\n"),
}
"""Size of the image to start with, the command, and what it reads."""

FILE_SYSTEMS = tuple(_RECIPES)
