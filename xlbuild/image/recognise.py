"""What a file that is no kernel for an x86 Xen guest is instead, to tell the user."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from xlbuild.errors import RefusedError, Where
from xlbuild.image.blob import Blob
from xlbuild.image.elf import EM_AARCH64, EM_ARM, MAGIC
from xlbuild.image.headers import find_header
from xlbuild.image.verdict import Candidate
from xlbuild.units import KIB, MIB

_ELF_MACHINE = 18
_EI_DATA, _BIG_ENDIAN = 5, b"\x02"
_ARM_IMAGES = (
    (0x38, b"ARM\x64", "an arm64 Image"),
    (0x24, b"\x18\x28\x6f\x01", "a 32-bit Arm zImage"),
)
_TEXT_SAMPLE = 256
_ZERO_SAMPLE = 4096
_BIOS_UNIT, _LARGEST_BIOS = 64 * KIB, 16 * MIB
_RESET_VECTOR = 16
"""Bytes from the end of a BIOS to where a processor starts."""
_FAR_JUMP = b"\xea"
_VOLUME_MAGIC = (0x28, b"_FVH")

_GZIP_MAGIC = b"\x1f\x8b"


class FileKind(StrEnum):
    """What a file is, as far as it matters here."""

    CONFIG = "configuration"
    KERNEL = "kernel"
    FIRMWARE = "firmware"
    RAMDISK = "ramdisk"
    DISK = "disk image"
    SAVE = "saved guest"
    CORE = "dump of a guest"
    FOREIGN = "kernel for another processor"
    DOCUMENT = "document"
    ARCHIVE = "archive"
    SCRIPT = "script"
    TEXT = "text"
    EMPTY = "empty file"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Guess:
    """A sentence that says what a file seems to be, and what to do about it."""

    sentence: str
    hint: str | None
    kind: FileKind = FileKind.UNKNOWN


@dataclass(frozen=True, slots=True)
class Signature:
    """Bytes by which a format is known."""

    name: str
    """The format's."""
    offset: int
    magic: bytes
    guess: Guess


_PACKED = "Xen undoes only gzip on whole files: unpack it with "
_IN_DISK = "set it in `disk`, and a kernel as `kernel`"
_IN_RAMDISK = "set it as `ramdisk`, and a kernel as `kernel`"
_RESTORE = "start it with xl restore; here, give the configuration that it was made from"
_UNPACK = "unpack it, and give the kernel that is in it"


def _disk(name: str, offset: int, magic: bytes) -> Signature:
    return Signature(name, offset, magic, Guess(f"it is a {name}", _IN_DISK, FileKind.DISK))


def _file_system(name: str, offset: int, magic: bytes) -> Signature:
    sentence = f"it is a file system image ({name})"
    return Signature(name, offset, magic, Guess(sentence, _IN_RAMDISK, FileKind.RAMDISK))


def _cpio(name: str, magic: bytes) -> Signature:
    guess = Guess("it is a cpio archive, an initrd", _IN_RAMDISK, FileKind.RAMDISK)
    return Signature(name, 0, magic, guess)


def article(name: str) -> str:
    """Return what stands before the name of a compression: they are spelt, `an xz file`."""
    return "an" if name[0] in "lx" else "a"


def _packed(name: str, magic: bytes, command: str) -> Signature:
    return Signature(name, 0, magic, Guess(f"it is {article(name)} {name} file", f"{_PACKED}`{command}`"))


def _other(name: str, offset: int, magic: bytes, hint: str | None, kind: FileKind) -> Signature:
    return Signature(name, offset, magic, Guess(f"it is {name}", hint, kind))


_WEB_PAGE = ("a web page", "the download failed: look at what the page says, and fetch the file again")

