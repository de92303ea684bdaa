"""What a configuration sets, before any key is looked at: values, and the place of each of their parts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Self

from xlbuild.config.lexer import IDENT, NEWLINE, PLAIN_SETTING, Lexer, plain_value
from xlbuild.config.lines import Lines
from xlbuild.config.model import Value
from xlbuild.config.overrides import Text
from xlbuild.errors import Diagnostic, Where


@dataclass(frozen=True, slots=True)
class Setting:
    """What a key was last set to."""

    value: Value
    by_addition: bool
    """The last assignment was `+=`: xl then takes the value for no number."""
    where: Where
    """Where the value of the last assignment starts."""
    key_where: Where
    """Where the key of the last assignment stands."""
    starts: tuple[int, ...]
    """Offsets into the text at which the value's pieces start: one, and one for each `+=`."""


@dataclass(frozen=True, slots=True)
class Element:
    """A string in a list, with its place: what device grammars read."""

    text: str
    where: Where
    is_plain: bool = False
    """It stands in the file as it is, in quotes; with escapes its characters have no columns of their own."""

    def at(self, index: int) -> Where:
        """Return the place of the character at `index`, or of the whole where that is all that is known."""
        if not self.is_plain or self.where.column is None:
            return self.where
        before = len(self.text[:index].encode(errors="surrogateescape"))
        return replace(self.where, column=self.where.column + len("'") + before)


@dataclass(frozen=True, slots=True)
class Overwritten:
    """An assignment without effect: a later one sets the same key."""

    key: str
    where: Where
    by: Where


@dataclass(slots=True)
class Assigned:
    """The assignments that make up a key's value: one, and the `+=` behind it."""

    pieces: list[Value]
    starts: list[int]
    """Of the values, as offsets into the text."""
    key_start: int
    """Offset of the key in the last assignment."""
    by_addition: bool = False

    @classmethod
    def plain(cls, data: bytes, start: int) -> Self:
        """Return the plain assignment that starts at an offset (`PLAIN_SETTING`)."""
        match = PLAIN_SETTING.match(data, start)
        assert match is not None
        return cls([plain_value(match[2])], [match.start(2)], match.start(1))

    def joined(self) -> Self:
        """Return the same with all pieces in one value."""
        if len(self.pieces) == 1:
            return self
        value: Value
        if isinstance(self.pieces[0], str):
            text = "".join(piece for piece in self.pieces if isinstance(piece, str))
            value = text.encode(errors="surrogateescape").decode(errors="surrogateescape")  # over the joints
        else:
            value = tuple(element for piece in self.pieces for element in piece)
        return replace(self, pieces=[value])


@dataclass(frozen=True, slots=True)
class Settings(Mapping[str, Setting]):
    """The settings by key, in the order in which the keys appear first."""

    text: Text
    lines: Lines
    assigned: Mapping[str, int | Assigned]
    """What each key is set to; for a plain assignment, its offset: most are never looked at."""
    overwritten: tuple[Overwritten, ...] = ()
    """Assignments that later ones replace, the first of them (MOST_OVERWRITTEN)."""
    remarks: tuple[Diagnostic, ...] = ()
    """What xl reads otherwise than it is written, without a word."""

    def __getitem__(self, key: str) -> Setting:
        """Return the setting of a key."""
        assigned = self.assigned[key]
        if isinstance(assigned, int):
            assigned = Assigned.plain(self.text.data, assigned)
        return Setting(
            assigned.pieces[0],
            assigned.by_addition,
            self._where(assigned.starts[-1], key),
            self._where(assigned.key_start, key),
            tuple(assigned.starts),
        )

    def __iter__(self) -> Iterator[str]:
        """Yield the keys."""
        return iter(self.assigned)

    def __len__(self) -> int:
        """Return the number of keys."""
        return len(self.assigned)

    def element_places(self, key: str, depth: int = 1) -> Iterator[tuple[Where, bytes]]:
        """Yield where each element of a list stands, and its first token (`[` for a list).

        depth   1: the list's own elements; 2: those of the lists in it
        """
        for start in self[key].starts:
            lexer = Lexer(self.text.data, start, *self.lines.place(start))
            yield from _element_places(lexer, self.text, key, depth)

    def element(self, key: str) -> Element:
        """Return a single value with its place."""
        setting = self[key]
        assert isinstance(setting.value, str)
        lexer = Lexer(self.text.data, setting.starts[0], *self.lines.place(setting.starts[0]))
        lexer.advance()
        is_plain = lexer.text[1:-1] == setting.value.encode(errors="surrogateescape")
        return Element(setting.value, setting.where, is_plain)

    @property
    def places(self) -> Mapping[str, Where]:
        """Where each key got its value."""
        return _Places(self)

    def _where(self, offset: int, key: str) -> Where:
        return self.text.where(*self.lines.place(offset), key)


@dataclass(frozen=True, slots=True)
class _Places(Mapping[str, Where]):
    """The places of settings' values, each found when it is asked for."""

    settings: Settings

    def __getitem__(self, key: str) -> Where:
        return self.settings[key].where

    def __iter__(self) -> Iterator[str]:
        return iter(self.settings)

    def __len__(self) -> int:
        return len(self.settings)


def _element_places(lexer: Lexer, text: Text, key: str, wanted: int) -> Iterator[tuple[Where, bytes]]:
    """Read a list once more: the parser has found it good, and places are wanted for few lists."""
    lexer.advance()
    depth = 0
    while True:
        if lexer.kind == "]":
            depth -= 1
        elif depth == wanted and lexer.kind not in (",", NEWLINE, IDENT):
            yield text.where(lexer.line, lexer.column, key), lexer.text
        if lexer.kind == "[":
            depth += 1
        if depth == 0:
            return
        lexer.advance()
