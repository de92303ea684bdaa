"""What all ways of showing a comparison have in common: the words for values, places and amounts."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum

from xlbuild.built import Origin
from xlbuild.diff.model import Change, Difference, OwnerPages, Piece, Scalar, Section, Side, Span
from xlbuild.diff.reading import CHECKSUMS
from xlbuild.inspect.words import counted
from xlbuild.units import KIB, human_size, page_offset, whole_pages
from xlbuild.visible import visible

NOTHING = "-"
"""Stands for what a side does not have."""

ALL_OF_IT = "all of it"
"""The name of a whole section that only one side has."""

CHANGE_WORDS = {
    Change.CHANGED: "changed",
    Change.ADDED: "new",
    Change.REMOVED: "gone",
    Change.SHIFTED: "only shifted",
}
"""Each change as people are told of it, in the order in which they are."""

_LONGEST_NAME = 60
_LONGEST_PATH = 200
_LONGEST_VALUE = 2000
LONGEST_NOTE = 1000
"""Characters from which on a text is made up, and is cut unless everything is asked for."""
_WORTH_A_SIZE = 64 * KIB
"""An amount from which on it is told in larger units, too."""


_SOMETHING = "what they point to moved"
_MOVED_BY = " moved by "
_MOVERS_NAMED = 5


_CAPTURES = (Origin.SAVE, Origin.CORE)
"""Sides that nobody builds: a host has."""


class PieceChange(StrEnum):
    """What became of a piece of memory; a piece may have moved, grown and changed."""

    ADDED = "new"
    REMOVED = "gone"
    GREW = "grew"
    SHRANK = "shrank"
    CONTENTS = "contents differ"
    MOVED = "moved"
    MAPPED = "mapped otherwise"
    """Where it was in memory, and at another virtual address."""


def piece_changes(piece: Piece) -> tuple[PieceChange, ...]:
    """Return what became of a piece, what tells most first; nothing for one that is the same."""
    if piece.a is None or piece.b is None:
        return (PieceChange.ADDED if piece.a is None else PieceChange.REMOVED,)
    is_only_mapped = piece.a != piece.b and not piece.moved and not piece.grown
    found = {
        PieceChange.GREW: piece.grown > 0,
        PieceChange.SHRANK: piece.grown < 0,
        PieceChange.CONTENTS: piece.contents_differ,
        PieceChange.MOVED: piece.moved != 0,
        PieceChange.MAPPED: is_only_mapped,
    }
    return tuple(change for change, is_so in found.items() if is_so)


def piece_words(piece: Piece) -> str:
    """Return what became of a piece, with amounts: `moved up by 1 page, grew by 3 pages`; "" if nothing did."""
    return ", ".join(piece_word(piece, change) for change in piece_changes(piece))


def piece_word(piece: Piece, change: PieceChange) -> str:
    """Return one of the things that became of a piece, with its amount."""
    if change is PieceChange.MOVED:
        return f"moved {'up' if piece.moved > 0 else 'down'} by {amount(abs(piece.moved))}"
    if change in (PieceChange.GREW, PieceChange.SHRANK):
        return f"{change} by {amount(abs(piece.grown))}"
    if change is PieceChange.MAPPED:
        return f"virtual address {_virtual(piece.a)} → {_virtual(piece.b)}"
    return change.value


def _virtual(span: Span | None) -> str:
    return NOTHING if span is None or span.virtual is None else f"{span.virtual:#x}"


def amount(size: int) -> str:
    """Return a number of bytes, exactly: in pages where they are whole, and in larger units if there are many."""
    exact = _exact_amount(size)
    return f"{exact} ({human_size(size)})" if size >= _WORTH_A_SIZE else exact


def _exact_amount(size: int) -> str:
    return counted(size, "byte") if page_offset(size) or not size else counted(whole_pages(size), "page")


def listed(words: Iterable[str]) -> str:
    """Return words as a sentence lists them: `a, b and c`."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def span_text(span: Span | None) -> str:
    """Return where a piece lies: `0x100000..0x102904`."""
    return NOTHING if span is None else f"{span.first:#x}..{span.end:#x}"


def page_counts(owner: OwnerPages) -> dict[Change, int]:
    """Return how many of an owner's pages differ in each way, in the order in which they are told."""
    return {
        Change.CHANGED: owner.changed,
        Change.ADDED: owner.added,
        Change.REMOVED: owner.removed,
        Change.SHIFTED: owner.shifted,
    }


def field_counts(section: Section) -> dict[Change, int]:
    """Return how many of a section's fields differ in each way, in the order in which they are told."""
    changes = [each.change for each in section.differences]
    return {change: changes.count(change) for change in CHANGE_WORDS}


def count_words(counts: Mapping[Change, int]) -> str:
    """Return how many differ in which way: `1 changed, 2 only shifted`."""
    return ", ".join(f"{count} {CHANGE_WORDS[change]}" for change, count in counts.items() if count)


def causes(whys: Iterable[str | None]) -> dict[str, int]:
    """Return how many have each cause of a shift, the most frequent first; what moved equally far is one cause."""
    movers: dict[str, dict[str, None]] = {}
    counts: Counter[str] = Counter()
    for why in whys:
        mover, moved, distance = (why or _SOMETHING).partition(_MOVED_BY)
        is_one = bool(moved) and "," not in mover
        cause = _MOVED_BY + distance if is_one else why or _SOMETHING
        movers.setdefault(cause, {})[mover if is_one else ""] = None
        counts[cause] += 1
    return {f"{_movers(list(movers[cause]))}{cause}": count for cause, count in counts.most_common()}