SIGNATURES: tuple[Signature, ...] = (
    _other(
        "a Linux EFI zboot image",
        4,
        b"zimg",
        "give the vmlinux or the bzImage it was made from",
        FileKind.KERNEL,
    ),
    _cpio("cpio (newc)", b"070701"),
    _cpio("cpio (crc)", b"070702"),
    _cpio("cpio (odc)", b"070707"),
    _packed("xz", b"\xfd7zXZ\0", "xz -d"),
    _packed("zstd", b"\x28\xb5\x2f\xfd", "zstd -d"),
    _packed("bzip2", b"BZh", "bunzip2"),
    _packed("lz4", b"\x04\x22\x4d\x18", "lz4 -d"),
    _packed("lz4", b"\x02\x21\x4c\x18", "lz4 -d"),
    _packed("lzop", b"\x89LZO\0", "lzop -d"),
    _other("a guest saved by xl", 0, b"Xen saved domain, xl format", _RESTORE, FileKind.SAVE),
    _other("a guest saved by libxl", 0, b"LibxlFmt", _RESTORE, FileKind.SAVE),
    _other("a guest's memory, saved by libxc", 0, b"\xff" * 8 + b"XENF", _RESTORE, FileKind.SAVE),
    _other("a guest saved by xm", 0, b"LinuxGuestRecord", _RESTORE, FileKind.SAVE),
    _other("a dump of a guest in Xen's old format", 0, b"\xed\xeb\x0f\xf0", None, FileKind.CORE),
    _other("a dump of a guest in Xen's old format", 0, b"\xee\xeb\x0f\xf0", None, FileKind.CORE),
    _disk("qcow2 disk image", 0, b"QFI\xfb"),
    _disk("VMware disk image", 0, b"KDMV"),
    _disk("VHD disk image", 0, b"conectix"),
    _disk("VHDX disk image", 0, b"vhdxfile"),
    _disk("VirtualBox disk image", 0x40, b"\x7f\x10\xda\xbe"),
    _other("an archive of object files, or a Debian package", 0, b"!<arch>\n", None, FileKind.ARCHIVE),
    _other("a zip archive", 0, b"PK\x03\x04", _UNPACK, FileKind.ARCHIVE),
    _other("an RPM package", 0, b"\xed\xab\xee\xdb", _UNPACK, FileKind.ARCHIVE),
    _other("a tar archive", 0x101, b"ustar", _UNPACK, FileKind.ARCHIVE),
    Signature("ISO 9660", 0x8001, b"CD001", Guess("it is an ISO image", _IN_DISK, FileKind.DISK)),
    _file_system("squashfs", 0, b"hsqs"),
    _file_system("romfs", 0, b"-rom1fs-"),
    _file_system("cramfs", 0, b"\x45\x3d\xcd\x28"),
    _file_system("cramfs", 0, b"\x28\xcd\x3d\x45"),
    _file_system("XFS", 0, b"XFSB"),
    _file_system("btrfs", 0x10040, b"_BHRfS_M"),
    _other("a U-Boot image", 0, b"\x27\x05\x19\x56", "give the kernel it was made from", FileKind.KERNEL),
    _other("a Linux bzImage", 0x202, b"HdrS", None, FileKind.KERNEL),
    _other(
        "an EFI program (PE)", 0, b"MZ", "give a kernel that is an ELF file or a bzImage", FileKind.KERNEL
    ),
    _disk("disk with a GPT", 0x200, b"EFI PART"),
    _file_system("FAT", 0x36, b"FAT"),
    _file_system("FAT", 0x52, b"FAT32"),
    Signature(
        "ext2",
        0x438,
        b"\x53\xef",
        Guess("it is a file system image (ext2, ext3 or ext4)", _IN_RAMDISK, FileKind.RAMDISK),
    ),
    _other(_WEB_PAGE[0], 0, b"<!DOCTYPE html", _WEB_PAGE[1], FileKind.TEXT),
    _other(_WEB_PAGE[0], 0, b"<!doctype html", _WEB_PAGE[1], FileKind.TEXT),
    _other(_WEB_PAGE[0], 0, b"<html", _WEB_PAGE[1], FileKind.TEXT),
    _other(
        "a pointer of Git LFS, and not the file",
        0,
        b"version https://git-lfs",
        "fetch the file itself: git lfs pull",
        FileKind.TEXT,
    ),
)
"""Every format that bytes tell, the first that fits; a bzImage may begin with MZ, a disk with an ISO image in it."""

_BOOT_LOADER_HEADERS = (
    (
        0x1BADB002,
        8192,
        4,
        3,
        Guess("it has a Multiboot header, which is for GRUB: Xen does not read it", None, FileKind.KERNEL),
    ),
    (
        0xE85250D6,
        32768,
        8,
        4,
        Guess("it has a Multiboot 2 header, which is for GRUB: Xen does not read it", None, FileKind.KERNEL),
    ),
)
"""(magic, within so many bytes, at multiples of, words that make zero in sum, what it is)."""

