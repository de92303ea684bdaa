"""The grammar: settings, their values, and every place where the text is no configuration (upstream: libxlu_cfg_y.y).

    file    = { [ setting ] ( NEWLINE | ";" ) } [ setting ]
    setting = IDENT ( "=" | "+=" ) value
    value   = STRING | NUMBER | list
    list    = "[" [ value { "," value } [ "," ] ] "]"        newlines may stand anywhere inside a list

A problem does not stop the parser: it goes on behind the line, so that one run tells of all.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from xlbuild.config.hints import (
    BINARY,
    PYTHON_HINT,
    PYTHON_WORDS,
    UNIT_HINT,
    binary_hint,
    escape_hint,
    illegal_text,
    is_binary,
    shown,
    unexpected_hint,
)
from xlbuild.config.lexer import (
    END,
    IDENT,
    ILLEGAL,
    NEWLINE,
    NUMBER,
    PLAIN_ADDITION,
    PLAIN_ATOM,
    PLAIN_ELEMENTS,
    PLAIN_LIST,
    PLAIN_LISTS,
    PLAIN_SETTING,
    PLAIN_SETTINGS,
    SEPARATORS,
    STRING,
    Lexer,
    plain_atom,
    plain_value,
)
from xlbuild.config.lines import Lines
from xlbuild.config.model import Value
from xlbuild.config.nesting import OpenLists, TooDeepError
from xlbuild.config.overrides import Text
from xlbuild.config.settings import Assigned, Overwritten, Settings
from xlbuild.errors import ConfigSyntaxError, Diagnostic

MOST_PROBLEMS = 50
"""So many problems are told of; a file with more is probably no configuration at all."""

MOST_OVERWRITTEN = 25
"""So many assignments without effect are told of."""

_A_SETTING_STARTS = re.compile(rb"[ \t]*[a-z][a-z0-9_.]*[ \t]*\+?=|\Z")
_ESCAPE = re.compile(
    rb"\\(?:(?P<plain>[abfnrtv\\'\"])|[0-7][0-9]{2,3}|(?P<bad>x[0-9a-fA-F]{0,2}|.))", re.DOTALL
)
_PART = re.compile(rb"(?:[^\\]|\\[0-7][0-9]{2,3}|\\.){1,65536}+", re.DOTALL)
_PLAIN_ESCAPES = {
    b"a": b"\a",
    b"b": b"\b",
    b"f": b"\f",
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
    b"v": b"\v",
    b"\\": b"\\",
    b"'": b"'",
    b'"': b'"',
}


def parse(text: Text) -> Settings:
    """Return the settings; ConfigSyntaxError tells of every problem."""
    parser = _Parser(text)
    parser.run()
    if parser.problems:
        if is_binary(text.data):
            binary = replace(
                parser.problems[0], code="config-not-text", message=BINARY, hint=binary_hint(text.data)
            )
            raise ConfigSyntaxError((binary,))
        raise ConfigSyntaxError(tuple(parser.problems), PYTHON_HINT if parser.looks_like_python else None)
    return Settings(text, parser.lines, parser.joined(), tuple(parser.overwritten), tuple(parser.remarks))


class _UnexpectedError(Exception):
    """The current token is wrong: the rest of the line, or of the list, makes no sense."""


class _Parser:
    def __init__(self, text: Text) -> None:
        self.lines = Lines(text.data)
        self._assigned: dict[str, int | Assigned] = {}
        self.problems: list[Diagnostic] = []
        self.overwritten: list[Overwritten] = []
        self.remarks: list[Diagnostic] = []
        self._text = text
        self._told_line = 0
        self._python = False
        self._list_line = 0
        """Where the list starts that is being read; 0: none is."""
        self._lexer = Lexer(text.data)

    @property
    def looks_like_python(self) -> bool:
        return self._python or self._lexer.python

    def joined(self) -> dict[str, int | Assigned]:
        """Return what each key is set to."""
        assigned = self._assigned
        return {key: entry if isinstance(entry, int) else entry.joined() for key, entry in assigned.items()}

    def run(self) -> None:
        """Parse all settings; each leaves the lexer at the token that ends it."""
        while self._lexer.kind != END and len(self.problems) < MOST_PROBLEMS:
            self._plain_settings()
            self._advance()
            if self._lexer.kind not in (NEWLINE, ";", END):
                try:
                    self._assignment()
                except _UnexpectedError:
                    self._recover()

    def _plain_settings(self) -> None:
        """Read settings as long as they are plain: no long list, no escape, nothing wrong."""
        lexer = self._lexer
        if match := lexer.take(SEPARATORS):
            lexer.pass_lines(match[0])
        while True:
            if match := lexer.take(PLAIN_SETTINGS):
                self._assign(PLAIN_SETTING.finditer(self._text.data, *match.span()))
            elif match := lexer.take(PLAIN_ADDITION):
                self._store(match[1], True, plain_value(match[2]), match.start(1), match.start(2))
            else:
                return
            lexer.pass_lines(match[0])

    def _assign(self, matches: Iterator[re.Match[bytes]]) -> None:
        """Store plain settings; once there are enough to tell of, not looking for those without effect is faster."""
        assigned = self._assigned
        for match in matches:
            key = match[1].decode()
            if key in assigned:
                self._overwrite(key, match.start(1))
            assigned[key] = match.start()
            if len(self.overwritten) == MOST_OVERWRITTEN:
                assigned.update({match[1].decode(): match.start() for match in matches})

    def _assignment(self) -> None:
        if self._lexer.kind != IDENT:
            raise self._unexpected("a setting")
        key, key_start = self._lexer.text, self._lexer.start
        self._advance()
        operator = self._lexer.text
        if operator not in (b"=", b"+="):
            self._python = self._python or key in PYTHON_WORDS
            raise self._unexpected("`=`")
        self._advance()
        lexer = self._lexer
        start = lexer.start
        value = self._list() if lexer.kind == "[" else self._atom()
        self._advance()
        self._store(key, operator == b"+=", value, key_start, start)
        if self._lexer.kind not in (NEWLINE, ";", END):
            raise self._unexpected("the end of the setting")

    def _store(self, key: bytes, add: bool, value: Value, key_start: int, start: int) -> None:
        name = key.decode()
        earlier = self._assigned.get(name)
        if earlier is None or not add:
            if earlier is not None:
                self._overwrite(name, key_start)
            self._assigned[name] = Assigned([value], [start], key_start, add)
            return
        if isinstance(earlier, int):
            earlier = self._assigned[name] = Assigned.plain(self._text.data, earlier)
        if isinstance(earlier.pieces[0], str) is isinstance(value, str):
            earlier.pieces.append(value)
            earlier.starts.append(start)
            earlier.by_addition, earlier.key_start = True, key_start
        else:
            kinds = "a string to a list" if isinstance(value, str) else "a list to a string"
            hint = "add like to like, or use `=`"
            self._tell("config-adding", f"`{name} +=` adds {kinds}", hint, *self.lines.place(start))

    def _overwrite(self, key: str, later: int) -> None:
        """Take note that the key at an offset is set once more."""
        if len(self.overwritten) < MOST_OVERWRITTEN:
            entry = self._assigned[key]
            earlier = (
                entry.key_start
                if isinstance(entry, Assigned)
                else Assigned.plain(self._text.data, entry).key_start
            )
            where, by = (self._text.where(*self.lines.place(offset), key) for offset in (earlier, later))
            self.overwritten.append(Overwritten(key, where, by))

    def _atom(self) -> str:
        """Return the string or number at the current token, and stay there."""
        if self._lexer.kind == NUMBER:
            return self._lexer.text.decode()
        if self._lexer.kind != STRING:
            raise self._unexpected("a value")
        body = self._lexer.text[1:-1]
        if b"\0" in body:
            self._tell("config-nul", "a string holds a NUL byte", "remove the byte")
        if b"\\" in body:
            parts = _PART.finditer(body)  # or the replacements of a long string would fill the memory
            body = b"".join(_ESCAPE.sub(partial(self._unescape, part.start()), part[0]) for part in parts)
        return body.decode(errors="surrogateescape")

    def _unescape(self, before: int, match: re.Match[bytes]) -> bytes:
        """Return an escaped character; a backslash with three or four digits makes none, just as in xl."""
        if plain := match["plain"]:
            return _PLAIN_ESCAPES[plain]
        if not match["bad"]:
            self._remark_on_escape(match, before + match.start())
        elif self._lexer.line > self._told_line:
            hint = escape_hint(match[0])
            self._tell("config-escape", f"{shown(match[0])} is no escape that xl knows", hint)
        return b""

    def _remark_on_escape(self, match: re.Match[bytes], offset: int) -> None:
        if len(self.remarks) < MOST_OVERWRITTEN:
            column = self._lexer.column + len("'") + offset
            place = self._text.where(self._lexer.line, column)
            message = f"xl takes the escape {shown(match[0])} for no character at all"
            self.remarks.append(Diagnostic("escape-vanishes", message, place, escape_hint(match[0])))

    def _list(self) -> tuple[Value, ...]:
        """Return the list that starts at the current token, and stay at its closing bracket."""
        self._list_line = self._lexer.line
        lists = OpenLists()
        try:
            while (closed := self._list_token(lists)) is None:
                if not lists.has_element:
                    self._plain_elements(lists)
                self._advance()
        except TooDeepError:
            message, hint = "the lists are nested too deeply, for xl as well", "nest lists less deeply"
            self._tell("config-nesting", message, hint)
            raise _UnexpectedError from None
        self._list_line = 0
        return closed

    def _plain_elements(self, lists: OpenLists) -> None:
        """Read elements as long as they are plain, each with a comma: values without escapes, short lists of them."""
        values: list[Value]
        if match := self._lexer.take(PLAIN_ELEMENTS):
            values = [plain_atom(atom) for atom in PLAIN_ATOM.findall(match[0])]
        elif lists.has_room and (match := self._lexer.take(PLAIN_LISTS)):
            values = [plain_value(each) for each in PLAIN_LIST.findall(match[0])]
        else:
            return
        lists.extend(values)
        if b"\n" in match[0]:
            self._lexer.pass_lines(match[0])
            lists.newline()

    def _list_token(self, lists: OpenLists) -> tuple[Value, ...] | None:
        """Take the current token, which is in a list; return the outermost list when it closes that one."""
        kind = self._lexer.kind
        if kind == NEWLINE:
            lists.newline()
        elif kind == "]" and lists.is_open:
            return lists.close()
        elif kind == "," and lists.has_element:
            lists.comma()
        elif lists.has_element:
            raise self._unexpected("`,` or `]`")
        elif kind == "[":
            lists.open()
        elif kind in (STRING, NUMBER):
            lists.add(self._atom())
        else:
            raise self._unexpected("a value or `]`")
        return None

    def _advance(self) -> None:
        self._lexer.advance()
        while self._lexer.kind == ILLEGAL:
            if self._lexer.line > self._told_line:
                self._tell(*illegal_text(self._lexer.text, self._lexer.word_before))
            self._lexer.advance()

    def _unexpected(self, expected: str) -> _UnexpectedError:
        kind, text = self._lexer.kind, self._lexer.text
        found = {NEWLINE: "the end of the line", END: "the end of the file"}.get(kind) or shown(text)
        is_argument = self._text.where(self._lexer.line, 1).argument is not None
        hint = unexpected_hint(expected, kind, text, in_shell=is_argument)
        if kind == END and self._list_line:
            hint = f"close the list that starts in line {self._list_line} with `]`"
        code = "config-unit" if hint == UNIT_HINT else "config-syntax"
        self._tell(code, f"{found} is where {expected} should be", hint)
        return _UnexpectedError()

    def _tell(self, code: str, message: str, hint: str | None, line: int = 0, column: int = 0) -> None:
        """Take note of a problem; only the first of a line helps."""
        line, column = line or self._lexer.line, column or self._lexer.column
        if line > self._told_line and len(self.problems) < MOST_PROBLEMS:
            self._told_line = line
            place = self._text.where(line, column)
            self.problems.append(Diagnostic(code, message, place, hint))

    def _recover(self) -> None:
        """Move to the end of the line; out of a broken list, to the line before the next setting."""
        self._lexer.skip_line()
        while self._list_line and not self._lexer.next_line_starts(_A_SETTING_STARTS):
            self._lexer.advance()
            self._lexer.skip_line()
        self._list_line = 0
