"""From a kernel's notes to the builder's parameters: reading, accepting, and placing it (elf_xen_parse upstream)."""

from __future__ import annotations

from dataclasses import dataclass, field

from xlbuild.errors import Where
from xlbuild.image.bsdsymtab import symtab_end
from xlbuild.image.elf import ADDRESS_MASK, CUT_SHORT_HINT, EM_386, EM_X86_64, ElfFile
from xlbuild.image.features import FEATURE_NAMES, parse_features
from xlbuild.image.model import Note, PaeMode, XenParameters
from xlbuild.image.notes import (
    GUEST_SECTION,
    GUEST_STRING_NAMES,
    TEXT_NOTES,
    UNREAD_NOTES,
    NoteType,
    RawNote,
    c_number,
    guest_string,
    has_notes,
    note_bitmap,
    note_bytes,
    note_number,
    xen_notes,
)
from xlbuild.image.verdict import RejectedError
from xlbuild.profiles import Profile
from xlbuild.units import MIB, bytes_of, human_size

UNSET = ADDRESS_MASK
"""A parameter that no note gives; a note that gives this value is as good as none."""
_UNSET_32 = 0xFFFF_FFFF
_TEXT_FIELD = 15
"""Characters of GUEST_OS, GUEST_VERSION, XEN_VERSION and LOADER that are kept."""
MOST_FEATURES = MIB
"""Characters of all FEATURES notes together: a kernel has some dozens; 65,536 notes of 4 KiB would take minutes."""

_IDENTITY = (NoteType.LOADER, NoteType.GUEST_OS, NoteType.XEN_VERSION)
_TYPE_HINT = {
    True: "a kernel for PVH needs the note PHYS32_ENTRY (Linux: CONFIG_PVH)",
    False: "a kernel for PV needs the notes XEN_VERSION and LOADER or GUEST_OS (Linux: CONFIG_XEN_PV)",
}
_ADDRESS_HINT = {
    True: "give the note PHYS32_ENTRY the physical address of its entry point",
    False: "correct the notes: a virtual address is p_paddr + VIRT_BASE - PADDR_OFFSET",
}


@dataclass(slots=True)
class _Draft:
    """The parameters while they are being collected; numbers in bytes."""

    spelling: str | None = None
    """Where the notes stand: `notes`, `__xen_guest`, or None for nowhere."""
    notes: dict[str, Note] = field(default_factory=dict)
    texts: dict[NoteType, str] = field(default_factory=dict)
    numbers: dict[NoteType, int] = field(default_factory=dict)
    pae: PaeMode = PaeMode.NO
    bsd_symtab: bool = False
    phys_entry: int = _UNSET_32
    virt_kstart: int = 0
    virt_kend: int = 0
    supported: int = 0
    required: int = 0
    features_read: int = 0
    """Characters of FEATURES notes so far."""

    def number(self, kind: NoteType) -> int:
        return self.numbers.get(kind, UNSET)

    def freeze(self, hvm_container: bool) -> XenParameters:
        """Return them as a value, with None for what is unset, and for what no HVM container has."""

        def optional(kind: NoteType) -> int | None:
            value = self.number(kind)
            return None if value == UNSET else value

        def pv_only(kind: NoteType) -> int | None:
            return None if hvm_container else optional(kind)

        return XenParameters(
            notes=tuple(self.notes.values()),
            guest_os=self.texts.get(NoteType.GUEST_OS, ""),
            guest_version=self.texts.get(NoteType.GUEST_VERSION, ""),
            xen_version=self.texts.get(NoteType.XEN_VERSION, ""),
            loader=self.texts.get(NoteType.LOADER, ""),
            pae=self.pae,
            bsd_symtab=self.bsd_symtab,
            unmapped_initrd=bool(self.numbers.get(NoteType.MOD_START_PFN, 0)),
            virt_base=optional(NoteType.VIRT_BASE),
            virt_entry=optional(NoteType.ENTRY),
            virt_hypercall=pv_only(NoteType.HYPERCALL_PAGE),
            virt_hv_start_low=optional(NoteType.HV_START_LOW),
            p2m_base=pv_only(NoteType.INIT_P2M),
            elf_paddr_offset=optional(NoteType.PADDR_OFFSET),
            phys_entry=None if self.phys_entry == _UNSET_32 else self.phys_entry,
            virt_kstart=self.virt_kstart,
            virt_kend=self.virt_kend,
            features_supported=self.supported,
            features_required=self.required,
        )


