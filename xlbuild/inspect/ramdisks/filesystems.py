"""File systems and disk images, told by what their first 128 KiB say.

Shapes: each format's own header, as its documentation and the kernel's public headers (linux/magic.h) have it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from xlbuild.image.blob import Blob
from xlbuild.image.recognise import FileKind, signature_of
from xlbuild.inspect.tree import Branch, Tree
from xlbuild.units import KIB
from xlbuild.visible import visible

SAMPLE = 128 * KIB
"""Bytes that are looked at."""

_SECTOR = 512
_PARTITIONS, _PARTITION = 0x1BE, 16
_BOOT_SIGNATURE = 0x1FE
_MOST_PARTITIONS = 128
_GUID = 16


def _text(data: bytes) -> str:
    return visible(data.partition(b"\0")[0].decode(errors="surrogateescape").rstrip())


def _number(shape: str, head: bytes, offset: int) -> int:
    value: int = struct.unpack_from(shape, head, offset)[0]
    return value


_SQUASHFS_PACKINGS = {1: "gzip", 2: "lzma", 3: "lzo", 4: "xz", 5: "lz4", 6: "zstd"}


def _squashfs(head: bytes) -> dict[str, Tree]:
    packing = _number("<H", head, 20)
    return {
        "version": f"{_number('<H', head, 28)}.{_number('<H', head, 30)}",
        "compression": _SQUASHFS_PACKINGS.get(packing, f"number {packing}"),
        "inodes": _number("<I", head, 4),
        "block_size": _number("<I", head, 12),
        "expected_size": _number("<Q", head, 40),
    }


_EXT_SUPER = 0x400
_EXT_JOURNAL, _EXT_EXTENTS, _EXT_64BIT, _EXT_FLEX = 0x4, 0x40, 0x80, 0x200


def _ext(head: bytes) -> dict[str, Tree]:
    def field(shape: str, offset: int) -> int:
        return _number(shape, head, _EXT_SUPER + offset)

    compatible, incompatible = field("<I", 0x5C), field("<I", 0x60)
    newer = incompatible & (_EXT_EXTENTS | _EXT_64BIT | _EXT_FLEX)
    block = KIB << min(field("<I", 0x18), 6)
    return {
        "format": "ext4" if newer else "ext3" if compatible & _EXT_JOURNAL else "ext2",
        "label": _text(head[_EXT_SUPER + 0x78 : _EXT_SUPER + 0x88]),
        "inodes": field("<I", 0),
        "block_size": block,
        "expected_size": block * field("<I", 4),
    }


_ISO_BOOT = 0x8800
_ISO_PRIMARY = 0x8000


def _iso(head: bytes) -> dict[str, Tree]:
    block = _number("<H", head, _ISO_PRIMARY + 128)
    return {
        "label": _text(head[_ISO_PRIMARY + 40 : _ISO_PRIMARY + 72]),
        "boots": head[_ISO_BOOT + 7 : _ISO_BOOT + 30] == b"EL TORITO SPECIFICATION",
        "block_size": block,
        "expected_size": block * _number("<I", head, _ISO_PRIMARY + 80),
    }


def _romfs(head: bytes) -> dict[str, Tree]:
    return {"label": _text(head[16:]), "expected_size": _number(">I", head, 8)}


def _cramfs(head: bytes) -> dict[str, Tree]:
    order = "<" if head[0] == 0x45 else ">"
    return {"label": _text(head[48:64]), "expected_size": _number(order + "I", head, 4)}


def _btrfs(head: bytes) -> dict[str, Tree]:
    start = 0x10000
    return {
        "label": _text(head[start + 0x12B : start + 0x22B]),
        "expected_size": _number("<Q", head, start + 0x70),
    }


def _xfs(head: bytes) -> dict[str, Tree]:
    block = _number(">I", head, 4)
    return {
        "label": _text(head[108:120]),
        "block_size": block,
        "expected_size": block * _number(">Q", head, 8),
    }


def _qcow(head: bytes) -> dict[str, Tree]:
    return {"version": str(_number(">I", head, 4)), "disk_size": _number(">Q", head, 24)}


def _plain(head: bytes) -> dict[str, Tree]:
    return {}


def _gpt(head: bytes) -> dict[str, Tree]:
    sectors = _number("<Q", head, _SECTOR + 32) + 1
    start, count, size = struct.unpack_from("<QII", head, _SECTOR + 72)
    table = head[start * _SECTOR :][: min(count, _MOST_PARTITIONS) * size]
    used = sum(any(table[at : at + _GUID]) for at in range(0, len(table), max(size, _GUID)))
    return {"partitions": used, "expected_size": sectors * _SECTOR}


def _mbr(head: bytes) -> dict[str, Tree]:
    rows = [
        head[_PARTITIONS + index * _PARTITION : _PARTITIONS + (index + 1) * _PARTITION] for index in range(4)
    ]
    ends = [_number("<I", row, 8) + _number("<I", row, 12) for row in rows]
    return {"partitions": sum(bool(row[4]) for row in rows), "expected_size": max(ends) * _SECTOR}


Reader = Callable[[bytes], dict[str, Tree]]
"""Returns what a header says, `expected_size` among it where that says how long the image is.

