"""What `xlbuild diff` tells of two guests is what differs between the two that Xen's own toolstack builds.

Each pair is built by both; the toolstack's two records of what it did, held against each other by a few lines that
know nothing of xlbuild, say which fields differ, and from what to what. `xlbuild diff` has to tell just these.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from compare import expected_document, read_document
from guests import Guest
from ours import create
from toolstack import Material, Toolstack

from xlbuild import api
from xlbuild.diff.model import Comparison
from xlbuild.opening import Opened

BASE = Guest("pv", "cloud", 256, ramdisk="rd.raw", cmdline="console=hvc0", vcpus=2)
CHANGES: dict[str, dict[str, Any]] = {
    "a command line of one byte more": {"cmdline": "console=hvc0,"},
    "twice the memory": {"memory": 512},
    "another kernel": {"kernel": "amd64"},
    "a ramdisk of one page more": {"ramdisk": "larger"},
}

NAMES = {"segments": "name", "vcpus": "id", "hvm_params": "name", "memory_map": "addr", "grants": "index"}
"""What names the elements of lists in the toolstack's record."""

COMPARED = ("start_info", "vcpus", "memory_map", "hvm_params", "grants", "event_channels")
"""Members of the record that are sections of a comparison."""

Values = dict[str, Any]


def values_of(record: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield each value of a record with its path, as docs/diff.md has paths; a parameter's is its value alone."""
    if path.startswith("hvm_params["):
        yield path, record["value"]
        return
    if isinstance(record, dict):
        for name, value in record.items():
            yield from values_of(value, f"{path}.{name}")
    elif isinstance(record, list):
        for number, value in enumerate(record):
            member = NAMES.get(path) or ("port" if path == "event_channels" else None)
            name = number if member is None else value[member]
            rest = value if member is None else {key: each for key, each in value.items() if key != member}
            yield from values_of(rest, f"{path}[{name}]")
    elif record is not None:
        yield path, record


@dataclass(frozen=True)
class Both:
    """A guest as both built it."""

    record: Values
    """The toolstack's."""
    side: Opened
    """xlbuild's manifest."""


@pytest.mark.parametrize("kind", ["pv", "pvh"])
def test_what_is_told_of_two_guests_is_what_differs_between_the_real_ones(
    kind: str, oracle: Toolstack, material: Material, tmp_path: Path
) -> None:
    base = replace(BASE, type=kind)
    first = built_by_both(base, oracle, material, tmp_path / "base")
    for change, values in CHANGES.items():
        second = built_by_both(replace(base, **values), oracle, material, tmp_path / change)
        assert_told(first, second)
    if kind == "pvh":
        assert_told(first, built_by_both(BASE, oracle, material, tmp_path / "as pv"))


def built_by_both(guest: Guest, oracle: Toolstack, material: Material, place: Path) -> Both:
    place.mkdir()
    config = config_of(guest, material, place)
    reference = oracle.xlcreate(config)
    record = expected_document(read_document(reference))
    oracle.discard(reference)
    assert create(config, place / "ours").returncode == 0
    (place / "ours" / "memory.img").unlink()
    return Both(record, api.side(place / "ours" / "domain.json"))


def assert_told(first: Both, second: Both) -> None:
    comparison = api.compare(first.side, second.side)
    for member in COMPARED:
        expected = difference_of(*(dict(values_of(both.record[member], member)) for both in (first, second)))
        told = {path: pair for path, pair in told_by(comparison).items() if is_in(path, member)}
        whole = {path for path, pair in told.items() if pair == (None, None)}
        assert all(any(is_below(path, top) for path in expected) for top in whole)
        assert {path: pair for path, pair in told.items() if path not in whole} == {
            path: pair for path, pair in expected.items() if not any(is_below(path, top) for top in whole)
        }
    names = {name for both in (first, second) for name in frames_of(both.record)}
    assert moves_told(comparison, names) == moves_of(first.record, second.record)


def is_in(path: str, member: str) -> bool:
    """Return whether the toolstack's record has a path, too: it has no address of a PV guest's start info."""
    return path.startswith(member) and path != "start_info.paddr"


def config_of(guest: Guest, material: Material, tmp_path: Path) -> str:
    """Return a guest's configuration; `larger` is its ramdisk with one page more."""
    larger = tmp_path / "larger"
    if not larger.exists():
        larger.write_bytes((material.synth / "rd.raw").read_bytes() + bytes(range(256)) * 16)
    return replace(guest, ramdisk=str(larger) if guest.ramdisk == "larger" else guest.ramdisk).config(
        material
    )


def is_below(path: str, top: str) -> bool:
    """Return whether a value is in an object that only one of the guests has, which is told as one."""
    return path.startswith((f"{top}.", f"{top}["))


def difference_of(a: Values, b: Values) -> dict[str, tuple[Any, Any]]:
    found = {path: (plain(a.get(path)), plain(b.get(path))) for path in dict.fromkeys((*a, *b))}
    return {path: pair for path, pair in found.items() if pair[0] != pair[1] and path != "start_info.paddr"}


def told_by(comparison: Comparison) -> dict[str, tuple[Any, Any]]:
    return {
        found.path: (plain(found.a), plain(found.b))
        for section in comparison.sections
        for found in section.differences
    }


def plain(value: Any) -> Any:
    """Return a value without the difference between a count and a frame: the record has both as "0x…"."""
    return int(value, 16) if isinstance(value, str) and value.startswith("0x") else value


def moves_of(a: Values, b: Values) -> dict[str, tuple[int, int]]:
    """Return how many frames higher each thing that both guests have lies in the second, and by how many it grew."""
    ones, others = frames_of(a), frames_of(b)
    return {
        name: (others[name][0] - ones[name][0], others[name][1] - ones[name][1])
        for name in ones.keys() & others.keys()
        if others[name] != ones[name]
    }


def frames_of(record: Values) -> dict[str, tuple[int, int]]:
    """Return the first frame and the number of frames of each segment and special page."""
    segments = {each["name"]: (int(each["pfn"], 16), each["pages"]) for each in record["segments"]}
    pages = {name: (int(pfn, 16), 1) for name, pfn in record["special_pages"].items() if isinstance(pfn, str)}
    return segments | pages


def moves_told(comparison: Comparison, names: set[str]) -> dict[str, tuple[int, int]]:
    """Return the same of the pieces that a comparison tells of."""
    return {
        piece.name: (piece.moved // 4096, -(-piece.b.size // 4096) - -(-piece.a.size // 4096))
        for piece in comparison.pieces
        if piece.name in names
        and piece.a is not None
        and piece.b is not None
        and (piece.a.first, -(-piece.a.size // 4096)) != (piece.b.first, -(-piece.b.size // 4096))
    }
