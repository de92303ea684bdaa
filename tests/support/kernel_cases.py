"""Odd and damaged kernels: small files, made by kernels.py, that walk the corners of the loaders.

kernel_answers.py says what Xen's own library makes of each.
"""

import struct
from collections.abc import Sequence
from typing import Any

from kernels import (
    LOAD_ADDRESS,
    VIRT_BASE_32,
    VIRT_BASE_64,
    Load,
    Notes,
    Section,
    bzimage,
    elf_file,
    gzip_stored,
    note,
    packed,
    pattern,
    sized,
)
from multiboot_cases import multiboot_cases
from pv32_cases import pv32_cases

ENTRY = LOAD_ADDRESS + 0x40
UNSET = (1 << 64) - 1

SAYS_XEN: Notes = [("GUEST_OS", "testos"), ("XEN_VERSION", "xen-3.0"), ("LOADER", "generic")]
PV: Notes = [*SAYS_XEN, ("VIRT_BASE", VIRT_BASE_64), ("ENTRY", VIRT_BASE_64 + ENTRY)]
PVH: Notes = [("PHYS32_ENTRY", ENTRY)]


def load(
    offset: int, size: int, memsz: int | None = None, seed: int = 1, base: int = VIRT_BASE_64, **header: int
) -> Load:
    """A segment at an offset from the usual load address, linked at `base`."""
    data = pattern(size, seed)
    return Load(base + LOAD_ADDRESS + offset, data, LOAD_ADDRESS + offset, memsz, header=header)


def pv(notes: Notes = PV, loads: Sequence[Load] = (), **options: Any) -> bytes:
    """A 64-bit PV kernel."""
    return elf_file(loads or [load(0, 0x1234, 0x3000)], notes, **options)


def pvh(notes: Notes = PVH, loads: Sequence[Load] = (), **options: Any) -> bytes:
    """A 32-bit PVH kernel."""
    options = {"bits": 32, **options}
    return elf_file(loads or [load(0, 0x1234, 0x3000, base=0)], notes, **options)


def legacy(text: str, **options: Any) -> bytes:
    """A 64-bit PV kernel with a `__xen_guest` string and addresses as old kernels have them."""
    segment = Load(VIRT_BASE_64 + LOAD_ADDRESS, pattern(0x1234), memsz=0x3000)
    section = Section("__xen_guest", 1, text.encode() + b"\0")
    return elf_file([segment], sections=[section], header={"e_entry": VIRT_BASE_64 + ENTRY}, **options)


def patched(file: bytes, offset: int, data: bytes) -> bytes:
    """A file with some bytes replaced."""
    return file[:offset] + data + file[offset + len(data) :]


def with_symtab(
    bits: int, symbols: int = 3, strings: int = 19, end: int = 0x1234, notes: Notes = (), **header: int
) -> bytes:
    """A kernel that asks for its symbol tables; `end` is its size."""
    base, entry_size = (VIRT_BASE_64, 24) if bits == 64 else (VIRT_BASE_32, 16)
    own: Notes = [
        *SAYS_XEN,
        ("VIRT_BASE", base),
        ("ENTRY", base + ENTRY),
        ("BSD_SYMTAB", "yes"),
        ("PAE_MODE", "yes"),
    ]
    sections = [
        Section(".symtab", 2, pattern(symbols * entry_size, 3), 8, link=3, entsize=entry_size, header=header),
        Section(".strtab", 3, pattern(strings, 5), 1),
    ]
    return elf_file([load(0, 0x200, end, base=base)], [*own, *notes], bits=bits, sections=sections)


_LEGACY = f"GUEST_OS=testos,XEN_VER=xen-3.0,LOADER=generic,VIRT_BASE={VIRT_BASE_64:#x}"
_GOOD = packed()
_NOTE_AT = _GOOD.index(b"\x04\0\0\0\x07\0\0\0\x06\0\0\0Xen\0testos")


