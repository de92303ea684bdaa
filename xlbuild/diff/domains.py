"""Two domains compared: what is said of them, what lies where, and what their memory holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TypeAlias

from xlbuild.built import BuiltDomain
from xlbuild.diff.common import in_common
from xlbuild.diff.facts import Reading, compare_facts
from xlbuild.diff.given import GivenDomain
from xlbuild.diff.hostwrites import told_apart
from xlbuild.diff.kernels.compare import KernelDifferences, compare_cores
from xlbuild.diff.kernels.fields import tell_entry
from xlbuild.diff.memory.pages import Namer, compare_pages, unnamed
from xlbuild.diff.memory.places import Moves, Owner, locate
from xlbuild.diff.model import Change, Comparison, MapRow, OwnerPages, Piece, Section, Side, Span
from xlbuild.diff.reading import READING, SECTIONS, ZERO_REGISTERS, SectionTitle
from xlbuild.diff.shifts import tell_shifts
from xlbuild.diff.view import View, described, recorded
from xlbuild.errors import UsageError
from xlbuild.identity import untold_parts
from xlbuild.inspect.kernels.facts import KernelCore
from xlbuild.inspect.tree import Branch
from xlbuild.units import PhysAddr, bytes_of

_KERNEL = next(number for number, title in enumerate(SECTIONS) if title.name == "kernel")
_DIGESTS = SectionTitle("digests", "digests")
"""Of manifests alone: what memory holds is compared by them."""


def compare_domains(a: GivenDomain, b: GivenDomain) -> Comparison:
    """Return all that differs between two domains; FilesError where an image cannot be read.

    Of a manifest alone there is what it says; the contents of its memory are compared by their digests then. Of a
    dump-core or a save file there is what both sides tell, and what its host wrote is told apart; UsageError where
    the other side is a manifest alone.
    """
    readable = a.built.has_contents and b.built.has_contents
    captured = a.origin.is_capture, b.origin.is_capture
    if any(captured) and not readable:
        raise _nothing_to_compare(a, b)
    common = in_common(a.built, b.built)
    both = replace(a, built=common.a), replace(b, built=common.b)
    return told_apart(_compared((a, b), both, common.remarks), captured)


Pair: TypeAlias = tuple[GivenDomain, GivenDomain]


def _compared(whole: Pair, both: Pair, left_out: tuple[str, ...]) -> Comparison:
    """Return all that differs between two domains.

    whole           all that is known of them
    both            what both tell
    left_out        what that is not, in sentences
    """
    a, b = both
    moves = Moves(locate(a.built), locate(b.built))
    readable = a.built.has_contents and b.built.has_contents
    pages = compare_pages(a.built, b.built, moves, (_namer(a), _namer(b))) if readable else ()
    sections, remarks = _described(whole, both, moves) if readable else _recorded(a, b, moves)
    kernels = None
    if a.kernel is not None and b.kernel is not None:
        kernels = compare_cores(a.kernel, b.kernel)
        sections = tuple(_with_entries(sections, a.kernel, b.kernel))
    return Comparison(
        a=_side(whole[0], a.built),
        b=_side(whole[1], b.built),
        sections=_with_kernels(sections, kernels),
        pieces=tuple(_pieces(moves, _changed_contents(a.built, b.built, pages, moves))),
        pages=pages,
        remarks=(
            *a.remarks,
            *b.remarks,
            *_layouts(a, b),
            *left_out,
            *remarks,
            *(kernels.remarks if kernels is not None else ()),
            *(_stale(a, b, bool(pages)) if readable else ()),
        ),
    )


def _nothing_to_compare(a: GivenDomain, b: GivenDomain) -> UsageError:
    manifest, capture = (a, b) if b.built.has_contents else (b, a)
    return UsageError(
        "nothing-in-common",
        f"of {manifest.label} there is only the manifest, and {capture.label} is a {capture.origin.value}",
        cause="it is what memory holds that a host's guest is compared by, and a manifest alone does not say it",
        hint="give the directory that has the manifest, or the configuration; "
        "`xlbuild digest` says whether a save file has the manifest's digest",
    )


def _namer(given: GivenDomain) -> Namer:
    """Return what names a byte of a domain's kernel: its section, and its symbol where it has symbols."""
    names = given.kernel.names if given.kernel is not None else None
    if names is None:
        return unnamed
    return lambda owner, offset: names.of_offset(offset) if owner == "kernel" else None


def _with_entries(sections: tuple[Section, ...], a: KernelCore, b: KernelCore) -> Iterator[Section]:
    """Yield a domain's sections, with what leads into its kernel called by the section and symbol there."""
    for section in sections:
        told = tuple(tell_entry(difference, a, b) for difference in section.differences)
        yield replace(section, differences=told)


def _with_kernels(sections: tuple[Section, ...], kernels: KernelDifferences | None) -> tuple[Section, ...]:
    """Return a domain's sections, those of its kernel's file behind what is said of the kernel."""
    if kernels is None:
        return sections
    names = [title.name for title in SECTIONS[: _KERNEL + 1]]
    before = tuple(section for section in sections if section.name in names)
    return (*before, *kernels.sections, *sections[len(before) :])


def _described(whole: Pair, both: Pair, moves: Moves) -> tuple[tuple[Section, ...], tuple[str, ...]]:
    a, b = both
    (one, all_of_a), (other, all_of_b) = described(a.built), described(b.built)
    problems = [
        *_problems("the first", whole[0], all_of_a if whole[0].built is a.built else None),
        *_problems("the second", whole[1], all_of_b if whole[1].built is b.built else None),
    ]
    return tuple(_sections(one, other, _reading(a.built, b.built), moves)), tuple(problems)


