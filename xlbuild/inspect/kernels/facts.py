"""What kernels are compared by: a description that says each thing once, and nothing of places in the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from itertools import islice
from types import MappingProxyType

from xlbuild.image.blob import Blob
from xlbuild.image.elf import SHT_STRTAB, SHT_SYMTAB, ElfFile, ProgramHeader, SectionHeader, open_elf
from xlbuild.image.verdict import RejectedError
from xlbuild.inspect.firmware.describe import title_of_kernel
from xlbuild.inspect.kernels.bzimage import describe_bzimage
from xlbuild.inspect.kernels.describe import answer_of, feature_rows, packing_of
from xlbuild.inspect.kernels.elf import (
    MOST_SHOWN,
    SHF_ALLOC,
    SHT_NOBITS,
    describe_elf,
    flags_of,
    section_name,
    section_type,
    segment_type,
)
from xlbuild.inspect.kernels.file import KernelFile
from xlbuild.inspect.kernels.names import Distance, KernelNames
from xlbuild.inspect.kernels.notes import build_id, describe_notes
from xlbuild.inspect.kernels.release_verdicts import release_verdicts, spans
from xlbuild.inspect.kernels.symbols import SymbolTable, named_symbols
from xlbuild.inspect.kernels.verdicts import Verdict
from xlbuild.inspect.releases import CONTAINER_NAMES, RELEASES
from xlbuild.inspect.tree import Branch, Tree, hexadecimal

MOST_SECTIONS = 1024
"""Sections that are compared."""
_SHORT_DIGEST = 16
"""Hexadecimal digits that tell a section's contents from others."""
_WITHOUT_CONTENTS = (SHT_NOBITS, SHT_SYMTAB, SHT_STRTAB)
"""Types of sections whose contents are not compared: there are none, or they are told as symbols and names."""
_ADDRESS_NOTES = ("ENTRY", "HYPERCALL_PAGE", "PHYS32_ENTRY")
_HEADER_MEMBERS = ("class", "byte_order", "type", "machine", "program_headers", "section_headers")
_SECTION_FLAGS: Mapping[int, str] = MappingProxyType(dict(enumerate("WAX")) | dict(enumerate("MSILOGTC", 4)))
"""A letter for each bit of sh_flags, as readelf has them."""


@dataclass(frozen=True)  # without slots: what was read for one question is kept for the next
class KernelCore:
    """The innermost file of a kernel, which it is compared by: an ELF file, or a multiboot-style binary."""

    blob: Blob

    @cached_property
    def sha256(self) -> str:
        """Digest of its bytes."""
        return sha256(self.blob.data).hexdigest()

    @cached_property
    def elf(self) -> ElfFile | None:
        """The ELF file that it is."""
        try:
            return open_elf(self.blob)
        except RejectedError:
            return None

    @cached_property
    def names(self) -> KernelNames | None:
        """What its addresses are called."""
        return KernelNames(self.elf) if self.elf is not None else None

    def name(self, address: int) -> str | None:
        """Return what an address is called; None where it has no name."""
        return self.names.of(address) if self.names is not None else None

    def spots(self, address: int) -> tuple[Distance | None, Distance | None]:
        """Return the section and the symbol that a virtual or else a physical address lies in."""
        virtual = self.names.virtual(address) if self.names is not None else None
        if self.names is None or virtual is None:
            return None, None
        return self.names.section_at(virtual), self.names.symbol_at(virtual)

    @cached_property
    def symbols(self) -> SymbolTable | None:
        """Its symbols."""
        return named_symbols(self.elf) if self.elf is not None else None

    @cached_property
    def sections(self) -> tuple[tuple[str, SectionHeader], ...]:
        """Its sections with their names, as many as are compared."""
        if self.elf is None:
            return ()
        headers = islice(self.elf.section_headers(), MOST_SECTIONS)
        return tuple((section_name(self.elf, section) or "", section) for section in headers)

    @property
    def sections_left_out(self) -> int:
        """How many sections there are that are not compared."""
        return 0 if self.elf is None else max(self.elf.section_count - 1 - MOST_SECTIONS, 0)

    def contents(self, section: SectionHeader) -> memoryview:
        """Return what the file has of a section's bytes."""
        size = 0 if section.type == SHT_NOBITS else section.size
        return self.blob.data[section.offset : section.offset + size]

    def section_named(self, name: str) -> SectionHeader | None:
        """Return the first section of a name, of those that are compared."""
        return next((section for each, section in self.sections if each == name), None)


def kernel_tree(file: KernelFile, core: KernelCore, release: str) -> Branch:
    """Return what a kernel file is compared by; `release` is the one that is asked whether it boots."""
    tree: dict[str, Tree] = {
        "file": _file(file),
        "containers": [_container(core, verdict) for verdict in release_verdicts(file, release)],
    }
    if file.elf is not None:
        tree["notes"] = [_note(core, note) for note in describe_notes(file.elf)]
        tree["features"] = [_feature(row) for row in feature_rows(file)]
    if file.is_bzimage:
        tree["bzimage"] = _bzimage(file)
    return {**tree, **core_tree(core)}