def _note_cases() -> dict[str, tuple[str, bytes]]:
    return {
        "a plain PV kernel": ("pv", _GOOD),
        "a PV kernel in an HVM container": ("pvh", _GOOD),
        "a big-endian PV kernel": ("pv", pv(order=">")),
        "notes in a section only": ("pv", pv(notes_in="section")),
        "notes in a segment at file offset 0": ("pv", pv(note_header={"p_offset": 0})),
        "a note segment longer than the file": ("pv", pv(note_header={"p_filesz": 1 << 40})),
        "a note segment that wraps": ("pv", pv(note_header={"p_filesz": (1 << 64) - (1 << 45)})),
        "the last note of a name counts": ("pv", pv([*PV, ("GUEST_OS", "other")])),
        "a note of another owner": ("pv", pv(raw_notes=note("GUEST_OS", "other", name=b"GNU\0"))),
        "an owner without its NUL": ("pv", pv(raw_notes=note("GUEST_OS", "other", name=b"Xen"))),
        "an owner with more behind its NUL": ("pv", pv(raw_notes=note("GUEST_OS", "other", name=b"Xen\0Y"))),
        "an owner that only starts like Xen": ("pv", pv(raw_notes=note("GUEST_OS", "other", name=b"XenY\0"))),
        "an owner of huge size": (
            "pv",
            pv(raw_notes=struct.pack("<III", 0xFFFF_FFFD, 8, 6) + b"Xen\0" + note("GUEST_OS", "other")),
        ),
        "a description of huge size": (
            "pv",
            pv(raw_notes=struct.pack("<III", 4, 0xFFFF_FFFD, 6) + b"Xen\0" + note("GUEST_OS", "other")),
        ),
        "a cut note at the end": ("pv", pv(raw_notes=struct.pack("<II", 4, 4))),
        "a string without a NUL of its own": ("pv", pv([("GUEST_OS", b"abcd"), *PV[1:]])),
        "strings longer than their fields": (
            "pv",
            pv([("GUEST_OS", "abcdefghijklmnopqrstuvwxyz"), ("LOADER", "generic" * 4), *PV[1:2], *PV[3:]]),
        ),
        "numbers of 4 bytes in a 64-bit file": ("pv", pv([*PV, ("MOD_START_PFN", b"\1\0\0\0")])),
        "a number of 3 bytes reads as zero": ("pv", pv([*PV, ("MOD_START_PFN", b"\1\1\1")])),
        "a number of 1 byte": ("pv", pv([*PV, ("SUSPEND_CANCEL", b"\x2a")])),
        "unknown notes": (
            "pv",
            pv([*PV, (99, "x"), (0, "INFO"), ("L1_MFN_VALID", b"12345678"), (19, b"\0" * 12)]),
        ),
        "every other note": (
            "pv",
            pv(
                [
                    *PV,
                    ("HV_START_LOW", 5),
                    ("HYPERCALL_PAGE", VIRT_BASE_64 + LOAD_ADDRESS),
                    ("GUEST_VERSION", "2"),
                ]
            ),
        ),
        "no LOADER but a linux": ("pv", pv([("GUEST_OS", "linux-like"), *PV[1:2], *PV[3:]])),
        "neither LOADER nor linux": ("pv", pv([*PV[:2], *PV[3:]])),
        "another XEN_VERSION": ("pv", pv([*PV, ("XEN_VERSION", "xen-4.0")])),
        "no notes": ("pv", pv([])),
        "no notes, another machine": ("pv", pv([], header={"e_machine": 99, "e_entry": ENTRY})),
        "a note section of a foreign owner, another machine": (
            "pv",
            pv([], raw_notes=note(1, "x", name=b"GNU\0"), header={"e_machine": 99, "e_entry": ENTRY}),
        ),
        "notes for another machine": ("pv", pv(header={"e_machine": 99})),
        "ELF64 for EM_386": ("pv", pv([*PV, ("PAE_MODE", "yes")], header={"e_machine": 3})),
        "PAE yes": ("pv", pv([*PV, ("PAE_MODE", "yes")], header={"e_machine": 3})),
        "PAE bimodal": ("pv", pv([*PV, ("PAE_MODE", "yes,bimodal")], header={"e_machine": 3})),
        "PAE no": ("pv", pv([*PV, ("PAE_MODE", "no")], header={"e_machine": 3})),
        "features": ("pv", pv([*PV, ("FEATURES", "!writable_page_tables|pae_pgdir_above_4gb|nonsense")])),
        "features joined": ("pv", pv([*PV, ("FEATURES", "dom0"), ("SUPPORTED_FEATURES", b"\0\x80\0\0")])),
        "a feature behind 63 characters": ("pv", pv([*PV, ("FEATURES", "x" * 63 + "dom0")])),
        "a feature behind 64 characters": ("pv", pv([*PV, ("FEATURES", "x" * 64 + "dom0")])),
        "an unknown required feature": ("pv", pv([*PV, ("FEATURES", "!nonsense")])),
        "a required feature that has a bit but no name": ("pv", pv([*PV, ("FEATURES", "!hvm_pirqs")])),
        "an empty required feature": ("pv", pv([*PV, ("FEATURES", "!")])),
        "dom0 required": ("pv", pv([*PV, ("FEATURES", "!dom0")])),
        "dom0 required, PVH": ("pvh", pvh([*PVH, ("FEATURES", "!dom0")])),
        "dom0 required, firmware": ("pvh", pvh([("FEATURES", "!dom0")])),
        "supported features of odd size": ("pv", pv([*PV, ("SUPPORTED_FEATURES", b"\4\0\0\0\0")])),
    }


