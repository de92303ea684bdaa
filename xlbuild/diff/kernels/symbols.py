"""Two kernels' symbols compared: what came, went and grew one by one, what merely lies elsewhere as shifts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import nsmallest
from itertools import compress
from typing import NamedTuple

from xlbuild.diff.model import Change, Difference, Section
from xlbuild.inspect.kernels.symbols import NamedSymbol, SymbolTable
from xlbuild.inspect.tree import hexadecimal
from xlbuild.inspect.words import counted

MOST_TOLD = 1000
"""Symbols of each kind of change that are told one by one, the largest first."""
_MOST_DISTANCES = 3
"""Distances that symbols of a section moved by, of which each is told."""
_MOST_PLACES = 64
"""Sections of which it is told how their symbols moved, those with the most of them."""


class _Pair(NamedTuple):
    """A symbol that both kernels have."""

    name: str
    a: NamedSymbol
    b: NamedSymbol

    @property
    def grown(self) -> int:
        """How many bytes larger it is in the second kernel."""
        return self.b.size - self.a.size

    @property
    def moved(self) -> int:
        """How many bytes higher it lies there."""
        return self.b.address - self.a.address


_Named = tuple[str, NamedSymbol]
"""A symbol, and the name that tells it from others of the same name: `name`, `name#2`."""


@dataclass(slots=True)
class _Matched:
    """The symbols of two tables, each with its like where it has one."""

    pairs: list[_Pair] = field(default_factory=list)
    removed: list[_Named] = field(default_factory=list)
    added: list[_Named] = field(default_factory=list)


def compare_symbols(a: SymbolTable | None, b: SymbolTable | None, path: str = "symbols") -> Section | None:
    """Return what differs between two kernels' symbols; None where nothing does. Paths begin with `path`.

    All symbols that only one side has, because the other was stripped, are one difference. Of static symbols with the
    same name, those of the same size belong together, in their order; then what is left of them, one by one.
    """
    if a is None or b is None:
        alone = _stripped(a, b, path)
        return None if alone is None else Section(path, "symbols, of which one side has none", (alone,))
    found = _match(a.symbols, b.symbols)
    resized = [p for p in found.pairs if p.grown]
    other = [p for p in found.pairs if (p.a.kind, p.a.section) != (p.b.kind, p.b.section)]
    moved = [p for p in found.pairs if p.moved and p.a.section == p.b.section]
    differences = [
        *_alone(found.added, Change.ADDED, path),
        *_alone(found.removed, Change.REMOVED, path),
        *(
            Difference(f"{path}[{p.name}].size", Change.CHANGED, p.a.size, p.b.size)
            for p in nsmallest(MOST_TOLD, resized, key=lambda p: (-abs(p.grown), p.name))
        ),
        *(
            Difference(f"{path}[{p.name}].kind", Change.CHANGED, _kind(p.a), _kind(p.b))
            for p in other[:MOST_TOLD]
        ),
        *_moves(moved, found.pairs, path),
    ]
    if not differences:
        return None
    return Section(path, _title(found, resized, len(other), len(moved)), tuple(differences))


def _stripped(a: SymbolTable | None, b: SymbolTable | None, path: str) -> Difference | None:
    if a is not None:
        return Difference(path, Change.REMOVED, None, None, counted(len(a.symbols), "symbol"))
    if b is not None:
        return Difference(path, Change.ADDED, None, None, None, counted(len(b.symbols), "symbol"))
    return None


def _match(a: Iterable[NamedSymbol], b: Iterable[NamedSymbol]) -> _Matched:
    found = _Matched()
    (ours, our_groups), (theirs, their_groups) = _by_name(a), _by_name(b)
    for name, symbol in ours.items():
        if name in theirs:
            found.pairs.append(_Pair(name, symbol, theirs.pop(name)))
        else:
            _match_group([(name, symbol)], _numbered(name, their_groups.pop(name, ())), found)
    for name, group in our_groups.items():
        other = theirs.pop(name, None)
        others = their_groups.pop(name, ()) if other is None else (other,)
        _match_group(_numbered(name, group), _numbered(name, others), found)
    found.added += theirs.items()
    for name, group in their_groups.items():
        found.added += _numbered(name, group)
    return found


def _by_name(symbols: Iterable[NamedSymbol]) -> tuple[dict[str, NamedSymbol], dict[str, list[NamedSymbol]]]:
    """Return the symbols that have a name of their own, and those that share one, the global one first."""
    alone: dict[str, NamedSymbol] = {}
    groups: dict[str, list[NamedSymbol]] = {}
    for symbol in symbols:
        name = symbol.name
        if name in groups:
            groups[name].append(symbol)
        elif name in alone:
            groups[name] = [alone.pop(name), symbol]
        else:
            alone[name] = symbol
    for group in groups.values():
        group.sort(key=lambda symbol: symbol.is_local)
    return alone, groups


def _numbered(name: str, group: Sequence[NamedSymbol]) -> list[_Named]:
    return [(f"{name}#{number}" if number > 1 else name, each) for number, each in enumerate(group, 1)]


def _match_group(a: Sequence[_Named], b: Sequence[_Named], found: _Matched) -> None:
    """Match symbols of one name."""
    likes: dict[tuple[object, ...], list[int]] = {}
    for index in reversed(range(len(b))):
        likes.setdefault(_like(b[index]), []).append(index)
    left: list[_Named] = []
    is_left = bytearray(b"\1" * len(b))
    for name, symbol in a:
        if alike := likes.get(_like((name, symbol))):
            index = alike.pop()  # the first of them
            is_left[index] = 0
            found.pairs.append(_Pair(name, symbol, b[index][1]))
        else:
            left.append((name, symbol))
    others = list(compress(b, is_left))
    for (name, symbol), (_, other) in zip(left, others, strict=False):
        found.pairs.append(_Pair(name, symbol, other))
    found.removed += left[len(others) :]
    found.added += others[len(left) :]


def _like(each: _Named) -> tuple[object, ...]:
    """Return what static symbols of one name have in common in two kernels."""
    _, symbol = each
    return symbol.size, symbol.kind, symbol.section, symbol.is_local


def _kind(symbol: NamedSymbol) -> str:
    return f"{symbol.kind} in {symbol.section}"


def _alone(symbols: Sequence[_Named], change: Change, path: str) -> Iterator[Difference]:
    """Yield symbols that one side alone has."""
    for name, symbol in nsmallest(MOST_TOLD, symbols, key=lambda each: (-each[1].size, each[0])):
        place, means = hexadecimal(symbol.address), f"{symbol.kind} of {counted(symbol.size, 'byte')} in "
        told = (place, means + symbol.section)
        a, b = (told, (None, None)) if change is Change.REMOVED else ((None, None), told)
        yield Difference(f"{path}[{name}]", change, a[0], b[0], a[1], b[1])


def _moves(moved: Iterable[_Pair], pairs: Iterable[_Pair], path: str) -> Iterator[Difference]:
    """Yield for each section how its symbols moved."""
    there = Counter(pair.a.section for pair in pairs)
    by_section: dict[str, list[_Pair]] = {}
    for pair in moved:
        by_section.setdefault(pair.a.section, []).append(pair)
    most = sorted(by_section, key=lambda section: len(by_section[section]), reverse=True)[:_MOST_PLACES]
    firsts = ((section, min(by_section[section], key=lambda pair: pair.a.address)) for section in most)
    for section, first in sorted(firsts, key=lambda each: each[1].a.address):
        group = by_section[section]
        yield Difference(
            f"{path}.moved[{section}]",
            Change.SHIFTED,
            hexadecimal(first.a.address),
            hexadecimal(first.b.address),
            first.a.name,
            first.b.name,
            f"{len(group):,} of {there[section]:,} symbols moved {distances(pair.moved for pair in group)}",
        )


def distances(moves: Iterable[int]) -> str:
    """Return how far things moved, in words: `by 0x40 to 0x1000: 1,900 by 0x1000, 12 by 2 other distances`."""
    counts = Counter(moves)
    if len(counts) == 1:
        return f"by {min(counts):#x}"
    most = counts.most_common(_MOST_DISTANCES)
    told = [f"{count:,} by {distance:#x}" for distance, count in most]
    if (others := len(counts) - len(most)) > 0:
        rest = counts.total() - sum(count for _, count in most)
        told.append(f"{rest:,} by {counted(others, 'other distance')}")
    return f"by {min(counts):#x} to {max(counts):#x}: {', '.join(told)}"


def _title(found: _Matched, resized: Sequence[_Pair], other: int, moved: int) -> str:
    """Return what it all comes to: `symbols: 3 added, 5 larger, 3,412 moved; 1,178 bytes more`."""
    larger = sum(pair.grown > 0 for pair in resized)
    numbers = (
        (len(found.added), "added"),
        (len(found.removed), "removed"),
        (larger, "larger"),
        (len(resized) - larger, "smaller"),
        (other, "of another kind"),
        (moved, "moved"),
    )
    more = sum(pair.grown for pair in resized) + sum(symbol.size for _, symbol in found.added)
    more -= sum(symbol.size for _, symbol in found.removed)
    size = f"; {counted(abs(more), 'byte')} {'more' if more > 0 else 'less'}" if more else ""
    cut = (
        f"; the {MOST_TOLD:,} largest of each are listed"
        if max(len(found.added), len(found.removed), len(resized), other) > MOST_TOLD
        else ""
    )
    return f"symbols: {', '.join(f'{number:,} {what}' for number, what in numbers if number)}{size}{cut}"
