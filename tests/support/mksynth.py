"""Synthetic kernels that walk the corners of the domain builder: `mksynth.py DIRECTORY` writes them.

Note placement, PAE modes, where the p2m list goes, BSD symbol tables, bzImage payloads, multiboot-style binaries,
ramdisks. They are deterministic but for the compressors' output (which does not reach the guest), so golden values
can be recorded for them. The kernels do nothing: their code is noise.
"""

import bz2
import gzip
import lzma
import random
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from kernels import NOTE_TYPES

Note = tuple[str, int | str]
"""Name, as in xen/elfnote.h without the prefix, and value."""

BASE64 = 0xFFFFFFFF80000000
BASE32 = 0xC0000000
START = 0x100000
"""Where the kernels' code starts, from their virtual base."""


def noise(size: int, seed: int) -> bytes:
    return random.Random(seed).randbytes(size)  # noqa: S311 - reproducible is what it shall be


# ELF files


@dataclass(frozen=True)
class Load:
    """A PT_LOAD segment."""

    vaddr: int
    paddr: int
    data: bytes
    memory_size: int


@dataclass(frozen=True)
class Section:
    name: str
    type: int
    offset: int
    size: int
    link: int = 0
    entry_size: int = 0
    align: int = 4


@dataclass(frozen=True)
class ElfClass:
    """The sizes and layouts of one word size."""

    machine: int
    ident: int
    word: str
    header: str
    header_size: int
    program_header_size: int
    section_header: str
    section_header_size: int
    symbol_size: int


ELF32 = ElfClass(3, 1, "<I", "<HHIIIIIHHHHHH", 52, 32, "<IIIIIIIIII", 40, 16)
ELF64 = ElfClass(62, 2, "<Q", "<HHIQQQIHHHHHH", 64, 56, "<IIQQQQIIQQ", 64, 24)
PT_LOAD, PT_NOTE = 1, 4
SHT_PROGBITS, SHT_SYMTAB, SHT_STRTAB, SHT_NOTE = 1, 2, 3, 7
DATA_OFFSET = 0x1000


class Contents:
    """An ELF file's bytes from DATA_OFFSET on, as they are added."""

    def __init__(self) -> None:
        self.data = bytearray()

    def add(self, data: bytes, align: int = 16) -> int:
        """Append data and return its file offset."""
        self.data += bytes(-len(self.data) % align)
        offset = DATA_OFFSET + len(self.data)
        self.data += data
        return offset


def encode_notes(notes: Sequence[Note], elf: ElfClass) -> bytes:
    encoded = b""
    for name, value in notes:
        desc = value.encode() + b"\0" if isinstance(value, str) else struct.pack(elf.word, value)
        encoded += struct.pack("<III", 4, len(desc), NOTE_TYPES[name]) + b"Xen\0"
        encoded += desc + bytes(-len(desc) % 4)
    return encoded


def program_header(elf: ElfClass, kind: int, offset: int, load: Load, flags: int) -> bytes:
    where = (load.vaddr, load.paddr, len(load.data), load.memory_size)
    if elf is ELF64:
        return struct.pack("<IIQQQQQQ", kind, flags, offset, *where, 4096)
    return struct.pack("<IIIIIIII", kind, offset, *where, flags, 4096)


def symbol(elf: ElfClass, name: int, value: int) -> bytes:
    if elf is ELF64:
        return struct.pack("<IBBHQQ", name, 0x12, 0, 1, value, 16)
    return struct.pack("<IIIBBH", name, value, 16, 0x12, 0, 1)


def symbol_sections(elf: ElfClass, contents: Contents, first: int, index: int) -> Iterator[Section]:
    """Three symbols from address `first` on; `index` is that of the symbol table's section."""
    strings = b"\0start\0end_of_it\0x\0"
    symbols = bytes(elf.symbol_size)
    symbols += b"".join(symbol(elf, name, first + 16 * i) for i, name in enumerate((1, 7, 17)))
    offset = contents.add(symbols, 8)
    yield Section(".symtab", SHT_SYMTAB, offset, len(symbols), index + 1, elf.symbol_size, 8)
    yield Section(".strtab", SHT_STRTAB, contents.add(strings, 1), len(strings), align=1)


def section_table(elf: ElfClass, sections: Sequence[Section], contents: Contents) -> tuple[int, int]:
    """Add the section headers, with their string table as the last section; offset and count."""
    names = b"\0"
    starts = []
    for name in [*(section.name for section in sections), ".shstrtab"]:
        starts.append(len(names))
        names += name.encode() + b"\0"
    strings = Section(".shstrtab", SHT_STRTAB, contents.add(names, 1), len(names), align=1)
    table = bytes(elf.section_header_size)
    for start, s in zip(starts, [*sections, strings], strict=True):
        fields = (start, s.type, 0, 0, s.offset, s.size, s.link, 0, s.align, s.entry_size)
        table += struct.pack(elf.section_header, *fields)
    return contents.add(table, 16), len(sections) + 2


