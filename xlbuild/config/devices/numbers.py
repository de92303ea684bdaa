"""Numbers in the fields of devices, as C's functions read them: they take what starts like one and drop the rest."""

import re

from xlbuild.config.devices.fields import SPACE, ULONG_MAX, int32, leading_number, long, unsigned_long
from xlbuild.config.devices.options import Option
from xlbuild.config.problems import Problems
from xlbuild.config.settings import Element
from xlbuild.errors import Diagnostic

_UINT8, _UINT32 = 1 << 8, 1 << 32
_MOST_DIGITS = 20
"""No 64-bit number has more, and Python limits the digits that it reads."""
_SCANNED = {
    10: re.compile(r"[ \t\n\v\f\r]*([-+]?)([0-9]+)"),
    16: re.compile(r"[ \t\n\v\f\r]*([-+]?)(0[xX][0-9a-fA-F]*|[0-9a-fA-F]+)"),
}


def atoi(text: str) -> int:
    """Return what C's atoi does, an int."""
    return int32(long(leading_number(text, 10)[0]))


def strtoul(text: str) -> int:
    """Return what C's strtoul does with base 0, 64 bits."""
    return unsigned_long(leading_number(text, 0)[0])


def uint8(text: str) -> int:
    """Return what strtoul does, in 8 bits."""
    return strtoul(text) % _UINT8


def uint32(text: str) -> int:
    """Return what strtoul does, in 32 bits."""
    return strtoul(text) % _UINT32


def parse_ulong(text: str) -> tuple[int, bool] | None:
    """Return the decimal number that xl's parse_ulong finds, an int, and whether it is all of the text.

    None where xl stops.
    """
    number, end = leading_number(text, 10)
    value = unsigned_long(number)
    if end == 0 or value == ULONG_MAX:
        return None
    return int32(value), end == len(text) and int32(value) == number


def scan_uint(text: str, start: int, base: int) -> tuple[int, int] | None:
    """Return the number that C's sscanf finds at `start` with %u or %x (base 10 or 16), and where it ends."""
    match = _SCANNED[base].match(text, start)
    if match is None:
        return None
    sign, digits = match.groups()
    significant = re.sub("^(0[xX])?0*", "", digits)[:_MOST_DIGITS] or "0"
    value = int(significant, base)
    return unsigned_long(-value if sign == "-" else value) % _UINT32, match.end()


def told(element: Element, option: Option, value: int, base: int, problems: Problems) -> int:
    """Return the number that xl takes a value for, with a warning where that is not what it says."""
    number, end = leading_number(option.value, base)
    if number != value or option.value[end:].strip(SPACE) or not option.value:
        message = f"{option.key}={option.value!r} is no number that fits: xl takes it for {value}"
        where = element.at(option.value_index)
        problems.warn(Diagnostic("config-device-number", message, where, "write a plain number"))
    return value
