"""Seeds that are ramdisks, file systems, firmware, and ACPI tables: the smallest that are recognised."""

import bz2
import gzip
import lzma
import struct
import zlib
from functools import cache

from acpimemory import RSDP_AT, rsdp, table, with_checksum
from kernels import LOAD_ADDRESS, Load, elf_file, pattern

from fuzz.elffields import seed
from fuzz.model import Field, Seed, Seeds
from fuzz.packers import PACKERS
from fuzz.seeds import bzimages, configurations, foreign_files, gzip_files, multiboot_files, small_elf_files
from xlbuild.acpi.dsdt import build_dsdt
from xlbuild.image.recognise import SIGNATURES

_FILES = (
    ("kernel/x86/microcode/GenuineIntel.bin", 0o100644, pattern(64)),
    ("init", 0o100755, b"#!/bin/sh\nexec /sbin/init\n"),
    ("bin", 0o040755, b""),
    ("bin/sh", 0o120777, b"busybox"),
    ("lib/modules/6.1.0/kernel/x.ko", 0o100644, pattern(40)),
)
_FARTHEST = 40 << 10
_HEAD = 128


def newc(magic: bytes = b"070701") -> bytes:
    """Return a cpio archive as Linux takes it."""
    archive = b""
    for number, (name, mode, data) in enumerate((*_FILES, ("TRAILER!!!", 0, b"")), 1):
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
        head = magic + b"".join(b"%08x" % field for field in fields) + name.encode() + b"\0"
        archive += head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)
    return archive


def _odc() -> bytes:
    archive = b""
    for name, mode, data in (*_FILES, ("TRAILER!!!", 0, b"")):
        head = b"070707" + b"%06o" * 7 % (1, 2, mode, 0, 0, 1, 0) + b"%011o" % 0
        archive += head + b"%06o%011o" % (len(name) + 1, len(data)) + name.encode() + b"\0" + data
    return archive


def _bin(order: str) -> bytes:
    archive = b""
    for name, mode, data in (*_FILES, ("TRAILER!!!", 0, b"")):
        words = (0o070707, 1, 2, mode, 0, 0, 1, 0, 0, 0, len(name) + 1, 0, len(data))
        text = name.encode() + b"\0"
        archive += (
            struct.pack(order + "13H", *words) + text + bytes(len(text) % 2) + data + bytes(len(data) % 2)
        )
    return archive


def pack_somehow(data: bytes) -> bytes:
    """Return data as a ramdisk may be packed: by its contents one way or another, or several behind one another."""
    ways = (
        lambda: gzip.compress(data, 1, mtime=0),
        lambda: bz2.compress(data, 1),
        lambda: lzma.compress(data, preset=0),
        lambda: lzma.compress(data, lzma.FORMAT_ALONE, preset=0),
        lambda: PACKERS["zstd"](data)[:-4],
        lambda: PACKERS["lz4"](data)[:-4],
        lambda: PACKERS["lzo"](data)[:-4],
        lambda: newc() + gzip.compress(data, 1, mtime=0),
        lambda: gzip.compress(data, 1, mtime=0) + bytes(8) + PACKERS["zstd"](data)[:-4],
    )
    return ways[zlib.crc32(data) % len(ways)]()


@cache
def archives() -> Seeds:
    """cpio archives of every form."""
    return tuple(Seed(data) for data in (newc(), newc(b"070702"), _odc(), _bin("<"), _bin(">"), newc() * 2))


@cache
def ramdisks() -> Seeds:
    """Archives, plain and packed, and the heads of file systems and disks."""
    packed = (pack_somehow(newc() + bytes(number)) for number in range(24))
    near = (each for each in SIGNATURES if each.offset <= _FARTHEST)
    images = (bytes(each.offset) + each.magic + pattern(_HEAD) for each in near)
    disk = bytearray(512)
    disk[0x1BE:0x1CE] = b"\x80\0\1\0\x83\0\0\0" + struct.pack("<II", 1, 1000)
    disk[510:] = b"\x55\xaa"
    return (*archives(), *map(seed, (*packed, *images)), _headed(bytes(disk)))


def _headed(data: bytes) -> Seed:
    """Return a file whose first bytes are numbers as a seed."""
    return Seed(data, tuple(Field(offset, 4) for offset in range(0, min(len(data) - 3, _HEAD), 4)))


def _hvmloader() -> bytes:
    texts = b"\0HVM Loader\0hvmloader/4.17\0" + pattern(100)
    return elf_file([Load(LOAD_ADDRESS, texts)], bits=32, header={"e_entry": LOAD_ADDRESS})


