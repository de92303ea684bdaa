"""Multiboot-style binaries: what tables may say, where they may stand, and around what. Part of kernel_cases.py."""

import struct

from kernels import LOAD_ADDRESS, VIRT_BASE_64, Load, Notes, Table, binary, elf_file, gzip_stored, pattern


def multiboot_cases() -> dict[str, tuple[str, bytes]]:
    """For each case the guest's type and the file."""
    cases = {name: binary(table) for name, table in _tables().items()} | _places()
    cases["a table of bad flags before a good one"] = _two_tables(Table(flags=0))
    cases["a table of a bad sum before a good one"] = _two_tables(Table(sum=1))
    cases["gzip"] = gzip_stored(binary())
    cases["gzip, with more claimed behind it"] = gzip_stored(binary())[:-4] + struct.pack("<I", 0x6000)
    named = {f"multiboot, {name}": ("pv", file) for name, file in cases.items()}
    named |= {f"multiboot, {kind}": (kind, binary()) for kind in ("pvh", "hvm")}
    with_table = _elf_with_table()
    return named | {f"multiboot, an ELF file, {kind}": (kind, with_table) for kind in ("pv", "pvh")}


def _tables() -> dict[str, Table]:
    at = LOAD_ADDRESS
    flags = (0, 0x10000, 0x10001, 0x14000, 0x18000, 0x18001, 0x1C000, 0x8000, 0x18002, 0x1A000, 0x38000)
    return {
        "whole file": Table(),
        "an end and a bss": Table(load_end=at + 0x4801, bss_end=at + 0x9123),
        "a bss behind the whole file": Table(bss_end=at + 0x6000),
        "nothing loaded, all bss": Table(load_end=at, bss_end=at + 0x3000),
        "the file's last byte": Table(load_end=at + 0x5000),
        "more than the file": Table(load_end=at + 0x5001),
        "an end below its start": Table(load_end=at - 4),
        "an end below its start, and a bss": Table(load_end=at - 4, bss_end=at + 0x3000),
        "nothing at all": Table(load_end=at),
        "a bss that ends too low": Table(load_end=at + 0x4000, bss_end=at + 0x3FFF),
        "a bss that ends below the file": Table(bss_end=at + 0x4FFF),
        "an entry outside": Table(entry=0xFFFF_FFFF),
        "an entry of 0": Table(entry=0),
        "a load address below the file": Table(load=at - 0x1000),
        "a load address behind the table": Table(load=at + 0x1000),
        "a header address that wraps": Table(header=0x100, load=0xFFFF_FFF0),
        "a page below 4 GiB": Table(header=0xFFFF_F400, load=0xFFFF_F000, load_end=0xFFFF_FFFF),
        "an end that wraps, and a bss": Table(header=0xFFFF_B400, load=0xFFFF_B000, bss_end=0xFFFF_FFFF),
        "address 0": Table(header=0x400, load=0),
        "a bad checksum": Table(sum=1),
        "another magic": Table(magic=0x1BAD_B002),
    } | {f"flags {flag:#x}": Table(flags=flag) for flag in flags}


def _places() -> dict[str, bytes]:
    """Tables in other places than at 0x400, and files that end soon behind them."""
    at = LOAD_ADDRESS
    offsets = (0, 4, 6, 0x1FE0, 0x1FFC, 0x2000)
    cases = {f"its table at {offset:#x}": binary(Table(header=at + offset), offset) for offset in offsets}
    cases |= {f"{size} bytes": binary(Table(header=at), 0, size) for size in (11, 12, 31, 32, 33)}
    cases["its first page left out"] = binary(Table(header=at + 0x1400, load=at + 0x1000), 0x1400)
    return cases


def _two_tables(first: Table) -> bytes:
    return _with_table(binary(first), 0x800)


def _elf_with_table() -> bytes:
    """A kernel that would be a good one for PV and PVH, but for the table among its code."""
    start = VIRT_BASE_64 + LOAD_ADDRESS
    own: Notes = [
        ("XEN_VERSION", "xen-3.0"),
        ("LOADER", "generic"),
        ("VIRT_BASE", VIRT_BASE_64),
        ("ENTRY", start),
    ]
    load = Load(start, pattern(0x1234), LOAD_ADDRESS, 0x3000)
    elf = elf_file([load], [*own, ("PHYS32_ENTRY", LOAD_ADDRESS)])
    return _with_table(elf, elf.index(load.data) + 3 & ~3)


def _with_table(file: bytes, at: int) -> bytes:
    table = Table(header=LOAD_ADDRESS + at).packed()
    return file[:at] + table + file[at + len(table) :]
