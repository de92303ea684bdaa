"""Guests that are compared with each other: built in memory, some from kernels made for it."""

from pathlib import Path

from kernels import LOAD_ADDRESS, VIRT_BASE_32, VIRT_BASE_64, Load, Notes, elf_file, pattern
from toolstack import XEN_ROOT

import xlbuild
from xlbuild.built import BuiltDomain
from xlbuild.emit.readback import in_memory

INIT_P2M = 0x80_0000_0000
_SAYS_XEN: Notes = [("GUEST_OS", "testos"), ("XEN_VERSION", "xen-3.0"), ("LOADER", "generic")]


def build(config: bytes, *overrides: str, xen: str | None = None) -> BuiltDomain:
    """Build a guest in memory."""
    domain = xlbuild.build(config, overrides=overrides, xen=xen, firmware_dirs=[str(XEN_ROOT)])
    return in_memory(domain, "guest")


def with_init_p2m(directory: Path) -> bytes:
    """Return the configuration of a guest whose p2m list lies at an address of its own, its page tables behind it."""
    start = VIRT_BASE_64 + LOAD_ADDRESS
    notes: Notes = [("VIRT_BASE", VIRT_BASE_64), ("ENTRY", start), ("INIT_P2M", INIT_P2M)]
    data = elf_file([Load(start, pattern(0x1234), LOAD_ADDRESS)], [*_SAYS_XEN, *notes])
    return _config(directory / "init-p2m", data)


def with_pae(directory: Path) -> bytes:
    """Return the configuration of a 32-bit guest."""
    start = VIRT_BASE_32 + LOAD_ADDRESS
    notes: Notes = [("VIRT_BASE", VIRT_BASE_32), ("ENTRY", start), ("PAE_MODE", "yes")]
    data = elf_file([Load(start, pattern(0x1234), LOAD_ADDRESS)], [*_SAYS_XEN, *notes], bits=32)
    return _config(directory / "pae", data)


def _config(file: Path, kernel: bytes) -> bytes:
    file.write_bytes(kernel)
    return f'name="g"\ntype="pv"\nkernel="{file}"\nmemory=16\n'.encode()
