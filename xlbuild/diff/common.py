"""What two domains both tell: one that was recovered from a dump-core or a save file does not tell all.

What one side does not tell is blank on both, so that nothing is said of it, and a remark says what was left out.
Where things lie may be told by one side alone: the other takes their names from it, as far as the two layouts agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from xlbuild.built import (
    ALL_TOLD,
    SHARED_INFO_FILE,
    AcpiPlaces,
    BuiltDomain,
    BuiltKernel,
    Placed,
    Untold,
)
from xlbuild.diff.memory.restricted import RestrictedMemory, lies_in, without
from xlbuild.plan.model import Segment, Vcpu
from xlbuild.units import FrameRange, merge_ranges, paddr_of

Blank = Callable[[BuiltDomain], BuiltDomain]
"""Returns a domain that does not tell a member."""

_NO_KERNEL = BuiltKernel("", (), 0)


@dataclass(frozen=True, slots=True)
class _Member:
    """A member of the manifest that a side may not tell."""

    words: str
    """What a remark calls it."""
    blank: Blank


_MADE_FROM = "what it is made from"
_ON_DEMAND = "populate on demand"

_MEMBERS: Mapping[str, _Member] = MappingProxyType(
    {
        "name": _Member(_MADE_FROM, lambda built: replace(built, name="")),
        "uuid": _Member(_MADE_FROM, lambda built: replace(built, uuid=None)),
        "reason": _Member(_MADE_FROM, lambda built: replace(built, reason="")),
        "inputs": _Member(_MADE_FROM, lambda built: replace(built, inputs=())),
        "profile": _Member("the Xen release", lambda built: replace(built, profile="")),
        "kernel": _Member("the kernel's notes", lambda built: replace(built, kernel=_NO_KERNEL)),
        "command_line": _Member("the command line", lambda built: replace(built, command_line=None)),
        "total_pages": _Member("the number of pages", lambda built: replace(built, total_pages=0)),
        "target_pages": _Member(_ON_DEMAND, lambda built: replace(built, target_pages=None)),
        "populate_on_demand": _Member(_ON_DEMAND, lambda built: replace(built, populate_on_demand=None)),
        "memory_map": _Member("the memory map", lambda built: replace(built, memory_map=())),
        "shared_info": _Member("the shared info page", lambda built: replace(built, structures={})),
        "acpi": _Member("ACPI tables", lambda built: replace(built, acpi=None)),
        "vcpus": _Member("vCPUs", lambda built: replace(built, vcpus=())),
        "hypercall_page": _Member("the hypercall page", lambda built: replace(built, hypercall_page=None)),
        "hvm_params": _Member("HVM parameters", lambda built: replace(built, hvm_params=())),
        "vnuma": _Member("virtual NUMA nodes", lambda built: replace(built, vnuma=None)),
        "grants": _Member("grants", lambda built: replace(built, grants=())),
        "event_channels": _Member("event channels", lambda built: replace(built, event_channels=())),
    }
)
"""By their names, in the order in which a remark names them."""

_REGISTERS = "vcpus.registers"
_PLACES = ("segments", "segments.vend", "firmware_modules", "special_pages")
"""Members that say where things lie: one side's word is enough."""


@dataclass(frozen=True, slots=True)
class Common:
    """Two domains that tell the same of themselves."""

    a: BuiltDomain
    b: BuiltDomain
    remarks: tuple[str, ...] = ()
    """What is left out, and why."""


def in_common(a: BuiltDomain, b: BuiltDomain) -> Common:
    """Return two domains as far as both tell of themselves; the very same ones where both tell all.

    The `untold` of both is what either does not tell. The state of the vCPUs is in their `vcpus` alone then, and of
    the structures only the shared info page is left.
    """
    if a.untold == ALL_TOLD and b.untold == ALL_TOLD:
        return Common(a, b)
    members = a.untold.members | b.untold.members
    frames = merge_ranges(sorted((*a.untold.frames, *b.untold.frames)))
    one, other = (_told(each, members, frames) for each in (_placed(a, b), _placed(b, a)))
    if _REGISTERS in members:
        one, other = _with_registers_of(one, other), _with_registers_of(other, one)
    if (SHARED_INFO_FILE in one.structures) != (SHARED_INFO_FILE in other.structures):
        one, other = (replace(each, structures={}) for each in (one, other))
    return Common(one, other, tuple(_remarks(a, b)))


