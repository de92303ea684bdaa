"""What a comparison comes to in one line, as one may paste it into a review."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from xlbuild.diff.model import Change, Comparison, OwnerPages, Piece, Scalar, Section, Side
from xlbuild.diff.show.words import (
    CHANGE_WORDS,
    PieceChange,
    amount,
    field_name,
    listed,
    page_counts,
    piece_changes,
    shortened,
)
from xlbuild.inspect.words import counted
from xlbuild.units import human_size
from xlbuild.visible import visible

RAM = "RAM"
"""What the memory map calls memory that the guest may use."""

_PROGRAMS = ("program", "kernel.program")
"""Sections that have the names and versions of two kernels: of files, and of domains."""

_NAMED = 2
"""Pieces, fields or places that are named; more are counted."""


def summary(comparison: Comparison) -> str:
    """Return the one line: `same: …`, `same guest: …` or `different: …`; it drives no terminal."""
    verdict, parts = summary_parts(comparison)
    return visible(f"{verdict}: {'; '.join(parts)}")


def summary_parts(comparison: Comparison) -> tuple[str, tuple[str, ...]]:
    """Return what the line begins with, and what follows, taken apart."""
    if not comparison.same:
        return "different", tuple(_parts(comparison))
    tail = _digests(comparison.a.digest, comparison.b.digest)
    others = [
        f"{section.title} ({counted(len(section.differences), 'field')})"
        for section in comparison.sections
        if section.differences
    ]
    if others:
        others_differ = f"only what is no part of it differs: {', '.join(others)}"
        return f"same {thing(comparison)}", (others_differ, *tail)
    return "same", (f"no difference between the two {thing(comparison)}s", *tail)


def _digests(a: str | None, b: str | None) -> tuple[str, ...]:
    """Return the digest of two that are the same; that it is not, where a difference is ignored, or is not seen."""
    if a is None or b is None:
        return ()
    return (f"digest {a}",) if a == b else ("their digests differ",)


def thing(comparison: Comparison) -> str:
    """Return what is compared: `guest`, `kernel`, or else `file`."""
    a, b = comparison.a, comparison.b
    if a.container is not None or b.container is not None:
        return "guest"
    return "kernel" if a.what == b.what == "kernel" else "file"


def _parts(comparison: Comparison) -> Iterator[str]:
    a, b = comparison.a, comparison.b
    if a.container != b.container and a.container and b.container:
        yield f"{a.container} → {b.container}"
    if a.profile != b.profile and a.profile and b.profile:
        yield f"Xen {a.profile} → {b.profile}"
    if _ram(a) != _ram(b):
        yield _memory(_ram(a), _ram(b))
    if a.vcpus != b.vcpus and a.vcpus and b.vcpus:
        yield f"vCPUs {a.vcpus} → {b.vcpus}"
    yield from _versions(comparison)
    if pieces := ", ".join(_pieces(comparison)):
        yield pieces
    if fields := _fields(section for section in comparison.sections if section.counts):
        yield fields
    if pages := _pages(comparison.pages):
        yield pages


def _versions(comparison: Comparison) -> Iterator[str]:
    """Yield the versions of two kernels that are not of the same one, and which programs they are, if two."""
    for section in comparison.sections:
        if section.name not in _PROGRAMS:
            continue
        found = {field_name(section, each): (each.a, each.b) for each in section.differences}
        names, versions = (found.get(name, (None, None)) for name in ("name", "version"))
        a, b = (_version(*both) for both in zip(names, versions, strict=True))
        if a and b:
            yield f"kernel {shortened(a)} → {shortened(b)}"


def _version(name: Scalar, version: Scalar) -> str:
    return f"{version} ({name})" if name and version else f"{version or name or ''}"


def _fields(sections: Iterable[Section]) -> str:
    """Return how many fields differ, and how; those that do more than shift are named where they are few."""
    paths: dict[Change, list[str]] = {change: [] for change in CHANGE_WORDS}
    for section in sections:
        for difference in section.differences:
            paths[difference.change].append(shortened(difference.path))
    counts = {change: len(found) for change, found in paths.items() if found}
    shifted = paths.pop(Change.SHIFTED)
    if not 1 <= sum(map(len, paths.values())) <= _NAMED:
        return _total("field", counts, CHANGE_WORDS)
    named = [f"{listed(found)} {CHANGE_WORDS[change]}" for change, found in paths.items() if found]
    if len(named) == 1 and not shifted:
        return named[0]
    parts = [*named, f"{len(shifted)} {CHANGE_WORDS[Change.SHIFTED]}"] if shifted else named
    return f"{sum(counts.values())} fields ({', '.join(parts)})"


def _pages(owners: Sequence[OwnerPages]) -> str:
    """Return how many pages differ, and how; their owners are named where they are few."""
    counts: dict[Change, int] = {}
    places: dict[Change, list[str]] = {}
    for change in CHANGE_WORDS:
        for owner in owners:
            if count := page_counts(owner)[change]:
                counts[change] = counts.get(change, 0) + count
                places.setdefault(change, []).append(shortened(owner.owner))
    phrases = {
        change: f"of {listed(found)} {CHANGE_WORDS[change]}" if len(found) <= _NAMED else CHANGE_WORDS[change]
        for change, found in places.items()
    }
    return _total("page", counts, phrases)


def _total(noun: str, counts: Mapping[Change, int], phrases: Mapping[Change, str]) -> str:
    """Return a count and what it is made up of: `3 pages (1 changed, 2 only shifted)`; "" for none."""
    total = counted(sum(counts.values()), noun)
    if len(counts) > 1:
        return f"{total} ({', '.join(f'{count} {phrases[change]}' for change, count in counts.items())})"
    return "".join(f"{total} {phrases[change]}" for change in counts)


def _memory(a: int, b: int) -> str:
    sizes = (human_size(a), human_size(b))
    if sizes[0] != sizes[1]:
        return f"RAM {' → '.join(sizes)}"
    return f"RAM {'grew' if b > a else 'shrank'} by {amount(abs(b - a))}"


def _ram(side: Side) -> int:
    """Return a guest's RAM in bytes: by its memory map, where both sides have one."""
    return sum(row.span.size for row in side.memory_map if row.means == RAM) or side.ram_size


