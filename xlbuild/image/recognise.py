"""What a file that is no kernel for an x86 Xen guest is instead, to tell the user."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from xlbuild.errors import RefusedError, Where
from xlbuild.image.blob import Blob
from xlbuild.image.elf import EM_AARCH64, EM_ARM, MAGIC
from xlbuild.image.headers import find_header
from xlbuild.image.verdict import Candidate

_ELF_MACHINE = 18
_EI_DATA, _BIG_ENDIAN = 5, b"\x02"
_ARM_IMAGES = (
    (0x38, b"ARM\x64", "an arm64 Image"),
    (0x24, b"\x18\x28\x6f\x01", "a 32-bit Arm zImage"),
)
_TEXT_SAMPLE = 256
_ZERO_SAMPLE = 4096

_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Guess:
    """A sentence that says what a file seems to be, and what to do about it."""

    sentence: str
    hint: str | None


_PACKED = "Xen undoes only gzip on whole files: unpack it with "

_SIGNATURES: tuple[tuple[int, bytes, Guess], ...] = (
    (4, b"zimg", Guess("it is a Linux EFI zboot image", "give the vmlinux or the bzImage it was made from")),
    (0, b"070701", Guess("it is a cpio archive, an initrd", "set it as `ramdisk`, and a kernel as `kernel`")),
    (0, b"070702", Guess("it is a cpio archive, an initrd", "set it as `ramdisk`, and a kernel as `kernel`")),
    (0, b"\xfd7zXZ\0", Guess("it is an xz file", _PACKED + "`xz -d`")),
    (0, b"\x28\xb5\x2f\xfd", Guess("it is a zstd file", _PACKED + "`zstd -d`")),
    (0, b"BZh", Guess("it is a bzip2 file", _PACKED + "`bunzip2`")),
    (0, b"\x04\x22\x4d\x18", Guess("it is an lz4 file", _PACKED + "`lz4 -d`")),
    (0, b"QFI\xfb", Guess("it is a qcow2 disk image", "set it in `disk`, and a kernel as `kernel`")),
    (0, b"!<arch>\n", Guess("it is an archive of object files, or a Debian package", None)),
    (0x8001, b"CD001", Guess("it is an ISO image", "set it in `disk`, and a kernel as `kernel`")),
    (0, b"\x27\x05\x19\x56", Guess("it is a U-Boot image", "give the kernel it was made from")),
    (0x202, b"HdrS", Guess("it is a Linux bzImage", None)),
    (0, b"MZ", Guess("it is an EFI program (PE)", "give a kernel that is an ELF file or a bzImage")),
)
"""(offset, bytes, what it is), the first that fits; a bzImage may begin with MZ too."""

_BOOT_LOADER_HEADERS = (
    (
        0x1BADB002,
        8192,
        4,
        3,
        Guess("it has a Multiboot header, which is for GRUB: Xen does not read it", None),
    ),
    (
        0xE85250D6,
        32768,
        8,
        4,
        Guess("it has a Multiboot 2 header, which is for GRUB: Xen does not read it", None),
    ),
)
"""(magic, within so many bytes, at multiples of, words that make zero in sum, what it is)."""

_GZIP_CUT = Guess(
    "it is a gzip file, probably cut short: its last four bytes give no size that Xen unpacks to (1 GiB at most)",
    "compare its size and checksum with the original, or unpack it with gunzip and give the result",
)
_GZIP_TWICE = Guess("it is a gzip file within a gzip file, and Xen undoes one", "unpack it with gunzip")
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
    for offset, magic, guess in _SIGNATURES:
        if _has(blob, offset, magic):
            return guess
    for word, within, step, words, what in _BOOT_LOADER_HEADERS:
        head = bytes(blob.data[:within])
        if find_header(head, word, words=words, step=step, end=len(head) - 4 * words + 1) is not None:
            return what
    if not any(blob.data[:_ZERO_SAMPLE]):
        return _ZEROS
    sample = bytes(blob.data[:_TEXT_SAMPLE])
    if sample.startswith(b"#!"):
        return Guess("it is a script", "give the kernel itself")
    if sample and all(byte in b"\t\n\r\f" or 32 <= byte < 127 for byte in sample):
        return Guess("it is a text file", "give the kernel itself")
    return None
