"""ELF kernels with Xen notes, PV and PVH (xg_dom_elfloader upstream)."""

from __future__ import annotations

from functools import partial

from xlbuild.errors import RefusedError, Where
from xlbuild.image.bsdsymtab import symtab_pieces
from xlbuild.image.elf import EM_386, EM_X86_64, ElfFile, open_elf
from xlbuild.image.features import active_features
from xlbuild.image.model import GuestType, KernelImage, PaeMode, XenParameters
from xlbuild.image.parameters import load_range, parse_kernel
from xlbuild.image.pieces import load_pieces, overlay
from xlbuild.image.verdict import Candidate, Match, Reject, RejectedError
from xlbuild.units import bytes_of, pages_for

NAME = "ELF with Xen notes"


def probe(candidate: Candidate) -> Match | Reject:
    """Take an ELF file whose notes make a Xen kernel for the container."""
    return probe_as(candidate, NAME)


def probe_as(candidate: Candidate, format_name: str) -> Match | Reject:
    """Do the same for a file that another loader has unpacked, under that loader's name."""
    try:
        elf = open_elf(candidate.blob)
    except RejectedError as failure:
        return failure.verdict()
    parsed = parse_kernel(elf, hvm_container=candidate.hvm_container, profile=candidate.profile)
    if parsed.failure is not None:
        return parsed.failure.verdict()
    return Match(partial(_load, candidate, format_name, elf, parsed.parameters))


def _load(candidate: Candidate, format_name: str, elf: ElfFile, parameters: XenParameters) -> KernelImage:
    guest_type = _guest_type(candidate, elf, parameters)
    active = active_features(
        candidate,
        parameters.features_supported,
        parameters.features_required,
        pvh=parameters.phys_entry is not None,
    )
    start, end = parameters.virt_kstart, parameters.virt_kend
    if start == end:
        raise _empty(candidate, start)
    room = bytes_of(pages_for(end - start))
    first, last = load_range(elf)
    pieces, warnings = load_pieces(elf, first, room, candidate.name)
    if parameters.bsd_symtab:
        pieces = overlay((*pieces, *symtab_pieces(elf, last, first, room, candidate.name)))
    assert parameters.virt_entry is not None  # a valid kernel's entry lies inside of it
    return KernelImage(
        format=format_name,
        packing=candidate.packing,
        guest_type=guest_type,
        parameters=parameters,
        start=start,
        end=end,
        entry=parameters.virt_entry,
        features_active=active,
        pieces=pieces,
        core=candidate.blob,
        warnings=warnings,
    )


def _guest_type(candidate: Candidate, elf: ElfFile, parameters: XenParameters) -> GuestType:
    """Return the guest type of a kernel in its container; `xen-3.0-x86_32` is one that no supported Xen offers."""
    where = Where(candidate.name)
    if candidate.hvm_container:
        if parameters.phys_entry is None:
            raise RefusedError(
                "kernel-not-pvh",
                f"the {candidate.noun} cannot be started as PVH or HVM",
                cause="it is a PV kernel: it has no note PHYS32_ENTRY",
                hint=candidate.mend if candidate.firmware else 'set type="pv"',
                where=Where(candidate.name, note="PHYS32_ENTRY"),
            )
        return GuestType.HVM
    if elf.header.machine == EM_X86_64:
        return GuestType.PV64
    if elf.header.machine == EM_386 and parameters.pae is not PaeMode.NO:
        return GuestType.PV32PAE
    if elf.header.machine == EM_386:
        pvh = parameters.phys_entry is not None
        raise RefusedError(
            "kernel-not-pae",
            "the kernel is a 32-bit PV kernel without PAE, which no supported Xen can start",
            cause="the note PAE_MODE says neither `yes` nor `bimodal`",
            hint='set type="pvh": it has the note PHYS32_ENTRY' if pvh else "build the kernel with PAE",
            where=Where(candidate.name, note="PAE_MODE"),
        )
    raise RefusedError(
        "kernel-machine",
        "the kernel is not for x86",
        cause=f"e_machine is {elf.header.machine}; PV takes {EM_386} (386) and {EM_X86_64} (x86-64)",
        hint="give an x86 kernel",
        where=where,
    )


def _empty(candidate: Candidate, start: int) -> RefusedError:
    return RefusedError(
        "kernel-nothing-to-load",
        f"the {candidate.noun} has nothing to load",
        cause=f"its loadable segments are empty: it starts and ends at {start:#x}",
        hint=candidate.mend,
        where=Where(candidate.name),
    )