Raises struct.error where the image ends before.
"""

_READERS: dict[str, Reader] = {
    "squashfs": _squashfs,
    "romfs": _romfs,
    "cramfs": _cramfs,
    "XFS": _xfs,
    "qcow2 disk image": _qcow,
    "VMware disk image": _plain,
    "VHD disk image": _plain,
    "VHDX disk image": _plain,
    "VirtualBox disk image": _plain,
    "ISO 9660": _iso,
    "btrfs": _btrfs,
    "ext2": _ext,
    "disk with a GPT": _gpt,
    "FAT": _plain,
}
"""What reads each format's header, by the names of `xlbuild.image.recognise.SIGNATURES`."""


@dataclass(frozen=True, slots=True)
class FileSystem:
    """A file system or a disk image."""

    name: str
    read: Reader
    is_disk: bool
    """Whether a guest would get it as a disk, and never as its ramdisk."""


def file_system_of(head: bytes) -> FileSystem | None:
    """Return the format that the first bytes tell; None: none that is known."""
    signature = signature_of(Blob.of(head))
    if signature is None:
        return FileSystem("disk with partitions (MBR)", _mbr, is_disk=True) if _has_partitions(head) else None
    read = _READERS.get(signature.name)
    return None if read is None else FileSystem(signature.name, read, signature.guess.kind is FileKind.DISK)


def _has_partitions(head: bytes) -> bool:
    """Return whether a boot sector has a table of partitions, and not just the signature that many things have."""
    if head[_BOOT_SIGNATURE : _BOOT_SIGNATURE + 2] != b"\x55\xaa":
        return False
    rows = [head[at : at + _PARTITION] for at in range(_PARTITIONS, _PARTITIONS + 4 * _PARTITION, _PARTITION)]
    used = [row for row in rows if row[4]]
    return (
        bool(used)
        and all(row[0] in (0, 0x80) for row in rows)
        and all(any(row[12:16]) for row in used)
        and all(not any(row[:1] + row[8:]) for row in rows if not row[4])
    )


def describe_file_system(system: FileSystem, head: bytes, size: int) -> tuple[Branch, str | None]:
    """Return what a file system's header says, and what is wrong with it; `size` is the image's, in bytes."""
    try:
        said = system.read(head)
    except struct.error:
        return {"format": system.name}, "the image ends in its header"
    expected = said.get("expected_size")
    problem = None
    if isinstance(expected, int) and expected > size:
        problem = f"the image is cut short: {expected - size} of its {expected} bytes are missing"
    return {"format": system.name, **said}, problem
