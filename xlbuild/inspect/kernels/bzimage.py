"""The header of Linux's x86 boot protocol, field by field (Documentation/arch/x86/boot.rst, asm/bootparam.h)."""

from __future__ import annotations

from xlbuild.abi.layout import Layout, raw, u8, u16, u32, u64
from xlbuild.image.blob import Blob
from xlbuild.image.bzimage import protocol_text
from xlbuild.inspect.kernels.file import KernelFile
from xlbuild.inspect.tree import Branch, Tree, hexadecimal
from xlbuild.inspect.words import flag_names

SETUP_HEADER_OFFSET = 0x1F1

SETUP_HEADER = Layout.of(
    "asm/bootparam.h struct setup_header",
    ("setup_sects", u8),
    ("root_flags", u16),
    ("syssize", u32),
    ("ram_size", u16),
    ("vid_mode", u16),
    ("root_dev", u16),
    ("boot_flag", u16),
    ("jump", u16),
    ("header", raw(4)),
    ("version", u16),
    ("realmode_swtch", u32),
    ("start_sys_seg", u16),
    ("kernel_version", u16),
    ("type_of_loader", u8),
    ("loadflags", u8),
    ("setup_move_size", u16),
    ("code32_start", u32),
    ("ramdisk_image", u32),
    ("ramdisk_size", u32),
    ("bootsect_kludge", u32),
    ("heap_end_ptr", u16),
    ("ext_loader_ver", u8),
    ("ext_loader_type", u8),
    ("cmd_line_ptr", u32),
    ("initrd_addr_max", u32),
    ("kernel_alignment", u32),
    ("relocatable_kernel", u8),
    ("min_alignment", u8),
    ("xloadflags", u16),
    ("cmdline_size", u32),
    ("hardware_subarch", u32),
    ("hardware_subarch_data", u64),
    ("payload_offset", u32),
    ("payload_length", u32),
    ("setup_data", u64),
    ("pref_address", u64),
    ("init_size", u32),
    ("handover_offset", u32),
    ("kernel_info_offset", u32),
)

_LOADFLAGS = {0: "LOADED_HIGH", 1: "KASLR_FLAG", 5: "QUIET_FLAG", 6: "KEEP_SEGMENTS", 7: "CAN_USE_HEAP"}
_XLOADFLAGS = {
    0: "XLF_KERNEL_64",
    1: "XLF_CAN_BE_LOADED_ABOVE_4G",
    2: "XLF_EFI_HANDOVER_32",
    3: "XLF_EFI_HANDOVER_64",
    4: "XLF_EFI_KEXEC",
    5: "XLF_5LEVEL",
    6: "XLF_5LEVEL_ENABLED",
    7: "XLF_MEM_ENCRYPTION",
}

_SINCE = {
    "ramdisk_image": 0x0200,
    "heap_end_ptr": 0x0201,
    "cmd_line_ptr": 0x0202,
    "initrd_addr_max": 0x0203,
    "kernel_alignment": 0x0205,
    "cmdline_size": 0x0206,
    "hardware_subarch": 0x0207,
    "payload_offset": 0x0208,
    "setup_data": 0x0209,
    "pref_address": 0x020A,
    "handover_offset": 0x020B,
    "kernel_info_offset": 0x020F,
}
"""The first field of each version of the protocol: an older header ends before it."""