_GZIP_CUT = Guess(
    "it is a gzip file, probably cut short: its last four bytes give no size that Xen unpacks to (1 GiB at most)",
    "compare its size and checksum with the original, or unpack it with gunzip and give the result",
)
_GZIP_TWICE = Guess("it is a gzip file within a gzip file, and Xen undoes one", "unpack it with gunzip")
_AS_FIRMWARE = "hvmloader starts it: set it as `bios_path_override` of an HVM guest"
_BIOS = Guess(
    "it is a BIOS: its last 16 bytes start with a jump, as where a processor starts",
    _AS_FIRMWARE,
    FileKind.FIRMWARE,
)
_UEFI = Guess("it is UEFI firmware: it has `_FVH` at 0x28", _AS_FIRMWARE, FileKind.FIRMWARE)
_ZEROS = Guess(
    "it starts with nothing but zeros: it was never written, or is damaged",
    "compare its size and checksum with the original",
)


def refuse_foreign(candidate: Candidate) -> None:
    """Refuse Arm kernels by name: no x86 guest can run one. Raises RefusedError (kernel-arm)."""
    what = arm_kind(candidate.blob)
    if what is None:
        return
    raise RefusedError(
        "kernel-arm",
        f"the {candidate.noun} is for Arm, and xlbuild builds x86 guests",
        cause=f"it is {what}",
        hint=candidate.mend if candidate.firmware else "give an x86 kernel",
        where=Where(candidate.name),
    )


def arm_kind(blob: Blob) -> str | None:
    """Return what kind of Arm kernel a file is; None for one that is none."""
    for offset, magic, what in _ARM_IMAGES:
        if _has(blob, offset, magic):
            return what
    if not blob.starts_with(MAGIC) or not blob.holds(_ELF_MACHINE, 2):
        return None
    order: Literal["big", "little"] = "big" if blob.read(_EI_DATA, 1) == _BIG_ENDIAN else "little"
    machine = int.from_bytes(blob.read(_ELF_MACHINE, 2), order)
    return {EM_ARM: "an ELF file for 32-bit Arm", EM_AARCH64: "an ELF file for AArch64"}.get(machine)


def _has(blob: Blob, offset: int, magic: bytes) -> bool:
    return blob.holds(offset, len(magic)) and blob.read(offset, len(magic)) == magic


def what_it_is(blob: Blob, *, zipped: bool = False) -> Guess | None:
    """Say what a refused file seems to be; `zipped`: it has been unpacked from a gzip file."""
    if _has(blob, 0, _GZIP_MAGIC):
        return _GZIP_TWICE if zipped else _GZIP_CUT
    if signature := signature_of(blob):
        return signature.guess
    if header := boot_loader_header(blob):
        return header
    if _has(blob, *_VOLUME_MAGIC):
        return _UEFI
    if _is_bios(blob):
        return _BIOS
    if not any(blob.data[:_ZERO_SAMPLE]):
        return _ZEROS
    sample = bytes(blob.data[:_TEXT_SAMPLE])
    if sample.startswith(b"#!"):
        return Guess("it is a script", "give the kernel itself", FileKind.SCRIPT)
    if sample and all(byte in b"\t\n\r\f" or 32 <= byte < 127 for byte in sample):
        return Guess("it is a text file", "give the kernel itself", FileKind.TEXT)
    return None


def _is_bios(blob: Blob) -> bool:
    whole_units = blob.size % _BIOS_UNIT == 0 and 0 < blob.size <= _LARGEST_BIOS
    return whole_units and _has(blob, blob.size - _RESET_VECTOR, _FAR_JUMP)


def signature_of(blob: Blob) -> Signature | None:
    """Return the first signature that a file has."""
    return next((each for each in SIGNATURES if _has(blob, each.offset, each.magic)), None)


def boot_loader_header(blob: Blob) -> Guess | None:
    """Return what the header that a file has for boot loaders says of it; Xen reads none of these."""
    for word, within, step, words, what in _BOOT_LOADER_HEADERS:
        head = bytes(blob.data[:within])
        if find_header(head, word, words=words, step=step, end=len(head) - 4 * words + 1) is not None:
            return what
    return None
