"""A comparison as text: the summary, the two sides, structures, pieces of memory, and last the bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from xlbuild.diff.model import Change, Comparison, OwnerPages, Piece, Run, Side
from xlbuild.diff.show.fields import field_lines
from xlbuild.diff.show.lines import EMPTY, Line, Tone, Word, aligned, line, text_of
from xlbuild.diff.show.summary import summary
from xlbuild.diff.show.words import (
    CHANGE_WORDS,
    LONGEST_NOTE,
    PieceChange,
    abridged,
    causes,
    page_counts,
    piece_changes,
    piece_words,
    shortened,
    side_words,
    span_text,
)
from xlbuild.inspect.words import counted

WIDTH = 100
"""Columns that a pipe is taken to have room for."""

CHANGE_TONES = {
    Change.CHANGED: Tone.CHANGED,
    Change.SHIFTED: Tone.SHIFTED,
    Change.ADDED: Tone.NEW,
    Change.REMOVED: Tone.OLD,
}
"""What each change looks like."""

_PIECE_TONES = {
    PieceChange.ADDED: Tone.NEW,
    PieceChange.REMOVED: Tone.OLD,
    PieceChange.MOVED: Tone.SHIFTED,
}
_PIECES_SHOWN = 60
_OWNERS_SHOWN = 40
_RUNS_SHOWN = 8


def plain_text(comparison: Comparison, *, everything: bool = False) -> str:
    """Return a comparison as lines of plain text; what is long is cut unless everything is asked for."""
    return text_of(comparison_lines(comparison, everything=everything))


def comparison_lines(
    comparison: Comparison, *, width: int = WIDTH, everything: bool = False
) -> Iterator[Line]:
    """Yield the lines of a comparison, made for a width; they say how much is left out where they are cut."""
    yield line(0, Word(summary(comparison), Tone.SUMMARY))
    yield from _side("a", comparison.a)
    yield from _side("b", comparison.b)
    for section in comparison.sections:
        if section.differences:
            yield EMPTY
            yield line(0, Word(f"{section.title}:", Tone.TITLE))
            yield from field_lines(section, width, everything=everything)
    yield from _pieces(comparison.pieces, everything=everything)
    yield from _pages(comparison.pages, everything=everything)
    if comparison.remarks:
        yield EMPTY
        for remark in comparison.remarks:
            yield line(
                0, Word("remark: ", Tone.TITLE), remark if everything else abridged(remark, LONGEST_NOTE)
            )


def _side(letter: str, side: Side) -> Iterator[Line]:
    tone = Tone.OLD if letter == "a" else Tone.NEW
    yield line(0, Word(f"{letter}: ", tone), side.label)
    yield line(0, "   ", Word(side_words(side), Tone.QUIET))
    if side.digest is not None:
        yield line(0, "   ", Word(f"digest {side.digest}", Tone.QUIET))


def _pieces(pieces: Sequence[Piece], *, everything: bool) -> Iterator[Line]:
    told = [piece for piece in pieces if piece_changes(piece)]
    if not told:
        return
    shown = told if everything else told[:_PIECES_SHOWN]
    yield EMPTY
    yield line(0, Word("in memory:", Tone.TITLE))
    yield from aligned(1, [_piece_row(piece) for piece in shown])
    if len(told) > len(shown):
        yield line(1, Word(f"… and {len(told) - len(shown)} more that differ", Tone.QUIET))
    if same := len(pieces) - len(told):
        words = "one more is where it was" if same == 1 else f"{same} more are where they were"
        yield line(1, Word(f"{words}, with the same contents", Tone.QUIET))


def _piece_row(piece: Piece) -> tuple[Word, ...]:
    """Return the cells of a piece: name, both places (one, if they are the same), and what became of it."""
    tone = _PIECE_TONES.get(piece_changes(piece)[0], Tone.CHANGED)
    name = Word(shortened(piece.name), Tone.NAME)
    what = Word(piece_words(piece), tone)
    if piece.is_placed_the_same:
        return (name, Word(span_text(piece.a)), Word(""), what)
    return (name, Word(span_text(piece.a), Tone.OLD), Word(f"→ {span_text(piece.b)}", Tone.NEW), what)


def _pages(owners: Sequence[OwnerPages], *, everything: bool) -> Iterator[Line]:
    told = [owner for owner in owners if owner.differing]
    if not told:
        return
    shown = told if everything else told[:_OWNERS_SHOWN]
    yield EMPTY
    yield line(0, Word("pages:", Tone.TITLE))
    for owner in shown:
        same = f", {owner.same} the same" if owner.same else ""
        yield line(1, Word(shortened(owner.owner), Tone.NAME), ": ", *_counts(owner), Word(same, Tone.QUIET))
        yield from _runs(owner, everything=everything)
    if len(told) > len(shown):
        rest = sum(owner.differing for owner in told[len(shown) :])
        count = f"{counted(len(told) - len(shown), 'place')} with {counted(rest, 'page')}"
        yield line(1, Word(f"… and {count} that differ", Tone.QUIET))


def _counts(owner: OwnerPages) -> Iterator[Word]:
    found = [(change, count) for change, count in page_counts(owner).items() if count]
    for number, (change, count) in enumerate(found):
        comma = ", " if number else ""
        noun = counted(count, "page") if not number else f"{count}"
        yield Word(f"{comma}{noun} {CHANGE_WORDS[change]}", CHANGE_TONES[change])


def _runs(owner: OwnerPages, *, everything: bool) -> Iterator[Line]:
    """Yield what differs in an owner's pages; what is only shifted is counted by its cause."""
    real = [run for run in owner.runs if run.change is not Change.SHIFTED]
    shifted = [run for run in owner.runs if run.change is Change.SHIFTED]
    shown = real if everything else real[:_RUNS_SHOWN]
    for run in shown:
        yield from _run(run, everything=everything)
    for why, count in causes(run.why for run in shifted).items():
        yield line(2, Word(f"{counted(count, 'place')} only shifted: {why}", Tone.SHIFTED))
    if left_out := len(real) - len(shown) + owner.runs_left_out:
        yield line(2, Word(f"… and {counted(left_out, 'more place')}", Tone.QUIET))


def _run(run: Run, *, everything: bool) -> Iterator[Line]:
    words = [Word(run.place, Tone.NAME), Word(f"  {run_size(run)}")]
    if closer := run.words or run.field:
        words.append(Word(f", {closer if everything else abridged(closer)}"))
    yield line(2, *words)
    if run.change is not Change.ADDED and run.a:
        yield line(3, Word(f"- {bytes_text(run, run.a)}", Tone.OLD))
    if run.change is not Change.REMOVED and run.b:
        yield line(3, Word(f"+ {bytes_text(run, run.b)}", Tone.NEW))


def run_size(run: Run) -> str:
    """Return how many bytes a run has, and what of them: `4 bytes, 3 of them differ`, `4096 bytes, new`."""
    size = counted(run.size, "byte")
    if run.change in (Change.ADDED, Change.REMOVED):
        return f"{size}, {CHANGE_WORDS[run.change]}"
    if run.differing < run.size:
        return f"{size}, {run.differing} of them differ{'s' if run.differing == 1 else ''}"
    return size


def bytes_text(run: Run, data: bytes) -> str:
    """Return a run's first bytes as digits and characters: `61 62 …  ab…`; fewer where a side ends sooner."""
    more = len(data) < run.size and len(data) == max(len(run.a), len(run.b))
    characters = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in data)
    return f"{data.hex(' ')}{' …' if more else ''}  |{characters}{'…' if more else ''}|"
