"""Lines of text, with what a terminal may show in colours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from xlbuild.visible import visible

_STEP = "  "


class Tone(Enum):
    """What a word is, for whoever has colours."""

    PLAIN = auto()
    SUMMARY = auto()
    TITLE = auto()
    NAME = auto()
    OLD = auto()
    NEW = auto()
    CHANGED = auto()
    SHIFTED = auto()
    QUIET = auto()


@dataclass(frozen=True, slots=True)
class Word:
    """A piece of a line."""

    text: str
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True)
class Line:
    """Words behind each other, indented by steps of two blanks."""

    depth: int
    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        """The line without its colours."""
        return (_STEP * self.depth + "".join(word.text for word in self.words)).rstrip()


EMPTY = Line(0, ())


def line(depth: int, *words: Word | str) -> Line:
    """Return a line; a plain text is a plain word."""
    return Line(depth, tuple(_visible(word if isinstance(word, Word) else Word(word)) for word in words))


def aligned(depth: int, rows: Sequence[Sequence[Word]], right: Iterable[int] = ()) -> Iterator[Line]:
    """Yield rows with their cells below each other; the columns in `right` end below each other."""
    if not rows:
        return
    shown = [[_visible(word) for word in row] for row in rows]
    widths = [max(len(word.text) for word in column) for column in zip(*shown, strict=True)]
    to_the_right = frozenset(right)
    for row in shown:
        words = []
        for column, (word, width) in enumerate(zip(row, widths, strict=True)):
            text = word.text.rjust(width) if column in to_the_right else word.text.ljust(width)
            words.append(Word(text + _STEP if width else "", word.tone))
        yield Line(depth, tuple(words))


def _visible(word: Word) -> Word:
    """Return a word that drives no terminal, whoever wrote it."""
    return Word(visible(word.text), word.tone)


def text_of(lines: Iterable[Line]) -> str:
    """Return lines as plain text."""
    return "".join(f"{each.text}\n" for each in lines)
