"""`key=value` arguments of the command line: later settings, appended to the file as `xl create` does it."""

from collections.abc import Sequence
from dataclasses import dataclass

from xlbuild.errors import UsageError, Where

COMMAND_LINE = "command line"
"""What a place is called that is no place in the file."""


@dataclass(frozen=True, slots=True)
class Text:
    """What the parser gets, and where each line of it comes from."""

    data: bytes
    source: str
    """The file's name as given."""
    file_lines: int | None
    """Last line that is the file's; None: all are."""

    def where(self, line: int, column: int, key: str | None = None) -> Where:
        """Return the place of a line and column (in bytes), both counted from 1."""
        if self.file_lines is not None and line > self.file_lines:
            return Where(file=COMMAND_LINE, key=key, argument=line - self.file_lines)
        return Where(file=self.source, line=line, column=column, key=key)


_QUOTED = 40
"""Characters of an argument that a message quotes."""


def _quoted(argument: str) -> str:
    return repr(argument if len(argument) <= _QUOTED else f"{argument[: _QUOTED - 1]}…")


def append_overrides(data: bytes, source: str, overrides: Sequence[str]) -> Text:
    """Return the file's bytes with `overrides` behind them, each on lines of its own.

    They may use any syntax that the file may, and may even finish what the file has left open. Without any, the
    bytes stay as they are, with no newline added. Raises UsageError for an argument without `=`.
    """
    for argument in overrides:
        if "=" not in argument:
            raise UsageError(
                "setting-without-equals",
                f"{_quoted(argument)} is not a setting",
                cause="every argument behind the file has the form key=value, as for `xl create`",
                hint="write key=value; text needs quotes inside the shell's: 'name=\"guest\"'",
            )
    if not overrides:
        return Text(data, source, None)
    appended = "".join(f"{argument}\n" for argument in overrides).encode(errors="surrogateescape")
    return Text(data + b"\n" + appended, source, data.count(b"\n") + 1)