@dataclass(frozen=True, slots=True)
class ParsedKernel:
    """The parameters of an ELF file, and why it is not a valid Xen kernel (None: it is one).

    Parameters of a file that is not valid are what was read until then: firmware is built with those.
    """

    parameters: XenParameters
    failure: RejectedError | None


def parse_kernel(elf: ElfFile, *, hvm_container: bool, profile: Profile) -> ParsedKernel:
    """Read the notes, check that they make a Xen kernel for the container, and work out its addresses."""
    draft = _Draft()
    try:
        _read_notes(elf, draft)
        if draft.spelling is None and not hvm_container:
            _read_guest_string(elf, draft)
        _check_notes(elf, draft, hvm_container)
        _settle_bases(draft, hvm_container, profile)
        _place(elf, draft, hvm_container)
        _check_places(elf, draft, hvm_container)
    except RejectedError as failure:
        failure.hint = _other_type(elf, draft, hvm_container) or failure.hint
        if elf.ends_in_header:
            failure = RejectedError("it ends inside its ELF header", CUT_SHORT_HINT)
        return ParsedKernel(draft.freeze(hvm_container), failure)
    return ParsedKernel(draft.freeze(hvm_container), None)


def _other_type(elf: ElfFile, draft: _Draft, hvm_container: bool) -> str | None:
    """Return the advice to set the other `type`, for a kernel whose notes are those of that type."""
    has_entry = draft.phys_entry != _UNSET_32
    if not hvm_container:
        return 'it has the note PHYS32_ENTRY: as a PVH kernel, set type="pvh"' if has_entry else None
    for_pv = _says_xen(draft) or (draft.spelling is None and guest_string(elf) is not None)
    return 'it has no note PHYS32_ENTRY: as a PV kernel, set type="pv"' if for_pv and not has_entry else None


def _read_notes(elf: ElfFile, draft: _Draft) -> None:
    for note in xen_notes(elf):
        draft.spelling = "notes"
        try:
            kind = NoteType(note.type)
        except ValueError:
            name = UNREAD_NOTES.get(note.type, f"unknown {note.type:#x}")
            draft.notes[name] = Note(note.type, name, note_bytes(elf, note).hex(" "))
            continue
        if kind in TEXT_NOTES:
            text = elf.text(note.offset)
            if text is not None:
                draft.notes[kind.name] = Note(kind, kind.name, text)
                _take_text(draft, kind, text, note)
        else:
            value = note_number(elf, note)
            draft.notes[kind.name] = Note(kind, kind.name, value)
            _take_number(elf, draft, kind, value, note)


def _take_text(draft: _Draft, kind: NoteType, text: str, note: RawNote) -> None:
    if kind is NoteType.PAE_MODE:
        if "bimodal" in text:
            draft.pae = PaeMode.BIMODAL
        elif text == "yes":
            draft.pae = PaeMode.EXTENDED_CR3
    elif kind is NoteType.BSD_SYMTAB:
        draft.bsd_symtab = draft.bsd_symtab or text == "yes"
    elif kind is NoteType.FEATURES:
        where = Where(offset=note.offset, note=kind.name)
        draft.features_read += len(text)
        if draft.features_read > MOST_FEATURES:
            reason = (
                f"its notes FEATURES hold more than {human_size(MOST_FEATURES)} of text, as no kernel's do"
            )
            raise RejectedError(reason, CUT_SHORT_HINT, where)
        unknown = _take_features(draft, text)
        if unknown is not None:
            raise RejectedError(
                f"it requires the feature `{unknown}`, which Xen does not know",
                "require no features but these: " + ", ".join(FEATURE_NAMES),
                where,
            )
    else:
        draft.texts[kind] = text[:_TEXT_FIELD]


