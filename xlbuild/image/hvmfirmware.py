"""HVM firmware: a 32-bit ELF file that is not a valid Xen kernel, hvmloader for one (xg_dom_hvmloader upstream)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from xlbuild.errors import Diagnostic, RefusedError, Where
from xlbuild.image.elf import ElfFile, open_elf
from xlbuild.image.model import GuestType, KernelImage, XenParameters
from xlbuild.image.parameters import load_range, parse_kernel
from xlbuild.image.pieces import load_pieces
from xlbuild.image.verdict import Candidate, Match, Reject, RejectedError
from xlbuild.units import bytes_of, pages_for

NAME = "HVM firmware"


def probe(candidate: Candidate) -> Match | Reject:
    """Take any ELF file that is not a valid Xen kernel; only an HVM container can start it."""
    if not candidate.hvm_container:
        return Reject("it is for HVM containers (PVH and HVM) only")
    try:
        elf = open_elf(candidate.blob)
    except RejectedError as failure:
        return failure.verdict()
    parsed = parse_kernel(elf, hvm_container=True, profile=candidate.profile)
    if parsed.failure is None:
        return Reject("it is an ELF file with good Xen notes")
    return Match(partial(_load, candidate, elf, parsed.parameters, parsed.failure))


def _load(
    candidate: Candidate, elf: ElfFile, parameters: XenParameters, failure: RejectedError
) -> KernelImage:
    """Build the image with the parameters that were read until the notes failed; the entry is e_entry."""
    if not elf.is_class32:
        raise _not_startable(candidate, failure, "it would have to be a 32-bit ELF file")
    if parameters.virt_base:
        wrong = f"it has the note VIRT_BASE ({parameters.virt_base:#x}), by which Xen misplaces what goes behind it"
        raise _not_startable(candidate, failure, wrong)
    start, end = load_range(elf)
    if start >= end:
        raise RefusedError(
            "kernel-nothing-to-load",
            f"the {candidate.noun} has nothing to load",
            cause=f"as a Xen kernel: {failure.reason}; as HVM firmware: no loadable segment of it makes sense",
            hint=_hint(candidate, failure),
            where=Where(candidate.name),
        )
    pieces, warnings = load_pieces(elf, start, bytes_of(pages_for(end - start)), candidate.name)
    return KernelImage(
        format=NAME,
        packing=candidate.packing,
        guest_type=GuestType.HVM,
        parameters=replace(parameters, phys_entry=elf.header.entry & 0xFFFF_FFFF),
        start=start,
        end=end,
        entry=elf.header.entry & 0xFFFF_FFFF,
        features_active=parameters.features_required,
        pieces=pieces,
        core=candidate.blob,
        is_firmware=True,
        warnings=(*_started_as_firmware(candidate, elf, failure), *warnings),
    )


def _started_as_firmware(
    candidate: Candidate, elf: ElfFile, failure: RejectedError
) -> tuple[Diagnostic, ...]:
    """Return the warning for what the user takes for a PVH kernel, and Xen for firmware, without a word."""
    if candidate.firmware:
        return ()
    return (
        Diagnostic(
            "kernel-as-firmware",
            f"the kernel is no PVH kernel to Xen: {failure.reason}; it is started as if it were HVM firmware,"
            f" at its ELF entry point {elf.header.entry & 0xFFFF_FFFF:#x}",
            replace(failure.where, file=candidate.name),
            failure.hint or candidate.mend,
        ),
    )


def _not_startable(candidate: Candidate, failure: RejectedError, wrong: str) -> RefusedError:
    """Return the error for an ELF file that is no Xen kernel, and wrong for firmware, too."""
    if candidate.firmware:
        return RefusedError(
            "kernel-not-pvh",
            "the firmware cannot be started in an HVM guest",
            cause=wrong,
            hint=candidate.mend,
            where=Where(candidate.name),
        )
    return RefusedError(
        "kernel-not-pvh",
        "the kernel cannot be started as PVH or HVM",
        cause=f"as a Xen kernel: {failure.reason}; as HVM firmware: {wrong}",
        hint=_hint(candidate, failure),
        where=Where(candidate.name, offset=failure.where.offset, note=failure.where.note),
    )


def _hint(candidate: Candidate, failure: RejectedError) -> str:
    return candidate.mend if candidate.firmware else failure.hint or candidate.mend
