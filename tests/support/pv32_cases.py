"""32-bit PV kernels: notes and strings of that word size, and every spelling of PAE. Part of kernel_cases.py."""

import struct
from typing import Any

from kernels import LOAD_ADDRESS, Load, Notes, Section, elf_file, pattern
from kernels import VIRT_BASE_32 as BASE

START = BASE + LOAD_ADDRESS
ENTRY = START + 0x40
SAYS_XEN: Notes = [("GUEST_OS", "testos"), ("XEN_VERSION", "xen-3.0"), ("LOADER", "generic")]
PLACED: Notes = [*SAYS_XEN, ("VIRT_BASE", BASE), ("ENTRY", ENTRY)]
PAE: Notes = [("PAE_MODE", "yes")]
AT_ENTRY = {"e_entry": ENTRY}
AT_PHYSICAL_ENTRY = {"e_entry": ENTRY - BASE}

SEGMENT = Load(START, pattern(0x1234), LOAD_ADDRESS, 0x3000)
SEGMENT_AS_LINKED = Load(START, pattern(0x1234), memsz=0x3000)
LOW_SEGMENT = Load(LOAD_ADDRESS, pattern(0x100))
SYMBOLS = (
    Section(".symtab", 2, pattern(48, 3), 8, link=2, entsize=16),
    Section(".strtab", 3, pattern(19, 5), 1),
)


def pv32_cases() -> dict[str, tuple[str, bytes]]:
    """For each case the guest's type and the file."""
    cases = _note_cases() | _pae_cases() | _string_cases()
    return {f"32-bit PV, {name}": ("pv", file) for name, file in cases.items()}


def _kernel(notes: Notes, load: Load = SEGMENT, **options: Any) -> bytes:
    return elf_file([load], notes, bits=32, **options)


def _note_cases() -> dict[str, bytes]:
    good = [*PLACED, *PAE]
    return {
        "notes": _kernel(good),
        "notes in a section only": _kernel(good, notes_in="section"),
        "no VIRT_BASE": _kernel([*SAYS_XEN, *PAE], LOW_SEGMENT, header=AT_PHYSICAL_ENTRY),
        "no ENTRY": _kernel([*SAYS_XEN, ("VIRT_BASE", BASE), *PAE], header=AT_ENTRY),
        "PADDR_OFFSET": _kernel([*good, ("PADDR_OFFSET", BASE)], SEGMENT_AS_LINKED),
        "PADDR_OFFSET without VIRT_BASE": _kernel(
            [*SAYS_XEN, ("PADDR_OFFSET", 0), *PAE], header=AT_PHYSICAL_ENTRY
        ),
        "HYPERCALL_PAGE": _kernel([*good, ("HYPERCALL_PAGE", START + 0x1000)]),
        "INIT_P2M": _kernel([*good, ("INIT_P2M", 0x4000_0000)]),
        "INIT_P2M inside": _kernel([*good, ("INIT_P2M", START)]),
        "HV_START_LOW": _kernel([*good, ("HV_START_LOW", 0xF580_0000)]),
        "a number of 8 bytes": _kernel([*good, ("ENTRY", struct.pack("<Q", ENTRY))]),
        "all ones in 32 bits are not unset": _kernel([*good, ("VIRT_BASE", 0xFFFF_FFFF)]),
        "PHYS32_ENTRY too": _kernel([*good, ("PHYS32_ENTRY", ENTRY - BASE)]),
    }


def _pae_cases() -> dict[str, bytes]:
    spellings = ("yes,bimodal", "bimodal", "bimodal=no", "no", "Yes", "yes ", "yes[extended-cr3]", "")
    cases = {f"PAE_MODE `{text}`": _kernel([*PLACED, ("PAE_MODE", text)]) for text in spellings}
    cases["PAE_MODE twice"] = _kernel([*PLACED, *PAE, ("PAE_MODE", "no")])
    return cases


def _string_cases() -> dict[str, bytes]:
    """`__xen_guest` strings; the files have symbol tables, which BSD_SYMTAB asks for."""
    yes = ",PAE=yes"
    spellings = ("", "=yes", "=yes[extended-cr3]", "=yes[extended-cr3", "=bimodal", "=no", "=YES")
    strings = {f"PAE{text}": f",PAE{text}" for text in spellings} | {
        "every key": f"{yes},GUEST_VER=2,BSD_SYMTAB=yes,VIRT_ENTRY={ENTRY:#x},ELF_PADDR_OFFSET={BASE:#x},"
        "HYPERCALL_PAGE=0x101,FEATURES=pae_pgdir_above_4gb|!writable_page_tables",
        "BSD_SYMTAB alone": f"{yes},BSD_SYMTAB",
        "a paddr offset that is unset": f"{yes},ELF_PADDR_OFFSET=0xffffffffffffffff",
        "a hypercall page past 32 bits": f"{yes},HYPERCALL_PAGE=0x50101",
    }
    cases = {f"__xen_guest, {name}": _with_string(text) for name, text in strings.items()}
    cases["__xen_guest, a paddr offset of 0"] = _with_string(f"{yes},ELF_PADDR_OFFSET=0", SEGMENT)
    return cases


def _with_string(more: str, load: Load = SEGMENT_AS_LINKED) -> bytes:
    text = f"GUEST_OS=testos,XEN_VER=xen-3.0,LOADER=generic,VIRT_BASE={BASE:#x}{more}"
    section = Section("__xen_guest", 1, text.encode() + b"\0")
    return elf_file([load], bits=32, sections=[*SYMBOLS, section], header=AT_ENTRY)
