"""The structures in one owner's memory compared, each with the other side's, wherever in the owner the two lie.

A structure is compared with that of the same name: of the same size byte by byte, of another size member by member.
What is in none is compared at its offset from the owner's first page; structures count as zeros there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from xlbuild.acpi.layouts import RSDP_1_SIZE
from xlbuild.diff.memory.places import Moves, moved
from xlbuild.diff.memory.runs import Found, filled, stretches
from xlbuild.diff.memory.structures import Member, Structure
from xlbuild.diff.model import Change
from xlbuild.diff.reading import CHECKSUMS
from xlbuild.diff.shifts import FOLLOWS, why_shifted
from xlbuild.inspect.memory.region import Region
from xlbuild.units import PhysAddr

_MOST_NUMBER = 8
"""Bytes of a member that may be an address."""
_COVERED = {"acpi.rsdp.checksum": RSDP_1_SIZE}
"""Bytes that a checksum is of, by its path; others are of all of the structure."""


@dataclass(frozen=True, slots=True)
class Area:
    """The pages of an owner on one side."""

    owner: Region
    first: PhysAddr
    """Of its first page."""
    data: bytes
    structures: tuple[Structure, ...]

    def bytes_of(self, structure: Structure) -> bytes:
        """Return what a structure holds."""
        start = self.place_of(structure)
        return self.data[start : start + structure.region.size]

    def place_of(self, structure: Structure) -> int:
        """Return a structure's offset from the first page."""
        return structure.region.first - self.first

    def offset_of(self, place: int) -> int:
        """Return the offset in the owner of a byte of the pages; negative before the owner's start."""
        return self.first + place - self.owner.first

    def address_of(self, place: int) -> PhysAddr:
        """Return the address of a byte of the pages."""
        return PhysAddr(self.first + place)


def compare_areas(a: Area, b: Area, moves: Moves) -> list[Found]:
    """Return the runs in which two sides' pages of an owner differ, in order.

    What is at another place within the owner than on the other side is a run of its own, as shifted as it is.
    """
    found = list(_outside(a, b))
    ones = {each.region.name: each for each in a.structures}
    others = {each.region.name: each for each in b.structures}
    for name in (*ones, *(name for name in others if name not in ones)):
        one, other = ones.get(name), others.get(name)
        if one is not None and other is not None:
            runs = list(_members(_Pair(a, b, one, other), moves))
            found += _with_checksums(runs, a.bytes_of(one), b.bytes_of(other))
            found += _within_the_owner(a, b, one, other)
        elif one is not None:
            found += _one_sided(a, one, Change.REMOVED)
        elif other is not None:
            found += _one_sided(b, other, Change.ADDED)
    return sorted(found, key=lambda run: (run.offset, run.end))


def _outside(a: Area, b: Area) -> Iterator[Found]:
    """Yield the runs in what is in no structure."""
    one, other = _without_structures(a), _without_structures(b)
    common = min(len(one), len(other))
    places = {area.place_of(each) for area in (a, b) for each in area.structures}
    ends = {area.place_of(each) + each.region.size for area in (a, b) for each in area.structures}
    cuts = sorted(place for place in places | ends if 0 < place < common)
    for run in stretches(one[:common], other[:common], cuts):
        yield Found(
            b.offset_of(run.start),
            b.offset_of(run.end),
            Change.CHANGED,
            run.differing,
            a.address_of(run.start),
            b.address_of(run.start),
        )
    for area, data, change in ((a, one, Change.REMOVED), (b, other, Change.ADDED)):
        if (rest := filled(data[common:])) is not None:
            yield _alone(area, change, common + rest.start, common + rest.end, rest.differing)


def _without_structures(area: Area) -> bytes:
    data = bytearray(area.data)
    for each in area.structures:
        start = area.place_of(each)
        data[start : start + each.region.size] = bytes(each.region.size)
    return bytes(data)


def _one_sided(area: Area, structure: Structure, change: Change) -> Iterator[Found]:
    """Yield the run that a structure is which the other side has not."""
    if (run := filled(area.bytes_of(structure))) is not None:
        at = area.place_of(structure)
        found = _alone(area, change, at + run.start, at + run.end, run.differing)
        yield replace(found, field=structure.path, words=structure.region.name, place=structure.path)