def _address_cases() -> dict[str, tuple[str, bytes]]:
    at = LOAD_ADDRESS
    base_64 = [*SAYS_XEN, ("VIRT_BASE", VIRT_BASE_64)]
    return {
        "no VIRT_BASE": ("pv", pv(SAYS_XEN, [load(0, 0x100, base=0)], header={"e_entry": ENTRY})),
        "no ENTRY": ("pv", pv(PV[:4], header={"e_entry": VIRT_BASE_64 + at})),
        "the entry at the very end": ("pv", pv([*base_64, ("ENTRY", VIRT_BASE_64 + at + 0x3000)])),
        "the entry behind the end": ("pv", pv([*base_64, ("ENTRY", VIRT_BASE_64 + at + 0x3001)])),
        "VIRT_BASE behind the start": (
            "pv",
            pv([*PV, ("VIRT_BASE", VIRT_BASE_64 + 0x20_0000), ("PADDR_OFFSET", 0x20_0000)]),
        ),
        "PADDR_OFFSET": (
            "pv",
            pv([*PV, ("PADDR_OFFSET", VIRT_BASE_64)], [Load(VIRT_BASE_64 + at, pattern(0x100))]),
        ),
        "PADDR_OFFSET without VIRT_BASE": (
            "pv",
            pv([*SAYS_XEN, ("PADDR_OFFSET", 0)], header={"e_entry": ENTRY}),
        ),
        "PADDR_OFFSET without VIRT_BASE, PVH": ("pvh", pvh([*PVH, ("PADDR_OFFSET", 0)], bits=64)),
        "VIRT_BASE of all ones is none": (
            "pv",
            pv([*SAYS_XEN, ("VIRT_BASE", UNSET)], header={"e_entry": ENTRY}),
        ),
        "INIT_P2M inside": ("pv", pv([*PV, ("INIT_P2M", VIRT_BASE_64 + at + 0x2FFF)])),
        "INIT_P2M at the end": ("pv", pv([*PV, ("INIT_P2M", VIRT_BASE_64 + at + 0x3000)])),
        "a PVH kernel": ("pvh", pvh()),
        "a 64-bit PVH kernel with PV notes": (
            "pvh",
            pv([*PV, ("PHYS32_ENTRY", ENTRY), ("PADDR_OFFSET", 0x1000)]),
        ),
        "a PVH kernel for PV": ("pv", pvh()),
        "PHYS32_ENTRY outside, 32-bit": ("pvh", pvh([("PHYS32_ENTRY", 1)])),
        "PHYS32_ENTRY outside, 64-bit": ("pvh", pvh([("PHYS32_ENTRY", 1)], bits=64)),
        "PHYS32_ENTRY of more than 32 bits": ("pvh", pvh([("PHYS32_ENTRY", 0x12_0010_0040)], bits=64)),
        "no PHYS32_ENTRY, e_entry inside": ("pvh", pvh([*SAYS_XEN], header={"e_entry": ENTRY})),
        "no PHYS32_ENTRY, e_entry outside": ("pvh", pvh([*SAYS_XEN, ("MOD_START_PFN", 1)])),
        "MOD_START_PFN in a PVH kernel": ("pvh", pvh([*PVH, ("MOD_START_PFN", 1), ("GUEST_OS", "linux")])),
    }