def _take_features(draft: _Draft, text: str) -> str | None:
    supported, required, unknown = parse_features(text)
    draft.supported |= supported
    draft.required |= required
    return unknown


def _take_number(elf: ElfFile, draft: _Draft, kind: NoteType, value: int, note: RawNote) -> None:
    if kind is NoteType.SUPPORTED_FEATURES:
        draft.supported |= note_bitmap(elf, note)
    elif kind is NoteType.PHYS32_ENTRY:
        draft.phys_entry = value & _UNSET_32
    else:
        draft.numbers[kind] = value


def _read_guest_string(elf: ElfFile, draft: _Draft) -> None:
    """Read a `__xen_guest` string; an unknown required feature just ends it."""
    pairs = guest_string(elf)
    if pairs is None:
        return
    draft.spelling = GUEST_SECTION
    for name, value in pairs:
        kind = GUEST_STRING_NAMES.get(name)
        if kind is None:
            continue
        draft.notes[name] = Note(kind, name, value)
        if kind is NoteType.PAE_MODE:
            if value.startswith("yes"):
                draft.pae = PaeMode.EXTENDED_CR3 if value == "yes[extended-cr3]" else PaeMode.YES
        elif kind is NoteType.BSD_SYMTAB:
            draft.bsd_symtab = True
        elif kind is NoteType.FEATURES:
            if _take_features(draft, value) is not None:
                return
        elif kind is NoteType.HYPERCALL_PAGE:
            draft.numbers[kind] = bytes_of(c_number(value)) & ADDRESS_MASK
        elif kind in TEXT_NOTES:
            draft.texts[kind] = value[:_TEXT_FIELD]
        else:
            draft.numbers[kind] = c_number(value)


def _check_notes(elf: ElfFile, draft: _Draft, hvm_container: bool) -> None:
    """Accept what says it is a Xen kernel. PVH needs only PHYS32_ENTRY, other machines than x86 nothing."""
    if draft.spelling is None:
        if elf.header.machine not in (EM_386, EM_X86_64) and not has_notes(elf):
            return
        legacy = "" if hvm_container else f", and no section `{GUEST_SECTION}`"
        raise RejectedError(f"it has no Xen notes{legacy}", _TYPE_HINT[hvm_container])
    if hvm_container and draft.phys_entry != _UNSET_32:
        return
    if not _says_xen(draft):
        said = [f"{kind.name} `{text}`" for kind in _IDENTITY if (text := draft.texts.get(kind))]
        version = draft.texts.get(NoteType.XEN_VERSION, "")
        raise RejectedError(
            "its notes do not make it a PV kernel, which has XEN_VERSION `xen-3.0`, and LOADER `generic` or"
            f" GUEST_OS `linux`: they have {', '.join(said) or 'none of these'}",
            _TYPE_HINT[hvm_container],
            Where(note="LOADER" if version.startswith("xen-3.0") else "XEN_VERSION"),
        )


def _says_xen(draft: _Draft) -> bool:
    """Tell whether the notes that every PV kernel needs are there."""
    loader, guest_os, version = (draft.texts.get(kind, "") for kind in _IDENTITY)
    known = loader.startswith("generic") or guest_os.startswith("linux")
    return known and version.startswith("xen-3.0")


