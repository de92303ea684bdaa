"""Xen's notes of a kernel, each with its meaning in words (xen/elfnote.h)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from xlbuild.image.elf import ElfFile
from xlbuild.image.features import parse_features
from xlbuild.image.notes import (
    GUEST_STRING_NAMES,
    TEXT_NOTES,
    UNREAD_NOTES,
    NoteType,
    RawNote,
    guest_string,
    note_bitmap,
    note_bytes,
    note_number,
    notes_named,
    xen_notes,
)
from xlbuild.inspect.kernels.features import FEATURE_NAMES
from xlbuild.inspect.tree import Branch, Tree, hexadecimal
from xlbuild.inspect.words import flag_names

_MOST_SHOWN = 256
_LONGEST_TEXT = 512
_GNU, _NT_GNU_BUILD_ID = b"GNU\0", 3


def _says_loader(text: str) -> str:
    fits = text.startswith("generic")
    return "the one loader there is" if fits else "no loader that Xen knows: it has to start with `generic`"


def _says_version(text: str) -> str:
    fits = text.startswith("xen-3.0")
    return "the PV interface, whose name is still that" if fits else "PV needs one that starts with `xen-3.0`"


def _says_guest_os(text: str) -> str:
    return "the operating system" + ("; it stands for the loader, too" if text.startswith("linux") else "")


def _says_pae(text: str) -> str:
    if "bimodal" in text:
        return "32-bit only: it runs with PAE and without; Xen gives it PAE"
    if text == "yes":
        return "32-bit only: it needs PAE, and its top table may lie anywhere"
    return "32-bit only: not PAE, and no supported Xen starts such a PV kernel"


def _says_features(text: str) -> str:
    supported, required, unknown = parse_features(text)
    words = f"can have: {_listed(supported)}; must have (`!`): {_listed(required)}"
    return words if unknown is None else f"{words}; it requires `{unknown}`, which Xen does not know: refused"


def _says_symtab(text: str) -> str:
    return "its symbol tables are loaded behind it" if text == "yes" else "its symbol tables are not loaded"


_TEXT_MEANINGS: dict[NoteType, Callable[[str], str]] = {
    NoteType.XEN_VERSION: _says_version,
    NoteType.GUEST_OS: _says_guest_os,
    NoteType.GUEST_VERSION: lambda _: "the operating system's version; nothing depends on it",
    NoteType.LOADER: _says_loader,
    NoteType.PAE_MODE: _says_pae,
    NoteType.FEATURES: _says_features,
    NoteType.BSD_SYMTAB: _says_symtab,
}

_NUMBER_MEANINGS: dict[NoteType, Callable[[int], str]] = {
    NoteType.ENTRY: lambda _: "PV starts it at this virtual address",
    NoteType.HYPERCALL_PAGE: lambda _: "PV: Xen fills the page at this virtual address with its hypercalls",
    NoteType.VIRT_BASE: lambda _: "PV maps guest frame 0 at this virtual address",
    NoteType.PADDR_OFFSET: lambda value: (
        f"PV: {value:#x} is taken off each p_paddr, and VIRT_BASE added: that is where it goes"
    ),
    NoteType.HV_START_LOW: lambda _: "PV, 32-bit: the hypervisor's own addresses may begin as low as this",
    NoteType.SUSPEND_CANCEL: lambda value: f"a suspend {'can' if value else 'cannot'} be called off",
    NoteType.INIT_P2M: lambda _: "PV, 64-bit: the p2m list is mapped here, outside of the kernel's mapping",
    NoteType.MOD_START_PFN: lambda value: (
        "the ramdisk goes last, and PV does not map it: start_info has its frame number"
        if value
        else "the ramdisk goes behind the kernel, and is mapped"
    ),
    NoteType.PHYS32_ENTRY: lambda _: "PVH starts it at this physical address, in 32-bit mode without paging",
}

_UNREAD_MEANINGS = {
    "INFO": "for other programs; no builder reads it",
    "L1_MFN_VALID": "which absent page table entries hold frames; for saving, no builder reads it",
    "PHYS32_RELOC": "where a PVH control domain may be moved to; it changes nothing for guests",
}


def describe_notes(elf: ElfFile) -> list[Tree]:
    """Return every note named Xen, in the file's order; without any, the pairs of a `__xen_guest` string."""
    notes: list[Tree] = [_note(elf, note) for note in islice(xen_notes(elf), _MOST_SHOWN)]
    return notes or list(islice(_guest_string(elf), _MOST_SHOWN))


