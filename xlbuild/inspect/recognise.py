"""What a file is, by its bytes alone, and which of them say so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from xlbuild.image.blob import Blob
from xlbuild.image.codecerror import CodecError
from xlbuild.image.elf import EM_386, EM_X86_64, MAGIC, ElfFile, open_elf
from xlbuild.image.multiboot import find_table
from xlbuild.image.recognise import FileKind, arm_kind, article, boot_loader_header, signature_of
from xlbuild.image.verdict import RejectedError
from xlbuild.inspect.firmware.describe import describe_firmware
from xlbuild.inspect.ramdisks.cpio import starts_archive
from xlbuild.inspect.ramdisks.filesystems import SAMPLE, file_system_of
from xlbuild.inspect.ramdisks.streams import Budget, BudgetSpentError, Packing, open_stream, packing_at
from xlbuild.inspect.textfile import recognise_text
from xlbuild.inspect.tree import hexadecimal
from xlbuild.units import MIB

__all__ = ["FileKind", "Recognition", "recognise"]

_LARGEST_FIRMWARE = 16 * MIB
_WORK = 4 * MIB
"""For the first bytes of what is packed."""
_ET_CORE = 4
_CLASS_64 = 2
_ELF64_HEADER = 64
_PHNUM = slice(56, 58)
"""The ELF header's count of program headers: a program's core has some."""
_MACHINE_END = 20
_MACHINES = {
    2: "SPARC",
    8: "MIPS",
    20: "PowerPC",
    21: "PowerPC64",
    22: "S/390",
    243: "RISC-V",
    258: "LoongArch",
}


@dataclass(frozen=True, slots=True)
class Recognition:
    """What a file is, and why it is thought to be that."""

    kind: FileKind
    what: str
    """In words: `a Linux bzImage`."""
    why: str
    """Which bytes decided it, in words."""
    packing: tuple[str, ...] = ()
    """What it is packed in, outermost first; the kind is that of what is in it."""

    @property
    def unpacking(self) -> str | None:
        """The mend for a save file or a dump-core that is packed: those are read as they are; None for others."""
        if not self.packing or self.kind not in (FileKind.SAVE, FileKind.CORE):
            return None
        return f"unpack it ({' in '.join(self.packing)}), and name what comes out"


Test = Callable[[memoryview], Recognition | None]
"""Looks at a file's first bytes, or at all of it."""


def recognise(data: bytes | bytearray | memoryview) -> Recognition:
    """Return what a file is; of one that is packed, what is in it."""
    view = memoryview(data)
    packing = packing_at(view, 0)
    if packing is None:
        return _plain(view)
    head = _unpacked_head(view, packing)
    found = _plain(memoryview(head))
    packed_in = f"{packing.name} at 0x0, and in it: "
    if found.kind in (FileKind.UNKNOWN, FileKind.EMPTY):
        file = f"{article(packing.name)} {packing.name} file"
        what = f"{file}, of which nothing is known" if head else f"a broken {packing.name} file"
        return Recognition(FileKind.UNKNOWN, what, packed_in + found.why, (packing.name,))
    what = f"{found.what}, packed with {packing.name}"
    return replace(found, what=what, why=packed_in + found.why, packing=(packing.name,))


def _unpacked_head(data: memoryview, packing: Packing) -> bytes:
    """Return the first bytes of what a file is packed from, as many as can be had."""
    stream = open_stream(data, 0, Budget(_WORK))
    head = bytearray()
    try:
        for piece in packing.pieces(stream):
            head += piece[:SAMPLE]
            if len(head) >= SAMPLE:
                break
    except (CodecError, BudgetSpentError):
        pass  # what there is may say enough
    return bytes(head[:SAMPLE])


def _plain(data: memoryview) -> Recognition:
    for test in _TESTS:
        if found := test(data):
            return found
    start = bytes(data[:8]).hex(" ")
    return Recognition(FileKind.UNKNOWN, "a file of no known kind", f"it starts with {start}")


def _empty(data: memoryview) -> Recognition | None:
    return None if data else Recognition(FileKind.EMPTY, "an empty file", "it has no bytes")


def _elf(data: memoryview) -> Recognition | None:
    if data[:4] != MAGIC:
        return None
    if len(data) < _MACHINE_END:
        return Recognition(
            FileKind.KERNEL, "the beginning of an ELF file", "7f 45 4c 46 (ELF) at 0x0, and no machine"
        )
    machine = int.from_bytes(data[18:20], "big" if bytes(data[5:6]) == b"\2" else "little")
    if arm := arm_kind(Blob.of(data)):
        return Recognition(FileKind.FOREIGN, arm, f"the ELF header's machine, at 0x12, is {machine}")
    if machine not in (EM_386, EM_X86_64):
        name = _MACHINES.get(machine, f"machine {machine}")
        what = f"an ELF file for {name}"
        return Recognition(FileKind.FOREIGN, what, f"the ELF header's machine, at 0x12, is {machine}")
    if int.from_bytes(data[16:18], "little") == _ET_CORE:
        return _core(data)
    return Recognition(FileKind.KERNEL, "an ELF file", "7f 45 4c 46 (ELF) at 0x0, for x86")


