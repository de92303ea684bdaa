"""The fields of two kernels as they are told: without what follows from others, and what only moved as shifted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby

from xlbuild.diff.kernels.symbols import distances
from xlbuild.diff.memory.places import moved
from xlbuild.diff.model import Change, Difference, as_number
from xlbuild.inspect.kernels.facts import KernelCore
from xlbuild.inspect.words import counted
from xlbuild.units import MIB

_PLACES = {"p_paddr": "segments", "p_vaddr": "segments", "address": "sections"}
"""Members that say where something of a kernel is, and what moves when they differ."""
_LEADS_TO_CODE = re.compile(
    r"(.*\.)?(entry|notes\[(ENTRY|HYPERCALL_PAGE|PHYS32_ENTRY)\]|registers\[[re]ip\])", re.DOTALL
)
"""Paths of addresses that are the kernel's: of kernels' descriptions, and of domains'."""
_CHUNK = MIB
_FEW = 3
"""Places of which each is told by itself."""


def tell_fields(differences: Iterable[Difference], a: KernelCore, b: KernelCore) -> tuple[Difference, ...]:
    """Return a part's differences as they are told; of two kernels, those that the descriptions were made of.

    An address is shifted where the same byte of the same section or symbol lies elsewhere.
    """
    told: list[Difference] = []
    moves: dict[str, list[Difference]] = {noun: [] for noun in _PLACES.values()}
    for _, element in groupby(differences, key=_element):
        group = list(element)
        members = {_member(each) for each in group}
        for each in group:
            noun = _PLACES.get(_member(each)) if "type" not in members else None
            if noun is not None and each.change is Change.CHANGED:
                moves[noun].append(each)
            elif not _follows(each, members):
                told.append(_with_contents(tell_entry(each, a, b), a, b))
    return (*told, *(each for noun, found in moves.items() for each in _moved(noun, found)))


def _moved(noun: str, places: list[Difference]) -> Iterator[Difference]:
    """Yield where segments or sections begin, as shifts; of many, each with how far all of them moved."""
    everything = (
        f"{noun} moved {distances(each.delta or 0 for each in places)}" if len(places) > _FEW else None
    )
    for each in places:
        why = everything or moved(noun, each.delta or 0)
        yield replace(each, change=Change.SHIFTED, why=why)


def by_growth(differences: Iterable[Difference]) -> tuple[Difference, ...]:
    """Return the differences of sections: what came and went, then what grew most, then others, and shifts last."""
    return tuple(sorted(differences, key=_rank))


def _rank(difference: Difference) -> tuple[int, int]:
    if difference.change is not Change.CHANGED:
        return (3 if difference.change is Change.SHIFTED else 0), 0
    return (1, -abs(difference.delta or 0)) if _member(difference) == "size" else (2, 0)


def _element(difference: Difference) -> str:
    return difference.path.rpartition(".")[0]


def _member(difference: Difference) -> str:
    return difference.path.rpartition(".")[2]


def _follows(difference: Difference, members: set[str]) -> bool:
    """Return whether a difference goes without saying: contents of another size, an image that one side has not."""
    member = _member(difference)
    if member == "contents":
        return "size" in members
    if "boots" not in members or member == "boots":
        return False
    return member == "rule" or difference.change is not Change.CHANGED


def tell_entry(difference: Difference, a: KernelCore, b: KernelCore) -> Difference:
    """Return a difference of an address that leads into two kernels with what it is called, others as they are.

    It is shifted if it is the same byte of a section or symbol that lies elsewhere.
    """
    one, other = as_number(difference.a), as_number(difference.b)
    is_entry = difference.change is Change.CHANGED and _LEADS_TO_CODE.fullmatch(difference.path)
    if not is_entry or one is None or other is None:
        return difference
    if difference.means_a is None and difference.means_b is None:
        difference = replace(difference, means_a=a.name(one), means_b=b.name(other))
    for spot, same in zip(a.spots(one), b.spots(other), strict=True):
        if spot is not None and spot == same:
            return replace(difference, change=Change.SHIFTED, why=moved(spot.name, other - one))
    return difference


def _with_contents(difference: Difference, a: KernelCore, b: KernelCore) -> Difference:
    """Say of a section's contents how much of them differs, and from where on."""
    if _member(difference) != "contents" or difference.change is not Change.CHANGED:
        return difference
    name = _element(difference).removesuffix("]").partition("[")[2]
    one, other = a.section_named(name), b.section_named(name)
    if one is None or other is None:  # a second one of its name
        return difference
    count, first = _differing(a.contents(one), b.contents(other))
    words = f"{counted(count, 'byte')} differ{'s' if count == 1 else ''}, the first at {name} + {first:#x}"
    return replace(difference, means_a=words, means_b=words)


def _differing(a: memoryview, b: memoryview) -> tuple[int, int]:
    """Return how many bytes of two runs differ, and where the first of them is; one may end with its file."""
    count, first = 0, None
    for start in range(0, max(len(a), len(b)), _CHUNK):
        one, other = bytes(a[start : start + _CHUNK]), bytes(b[start : start + _CHUNK])
        if one == other:
            continue
        common, size = min(len(one), len(other)), max(len(one), len(other))
        both = int.from_bytes(one[:common], "big") ^ int.from_bytes(other[:common], "big")
        delta = both.to_bytes(common, "big") + b"\1" * (size - common)
        count += size - delta.count(0)
        if first is None:
            first = start + size - len(delta.lstrip(b"\0"))
    return count, first or 0