def _recorded(a: GivenDomain, b: GivenDomain, moves: Moves) -> tuple[tuple[Section, ...], tuple[str, ...]]:
    one, other = recorded(a.built), recorded(b.built)
    sections = tuple(_sections(one, other, _reading(a.built, b.built), moves, (*SECTIONS, _DIGESTS)))
    alone = " and ".join(given.label for given in (a, b) if not given.built.has_contents)
    return sections, (f"of {alone} there is only the manifest: contents are compared by their digests",)


def _reading(a: BuiltDomain, b: BuiltDomain) -> Reading:
    """Return how the two are read: registers that are not listed are zero, where both have the same ones."""
    return replace(READING, absent=ZERO_REGISTERS) if a.guest_type is b.guest_type else READING


def _sections(
    a: View,
    b: View,
    reading: Reading,
    moves: Moves,
    titles: tuple[SectionTitle, ...] = SECTIONS,
) -> Iterator[Section]:
    for section in titles:
        found = compare_facts(a[section.name], b[section.name], reading, section.name)
        if differences := tell_shifts(found, moves):
            yield Section(section.name, section.title, differences, section.counts)


def _problems(which: str, given: GivenDomain, description: Branch | None) -> Iterator[str]:
    """Yield what is wrong with a side in itself: its image is not as its manifest says. A host's has no manifest."""
    if given.origin.is_capture:
        return
    problems = (description or described(given.built)[1])["problems"]
    assert isinstance(problems, list)
    for problem in problems:
        yield f"{which}: {problem}"


def _layouts(a: GivenDomain, b: GivenDomain) -> Iterator[str]:
    """Yield that two PV guests are laid out to be started in different ways."""
    one, other = a.built.plan_for, b.built.plan_for
    if one is not other:
        yield f"{a.label} is laid out for `xl {one.value}`, and {b.label} for `xl {other.value}`"


def _stale(a: GivenDomain, b: GivenDomain, pages_differ: bool) -> Iterator[str]:
    """Yield that digests do not say what memory holds; those of a host's guest are none that anybody wrote down."""
    if a.origin.is_capture or b.origin.is_capture:
        return
    if (a.built.digests.memory != b.built.digests.memory) != pages_differ:
        yield (
            "the digests of memory in the two manifests say otherwise than the images themselves: "
            "one has been changed since it was built; `xlbuild inspect` says which"
        )


def _changed_contents(
    a: BuiltDomain, b: BuiltDomain, pages: tuple[OwnerPages, ...], moves: Moves
) -> frozenset[str]:
    """Return the names of what holds something else on the two sides, but for addresses that are shifted."""
    if a.has_contents and b.has_contents:
        ones, others = moves.a.owners_by_name(), moves.b.owners_by_name()
        both = (owner for owner in pages if owner.owner in ones and owner.owner in others)
        return frozenset(
            owner.owner
            for owner in both
            if _differs_within(owner, min(_span(ones[owner.owner]).size, _span(others[owner.owner]).size))
        )
    one, other = a.digests.segments, b.digests.segments
    return frozenset(name for name in one.keys() & other.keys() if one[name] != other[name])


def _differs_within(owner: OwnerPages, size: int) -> bool:
    """Return whether an owner's contents differ in what both sides have of it: the first `size` bytes."""
    is_seen = any(run.change is not Change.SHIFTED and run.offset < size for run in owner.runs)
    return owner.changed > 0 or is_seen or (owner.has_changed and owner.runs_left_out > 0)


def _pieces(moves: Moves, changed: frozenset[str]) -> Iterator[Piece]:
    """Yield everything that pages belong to, by address: what both have where the first has it."""
    ones, others = moves.a.owners_by_name(), moves.b.owners_by_name()
    names = sorted(ones.keys() | others.keys(), key=lambda name: _place_of(name, ones, others))
    for name in names:
        one, other = ones.get(name), others.get(name)
        there = one or other
        assert there is not None
        yield Piece(
            name,
            there.region.title,
            _span(one) if one is not None else None,
            _span(other) if other is not None else None,
            contents_differ=name in changed and one is not None and other is not None,
        )


def _place_of(name: str, ones: Mapping[str, Owner], others: Mapping[str, Owner]) -> tuple[PhysAddr, bool]:
    return (ones[name].region.first, False) if name in ones else (others[name].region.first, True)


def _span(owner: Owner) -> Span:
    return Span(owner.region.first, owner.region.end, owner.virtual)


def _side(given: GivenDomain, built: BuiltDomain) -> Side:
    """Return a side; `built` has what both sides tell."""
    whole = given.built
    return Side(
        given.label,
        given.origin.value,
        built.kind.value.upper(),
        built.profile or None,
        None if untold_parts(whole.untold) else whole.digests.domain,
        tuple(
            MapRow(Span(entry.addr, PhysAddr(entry.addr + entry.size)), entry.type_name)
            for entry in built.memory_map
        ),
        _vcpus(built),
        bytes_of(built.total_pages),
    )


def _vcpus(built: BuiltDomain) -> int | None:
    if built.hvm_info_fields is not None:
        told = built.hvm_info_fields["nr_vcpus"]
        return told if isinstance(told, int) else None
    return None if built.is_pv else len(built.vcpus)