def _placed(own: BuiltDomain, other: BuiltDomain) -> BuiltDomain:
    """Return a domain with the places of what it does not tell as the other has them."""
    untold, told = own.untold.members, other.untold.members
    lacking = [name for name in _PLACES if name in untold and name not in told]
    if "segments" in lacking or "segments.vend" in lacking:
        own = replace(own, segments=tuple(_segments(own.segments, other.segments)))
    if "firmware_modules" in lacking:
        own = replace(own, firmware_modules=tuple(_segments(own.firmware_modules, other.firmware_modules)))
    if "special_pages" in lacking:
        own = replace(own, special_pages={**other.special_pages, **own.special_pages})
    return own


def _segments(own: Sequence[Segment], others: Sequence[Segment]) -> Iterator[Segment]:
    """Yield segments, exactly as the other side has those that lie where it has them too; what it lacks besides.

    A side that does not tell its segments knows them by page, and a kernel by its first page that holds something and
    by what lies behind it.
    """
    known = {segment.name: segment for segment in own}
    for segment in others:
        found = known.pop(segment.name, None)
        if found is None:
            is_free = not any(each.frames.overlaps(segment.frames) for each in own)
            yield from (segment,) if is_free else ()
        else:
            yield segment if _may_be(segment, found) else found
    yield from known.values()


def _may_be(segment: Segment, found: Segment) -> bool:
    """Return whether a segment lies just where the other side knows one by page."""
    if segment.name == "kernel":
        return segment.pfn <= found.pfn and segment.frames.end <= found.frames.end
    return found.frames == segment.frames


def _told(built: BuiltDomain, members: frozenset[str], frames: Sequence[FrameRange]) -> BuiltDomain:
    """Return a domain without members and frames that one of the two does not tell."""
    shared_info = built.structures.get(SHARED_INFO_FILE)
    structures = {} if shared_info is None else {SHARED_INFO_FILE: shared_info}
    built = replace(built, structures=structures)
    acpi = _acpi(built.acpi, frames)
    if acpi != built.acpi:
        members |= {"acpi"}
    for name, member in _MEMBERS.items():
        if name in members:
            built = member.blank(built)
    ioreq = built.ioreq_server
    return replace(
        built,
        memory=RestrictedMemory(built.memory, frames) if frames else built.memory,
        special_pages={
            name: pfn for name, pfn in built.special_pages.items() if not lies_in(paddr_of(pfn), 1, frames)
        },
        ioreq_server=ioreq if ioreq is not None and without((ioreq,), frames) == (ioreq,) else None,
        acpi=acpi if "acpi" not in members else None,
        untold=Untold(members, tuple(frames)),
    )


def _acpi(acpi: AcpiPlaces | None, frames: Sequence[FrameRange]) -> AcpiPlaces | None:
    """Return where ACPI lies; None where a piece of it is not told, as the tables lead to each other."""
    if acpi is None or any(lies_in(piece.address, piece.size, frames) for piece in _pieces(acpi)):
        return None
    return acpi


def _pieces(acpi: AcpiPlaces) -> tuple[Placed, ...]:
    return (*acpi.blobs, *acpi.tables)


def _with_registers_of(built: BuiltDomain, other: BuiltDomain) -> BuiltDomain:
    """Return a domain with those vCPUs alone that the other has, and of each what that tells."""
    theirs = {vcpu.id: vcpu for vcpu in other.vcpus}
    return replace(
        built, vcpus=tuple(_as_told(vcpu, theirs[vcpu.id]) for vcpu in built.vcpus if vcpu.id in theirs)
    )


def _as_told(vcpu: Vcpu, other: Vcpu) -> Vcpu:
    registers, theirs = vcpu.registers, other.registers
    if registers is not None and theirs is not None:
        registers = {name: value for name, value in registers.items() if name in theirs}
    return replace(vcpu, registers=registers, mtrr=vcpu.mtrr if other.mtrr is not None else None)


def _remarks(a: BuiltDomain, b: BuiltDomain) -> Iterator[str]:
    """Yield what is left out because one of the two does not tell it; nothing of what the other has not either."""
    for built, other in ((a, b), (b, a)):
        if words := [*_left_out(built.untold.members, other)]:
            yield f"not compared, because {built.source} does not say it: {', '.join(words)}"
        frames = without(other.populated, without(other.populated, built.untold.frames))
        if frames:
            told = ", ".join(f"{each.first:#x}..{each.end:#x}" for each in frames)
            yield f"not compared, because {built.source} does not have them: frames {told}"


def _left_out(untold: Iterable[str], other: BuiltDomain) -> Iterator[str]:
    """Yield in words what the other side tells of what one side does not."""
    members = frozenset(untold) - other.untold.members
    found = (
        member.words for name, member in _MEMBERS.items() if name in members and member.blank(other) != other
    )
    yield from dict.fromkeys(found)
    if _REGISTERS in members:
        yield "some registers"