def _core(data: memoryview) -> Recognition:
    """Tell Xen's dumps from those of programs: they have sections of Xen's (docs/misc/dump-core-format.txt)."""
    for name in (".note.Xen", ".xen_prstatus"):
        section = _section(data, name)
        if section is not None:
            why = f"ELF of the type CORE, with a section {name}"
            return Recognition(FileKind.CORE, "a dump of a guest (xl dump-core)", why)
    if len(data) >= _ELF64_HEADER and data[4] == _CLASS_64 and not any(data[_PHNUM]):
        why = "ELF of the type CORE, without program headers; its sections' names lie further on"
        return Recognition(FileKind.CORE, "a dump of a guest (xl dump-core)", why)
    why = "ELF of the type CORE, without a section .note.Xen"
    return Recognition(FileKind.UNKNOWN, "the core of a program", why)


def _section(data: memoryview, name: str) -> object | None:
    try:
        elf: ElfFile = open_elf(Blob.of(data))
    except RejectedError:
        return None
    return elf.section_named(name)


def _hvmloader(data: memoryview) -> Recognition | None:
    return _firmware(data) if data[:4] == MAGIC else None


def _firmware(data: memoryview) -> Recognition | None:
    described = describe_firmware(data) if len(data) <= _LARGEST_FIRMWARE else None
    if described is None:
        return None
    what = str(described["what"])
    return Recognition(FileKind.FIRMWARE, what, "texts and tables of such firmware are in it")


def _multiboot(data: memoryview) -> Recognition | None:
    offset = find_table(Blob.of(data))
    if offset is None:
        return None
    return Recognition(FileKind.KERNEL, "a multiboot-style binary", f"Xen's table at {hexadecimal(offset)}")


def _signature(data: memoryview) -> Recognition | None:
    signature = signature_of(Blob.of(data))
    if signature is None:
        return None
    why = f"{_shown(signature.magic)} at {hexadecimal(signature.offset)}"
    what = signature.guess.sentence.removeprefix("it is ")
    return Recognition(signature.guess.kind, what, why)


def _shown(magic: bytes) -> str:
    """Return bytes as they are in hex, and as text where they are one."""
    text = (
        f' ("{magic.decode().strip()}")' if magic.isascii() and magic.strip().decode().isprintable() else ""
    )
    return f"{magic.hex(' ')}{text}"


def _archive(data: memoryview) -> Recognition | None:
    """Know the binary forms of cpio archives by their first header: their magic number alone is short."""
    form = starts_archive(bytes(data[:SAMPLE]))
    if form is None:
        return None
    return Recognition(
        FileKind.RAMDISK, "a cpio archive, an initrd", f"{form.magic.hex(' ')} at 0x0, and a header"
    )


def _arm(data: memoryview) -> Recognition | None:
    arm = arm_kind(Blob.of(data))
    return Recognition(FileKind.FOREIGN, arm, "the magic number of Arm's boot protocol") if arm else None


def _disk(data: memoryview) -> Recognition | None:
    system = file_system_of(bytes(data[:SAMPLE]))
    if system is None:
        return None
    return Recognition(FileKind.DISK, f"a {system.name}", "55 aa at 0x1fe, and partitions before it")


def _boot_loader(data: memoryview) -> Recognition | None:
    header = boot_loader_header(Blob.of(data))
    if header is None:
        return None
    return Recognition(FileKind.KERNEL, "a kernel for GRUB", header.sentence)


def _text(data: memoryview) -> Recognition | None:
    found = recognise_text(data)
    return None if found is None else Recognition(found.kind, found.what, found.why)


def _zeros(data: memoryview) -> Recognition | None:
    if bytes(data[:SAMPLE]).strip(b"\0"):
        return None
    return Recognition(FileKind.UNKNOWN, "a file that starts with nothing but zeros", "zeros from 0x0 on")


_TESTS: tuple[Test, ...] = (
    _empty,
    _hvmloader,
    _multiboot,
    _elf,
    _arm,
    _signature,
    _archive,
    _firmware,
    _disk,
    _boot_loader,
    _text,
    _zeros,
)
"""Every test, in order: the first that knows the file decides."""
