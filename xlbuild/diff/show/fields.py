"""The fields of a section as lines: a row each where there is room, shifts by their causes."""

import sys
from collections.abc import Iterator, Sequence
from itertools import groupby

from xlbuild.diff.model import Change, Difference, Section
from xlbuild.diff.show.lines import Line, Tone, Word, aligned, line
from xlbuild.diff.show.words import causes, excerpts, field_name, note, value_texts
from xlbuild.inspect.words import counted

_SHOWN = 40
"""Fields of a section that are shown, if not everything is."""
_SHIFTS_SHOWN = 3
"""Fields of a section that are shown though they are only shifted; more are told of in a line for each cause."""
_CELL = 44
"""Characters of a name, or of a value, that stand in a row with the others."""


def split_shifts(differences: Sequence[Difference], most: int) -> tuple[list[Difference], dict[str, int]]:
    """Return the fields to be shown each, and how many shifted for which cause where more than `most` did."""
    shifted = [each for each in differences if each.change is Change.SHIFTED]
    if len(shifted) <= most:
        return list(differences), {}
    return [each for each in differences if each.change is not Change.SHIFTED], causes(
        each.why for each in shifted
    )


def field_lines(section: Section, width: int, *, everything: bool) -> Iterator[Line]:
    """Yield a section's fields; unless everything is asked for, shifts are counted and the first of many shown."""
    told, collapsed = split_shifts(section.differences, _SHIFTS_SHOWN if not everything else sys.maxsize)
    shown = told if everything else told[:_SHOWN]
    rows = [_row(section, difference, everything=everything) for difference in shown]
    grouped = groupby(zip(shown, rows, strict=True), key=lambda pair: _fits(pair[1], width))
    for fits, pairs in grouped:
        if fits:
            yield from aligned(1, [row for _, row in pairs])
        else:
            for difference, _ in pairs:
                yield from _tall(section, difference, width, everything=everything)
    if len(told) > len(shown):
        yield line(1, Word(f"… and {counted(len(told) - len(shown), 'more field')}", Tone.QUIET))
    for why, count in collapsed.items():
        yield line(1, Word(f"{counted(count, 'field')} only shifted: {why}", Tone.SHIFTED))


def _row(section: Section, difference: Difference, *, everything: bool) -> tuple[Word, ...]:
    is_shifted = difference.change is Change.SHIFTED
    a, b = value_texts(difference, whole=everything)
    return (
        Word(field_name(section, difference, whole=everything), Tone.NAME),
        Word(a, Tone.SHIFTED if is_shifted else Tone.OLD),
        Word(f"→ {b}", Tone.SHIFTED if is_shifted else Tone.NEW),
        Word(_brackets(difference, everything=everything), Tone.QUIET),
    )


def _fits(row: tuple[Word, ...], width: int) -> bool:
    """Return whether a row's name and values have room beside each other; the note may go on below."""
    lengths = [len(word.text) for word in row[:3]]
    return max(lengths) <= _CELL and sum(lengths) <= width - 6


def _tall(section: Section, difference: Difference, width: int, *, everything: bool) -> Iterator[Line]:
    """Yield a field that has no room in a row: each value on a line of its own."""
    a, b = value_texts(difference, whole=everything)
    if not everything:
        a, b = excerpts(a, b, width - 6)
    name = Word(field_name(section, difference, whole=everything), Tone.NAME)
    yield line(1, name, "  ", Word(_brackets(difference, everything=everything), Tone.QUIET))
    if difference.change is not Change.ADDED:
        yield line(2, Word(f"- {a}", Tone.OLD))
    if difference.change is not Change.REMOVED:
        yield line(2, Word(f"+ {b}", Tone.NEW))


def _brackets(difference: Difference, *, everything: bool) -> str:
    text = note(difference, whole=everything)
    return f"({text})" if text else ""
