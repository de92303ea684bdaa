"""The pages that a comparison tells of are those that differ between the guests which Xen's own toolstack builds.

Both guests of a pair are built by both. A few lines that know nothing of xlbuild find the pages in which the
toolstack's two images differ: of what its records name, page n of the one with page n of the other; of all else,
frame by frame.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
from compare import expected_document, nonzero_pages, read_document
from guests import Guest
from ours import create
from toolstack import Material, Toolstack

from xlbuild.built import BuiltDomain
from xlbuild.diff.memory.pages import OTHER_MEMORY, compare_pages
from xlbuild.diff.memory.places import Moves, locate
from xlbuild.diff.model import OwnerPages
from xlbuild.emit.readback import read_directory

PV = Guest("pv", "cloud", 256, ramdisk="rd.raw", cmdline="console=hvc0")
PVH = Guest("pvh", "grub_pvh", 64, ramdisk="rd.raw", cmdline="console=hvc0")
PAIRS: dict[str, tuple[Guest, dict[str, Any]]] = {
    "PV: twice the memory": (PV, {"memory": 512}),
    "PV: a longer command line, and a ramdisk of one page more": (
        PV,
        {"cmdline": "console=hvc0,", "ramdisk": "larger"},
    ),
    "PVH: a command line of one byte more": (PVH, {"cmdline": "console=hvc0,"}),
    "PVH: a ramdisk of one page more, and more memory": (PVH, {"ramdisk": "larger", "memory": 80}),
}
ELSE = "else"
"""What the toolstack's record has no name for; numbers of pages are frames."""


@dataclass(frozen=True)
class Both:
    """A guest that both have built."""

    parts: Mapping[str, range]
    """The frames of what the toolstack's record names, a PV guest's p2m list and the tables behind it apart."""
    pages: Mapping[int, bytes]
    """Of the toolstack's image."""
    ours: BuiltDomain


@pytest.mark.parametrize("name", PAIRS)
def test_the_pages_that_differ_are_those_of_the_real_guests(
    name: str, oracle: Toolstack, material: Material, tmp_path: Path
) -> None:
    base, change = PAIRS[name]
    larger = tmp_path / "larger"
    larger.write_bytes((material.synth / "rd.raw").read_bytes() + bytes(range(256)) * 16)
    values: dict[str, Any] = {
        key: str(larger) if value == "larger" else value for key, value in change.items()
    }
    a = built_by_both(base, oracle, material, tmp_path / "a")
    b = built_by_both(replace(base, **values), oracle, material, tmp_path / "b")
    expected = {part: numbers for part, numbers in differing(a, b) if numbers}
    found = compare_pages(a.ours, b.ours, Moves(locate(a.ours), locate(b.ours)))
    told: dict[str, set[int]] = {}
    for owner in found:
        for part, number in numbers_of(owner, b):
            told.setdefault(part, set()).add(number)
    assert told == expected
    assert sum(owner.differing for owner in found) == sum(len(numbers) for numbers in expected.values())


def built_by_both(guest: Guest, oracle: Toolstack, material: Material, place: Path) -> Both:
    config = guest.config(material)
    reference = oracle.xlcreate(config)
    pages = dict(nonzero_pages(reference / "memory.img"))
    parts = dict(parts_of(expected_document(read_document(reference))))
    oracle.discard(reference)
    assert create(config, place).returncode == 0
    return Both(parts, pages, read_directory(place))


def parts_of(record: dict[str, Any]) -> Iterator[tuple[str, range]]:
    """Yield the frames of each segment and special page of the toolstack's record."""
    for segment in record["segments"]:
        first, end = int(segment["pfn"], 16), int(segment["pfn"], 16) + segment["pages"]
        if segment["name"] == "phys2mach":
            behind = first + record["total_pages"] * 8 // 4096
            yield "tables behind phys2mach", range(behind, end)
            end = behind
        yield segment["name"], range(first, end)
    for name, pfn in record["special_pages"].items():
        if isinstance(pfn, str):
            yield name, range(int(pfn, 16), int(pfn, 16) + 1)


def differing(a: Both, b: Both) -> Iterator[tuple[str, set[int]]]:
    """Yield the numbers of the pages of each part that are not the same in the toolstack's images."""
    for name in a.parts.keys() | b.parts.keys():
        pages = [[both.pages.get(pfn) for pfn in both.parts.get(name, ())] for both in (a, b)]
        pairs = enumerate(zip_longest(*pages))
        yield name, {number for number, (one, other) in pairs if one != other}
    ones, others = (dict(pages_elsewhere(both)) for both in (a, b))
    yield ELSE, {pfn for pfn in ones.keys() | others.keys() if ones.get(pfn) != others.get(pfn)}


def pages_elsewhere(both: Both) -> Iterator[tuple[int, bytes]]:
    for pfn, page in both.pages.items():
        if not any(pfn in part for part in both.parts.values()):
            yield pfn, page


def numbers_of(owner: OwnerPages, b: Both) -> Iterator[tuple[str, int]]:
    """Yield the pages that a comparison tells of, as `differing` has them."""
    assert not owner.runs_left_out
    first = next((each.frames.first for each in locate(b.ours).owners if each.name == owner.owner), 0)
    for run in owner.runs:
        start = 0 if run.owner == OTHER_MEMORY else first
        for number in range(run.offset // 4096, (run.offset + run.size - 1) // 4096 + 1):
            pfn = start + number
            part = next((name for name, frames in b.parts.items() if pfn in frames), ELSE)
            yield part, pfn - b.parts[part].start if part in b.parts else pfn
