"""Multiboot-style binaries: a memory image with a table of addresses in its first 8 KiB (xg_dom_binloader upstream).

The table has the fields of a Multiboot header whose addresses are valid, but a magic number and a PAE field of Xen's
own; it says everything, so that such a kernel has no notes, no features, no hypercall page and no INIT_P2M. Which
tables are refused is what Xen 4.17 was seen to do, whether it does so here or when it places the kernel.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from xlbuild.errors import Diagnostic, RefusedError, Where
from xlbuild.image.blob import Blob
from xlbuild.image.elf import MAGIC as ELF_MAGIC
from xlbuild.image.features import active_features
from xlbuild.image.headers import find_header
from xlbuild.image.model import GuestType, KernelImage, PaeMode, Piece, XenParameters
from xlbuild.image.verdict import Candidate, Match, Reject

NAME = "multiboot-style binary"

_MAGIC = 0x336EC578
_STARTS_WITHIN = 8192
_STEP = 4
_SUMMED_WORDS = 3
"""Magic, flags and checksum."""
_WORD_MASK = 0xFFFF_FFFF

_FLAGS_KNOWN = 1 << 0
_FLAGS_ADDRESSES = 1 << 16
_PAE_SHIFT, _PAE_MASK = 14, 3 << 14

_GUEST_TYPES: tuple[tuple[GuestType, PaeMode] | None, ...] = (
    None,  # xen-3.0-x86_32
    (GuestType.PV32PAE, PaeMode.NO),
    (GuestType.PV64, PaeMode.NO),
    (GuestType.PV32PAE, PaeMode.EXTENDED_CR3),
)
"""By the PAE field; the first is one that no supported Xen offers."""


class _Fields(NamedTuple):
    """The table: eight u32, little-endian; addresses are virtual."""

    magic: int
    flags: int
    checksum: int
    header_addr: int
    load_addr: int
    load_end_addr: int
    bss_end_addr: int
    entry_addr: int


_SHAPE = struct.Struct("<8I")


@dataclass(frozen=True, slots=True)
class _Table:
    """A table, and where in which file it stands."""

    candidate: Candidate
    offset: int
    fields: _Fields

    def place(self, field: str) -> Where:
        """Return where one of its fields stands."""
        return Where(self.candidate.name, offset=self.offset + 4 * _Fields._fields.index(field), note=field)

    def refusal(self, field: str, cause: str) -> RefusedError:
        """Return the error for a table that makes no sense to Xen."""
        return RefusedError(
            "kernel-multiboot",
            f"the {self.candidate.noun}'s multiboot table is one that Xen refuses",
            cause=cause,
            hint=self.without,
            where=self.place(field),
        )

    @property
    def without(self) -> str:
        """The mend for a table that should be another one, or not there."""
        if self.candidate.firmware:
            return self.candidate.mend
        if self.candidate.blob.starts_with(ELF_MAGIC):
            return "link the kernel without that table: Xen goes by it alone, in ELF files too"
        return "correct the table in the kernel's sources, or give the kernel as an ELF file with Xen notes"


def probe(candidate: Candidate) -> Match | Reject:
    """Take any file, ELF files among them, with a table in its first 8 KiB, also where it cannot be started."""
    offset = find_table(candidate.blob)
    if offset is None:
        return _no_table(candidate)
    fields = _Fields(*_SHAPE.unpack(candidate.blob.read(offset, _SHAPE.size)))
    return Match(partial(_load, _Table(candidate, offset, fields)))


def find_table(blob: Blob) -> int | None:
    """Return the offset of the first table whose checksum is right; the file has to go on behind the table."""
    head = blob.read(0, min(blob.size, _STARTS_WITHIN + _SHAPE.size))
    end = min(_STARTS_WITHIN, blob.size - _SHAPE.size)
    return find_header(head, _MAGIC, words=_SUMMED_WORDS, step=_STEP, end=end)


def _no_table(candidate: Candidate) -> Reject:
    """Say whether there is nothing, or something that does not count as a table."""
    offset = candidate.blob.read(0, min(candidate.blob.size, _STARTS_WITHIN)).find(
        _MAGIC.to_bytes(4, "little")
    )
    if offset < 0:
        return Reject(f"its first 8 KiB hold no table with the magic {_MAGIC:#x}")
    return Reject(
        f"it has the magic {_MAGIC:#x} at {offset:#x}, but no table: magic, flags and checksum have to make 0,"
        f" the offset has to be a multiple of {_STEP}, and the file to go on behind the table",
        "if it is to have a multiboot table of Xen's, correct that",
        Where(offset=offset),
    )


def _load(table: _Table) -> KernelImage:
    candidate, fields = table.candidate, table.fields
    guest_type, pae = _guest_type(table)
    skipped, load_end, end = _extent(table)
    virt_base = (fields.header_addr - table.offset) & _WORD_MASK
    data = candidate.blob.data[skipped : skipped + load_end - fields.load_addr]
    return KernelImage(
        format=NAME,
        packing=candidate.packing,
        guest_type=guest_type,
        parameters=_parameters(fields, pae, virt_base),
        start=fields.load_addr,
        end=end,
        entry=fields.entry_addr,
        features_active=active_features(candidate, supported=0, required=0),
        pieces=(Piece(0, data),) if data else (),
        core=candidate.blob,
        warnings=_warnings(table, end),
    )


def _guest_type(table: _Table) -> tuple[GuestType, PaeMode]:
    candidate, flags = table.candidate, table.fields.flags
    if candidate.hvm_container:
        elf = candidate.blob.starts_with(ELF_MAGIC)
        raise RefusedError(
            "kernel-not-pvh",
            f"the {candidate.noun} cannot be started as PVH or HVM",
            cause=f"it has a multiboot table of Xen's at {table.offset:#x}, which makes it a PV kernel",
            hint=table.without if elf or candidate.firmware else 'set type="pv"',
            where=table.place("magic"),
        )
    if flags & ~_PAE_MASK & ~_FLAGS_KNOWN != _FLAGS_ADDRESSES:
        raise table.refusal(
            "flags",
            f"its flags are {flags:#x}: bit 16 (addresses are valid) must be set, and only bits 0, 14 and 15 may be",
        )
    kind = _GUEST_TYPES[(flags & _PAE_MASK) >> _PAE_SHIFT]
    if kind is None:
        raise RefusedError(
            "kernel-not-pae",
            "the kernel is a 32-bit PV kernel without PAE, which no supported Xen can start",
            cause="bits 14 and 15 of its multiboot table's flags are 0: neither PAE nor 64-bit",
            hint=table.without if candidate.blob.starts_with(ELF_MAGIC) else "build the kernel with PAE",
            where=table.place("flags"),
        )
    return kind


def _extent(table: _Table) -> tuple[int, int, int]:
    """Return how many of the file's bytes are skipped, and where the loaded ones and the kernel end."""
    fields, start = table.fields, table.fields.load_addr
    in_front = fields.header_addr - start
    skipped = table.offset - in_front
    most = start + table.candidate.blob.size - skipped
    load_end = fields.load_end_addr or most
    end = fields.bss_end_addr or load_end
    least = f"header_addr {fields.header_addr:#x} less {table.offset:#x}, the table's offset,"
    in_file = start <= load_end <= most
    rules = (
        ("load_addr", 0 <= in_front <= table.offset, f"is {start:#x}, not from {least} to header_addr"),
        ("load_end_addr", in_file, f"is {load_end:#x}; the file has {start:#x} to {most:#x}"),
        ("bss_end_addr", load_end <= end, f"is {end:#x}, below {load_end:#x}, where the loaded bytes end"),
        ("load_end_addr", start < end, f"is {end:#x}, where the kernel starts: nothing is loaded"),
        ("load_end_addr", end <= _WORD_MASK, f"is 0, the whole file, which ends at {end:#x}: over 32 bits"),
    )
    for field, holds, cause in rules:
        if not holds:
            raise table.refusal(field, f"{field} {cause}")
    return skipped, load_end, end


def _parameters(fields: _Fields, pae: PaeMode, virt_base: int) -> XenParameters:
    """Return the parameters; upstream leaves the last addresses at 0, and has the segment's elsewhere."""
    return XenParameters(
        notes=(),
        guest_os="",
        guest_version="",
        xen_version="",
        loader="",
        pae=pae,
        bsd_symtab=False,
        unmapped_initrd=False,
        virt_base=virt_base,
        virt_entry=fields.entry_addr,
        virt_hypercall=None,
        virt_hv_start_low=None,
        p2m_base=None,
        elf_paddr_offset=None,
        phys_entry=0,
        virt_kstart=0,
        virt_kend=0,
        features_supported=0,
        features_required=0,
    )


def _warnings(table: _Table, end: int) -> tuple[Diagnostic, ...]:
    """Return the warning for an entry point that Xen does not check, as it does an ELF file's."""
    start, entry = table.fields.load_addr, table.fields.entry_addr
    if start <= entry < end:
        return ()
    message = (
        f"entry_addr {entry:#x} lies outside of the kernel ({start:#x} to {end:#x}), and Xen starts it there"
    )
    return (
        Diagnostic("kernel-entry-outside", message, table.place("entry_addr"), "correct the kernel's table"),
    )
