"""A comparison in numbers: a line for each section, for the pieces of memory, and for each owner of pages."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from xlbuild.diff.model import Change, Comparison
from xlbuild.diff.show.lines import Line, Tone, Word, aligned, line, text_of
from xlbuild.diff.show.summary import summary
from xlbuild.diff.show.words import (
    CHANGE_WORDS,
    PieceChange,
    field_counts,
    page_counts,
    piece_changes,
    shortened,
)
from xlbuild.inspect.words import counted

_BAR = 40
"""Characters of the longest bar."""

_MARKS = {
    Change.CHANGED: Word("!", Tone.CHANGED),
    Change.ADDED: Word("+", Tone.NEW),
    Change.REMOVED: Word("-", Tone.OLD),
    Change.SHIFTED: Word("~", Tone.SHIFTED),
}
"""What stands for a change in a bar, in the order in which they stand there."""


@dataclass(frozen=True, slots=True)
class StatRow:
    """How much differs in a part of the comparison."""

    anchor: str
    """Names the part; no two have the same."""
    name: str
    """In words."""
    noun: str
    """What is counted: fields, pieces or pages."""
    counts: Mapping[Change, int]

    @property
    def total(self) -> int:
        """How many differ."""
        return sum(self.counts.values())

    @property
    def unit(self) -> str:
        """The noun, as it is behind the count."""
        return counted(self.total, self.noun).partition(" ")[2]


def stat_text(comparison: Comparison) -> str:
    """Return how much differs where, as plain text."""
    return text_of(stat_lines(comparison))


def stat_lines(comparison: Comparison) -> Iterator[Line]:
    """Yield the summary, and how much differs where, with a bar: `!` changed, `+` new, `-` gone, `~` only shifted."""
    yield line(0, Word(summary(comparison), Tone.SUMMARY))
    rows = stat_rows(comparison)
    most = max((row.total for row in rows), default=0)
    cells = [
        (Word(shortened(row.name), Tone.NAME), Word(f"{row.total}"), Word(row.unit, Tone.QUIET))
        for row in rows
    ]
    for row, start in zip(rows, aligned(1, cells, right=(1,)), strict=True):
        yield Line(1, (*start.words, *_bar(row, most)))


def stat_rows(comparison: Comparison) -> list[StatRow]:
    """Return how much differs in each section, in the pieces of memory, and in each owner's pages, where any does."""
    rows = [
        *(
            StatRow(f"section-{number}", section.title, "field", field_counts(section))
            for number, section in enumerate(comparison.sections)
        ),
        StatRow("memory", "in memory", "piece", _piece_counts(comparison)),
        *(
            StatRow(f"pages-{number}", owner.owner, "page", page_counts(owner))
            for number, owner in enumerate(comparison.pages)
        ),
    ]
    return [row for row in rows if row.total]


def _piece_counts(comparison: Comparison) -> Mapping[Change, int]:
    counts = dict.fromkeys(CHANGE_WORDS, 0)
    for piece in comparison.pieces:
        if changes := piece_changes(piece):
            counts[_PIECE_CHANGES.get(changes[0], Change.CHANGED)] += 1
    return counts


_PIECE_CHANGES = {
    PieceChange.ADDED: Change.ADDED,
    PieceChange.REMOVED: Change.REMOVED,
    PieceChange.MOVED: Change.SHIFTED,
    PieceChange.MAPPED: Change.SHIFTED,
}
"""What a piece counts as; one that grew, or has other contents, as changed."""


def _bar(row: StatRow, most: int) -> Iterator[Word]:
    """Yield a bar as long as the row's share of the most there is in any; whatever there is has its mark."""
    for change, mark in _MARKS.items():
        count = row.counts[change]
        length = count if most <= _BAR else -(-count * _BAR // most)
        if length:
            yield Word(mark.text * length, mark.tone)