def _alone(area: Area, change: Change, start: int, end: int, differing: int) -> Found:
    """Return a run that only one side has."""
    at = area.address_of(start)
    a, b = (at, None) if change is Change.REMOVED else (None, at)
    return Found(area.offset_of(start), area.offset_of(end), change, differing, a, b)


@dataclass(frozen=True, slots=True)
class _Pair:
    """A structure on both sides."""

    a: Area
    b: Area
    one: Structure
    other: Structure

    def members(self) -> Iterator[tuple[Member | None, Member | None]]:
        """Yield the members that are compared with each other."""
        if self.one.region.size == self.other.region.size:
            yield from ((member, member) for member in self.one.members)
            return
        ones = {member.path: member for member in self.one.members}
        yield from ((ones.pop(member.path, None), member) for member in self.other.members)
        yield from ((member, None) for member in ones.values())


def _members(pair: _Pair, moves: Moves) -> Iterator[Found]:
    """Yield the runs in which a structure's members differ."""
    ones, others = pair.a.bytes_of(pair.one), pair.b.bytes_of(pair.other)
    at_a, at_b = pair.a.place_of(pair.one), pair.b.place_of(pair.other)
    for one, other in pair.members():
        was = ones[one.first : one.end] if one is not None else b""
        now = others[other.first : other.end] if other is not None else b""
        if was == now:
            continue
        member = other or one
        assert member is not None
        if one is None or other is None:
            area, at = (pair.b, at_b) if one is None else (pair.a, at_a)
            change = Change.ADDED if one is None else Change.REMOVED
            if (run := filled(now or was)) is not None:
                start = at + member.first + run.start
                found = _alone(area, change, start, start + run.end - run.start, run.differing)
                yield _in_member(found, member, run.start)
            continue
        size, why = max(len(was), len(now)), _why(member, was, now, moves)
        for run in stretches(was.ljust(size, b"\0"), now.ljust(size, b"\0")):
            place = at_b + other.first + run.start
            found = Found(
                pair.b.offset_of(place),
                pair.b.offset_of(place + run.end - run.start),
                Change.CHANGED if why is None else Change.SHIFTED,
                run.differing,
                pair.a.address_of(at_a + one.first + run.start),
                pair.b.address_of(place),
                why=why,
                most_a=max(0, len(was) - run.start),
                most_b=max(0, len(now) - run.start),
            )
            yield _in_member(found, member, run.start)


def _in_member(found: Found, member: Member, offset: int) -> Found:
    return replace(
        found,
        field=member.path if member.is_described else None,
        words=member.words(offset),
        place=member.path,
    )


def _why(member: Member, was: bytes, now: bytes, moves: Moves) -> str | None:
    """Return why a member that is an address is another one; None where it is none, or of something else."""
    if len(was) != len(now) or len(was) > _MOST_NUMBER:
        return None
    return why_shifted(member.name, int.from_bytes(was, "little"), int.from_bytes(now, "little"), moves)


def _with_checksums(runs: Sequence[Found], was: bytes, now: bytes) -> Iterator[Found]:
    """Yield a structure's runs, its checksums' as shifted where they follow from addresses that are."""
    others = [run for run in runs if not _is_checksum(run)]
    only_shifts = bool(others) and all(run.change is Change.SHIFTED for run in others)
    for run in runs:
        end = _COVERED.get(run.place)
        follows = only_shifts and _is_checksum(run) and (sum(was[:end]) - sum(now[:end])) % 256 == 0
        yield replace(run, change=Change.SHIFTED, why=FOLLOWS) if follows else run


def _is_checksum(run: Found) -> bool:
    return run.place.rpartition(".")[2] in CHECKSUMS


def _within_the_owner(a: Area, b: Area, one: Structure, other: Structure) -> Iterator[Found]:
    """Yield the run that a structure is which lies elsewhere within its owner."""
    before, place = a.place_of(one), b.place_of(other)
    if before == place:
        return
    size = other.region.size
    was, now = a.data[place : place + size].ljust(size, b"\0"), b.bytes_of(other)
    differing = sum(run.differing for run in stretches(was, now.ljust(size, b"\0")))
    yield Found(
        b.offset_of(place),
        b.offset_of(place + size),
        Change.SHIFTED,
        differing,
        a.address_of(before),
        b.address_of(place),
        words=other.region.name,
        place=f"all of {other.path}",
        why=f"{moved(other.region.name, place - before)} within {b.owner.name}",
    )