_BY_BOOT_LOADER = "for the boot loader to fill in"
_MEANINGS = {
    "setup_sects": "sectors of real-mode code behind the first; the payload's offset counts from their end",
    "root_flags": "whether the root file system is mounted read-only at first",
    "syssize": "units of 16 bytes of protected-mode code",
    "ram_size": "no longer used",
    "vid_mode": "video mode at start",
    "root_dev": "device of the root file system, if the command line has none",
    "boot_flag": "0xaa55 in every bootable image",
    "jump": "a jump over the header",
    "header": "the protocol's magic, by which Xen knows a bzImage",
    "version": "boot protocol; Xen takes 2.08 and later",
    "realmode_swtch": "hook for boot loaders",
    "start_sys_seg": "no longer used",
    "kernel_version": "where the version's text stands, less 0x200",
    "type_of_loader": _BY_BOOT_LOADER,
    "setup_move_size": "bytes that a boot loader of long ago had to move",
    "code32_start": "entry point of the code that unpacks the payload, which Xen does not use",
    "ramdisk_image": _BY_BOOT_LOADER,
    "ramdisk_size": _BY_BOOT_LOADER,
    "bootsect_kludge": "no longer used",
    "heap_end_ptr": _BY_BOOT_LOADER,
    "ext_loader_ver": _BY_BOOT_LOADER,
    "ext_loader_type": _BY_BOOT_LOADER,
    "cmd_line_ptr": _BY_BOOT_LOADER,
    "initrd_addr_max": "highest address that a boot loader may put a ramdisk at",
    "kernel_alignment": "alignment that the kernel wants, if it can be moved",
    "relocatable_kernel": "whether it can be moved",
    "min_alignment": "log2 of the least alignment",
    "cmdline_size": "longest command line",
    "hardware_subarch": "0: a PC; 2: Xen",
    "hardware_subarch_data": _BY_BOOT_LOADER,
    "payload_offset": "bytes from the end of the real-mode code to the payload",
    "payload_length": "bytes of the payload, packed",
    "setup_data": _BY_BOOT_LOADER,
    "pref_address": "where a boot loader would put it; Xen goes by the ELF file inside",
    "init_size": "bytes that the kernel needs to unpack itself, which Xen does for it",
    "handover_offset": "EFI handover entry",
    "kernel_info_offset": "where a structure with more of the kind stands",
}
_SIZES = frozenset({"ramdisk_size", "payload_length", "cmdline_size", "init_size"})
"""Fields that count bytes."""
_VERSION_TEXT_BASE = 0x200
_LONGEST_VERSION = 256
_SECTOR = 512


def describe_bzimage(file: KernelFile) -> Branch:
    """Return the header's fields, the kernel's version, and what the payload is."""
    blob = (file.opened or file.given).blob
    fields = SETUP_HEADER.decode(blob.read(SETUP_HEADER_OFFSET, SETUP_HEADER.size))
    version = fields["version"]
    assert isinstance(version, int)
    return {
        "kernel_version": kernel_version(blob),
        "boot_protocol": protocol_text(version),
        "efi_stub": blob.starts_with(b"MZ"),
        "setup_size": (_number(fields["setup_sects"]) + 1) * _SECTOR,
        "header": [_field(name, fields[name]) for name in _present(version)],
        "payload": _payload(file),
    }


def kernel_version(blob: Blob) -> str | None:
    """Return the text that a bzImage has for its version; None where it points nowhere."""
    offset = SETUP_HEADER_OFFSET + SETUP_HEADER.offset_of("kernel_version")
    pointer = int.from_bytes(blob.read(offset, 2), "little")
    if not pointer or not blob.holds(_VERSION_TEXT_BASE + pointer, 1):
        return None
    text = blob.read(_VERSION_TEXT_BASE + pointer, _LONGEST_VERSION).split(b"\0", 1)[0]
    return text.decode("latin-1") or None


def _present(version: int) -> list[str]:
    """Return the fields that a version of the protocol has."""
    names: list[str] = []
    for name in SETUP_HEADER.field_names:
        if _SINCE.get(name, 0) > version:
            break
        names.append(name)
    return names


def _number(value: object) -> int:
    assert isinstance(value, int)
    return value


def _field(name: str, value: object) -> Branch:
    shown: Tree
    meaning = _MEANINGS.get(name)
    if isinstance(value, bytes):
        shown = value.decode("latin-1")
    else:
        number = _number(value)
        shown = number if name in _SIZES else hexadecimal(number)
        if name == "version":
            meaning = f"{protocol_text(number)}: {meaning}"
        elif name == "loadflags":
            meaning = flag_names(number, _LOADFLAGS)
        elif name == "xloadflags":
            meaning = flag_names(number, _XLOADFLAGS)
    return {
        "field": name,
        "offset": hexadecimal(SETUP_HEADER_OFFSET + SETUP_HEADER.offset_of(name)),
        "value": shown,
        "meaning": meaning,
    }


def _payload(file: KernelFile) -> Branch:
    if file.payload is None:
        return {"problem": file.payload_missing}
    described: dict[str, Tree] = {
        "offset": hexadecimal(file.payload.offset),
        "packed_size": file.payload.blob.size,
        "codec": file.codec.name if file.codec is not None else None,
    }
    if file.unpacked is not None:
        described["unpacked_size"] = file.unpacked.size
    if file.unpack_error is not None:
        described["problem"] = file.unpack_error
    return described
