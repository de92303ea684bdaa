"""What a configuration sets, before any key is looked at: values, and the place of each of their parts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from xlbuild.config.lexer import IDENT, NEWLINE, Lexer
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


@dataclass(frozen=True, slots=True)
class Settings(Mapping[str, Setting]):
    """The settings by key, in the order in which the keys appear first."""

    text: Text
    by_key: Mapping[str, Setting]
    overwritten: tuple[Overwritten, ...] = ()
    """Assignments that later ones replace, the first of them (MOST_OVERWRITTEN)."""
    remarks: tuple[Diagnostic, ...] = ()
    """What xl reads otherwise than it is written, without a word."""

    def __getitem__(self, key: str) -> Setting:
        """Return the setting of a key."""
        return self.by_key[key]

    def __iter__(self) -> Iterator[str]:
        """Yield the keys."""
        return iter(self.by_key)

    def __len__(self) -> int:
        """Return the number of keys."""
        return len(self.by_key)

    def element_places(self, key: str) -> Iterator[tuple[Where, bytes]]:
        """Yield where each element of a list stands, and its first token (`[` for a list)."""
        for start in self.by_key[key].starts:
            yield from _element_places(self.text, key, start)


def _element_places(text: Text, key: str, start: int) -> Iterator[tuple[Where, bytes]]:
    """Read a list once more: the parser has found it good, and places are wanted for few lists."""
    lexer = Lexer(text.data, start)
    lexer.advance()
    depth = 0
    while True:
        if lexer.kind == "]":
            depth -= 1
        elif depth == 1 and lexer.kind not in (",", NEWLINE, IDENT):
            yield text.where(lexer.line, lexer.column, key), lexer.text
        if lexer.kind == "[":
            depth += 1
        if depth == 0:
            return
        lexer.advance()