def _pieces(comparison: Comparison) -> Iterator[str]:
    """Yield what became of segments; one that moved and grew is told of as grown, and one that differs by pages."""
    untold = {PieceChange.CONTENTS}
    if comparison.a.container != comparison.b.container:
        untold.add(PieceChange.MAPPED)  # which goes without saying
    by_change: dict[PieceChange, list[Piece]] = {}
    for piece in comparison.pieces:
        changes = [change for change in piece_changes(piece) if change not in untold]
        if changes:
            by_change.setdefault(changes[0], []).append(piece)
    for change in PieceChange:
        if pieces := by_change.get(change):
            names = [shortened(piece.name) for piece in pieces]
            who = listed(names) if len(names) <= _NAMED else f"{len(names)} pieces"
            yield f"{who} {_verb(change, len(names))}{_by(change, pieces)}"


def _verb(change: PieceChange, count: int) -> str:
    if change in (PieceChange.ADDED, PieceChange.REMOVED, PieceChange.MAPPED):
        return f"{'is' if count == 1 else 'are'} {change}"
    return change.value


def _by(change: PieceChange, pieces: list[Piece]) -> str:
    """Return by how much pieces moved or grew, where it is the same for all of them."""
    if change is PieceChange.MOVED:
        amounts = {
            f" {'up' if piece.moved > 0 else 'down'} by {amount(abs(piece.moved))}" for piece in pieces
        }
    elif change in (PieceChange.GREW, PieceChange.SHRANK):
        amounts = {f" by {amount(abs(piece.grown))}" for piece in pieces}
    else:
        return ""
    return amounts.pop() if len(amounts) == 1 else ""