def elf_file(
    elf: ElfClass,
    loads: Sequence[Load],
    notes: Sequence[Note] = (),
    *,
    notes_in_segment: bool = True,
    xen_guest: str | None = None,
    symbols: bool = False,
    entry: int = 0,
) -> bytes:
    """An executable with these segments; notes in a PT_NOTE segment and a section, or in the section alone."""
    contents = Contents()
    headers = b"".join(program_header(elf, PT_LOAD, contents.add(load.data, 4096), load, 7) for load in loads)
    sections: list[Section] = []
    if notes:
        encoded = encode_notes(notes, elf)
        offset = contents.add(encoded, 4)
        sections.append(Section(".note.Xen", SHT_NOTE, offset, len(encoded)))
        if notes_in_segment:
            headers += program_header(elf, PT_NOTE, offset, Load(0, 0, encoded, len(encoded)), 4)
    if xen_guest is not None:
        text = xen_guest.encode() + b"\0"
        sections.append(Section("__xen_guest", SHT_PROGBITS, contents.add(text), len(text)))
    if symbols:
        sections += symbol_sections(elf, contents, loads[0].vaddr, len(sections) + 1)
    table, count = section_table(elf, sections, contents)
    sizes = (elf.header_size, elf.program_header_size, len(headers) // elf.program_header_size)
    header = b"\x7fELF" + bytes([elf.ident, 1, 1]) + bytes(9)
    header += struct.pack(
        elf.header, 2, elf.machine, 1, entry, elf.header_size, table, 0,
        *sizes, elf.section_header_size, count, count - 1,
    )  # fmt: skip
    return (header + headers).ljust(DATA_OFFSET, b"\0") + contents.data


# The kernels


def loads(base: int, paddr_offset: int = 0, tail: int = 0x1234) -> list[Load]:
    """Two segments with a gap between them and zeros behind their data."""
    return [
        Load(base + START, START + paddr_offset, noise(0x5A01, 1), 0x6000),
        Load(base + START + 0x8000, START + 0x8000 + paddr_offset, noise(0x2345, 2), 0x20000 + tail),
    ]


def pv_notes(base: int) -> list[Note]:
    return [
        ("GUEST_OS", "testos"),
        ("GUEST_VERSION", "1.0"),
        ("XEN_VERSION", "xen-3.0"),
        ("LOADER", "generic"),
        ("VIRT_BASE", base),
        ("ENTRY", base + START + 0x40),
        ("HYPERCALL_PAGE", base + START + 0x2000),
        ("FEATURES", "!writable_page_tables|pae_pgdir_above_4gb"),
    ]


def pvh_notes(guest_os: str = "testos", *more: Note) -> list[Note]:
    os: list[Note] = [("GUEST_OS", guest_os), *more]
    return [*os, ("XEN_VERSION", "xen-3.0"), ("LOADER", "generic"), ("PHYS32_ENTRY", START + 0x40)]


def xen_guest(base: int, more: str = "") -> str:
    return (
        f"GUEST_OS=testos,XEN_VER=xen-3.0,VIRT_BASE={base:#x},VIRT_ENTRY={base + START + 0x40:#x},"
        f"HYPERCALL_PAGE=0x102,LOADER=generic,FEATURES=writable_page_tables{more}"
    )


def pv64_kernels() -> dict[str, bytes]:
    standard = pv_notes(BASE64)

    def kernel(*more: Note) -> bytes:
        return elf_file(ELF64, loads(BASE64), [*standard, *more])

    without_entry = [note for note in standard if note[0] not in ("ENTRY", "HYPERCALL_PAGE")]
    low: list[Note] = [("GUEST_OS", "testos"), ("XEN_VERSION", "xen-3.0"), ("LOADER", "generic")]
    unaligned: list[Note] = [
        ("LOADER", "generic"),
        ("XEN_VERSION", "xen-3.0"),
        ("VIRT_BASE", BASE64),
        ("ENTRY", BASE64 + START + 0x140),
    ]
    return {
        "pv64-min": kernel(),
        "pv64-p2m": kernel(("INIT_P2M", 0x8000000000)),
        "pv64-modpfn": kernel(("MOD_START_PFN", 1)),
        "pv64-p2m-modpfn": kernel(("INIT_P2M", 0x8000000000), ("MOD_START_PFN", 1)),
        "pv64-p2m-samel4": kernel(("INIT_P2M", 0xFFFFFFFF00000000)),
        "pv64-p2m-samel3": kernel(("INIT_P2M", 0xFFFFFFFF7FE00000)),
        "pv64-p2m-unaligned": kernel(("INIT_P2M", 0x8000000123)),
        "pv64-p2m-above": kernel(("INIT_P2M", 0xFFFFFFFFC0000000)),
        "pv64-paddroff": elf_file(ELF64, loads(BASE64, BASE64), [*standard, ("PADDR_OFFSET", BASE64)]),
        "pv64-shtnote": elf_file(ELF64, loads(BASE64), standard, notes_in_segment=False),
        "pv64-noentry": elf_file(ELF64, loads(BASE64), without_entry, entry=BASE64 + START + 0x100),
        "pv64-novbase": elf_file(ELF64, loads(0), [*low, ("ENTRY", START + 0x40)]),
        "pv64-bsd": elf_file(ELF64, loads(BASE64), [*standard, ("BSD_SYMTAB", "yes")], symbols=True),
        "pv64-4mtail": elf_file(ELF64, loads(BASE64, tail=0x3A0000), standard),
        "pv64-unalignedstart": elf_file(
            ELF64, [Load(BASE64 + START + 0x100, START + 0x100, noise(5000, 5), 9000)], unaligned
        ),
        "pv64-legacy": elf_file(ELF64, loads(BASE64, BASE64), xen_guest=xen_guest(BASE64)),
    }


def pv32_kernels() -> dict[str, bytes]:
    standard = pv_notes(BASE32)
    pae: Note = ("PAE_MODE", "yes")

    def kernel(*more: Note) -> bytes:
        return elf_file(ELF32, loads(BASE32), [*standard, *more])

    def legacy(more: str) -> bytes:
        return elf_file(ELF32, loads(BASE32, BASE32), xen_guest=xen_guest(BASE32, more))

    return {
        "pv32-extcr3": kernel(pae),
        "pv32-bimodal": kernel(("PAE_MODE", "yes,bimodal")),
        "pv32-nopae": kernel(),
        "pv32-low": elf_file(ELF32, loads(0x80000000), [*pv_notes(0x80000000), pae]),
        "pv32-modpfn": kernel(pae, ("MOD_START_PFN", 1)),
        "pv32-bsd": elf_file(ELF32, loads(BASE32), [*standard, pae, ("BSD_SYMTAB", "yes")], symbols=True),
        "pv32-legacy-yes": legacy(",PAE=yes"),
        "pv32-legacy-ext": legacy(",PAE=yes[extended-cr3]"),
    }


def hvm_kernels() -> dict[str, bytes]:
    entry = START + 0x40
    rsdp_anywhere: Note = ("SUPPORTED_FEATURES", 1 << 15)

    def kernel(notes: Sequence[Note]) -> bytes:
        return elf_file(ELF32, loads(0), notes, entry=entry)

    return {
        "pvh32": kernel(pvh_notes()),
        "pvh64": elf_file(ELF64, loads(BASE64), [*pvh_notes(), ("VIRT_BASE", BASE64)], entry=BASE64 + entry),
        "pvh32-only": kernel([("PHYS32_ENTRY", entry)]),
        "pvh-linuxos": kernel(pvh_notes("linux")),
        "pvh-linuxos-rsdp": kernel(pvh_notes("linux", rsdp_anywhere)),
        "fw32": kernel([]),  # no notes: firmware
    }


# Packings


def bzimage(payload: bytes) -> bytes:
    """A bzImage of boot protocol 2.12; the payload starts behind setup_sects + 1 sectors and some noise."""
    setup_sectors, payload_offset = 4, 0x1C0
    header = bytearray(512 * (setup_sectors + 1))
    header[0x1F1] = setup_sectors
    header[0x1FE:0x200] = b"\x55\xaa"
    header[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", header, 0x206, 0x020C)
    struct.pack_into("<II", header, 0x248, payload_offset, len(payload))
    return bytes(header) + b"\x90" * payload_offset + payload + b"\xcc" * 37


def with_size(stream: bytes, unpacked: bytes) -> bytes:
    """A kernel payload other than gzip: the stream, then the unpacked size that Linux's build appends."""
    return stream + struct.pack("<I", len(unpacked))


def xz(data: bytes) -> bytes:
    return lzma.compress(data, lzma.FORMAT_XZ, check=lzma.CHECK_CRC32)


def gzipped(data: bytes) -> bytes:
    return gzip.compress(data, 9, mtime=0)


def lz4_stored(data: bytes) -> bytes:
    """A legacy LZ4 frame whose one block is a single run of literals."""
    extra = len(data) - 15
    block = b"\xf0" + b"\xff" * (extra // 255) + bytes([extra % 255]) + data
    return struct.pack("<II", 0x184C2102, len(block)) + block


def zstd_stored(data: bytes) -> bytes:
    """A Zstandard frame of raw blocks (single segment, 4-byte content size)."""
    limit = 1 << 17
    frame = struct.pack("<IBI", 0xFD2FB528, 0xA0, len(data))
    for at in range(0, len(data), limit):
        block = data[at : at + limit]
        last = at + limit >= len(data)
        frame += struct.pack("<I", len(block) << 3 | last)[:3] + block
    return frame


def packed_kernels(kernel: bytes) -> dict[str, bytes]:
    packed_xz = bzimage(with_size(xz(kernel), kernel))
    return {
        "bz-gzip": bzimage(gzipped(kernel)),
        "bz-bzip2": bzimage(with_size(bz2.compress(kernel), kernel)),
        "bz-xz": packed_xz,
        "bz-lzma": bzimage(with_size(lzma.compress(kernel, lzma.FORMAT_ALONE), kernel)),
        "bz-lz4-stored": bzimage(with_size(lz4_stored(kernel), kernel)),
        "bz-zstd-stored": bzimage(with_size(zstd_stored(kernel), kernel)),
        "bz-none": bzimage(kernel),
        "gz-elf": gzipped(kernel),
        "gz-bz-xz": gzipped(packed_xz),
    }


def kernels_packed_by_tools(kernel: bytes) -> dict[str, bytes]:
    """What only command-line tools can pack; without them those kernels are not there."""
    tools = {"bz-lz4": ("lz4", "-l", "-9", "-c"), "bz-zstd": ("zstd", "-19", "-c")}
    packed = {}
    for name, command in tools.items():
        if shutil.which(command[0]):
            stream = subprocess.run(command, input=kernel, capture_output=True, check=True).stdout
            packed[name] = bzimage(with_size(stream, kernel))
    return packed


def multiboot_binary(
    pae_field: int,
    at: int = 0x400,
    load: int = START,
    load_end: int = START + 0x4800,
    bss_end: int = START + 0x9000,
) -> bytes:
    """A binary with the table that Xen looks for in a file's first 8 KiB; its first byte's address is START."""
    return with_table(noise(0x5000, 9), at, pae_field, (START + at, load, load_end, bss_end, load + 0x40))


def with_table(file: bytes, at: int, pae_field: int, addresses: Sequence[int]) -> bytes:
    """A file with a table in it: the addresses of the table, the start, the two ends and the entry."""
    image = bytearray(file)
    magic, flags = 0x336EC578, 0x10000 | (pae_field << 14)
    checksum = -(magic + flags) & 0xFFFFFFFF
    struct.pack_into("<IIIIIIII", image, at, magic, flags, checksum, *addresses)
    return bytes(image)


def multiboot_kernels(elf: bytes) -> dict[str, bytes]:
    """Binaries with all there is in a table, and an ELF file that its table makes one of them."""
    binaries = {
        f"mb-{name}": multiboot_binary(field) for field, name in enumerate(("32", "32p", "64", "32x"))
    }
    return binaries | {
        "mb-64-whole": multiboot_binary(2, load_end=0, bss_end=0),
        "mb-64-last": multiboot_binary(2, at=0x1FFC),
        "mb-64-part": multiboot_binary(2, at=0x1800, load=START + 0x1000),
        "mb-elf": with_table(elf, 0x400, 2, (START + 0x400, START, 0, 0, START + 0x1040)),
        "mb-gz": gzipped(multiboot_binary(2, load_end=0, bss_end=0)),
    }


def ramdisks() -> dict[str, bytes]:
    ramdisk = noise(300_000, 77) + b"".join(b"%d\n" % i for i in range(60_000))
    packed = gzipped(ramdisk)
    return {"rd.raw": ramdisk, "rd.gz": packed, "rd.badgz": packed[:-100] + struct.pack("<I", 5000)}


def all_files(*, with_tools: bool = False) -> dict[str, bytes]:
    """Every synthetic file by its name; those that command-line tools pack only on request."""
    elfs = pv64_kernels() | pv32_kernels() | hvm_kernels()
    kernel = elfs["pv64-min"]
    by_tools = kernels_packed_by_tools(kernel) if with_tools else {}
    return elfs | packed_kernels(kernel) | by_tools | multiboot_kernels(kernel) | ramdisks()


def write_files(directory: Path, *, with_tools: bool = False) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for name, data in all_files(with_tools=with_tools).items():
        (directory / name).write_bytes(data)


if __name__ == "__main__":
    write_files(Path(sys.argv[1]), with_tools=True)