def _legacy_cases() -> dict[str, tuple[str, bytes]]:
    more = {
        "": "alone",
        ",HYPERCALL_PAGE=0x102": "with a hypercall page",
        ",VIRT_ENTRY=0xffffffff80100000,GUEST_VER=1.0": "with an entry",
        ",ELF_PADDR_OFFSET=0": "with a paddr offset of 0",
        ",BSD_SYMTAB=no": "with BSD_SYMTAB=no",
        ",PAE=yes[extended-cr3]": "with PAE extended",
        ",PAE=yesterday": "with PAE yes and more",
        ",PAE=bimodal": "with PAE bimodal",
        ",FEATURES=dom0|!writable_page_tables": "with features",
        ",FEATURES=!nonsense,PAE=yes": "that ends at an unknown required feature",
        f",{'X' * 31}PAE=yes": "with a name of 31 characters in front",
        f",{'X' * 32}PAE=yes": "with a name of 32 characters in front",
        f",FOO={'v' * 127}PAE=yes": "with a value of 127 characters in front",
        f",FOO={'v' * 126}PAE=yes": "with a value of 126 characters in front",
        ", PAE=yes,,=x,PAE": "with oddities",
        ",MOD_START_PFN=1,PHYS32_ENTRY=1": "with names it does not know",
    }
    cases = {f"a __xen_guest string {how}": ("pv", legacy(_LEGACY + text)) for text, how in more.items()}
    numbers = {
        "0402": "octal",
        "+258x": "with a sign and a tail",
        "-1": "negative",
        "9" * 40: "huge",
        "0x": "empty",
    }
    for text, how in numbers.items():
        cases[f"a __xen_guest number, {how}"] = ("pv", legacy(f"{_LEGACY},HYPERCALL_PAGE={text}"))
    cases["a __xen_guest string for PVH"] = ("pvh", legacy(_LEGACY, bits=32))
    cases["a __xen_guest string that is empty"] = ("pv", legacy(""))
    cases["a __xen_guest string beside a note"] = ("pv", legacy(_LEGACY, raw_notes=note(99, "x")))
    return cases


def _segment_cases() -> dict[str, tuple[str, bytes]]:
    segments = {
        "two segments": [load(0, 0x800, 0x1000), load(0x1000, 0x800, 0x1800, 2)],
        "p_filesz over p_memsz": [load(0, 0x1800, 0x1000), load(0x4000, 0x100, 0x100, 2)],
        "p_filesz over p_memsz in the last page": [load(0, 0x800, 0x700)],
        "p_filesz past the last page": [load(0, 0x1800, 0x700)],
        "a later segment over an earlier": [load(0, 0x1000, 0x1000), load(0x800, 0x100, 0x400, 2)],
        "an earlier segment under a later": [load(0x800, 0x100, 0x400, 2), load(0, 0x1000, 0x1000)],
        "a segment inside another": [load(0, 0x3000), load(0x1000, 0x10, seed=2), load(0x1008, 0x10, seed=3)],
        "a segment past the file": [
            load(0, 0x800, 0x1000, p_offset=0x10_0000),
            load(0x1000, 0x800, 0x1000, 2),
        ],
        "a segment partly past the file": [
            load(0, 0x800, 0x1000, p_filesz=0x1_0000),
            load(0x1000, 0x800, 0x1000, 2),
        ],
        "an offset that wraps": [load(0, 0x800, 0x3000, p_offset=(1 << 64) - 0x400)],
        "a segment without memory": [load(0, 0x800, 0x1000), load(0x100, 0x80, 0, 2)],
        "an empty segment far off": [load(0, 0x800, 0x1000), load(0x5000, 0, 0)],
        "an empty segment in front": [load(0x5000, 0x800, 0x1000), load(-0x8000, 0, 0)],
        "a segment without flags": [load(0, 0x800, 0x1000), load(0x1000, 0x800, 0x1000, 2, p_flags=0)],
        "three times the same place": [load(0, 0x800, 0x1000, seed) for seed in (1, 2, 3)],
        "a size that wraps": [load(0, 0x800, 0x3000), load(0, 0x800, (1 << 64) - 0x1000, 2)],
        "only a size that wraps": [load(0, 0x800, (1 << 64) - 0x1000, 2)],
    }
    cases = {name: ("pv", pv(PV, loads)) for name, loads in segments.items()}
    cases["no segment"] = ("pv", elf_file([], PV))
    cases["firmware"] = ("hvm", pvh([], header={"e_entry": ENTRY}))
    cases["64-bit firmware"] = ("hvm", pv([]))
    cases["firmware with a paddr of its own"] = ("pvh", pvh([], [Load(0xC000_0000, pattern(100), 0x1000)]))
    return cases


