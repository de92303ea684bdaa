"""`ioports`, `irqs` and `iomem`: what of the host's a guest may use (xl.cfg(5); upstream: xl's parse_config_data)."""

import re

from xlbuild.cnumbers import SCANNED_HEXADECIMAL, leading_unsigned, scanned
from xlbuild.config.problems import Problems
from xlbuild.config.settings import Element
from xlbuild.errors import ConfigError, Diagnostic
from xlbuild.libxl.domain import INVALID_GFN, IomemRange, IoportRange
from xlbuild.units import UINT32

_PORTS_HINT = 'write hexadecimal numbers: "2f8" or "2f8-2ff"'
_LAST_PORT = 0xFFFF
_IOMEM = re.compile(rf"{SCANNED_HEXADECIMAL},{SCANNED_HEXADECIMAL}(?:@{SCANNED_HEXADECIMAL})?")


def ioport_range(element: Element, problems: Problems) -> IoportRange:
    """Return a range of I/O ports; ConfigError where xl stops. Warns of what it drops, and of a reversed range."""
    first = leading_unsigned(element.text, 16)
    if not first:
        raise _error(element, 0, "it starts with no hexadecimal number", _PORTS_HINT)
    start, rest = first
    last: tuple[int, str] | None = (start, "")
    index = len(element.text) - len(rest)
    if rest.startswith("-"):
        last = leading_unsigned(rest[1:], 16)
    elif rest:
        _warn(problems, element, f"xl complains of {rest!r} and leaves it out", index)
    if not last or last[1]:
        raise _error(element, index + 1, "its end is no hexadecimal number", _PORTS_HINT)
    if max(start, last[0]) >= UINT32 - 1:
        raise _error(element, 0, "it is far beyond the last I/O port, ffff", _PORTS_HINT)
    if last[0] < start:
        _warn(problems, element, "it starts behind its end: xl asks for nearly 2^32 ports", 0)
    elif last[0] > _LAST_PORT:
        _warn(problems, element, "the last I/O port is ffff", 0)
    return IoportRange(start, (last[0] - start + 1) % UINT32)


def irq(element: Element) -> int:
    """Return the number of an interrupt; ConfigError where xl stops."""
    hint = "write decimal numbers: irqs = [ 5, 10 ]"
    number = leading_unsigned(element.text, 10)
    if not number or number[1]:
        raise _error(element, 0, "it is no decimal number", hint)
    if number[0] >= UINT32 - 1:
        raise _error(element, 0, "it has more than 32 bits", hint)
    return number[0]


def iomem_range(element: Element) -> IomemRange:
    """Return a range of the host's memory, in pages; ConfigError where xl stops."""
    match = _IOMEM.fullmatch(element.text)
    if match is None:
        hint = 'write numbers of pages, hexadecimal: "START,COUNT" or "START,COUNT@GUEST_START"'
        raise _error(element, 0, "it is not of the form START,COUNT[@GUEST_START]", hint)
    start, number, gfn = (INVALID_GFN if text is None else scanned(text, 16) for text in match.groups())
    return IomemRange(start, number, gfn)


def _warn(problems: Problems, element: Element, what: str, index: int) -> None:
    where = element.at(index)
    problems.warn(
        Diagnostic("config-ioports", f"{where.key} has {element.text!r}: {what}", where, _PORTS_HINT)
    )


def _error(element: Element, index: int, cause: str, hint: str) -> ConfigError:
    where = element.at(index)
    return ConfigError(
        f"config-bad-{where.key}", f"{where.key} has {element.text!r}", cause=cause, hint=hint, where=where
    )