def _movers(names: Sequence[str]) -> str:
    if len(names) > _MOVERS_NAMED:
        return f"{', '.join(names[:_MOVERS_NAMED])} and {len(names) - _MOVERS_NAMED} more"
    return listed(names)


def side_words(side: Side) -> str:
    """Return what a side is, without its label: `configuration, PVH guest, as Xen 4.17 builds it`."""
    parts = [
        side.what,
        side.container and f"{side.container} guest",
        side.profile
        and (f"of Xen {side.profile}" if side.what in _CAPTURES else f"as Xen {side.profile} builds it"),
    ]
    return ", ".join(part for part in parts if part)


def field_name(section: Section, difference: Difference, *, whole: bool = False) -> str:
    """Return a path as it stands under its section's title: without the section's name."""
    name = difference.path.removeprefix(section.name).lstrip(".") or ALL_OF_IT
    return name if whole else abridged(name)


def value_texts(difference: Difference, *, whole: bool = False) -> tuple[str, str]:
    """Return both sides' values; what a side does not have is `-`, and texts are quoted if one may be misread.

    Of something with parts, which has no value of its own, it is what it means.
    """
    if not whole:
        difference = _with_excerpts(difference)
    sides = ((difference.a, difference.means_a), (difference.b, difference.means_b))
    quoted = any(isinstance(value, str) and _may_be_misread(value) for value, _ in sides)
    a, b = (_value_text(value, means, _is_size(difference), quoted=quoted) for value, means in sides)
    return a, b


def _with_excerpts(difference: Difference) -> Difference:
    """Return a difference with values, or what they mean, that are no longer than any that is not made up."""
    a, b = difference.a, difference.b
    if isinstance(a, str) and isinstance(b, str):
        a, b = excerpts(a, b, _LONGEST_VALUE)
    elif isinstance(a, str):
        a, _ = excerpts(a, "", _LONGEST_VALUE)
    elif isinstance(b, str):
        _, b = excerpts("", b, _LONGEST_VALUE)
    means_a, means_b = excerpts(difference.means_a or "", difference.means_b or "", _LONGEST_VALUE)
    return replace(difference, a=a, b=b, means_a=means_a or None, means_b=means_b or None)


def _may_be_misread(text: str) -> bool:
    """Return whether blanks in a text may be overlooked, or the text is one that means there is none."""
    return not text or text != text.strip() or text == NOTHING


def _value_text(value: Scalar, means: str | None, is_size: bool, *, quoted: bool) -> str:
    if value is None:
        return means or NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value} ({human_size(value)})" if is_size and value >= KIB else f"{value}"
    return f'"{visible(value)}"' if quoted else visible(value)


def note(difference: Difference, *, whole: bool = False) -> str:
    """Return what else there is to say: how much more the second value is, what the values mean, what moved."""
    parts = (_more(difference), _meaning(difference), difference.why)
    text = "; ".join(part for part in parts if part)
    return text if whole else abridged(text, LONGEST_NOTE)


def _more(difference: Difference) -> str | None:
    """Return by how much a count or a size differs; addresses, flags, kinds and checksums say nothing by that."""
    delta = difference.delta
    name = difference.path.rpartition(".")[2]
    if delta is None or not isinstance(difference.a, int) or name == "type" or name in CHECKSUMS:
        return None
    return f"{'+' if delta > 0 else '-'}{_exact_amount(abs(delta))}" if _is_size(difference) else f"{delta:+}"


def _is_size(difference: Difference) -> bool:
    """Return whether a field counts bytes, by its name."""
    name = difference.path.rpartition(".")[2]
    return name == "size" or name.endswith("_size")


def _meaning(difference: Difference) -> str | None:
    """Return what the values mean, of those that there are; where it is the same, once."""
    sides = ((difference.a, difference.means_a), (difference.b, difference.means_b))
    meanings = [means for value, means in sides if value is not None]
    if not any(meanings):
        return None
    told = [means or NOTHING for means in meanings]
    return told[0] if len(set(told)) == 1 else " → ".join(told)


def shortened(name: str) -> str:
    """Return a name, cut where it is longer than any that is not made up."""
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def abridged(text: str, most: int = _LONGEST_PATH) -> str:
    """Return a text, without its middle where it is longer than `most`: a path ends in what it is about."""
    return text if len(text) <= most else f"{text[: most * 3 // 4]}…{text[-(most // 4) :]}"


def excerpts(a: str, b: str, room: int) -> tuple[str, str]:
    """Return two texts cut to `room` characters, so that where they begin to differ is in what is left."""
    if max(len(a), len(b)) <= room:
        return a, b
    start = max(0, common_start(a, b) - room // 3)
    return _cut(a, start, room), _cut(b, start, room)


def common_start(a: str, b: str) -> int:
    """Return how many characters two texts begin with that are the same."""
    same, most = 0, min(len(a), len(b))
    while same < most:
        half = (same + most + 1) // 2
        if a[same:half] == b[same:half]:
            same = half
        else:
            most = half - 1
    return same


def _cut(text: str, start: int, room: int) -> str:
    end = start + room - (start > 0)
    return ("…" if start else "") + (text[start:] if len(text) <= end else text[start : end - 1] + "…")