def _header_cases() -> dict[str, tuple[str, bytes]]:
    cases = {f"cut to {size} bytes": ("pv", _GOOD[:size]) for size in (1, 3, 4, 16, 20, 63, 64, 65, 120, 176)}
    for size in (100, 0x400, len(_GOOD) - 1):
        sectionless = pvh([], header={"e_shnum": 0, "e_shoff": 0, "e_shstrndx": 0})
        cases[f"firmware cut to {size} bytes"] = ("pvh", sectionless[:size])
    headers = {
        "program headers past the file": {"e_phnum": 0xFFFF},
        "program headers that wrap": {"e_phoff": (1 << 64) - 56},
        "65535 program headers in one place": {"e_phnum": 0xFFFF, "e_phentsize": 0},
        "section headers past the file": {"e_shnum": 5000},
        "section headers in one place": {"e_shnum": 5000, "e_shentsize": 0},
        "section names nowhere": {"e_shstrndx": 77},
    }
    cases |= {name: ("pv", pv(header=header)) for name, header in headers.items()}
    cases |= {f"class {n}": ("pvh", patched(pvh(), 4, bytes([n]))) for n in (0, 2, 3)}
    cases |= {f"firmware of class {n}": ("pvh", patched(pvh([]), 4, bytes([n]))) for n in (0, 3)}
    cases |= {f"byte order {n}": ("pv", patched(_GOOD, 5, bytes([n]))) for n in (0, 2, 3)}
    cases["a note with a flipped type"] = ("pv", patched(_GOOD, _NOTE_AT + 8, b"\x16"))
    return cases


def _symtab_cases() -> dict[str, tuple[str, bytes]]:
    cases = {}
    for bits in (32, 64):
        for end in (0x1230, 0x1231, 0x1238):
            for strings in (16, 19):
                file = with_symtab(bits, strings=strings, end=end)
                cases[f"{bits}-bit symbols behind {end:#x}, {strings} bytes of strings"] = ("pv", file)
        cases[f"{bits}-bit symbols of odd size"] = ("pv", with_symtab(bits, sh_size=50))
        cases[f"{bits}-bit symbols past the file"] = ("pv", with_symtab(bits, sh_offset=1 << 20))
        cases[f"{bits}-bit symbols that are too many"] = ("pv", with_symtab(bits, sh_size=1 << 20))
        cases[f"{bits}-bit symbols without strings"] = ("pv", with_symtab(bits, sh_link=0))
        cases[f"{bits}-bit symbols linked to themselves"] = ("pv", with_symtab(bits, sh_link=2))
        cases[f"{bits}-bit symbols, PVH"] = ("pvh", with_symtab(bits, notes=PVH))
    cases["32-bit strings that reach over the last page"] = ("pv", with_symtab(32, end=0xEC0))
    cases["32-bit strings behind the last page"] = ("pv", with_symtab(32, end=0xED0))
    return cases


def _packed_cases() -> dict[str, tuple[str, bytes]]:
    gz, size = packed(".gz"), len(_GOOD)
    cases = {
        "gzip": gz,
        "gzip, stored": gzip_stored(_GOOD),
        "gzip in gzip": gzip_stored(gz),
        "gzip of a text": gzip_stored(b"hello " * 100),
        "gzip, a second member": gz + gz,
        "gzip, a second member that is smaller": gz + gzip_stored(_GOOD[:100]),
        "gzip, cut": gz[:-20],
        "gzip, a wrong checksum": patched(gz, len(gz) - 8, b"abcd"),
        "gzip of a kernel cut inside its section headers": gzip_stored(_GOOD[:-16]),
        "gzip of a kernel cut before them": gzip_stored(_GOOD[:-17]),
        "gzip'd bzImage": gzip_stored(bzimage(sized(packed(".xz"), size))),
        "gzip'd bzImage whose gzip ends in the padding": gzip_stored(bzimage(gz)[:-38]),
    }
    for claimed in (0, size - 17, size - 16, size, size + 9999, (1 << 30) - 15, 1 << 30, (1 << 30) + 1):
        cases[f"gzip, {claimed} claimed behind it"] = gz + struct.pack("<I", claimed)
    for length in (1, 2, 5, 6, 18):
        cases[f"{length} bytes of gzip"] = gz[:length]
    return {name: ("pv", file) for name, file in cases.items()}