def core_tree(core: KernelCore) -> Branch:
    """Return what the unpacked kernel alone is compared by."""
    tree: dict[str, Tree] = {"program": _program(core)}
    if core.elf is not None:
        tree["elf"] = _header(core, core.elf)
        tree["segments"] = [
            _segment(number, segment)
            for number, segment in enumerate(islice(core.elf.program_headers(), MOST_SHOWN))
        ]
        tree["sections"] = list(_sections(core))
    return tree


def _file(file: KernelFile) -> Branch:
    """Return what the file is, and what is packed in what."""
    given = file.given.blob
    return {
        "size": given.size,
        "sha256": sha256(given.data).hexdigest(),
        "packing": list(packing_of(file)),
        "packed_size": file.payload.blob.size if file.payload is not None else None,
        "problem": file.refusal.message if file.refusal is not None else file.unpack_error,
    }


def _program(core: KernelCore) -> Branch:
    """Return which program the kernel is, and the file unpacked as a whole."""
    title, version = title_of_kernel(core.blob.data) or (None, None)
    return {
        "name": title,
        "version": version.text if version is not None else None,
        "build_id": build_id(core.elf) if core.elf is not None else None,
        "size": len(core.blob.data),
        "sha256": core.sha256,
    }


def _container(core: KernelCore, verdict: Verdict) -> Branch:
    """Return whether it boots in a container, and what becomes of it there."""
    row: dict[str, Tree] = {
        "container": CONTAINER_NAMES[verdict.target],
        "boots": answer_of(verdict),
        "boots_means": reason_of(verdict),
        "rule": verdict.rule,
        "rule_means": reason_of(verdict),
    }
    image = verdict.image
    if image is None:
        return row
    return row | {
        "least_memory_mib": verdict.least_memory_mib,
        "guest_type": image.guest_type.value,
        "start": hexadecimal(image.start),
        "size": image.end - image.start,
        "entry": hexadecimal(image.entry),
        "entry_means": core.name(image.entry),
    }


def reason_of(verdict: Verdict) -> str | None:
    """Return why a file does not boot, or what that depends on; None for one that boots."""
    if not verdict.boots:
        return verdict.because.removesuffix(".")
    return "; ".join(text.removesuffix(".") for text in verdict.conditions) or None


def release_answers(file: KernelFile) -> Iterator[tuple[str, tuple[Verdict, ...]]]:
    """Yield every release, the oldest first, with its verdict for each container."""
    for span in spans(file):
        first, last = RELEASES.index(span.first), RELEASES.index(span.last)
        for release in RELEASES[first : last + 1]:
            yield release, span.verdicts


def _note(core: KernelCore, note: Tree) -> Branch:
    assert isinstance(note, Mapping)
    name, value, means = note["name"], note["value"], note["meaning"]
    if name in _ADDRESS_NOTES and isinstance(value, str) and value.startswith("0x"):
        means = core.name(int(value, 16)) or means
    return {"name": name, "value": value, "value_means": means}


def _feature(row: Tree) -> Branch:
    assert isinstance(row, Mapping)
    value = "required" if row["required"] else "supported"
    return {"name": row["feature"], "value": value, "means": row["meaning"]}


def _bzimage(file: KernelFile) -> Branch:
    told = describe_bzimage(file)
    rows = told["header"]
    assert isinstance(rows, list)
    return {
        "kernel_version": told["kernel_version"],
        "boot_protocol": told["boot_protocol"],
        "efi_stub": told["efi_stub"],
        "header": [
            {"name": row["field"], "value": row["value"], "value_means": row["meaning"]} for row in rows
        ],
    }


def _header(core: KernelCore, elf: ElfFile) -> Branch:
    told = describe_elf(elf)
    entry = {"entry": told["entry"], "entry_means": core.name(elf.header.entry)}
    return {name: told[name] for name in _HEADER_MEMBERS} | entry


def _segment(number: int, segment: ProgramHeader) -> Branch:
    return {
        "number": number,
        "type": segment_type(segment),
        "flags": flags_of(segment) or "none",
        "p_paddr": hexadecimal(segment.paddr),
        "p_vaddr": hexadecimal(segment.vaddr),
        "file_size": segment.filesz,
        "memory_size": segment.memsz,
    }


def _sections(core: KernelCore) -> Iterator[Branch]:
    budget = 2 * len(core.blob.data)  # those of an honest file do not overlap
    for name, section in core.sections:
        data = core.contents(section)
        has_contents = section.type not in _WITHOUT_CONTENTS and len(data) <= budget
        budget -= len(data) if has_contents else 0
        yield {
            "name": name or "(no name)",
            "type": section_type(section),
            "flags": _flags(section),
            "address": hexadecimal(section.addr) if section.addr or section.flags & SHF_ALLOC else None,
            "size": section.size,
            "contents": sha256(data).hexdigest()[:_SHORT_DIGEST] if has_contents else None,
        }


def _flags(section: SectionHeader) -> str:
    return "".join(letter for bit, letter in _SECTION_FLAGS.items() if section.flags >> bit & 1) or "none"