def _settle_bases(draft: _Draft, hvm_container: bool, profile: Profile) -> None:
    """Fill in virt_base and elf_paddr_offset: 0 in an HVM container, else what the notes say or its default."""
    offset_alone = draft.number(NoteType.PADDR_OFFSET) != UNSET and draft.number(NoteType.VIRT_BASE) == UNSET
    if offset_alone and (not hvm_container or profile.pvh_paddr_offset_needs_virt_base):
        raise RejectedError(
            "it has the note PADDR_OFFSET but no VIRT_BASE",
            "Xen 4.18 and later accept this in a PVH kernel"
            if hvm_container
            else "give the note VIRT_BASE, too",
            Where(note="PADDR_OFFSET"),
        )
    base = draft.number(NoteType.VIRT_BASE)
    base = 0 if hvm_container or base == UNSET else base
    offset = draft.number(NoteType.PADDR_OFFSET)
    if hvm_container:
        offset = 0
    elif offset == UNSET:
        offset = base if draft.spelling == GUEST_SECTION else 0
    draft.numbers[NoteType.VIRT_BASE] = base
    draft.numbers[NoteType.PADDR_OFFSET] = offset
    if draft.spelling == GUEST_SECTION and draft.number(NoteType.HYPERCALL_PAGE) != UNSET:
        hypercall = draft.number(NoteType.HYPERCALL_PAGE) + base
        draft.numbers[NoteType.HYPERCALL_PAGE] = hypercall & ADDRESS_MASK


def _place(elf: ElfFile, draft: _Draft, hvm_container: bool) -> None:
    """Work out where the kernel starts and ends, symbol tables included, and where it is entered."""
    start, end = load_range(elf)
    shift = draft.number(NoteType.VIRT_BASE) - draft.number(NoteType.PADDR_OFFSET)
    draft.virt_kstart = (start + shift) & ADDRESS_MASK
    draft.virt_kend = (end + shift) & ADDRESS_MASK
    if hvm_container:
        has_entry = draft.phys_entry != _UNSET_32
        draft.numbers[NoteType.ENTRY] = draft.phys_entry if has_entry else elf.header.entry
    elif draft.number(NoteType.ENTRY) == UNSET:
        draft.numbers[NoteType.ENTRY] = elf.header.entry
    if draft.bsd_symtab:
        draft.virt_kend = (symtab_end(elf, end) + shift) & ADDRESS_MASK


def load_range(elf: ElfFile) -> tuple[int, int]:
    """Return the first physical address of the loadable segments and the one behind the last."""
    starts = [segment.paddr for segment in elf.loadable]
    ends = [(segment.paddr + segment.memsz) & ADDRESS_MASK for segment in elf.loadable]
    return min(starts, default=ADDRESS_MASK), max(ends, default=0)


def _check_places(elf: ElfFile, draft: _Draft, hvm_container: bool) -> None:
    start, end = draft.virt_kstart, draft.virt_kend
    entry, base = draft.number(NoteType.ENTRY), draft.number(NoteType.VIRT_BASE)
    p2m = draft.number(NoteType.INIT_P2M)
    inside = f"({start:#x} to {end:#x})"
    if start > end:
        reason = f"its loadable segments make no sense: they go from {start:#x} to {end:#x}"
        if not elf.loadable:
            raise RejectedError("it has no loadable segment (PT_LOAD)", "give a kernel that has been linked")
        raise RejectedError(reason, CUT_SHORT_HINT)
    if not start <= entry <= end:
        missing = (
            "it has no note PHYS32_ENTRY, and " if hvm_container and draft.phys_entry == _UNSET_32 else ""
        )
        note = "PHYS32_ENTRY" if hvm_container else "ENTRY"
        raise RejectedError(
            f"{missing}its entry point {entry:#x} lies outside of it {inside}",
            _ADDRESS_HINT[hvm_container],
            Where(note=note),
        )
    if base > start:
        reason = f"its VIRT_BASE {base:#x} lies behind its start {start:#x}"
        raise RejectedError(reason, _ADDRESS_HINT[hvm_container], Where(note="VIRT_BASE"))
    if p2m != UNSET and start <= p2m < end:
        reason = f"its INIT_P2M {p2m:#x} lies inside of it {inside}"
        hint = "set INIT_P2M to a virtual address of its own, outside of the kernel"
        raise RejectedError(reason, hint, Where(note="INIT_P2M"))
