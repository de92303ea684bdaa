"""Tokens of the configuration language, as Xen's flex rules cut them (upstream: libxlu_cfg_l.l).

Everything is bytes, in no locale, and case matters. A character that begins no token spoils all up to the next
blank, tab or newline; as the very last byte of the text it is dropped without a word, as flex does it.
"""

import re

from xlbuild.config.model import Value

IDENT = "IDENT"
NUMBER = "NUMBER"
STRING = "STRING"
NEWLINE = "NEWLINE"
END = "END"
ILLEGAL = "ILLEGAL"
# The other kinds of token are punctuation and are their own names: , ; = += [ ]

_KEY = rb"[a-z][a-z0-9_.]*+"
_NUMBER = rb"[0-9][0-9a-fx]*+"  # a shape, not a value: 08 and 1x2 are numbers here
_STRING = rb"'[^'\\\n]*+(?:\\[^\n][^'\\\n]*+)*+'|\"[^\"\\\n]*+(?:\\[^\n][^\"\\\n]*+)*+\""
_LINE_END = rb"(?:\#[^\n]*+)?+\n"  # a comment is part of it, so it needs one
_NEWLINE = rb"(?:%b)(?:[ \t]*+%b)*+" % (_LINE_END, _LINE_END)  # any number of them make one token
_TOKEN = re.compile(
    rb"[ \t]*+(?:(?P<IDENT>%b)|(?P<punctuation>[,;=\[\]]|\+=)|(?P<NUMBER>%b)|(?P<STRING>%b)|(?P<NEWLINE>%b)"
    rb"|(?P<END>\Z)|(?P<ILLEGAL>[^ \t\n]++))" % (_KEY, _NUMBER, _STRING, _NEWLINE)
)

# What most files consist of, to be found in one step where it is that plain: the parser is much faster for it.
_PLAIN = rb"(?:%b|'[^'\\\n\0]*+'|\"[^\"\\\n\0]*+\")" % _NUMBER
_SEPARATORS = rb"(?:[ \t]*+(?:;|%b))++" % _NEWLINE
SEPARATORS = re.compile(_SEPARATORS)
_PLAIN_LIST = rb"\[[ \t]*+(?:%b[ \t]*+(?:,[ \t]*+%b[ \t]*+){0,15}+,?+[ \t]*+)?+\]" % (
    _PLAIN,
    _PLAIN,
)  # a short one
_PLAIN_VALUE = rb"(?:%b|%b)" % (_PLAIN, _PLAIN_LIST)
PLAIN_SETTING = re.compile(rb"[ \t]*+(%b)[ \t]*+=[ \t]*+(%b)[ \t]*+%b" % (_KEY, _PLAIN_VALUE, _SEPARATORS))
PLAIN_SETTINGS = re.compile(rb"(?:[ \t]*+%b[ \t]*+=[ \t]*+%b[ \t]*+%b)++" % (_KEY, _PLAIN_VALUE, _SEPARATORS))
"""Any number of these."""
PLAIN_ADDITION = re.compile(rb"[ \t]*+(%b)[ \t]*+\+=[ \t]*+(%b)[ \t]*+%b" % (_KEY, _PLAIN_VALUE, _SEPARATORS))
PLAIN_ELEMENTS = re.compile(rb"(?:[ \t]*+%b[ \t]*+,[ \t]*+\n?+)++" % _PLAIN)
PLAIN_ATOM = re.compile(_PLAIN)
PLAIN_LISTS = re.compile(rb"(?:[ \t]*+%b[ \t]*+,[ \t]*+\n?+)++" % _PLAIN_LIST)
PLAIN_LIST = re.compile(_PLAIN_LIST)


def plain_atom(text: bytes) -> str:
    """Return what a plain value says: a number, or a string without escapes."""
    return (text if text[0] in b"0123456789" else text[1:-1]).decode(errors="surrogateescape")


def plain_value(text: bytes) -> Value:
    """Return what a plain value says: a number, a string without escapes, or a list of them."""
    return tuple(map(plain_atom, PLAIN_ATOM.findall(text))) if text[0] == ord("[") else plain_atom(text)


_WORD_AT_END = re.compile(rb"[0-9a-z_.]{1,40}\Z")
_LOOKS_LIKE_PYTHON = re.compile(rb"[()]|\+(?![0-9])|:\Z")
"""xl takes any of `+-.():` for a sign of it; most often that is text that lacks its quotes."""


class Lexer:
    """A cursor over the text: `advance` moves to the next token, which the attributes then describe.

    kind     one of the names above
    text     the token's bytes, quotes included
    line     counted from 1
    python   whether something that is no token makes the text look like Python
    """

    __slots__ = ("_data", "_end", "_line_start", "kind", "line", "python", "text")

    def __init__(self, data: bytes, start: int = 0, line: int = 1, column: int = 1) -> None:
        """Start before the first token of `data` that begins at `start`, in that place, or behind it."""
        self._data = data
        self._end = start
        self._line_start = start - column + 1
        self.kind = ";"
        self.text = b""
        self.line = line
        self.python = False

    @property
    def word_before(self) -> bytes:
        """The number or the start of a key that ends where the token starts, if one does."""
        match = _WORD_AT_END.search(self._data, self._line_start, self.start)
        return match[0] if match else b""

    @property
    def start(self) -> int:
        """Offset of the token."""
        return self._end - len(self.text)

    @property
    def column(self) -> int:
        """Where the token starts in its line, in bytes, counted from 1."""
        return self.column_of(self.start)

    def advance(self) -> None:
        """Move to the next token; after the last one, stay at END."""
        if self.kind == NEWLINE:
            self.pass_lines(self.text)
        match = _TOKEN.match(self._data, self._end)
        assert match is not None
        kind = match.lastgroup
        assert kind is not None
        self.text = text = match[kind]
        self._end = match.end()
        self.kind = text.decode() if kind == "punctuation" else kind
        if kind == ILLEGAL:
            self._see_illegal()

    def take(self, pattern: re.Pattern[bytes]) -> re.Match[bytes] | None:
        """Move past what matches behind the current token, if anything does; the current token is none any more.

        `pass_lines` must then count the lines of the match.
        """
        if self.kind == NEWLINE:
            self.pass_lines(self.text)
            self.kind = ";"
        match = pattern.match(self._data, self._end)
        if match:
            self._end, self.text = match.end(), b""
        return match

    def pass_lines(self, text: bytes) -> None:
        """Count the lines of a text that ends where the cursor is."""
        if lines := text.count(b"\n"):
            self.line += lines
            self._line_start = self._end - (len(text) - text.rindex(b"\n") - 1)

    def column_of(self, offset: int) -> int:
        """Return where in the current line an offset into the text is, in bytes, counted from 1."""
        return offset - self._line_start + 1

    def skip_line(self) -> None:
        """Move to the NEWLINE that ends this line, or to END; no token but NEWLINE holds a newline."""
        if self.kind != NEWLINE:
            newline = self._data.find(b"\n", self._end)
            line_end = len(self._data) if newline < 0 else newline
            self.python = self.python or self._data.find(b"(", self._end, line_end) >= 0
            self._end = line_end
            self.advance()

    def next_line_starts(self, pattern: re.Pattern[bytes]) -> bool:
        """Return whether the text behind the current token, a NEWLINE, matches."""
        return pattern.match(self._data, self._end) is not None

    def _see_illegal(self) -> None:
        self.python = self.python or _LOOKS_LIKE_PYTHON.match(self.text) is not None
        if len(self.text) == 1 and self._end == len(self._data):
            self.kind, self.text = END, b""
