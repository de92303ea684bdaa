"""What the grammars of devices share: fields between commas, numbers as C reads them, and what to say of mistakes."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from xlbuild.config.values import LONG_MAX, LONG_MIN

ULONG_MAX = (1 << 64) - 1

_START = r"[ \t\n\v\f\r]*([-+]?)"
_NUMBERS = {
    0: re.compile(rf"{_START}(?:0[xX]([0-9a-fA-F]+)|(0[0-7]*)|([1-9][0-9]*))"),
    10: re.compile(rf"{_START}()()([0-9]+)"),
    16: re.compile(rf"{_START}(?:0[xX])?([0-9a-fA-F]+)()()"),
}
SPACE = " \t\n\v\f\r"
"""What C takes for white space."""
_MOST_DIGITS = 64
"""No 64-bit number has more in any base, and Python limits the digits that it reads."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a device: `key=value`, or a word."""

    text: str
    index: int
    """Where it starts in the element."""

    @property
    def key(self) -> str:
        """What stands before the first `=`."""
        return self.text.partition("=")[0]

    @property
    def value(self) -> str | None:
        """What follows the first `=`; None without one."""
        _, equals, value = self.text.partition("=")
        return value if equals else None

    @property
    def value_index(self) -> int:
        """Where the value starts in the element; the field, where it has none."""
        return self.index if self.value is None else self.index + len(self.key) + 1


def fields(text: str) -> Iterator[Field]:
    """Yield what stands between commas, without blanks before it; between two commas may be no field (strtok)."""
    for match in re.finditer("[^,]+", text):
        field = match[0].lstrip(" ")
        yield Field(field, match.end() - len(field))


def leading_number(text: str, base: int, index: int = 0) -> tuple[int, int]:
    """Return the number at a place in a text, as C's strtol finds it with base 0, 10 or 16, and where it ends.

    Without a number it is 0 and ends where it starts. It has no bounds: C's types have.
    """
    match = _NUMBERS[base].match(text, index)
    if match is None:
        return 0, index
    sign, hexadecimal, octal, decimal = match.groups()
    magnitude = _magnitude(hexadecimal, 16) or _magnitude(octal, 8) or _magnitude(decimal, 10)
    return -magnitude if sign == "-" else magnitude, match.end()


def _magnitude(digits: str | None, base: int) -> int:
    return int((digits or "").lstrip("0")[:_MOST_DIGITS] or "0", base)


def long(number: int) -> int:
    """Return what strtol makes of a number: the nearest C long."""
    return max(LONG_MIN, min(number, LONG_MAX))


def unsigned_long(number: int) -> int:
    """Return what strtoul makes of a number: the greatest of more than 64 bits, and a negative one wraps."""
    return ULONG_MAX if abs(number) > ULONG_MAX else number & ULONG_MAX


def int32(value: int) -> int:
    """Return what a C int keeps of a number."""
    return (value + (1 << 31)) % (1 << 32) - (1 << 31)


def did_you_mean(word: str, known: Iterable[str], otherwise: str) -> str:
    """Return the hint for an unknown word: the known one that looks most like it, or else `otherwise`."""
    close = get_close_matches(word.lower(), known, 1)
    return f"did you mean {close[0]!r}?" if close else otherwise