def note_name(note: RawNote) -> str:
    """Return what the public header calls a note, less the prefix: `ENTRY`; `type 0x99` for one that it has not."""
    try:
        return NoteType(note.type).name
    except ValueError:
        return UNREAD_NOTES.get(note.type, f"type {note.type:#x}")


def build_id(elf: ElfFile) -> str | None:
    """Return the id that a linker gives each build (NT_GNU_BUILD_ID), in hex; None where there is none."""
    for note in islice(notes_named(elf, _GNU), _MOST_SHOWN):
        if note.type == _NT_GNU_BUILD_ID and note.size:
            return note_bytes(elf, note).hex()
    return None


def _note(elf: ElfFile, note: RawNote) -> Branch:
    name = note_name(note)
    value, meaning = _read(elf, note)
    if not elf.blob.holds(note.offset, note.size):
        meaning += f"; damaged: the file has not the {note.size} bytes that it claims"
    return {
        "name": name,
        "offset": hexadecimal(note.offset),
        "size": note.size,
        "value": value,
        "meaning": meaning,
    }


def _read(elf: ElfFile, note: RawNote) -> tuple[Tree, str]:
    try:
        kind = NoteType(note.type)
    except ValueError:
        meaning = _UNREAD_MEANINGS.get(note_name(note), "no note that Xen knows; it takes no notice")
        return note_bytes(elf, note).hex(" "), meaning
    if kind in TEXT_NOTES:
        text = elf.text(note.offset)
        if text is None:
            return None, "a text that does not end: the file does before it"
        return text[:_LONGEST_TEXT], _TEXT_MEANINGS[kind](text)
    if kind is NoteType.SUPPORTED_FEATURES:
        bitmap = note_bitmap(elf, note)
        return hexadecimal(bitmap), f"can have: {_listed(bitmap)}"
    number = note_number(elf, note)
    odd = "" if note.size in (1, 2, 4, 8) else f", read as 0: {note.size} bytes are no number"
    return hexadecimal(number), _NUMBER_MEANINGS[kind](number) + odd


def _guest_string(elf: ElfFile) -> Iterator[Branch]:
    for name, value in guest_string(elf) or ():
        kind = GUEST_STRING_NAMES.get(name)
        if kind is None:
            meaning = "no name that Xen knows; it takes no notice"
        elif kind in _TEXT_MEANINGS:
            meaning = _of_guest_string(kind, value)
        elif kind is NoteType.HYPERCALL_PAGE:
            meaning = "PV: Xen fills this page, counted from VIRT_BASE, with its hypercalls"
        elif kind is NoteType.PADDR_OFFSET:
            meaning = "PV: what is taken off each p_paddr before VIRT_BASE is added"
        else:
            meaning = _NUMBER_MEANINGS[kind](0)
        yield {"name": name, "value": value[:_LONGEST_TEXT], "meaning": meaning, "in": "__xen_guest"}


def _of_guest_string(kind: NoteType, value: str) -> str:
    """Return the meaning of a text that `__xen_guest` spells its own way."""
    if kind is NoteType.BSD_SYMTAB:
        return _says_symtab("yes")
    if kind is NoteType.PAE_MODE:
        if value.startswith("yes"):
            anywhere = value == "yes[extended-cr3]"
            return "32-bit only: it needs PAE, and its top table " + (
                "may lie anywhere" if anywhere else "has to lie below 4 GiB"
            )
        return _says_pae("no")
    return _TEXT_MEANINGS[kind](value)


def _listed(bitmap: int) -> str:
    return flag_names(bitmap, FEATURE_NAMES)