def _bzimage_cases() -> dict[str, tuple[str, bytes]]:
    gz, xz, size = packed(".gz"), packed(".xz"), len(_GOOD)
    cases = {
        "not packed": bzimage(_GOOD),
        "not packed, cut": bzimage(_GOOD[:100]),
        "empty payload": bzimage(b""),
        "protocol 2.07": bzimage(sized(xz, size), version=0x207),
        "protocol 2.08": bzimage(sized(xz, size), version=0x208),
        "no setup sectors": bzimage(sized(xz, size), setup_sectors=0),
        "payload past the file": bzimage(sized(xz, size), offset=0xFFFF_FFF0),
        "payload longer than the file": bzimage(sized(xz, size), length=0xFFFF_FFF0),
        "gzip": bzimage(gz),
        "gzip with a length behind it": bzimage(sized(gz, size)),
        "gzip with a wrong length": bzimage(sized(gz, 7)),
        "lz4 with an empty block": bzimage(sized(packed(".lz4") + b"\0" * 4, size)),
    }
    for suffix in (".xz", ".lzma", ".zst", ".lz4"):
        stream = packed(suffix)
        for length in (0, size - 1, size, size + 1, size + 1000, (1 << 30) + 1):
            cases[f"{suffix}, length {length - size:+}"] = bzimage(sized(stream, length))
        for cut in (1, 5, 9, 20, 100):
            cases[f"{suffix} without its last {cut} bytes"] = bzimage(sized(stream[:-cut], size))
        cases[f"{suffix} with garbage behind it"] = bzimage(sized(stream + b"abcd", size))
        cases[f"{suffix} twice"] = bzimage(sized(stream + stream, size))
        cases[f"{suffix} twice, twice the length"] = bzimage(sized(stream + stream, 2 * size))
        cases[f"{suffix} with a flipped last byte"] = bzimage(
            sized(stream[:-1] + bytes([stream[-1] ^ 1]), size)
        )
        cases[f"{suffix}, only its magic"] = bzimage(stream[:6])
    named = {f"bzImage, {name}": ("pv", file) for name, file in cases.items()}
    named["bzImage, a PVH kernel"] = ("pvh", bzimage(gzip_stored(pvh())))
    named["bzImage, a PV kernel for PVH"] = ("pvh", bzimage(gz))
    return named


def _misplaced_cases() -> dict[str, tuple[str, bytes]]:
    """PV kernels with faulty notes, which are firmware for PVH, but too low for their own VIRT_BASE."""
    notes: Notes = [("VIRT_BASE", 0xC000_0000), ("XEN_VERSION", "xen-2.0")]
    faulty = pvh(notes, header={"e_entry": ENTRY})
    return {f"firmware below its VIRT_BASE, {kind}": (kind, faulty) for kind in ("pvh", "hvm")}


def _empty_cases() -> dict[str, tuple[str, bytes]]:
    at = {"e_entry": LOAD_ADDRESS}
    return {
        "an empty kernel": ("pv", pv([*PV[:4], ("ENTRY", VIRT_BASE_64 + LOAD_ADDRESS)], [load(0, 0, 0)])),
        "an empty PVH kernel": ("pvh", pvh([("PHYS32_ENTRY", LOAD_ADDRESS)], [load(0, 0, 0, base=0)])),
        "empty firmware": ("hvm", pvh([], [load(0, 0, 0, base=0)], header=at)),
    }


CASES: dict[str, tuple[str, bytes]] = {
    **_note_cases(),
    **_address_cases(),
    **_legacy_cases(),
    **_segment_cases(),
    **_header_cases(),
    **_symtab_cases(),
    **_packed_cases(),
    **_bzimage_cases(),
    **_empty_cases(),
    **_misplaced_cases(),
    **pv32_cases(),
    **multiboot_cases(),
}
"""For each case the guest's type and the kernel file."""
