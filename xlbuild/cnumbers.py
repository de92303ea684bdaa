"""Numbers as C's types keep them, and as its functions find them in text.

xl reads what starts like a number and drops the rest, and assigns it without a look at how much of it fits.
"""

import re

from xlbuild.units import UINT32, UINT64

INT_MAX = UINT32 // 2 - 1
LONG_MIN, LONG_MAX = -(UINT64 // 2), UINT64 // 2 - 1
ULONG_MAX = UINT64 - 1

SPACE = " \t\n\v\f\r"
"""What C takes for white space."""

_MOST_DIGITS = 64
"""No 64-bit number has more in any base, and Python limits the digits that it reads."""

_START = rf"[{SPACE}]*([-+]?)"
_NUMBERS = {
    0: re.compile(rf"{_START}(?:0[xX]([0-9a-fA-F]+)|(0[0-7]*)|([1-9][0-9]*))"),
    10: re.compile(rf"{_START}()()([0-9]+)"),
    16: re.compile(rf"{_START}(?:0[xX])?([0-9a-fA-F]+)()()"),
}
SCANNED_HEXADECIMAL = rf"[{SPACE}]*([-+]?(?:0[xX][0-9a-fA-F]*|[0-9a-fA-F]+))"
"""A pattern of what scanf takes for %x, which is more than strtol does: 0x without digits is 0."""
_SCANNED = {10: re.compile(rf"[{SPACE}]*([-+]?[0-9]+)"), 16: re.compile(SCANNED_HEXADECIMAL)}


def uint8(number: int) -> int:
    """Return what a uint8_t keeps."""
    return number % (1 << 8)


def uint32(number: int | None, otherwise: int = 0) -> int:
    """Return what a uint32_t keeps of a number; `otherwise` without one."""
    return otherwise if number is None else number % UINT32


def int32(number: int | None, otherwise: int = 0) -> int:
    """Return what an int keeps of a number; `otherwise` without one."""
    return otherwise if number is None else (number + UINT32 // 2) % UINT32 - UINT32 // 2


def long(number: int) -> int:
    """Return what strtol makes of a number: the nearest long."""
    return max(LONG_MIN, min(number, LONG_MAX))


def unsigned_long(number: int) -> int:
    """Return what strtoul makes of a number: the greatest of more than 64 bits, and a negative one wraps."""
    return ULONG_MAX if abs(number) > ULONG_MAX else number % UINT64


def leading_number(text: str, base: int, index: int = 0) -> tuple[int, int]:
    """Return the number at a place in a text, as strtol finds it with base 0, 10 or 16, and where it ends.

    Without a number it is 0 and ends where it starts. It has no bounds: C's types have.
    """
    match = _NUMBERS[base].match(text, index)
    if match is None:
        return 0, index
    sign, hexadecimal, octal, decimal = match.groups()
    magnitude = _magnitude(hexadecimal, 16) or _magnitude(octal, 8) or _magnitude(decimal, 10)
    return -magnitude if sign == "-" else magnitude, match.end()


def leading_unsigned(text: str, base: int) -> tuple[int, str] | None:
    """Return the number that strtoul finds, in 64 bits, and the rest of the text; None without a number."""
    number, end = leading_number(text, base)
    return (unsigned_long(number), text[end:]) if end else None


def strtoul(text: str) -> int:
    """Return what strtoul does with base 0."""
    return unsigned_long(leading_number(text, 0)[0])


def atoi(text: str) -> int:
    """Return what atoi does."""
    return int32(long(leading_number(text, 10)[0]))


def parse_ulong(text: str) -> tuple[int, bool] | None:
    """Return the decimal number that xl's parse_ulong finds, an int, and whether it is all of the text.

    None where xl stops.
    """
    number, end = leading_number(text, 10)
    value = unsigned_long(number)
    if end == 0 or value == ULONG_MAX:
        return None
    return int32(value), end == len(text) and int32(value) == number


def scan_unsigned(text: str, start: int, base: int) -> tuple[int, int] | None:
    """Return the number that sscanf finds at `start` with %u or %x (base 10 or 16), and where it ends."""
    match = _SCANNED[base].match(text, start)
    return match and (uint32(scanned(match[1], base)), match.end())


def scanned(text: str, base: int) -> int:
    """Return the number of a text that scanf takes, in 64 bits."""
    magnitude = _magnitude(text.lstrip("-+").lower().removeprefix("0x"), base)
    return unsigned_long(-magnitude if text.startswith("-") else magnitude)


def _magnitude(digits: str | None, base: int) -> int:
    return int((digits or "").lstrip("0")[:_MOST_DIGITS] or "0", base)