def _seabios() -> bytes:
    text = b"\0SeaBIOS (version %s)\0" + b"\0rel-1.16.2-1\0"
    return text.ljust(1024 - 16, b"\xff") + b"\xea\x5b\xe0\0\xf006/23/99\0\xfc\0"


def _volume(guid: bytes, size: int) -> bytes:
    def header(total: int) -> bytes:
        return struct.pack("<16s16sQ4sIHHHBB", b"", guid, size, b"_FVH", 7, 56, total, 0, 0, 2)

    words = sum(struct.unpack("<28H", header(0)))
    return header(-words & 0xFFFF).ljust(size, b"\xff")


def _option_rom() -> bytes:
    data = struct.pack("<4sHHHHB3sHHBB", b"PCIR", 0x8086, 0x100E, 0, 24, 0, b"\0\0\2", 1, 1, 0, 0x80)
    image = (b"\x55\xaa\1" + bytes(0x15) + struct.pack("<H", 0x1C) + bytes(2) + data + b"iPXE").ljust(
        511, b"\0"
    )
    return image + bytes([-sum(image) & 0xFF])


def _smbios() -> bytes:
    texts = b"maker\0product\0\0"
    structures = (struct.pack("<BBH", kind, 6, kind) + b"\1\2" + texts for kind in (0, 1, 11, 200))
    return b"".join(struct.pack("<I", len(each)) + each for each in structures)


@cache
def firmware() -> Seeds:
    """Firmware of every kind."""
    variables = bytes.fromhex("8d2bf1ff96768b4ca9852747075b4f50")
    code = bytes.fromhex("78e58c8c3d8a1c4f9935896185c32dd3")
    return (
        seed(_hvmloader()),
        _headed(_seabios()),
        _headed(_volume(variables, 512) + _volume(code, 1024)),
        _headed(_option_rom()),
        _headed(_option_rom()[:-1] + b"\0" + _option_rom()),
        _headed(_smbios()),
        _headed(table(b"SSDT", build_dsdt(2, 1)[36:]) + table(b"OEM1", pattern(30))),
    )


@cache
def aml() -> Seeds:
    """AML as it is made here, and terms that it does not have."""
    dsdt = build_dsdt(4, 2)[36:]
    more = b"\x10\x19\\_SB_[\x82\x0fDEV0\x08_HID\x0dXEN\0\x14\x08FOO_\0\xa4\x01"
    return (Seed(dsdt), Seed(more), Seed(dsdt + more))


@cache
def acpi() -> Seeds:
    """Memory from an RSDP on, with an XSDT and tables behind it, whose contents are partly sense."""
    tables = _acpi_tables()
    places = [RSDP_AT + _TABLES_AT + 0x200 * index for index in range(len(tables))]
    root = table(b"XSDT", b"".join(place.to_bytes(8, "little") for place in places))
    old_root = table(b"RSDT", b"".join(place.to_bytes(4, "little") for place in places))
    pointer = rsdp(RSDP_AT + _XSDT_AT, RSDP_AT + _RSDT_AT)
    data = (pointer.ljust(_XSDT_AT, b"\0") + root).ljust(_RSDT_AT, b"\0") + old_root
    data = data.ljust(_TABLES_AT, b"\0") + b"".join(each.ljust(0x200, b"\0") for each in tables)
    starts = (0, _XSDT_AT, _RSDT_AT, *(place - RSDP_AT for place in places))
    return (Seed(data, tuple(Field(start + offset, 4) for start in starts for offset in range(0, 60, 4))),)


_XSDT_AT, _RSDT_AT, _TABLES_AT = 0x40, 0x100, 0x200


def _acpi_tables() -> tuple[bytes, ...]:
    madt = bytes.fromhex("0000e0fe01000000") + b"\0\x08\0\0\1\0\0\0" + b"\1\x0c\1\0\0\0\xc0\xfe\0\0\0\0"
    return (
        table(b"FACP", pattern(232)),
        table(b"APIC", madt),
        table(b"HPET", pattern(20)),
        table(b"WAET", bytes(4)),
        table(b"SRAT", bytes(12) + b"\0\x10" + pattern(14) + b"\1\x28" + pattern(38)),
        table(b"SLIT", struct.pack("<Q", 2) + b"\x0a\x14\x14\x0a"),
        table(b"SSDT", build_dsdt(2, 1)[36:]),
        with_checksum(table(b"OEM2", pattern(60))),
    )


@cache
def all_kinds() -> Seeds:
    """Some files of every kind."""
    kernels = (*small_elf_files(), *bzimages(), *gzip_files(), *multiboot_files()[:3])
    return (*kernels, *foreign_files(), *ramdisks(), *firmware(), *configurations()[:20], Seed(b""))
