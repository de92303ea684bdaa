"""`ioports`, `irqs`, `iomem`, `llc_colors`: what of a host's a guest may use (xl's parse_config_data)."""

import re

from xlbuild.cnumbers import SCANNED_HEXADECIMAL, leading_unsigned, scan_unsigned, scanned
from xlbuild.config.problems import Problems
from xlbuild.config.settings import Element
from xlbuild.errors import ConfigError, Diagnostic
from xlbuild.libxl.domain import INVALID_GFN, IomemRange, IoportRange
from xlbuild.units import UINT32

_PORTS_HINT = 'write hexadecimal numbers: "2f8" or "2f8-2ff"'
_LAST_PORT = 0xFFFF
_IOMEM = re.compile(rf"{SCANNED_HEXADECIMAL},{SCANNED_HEXADECIMAL}(?:@{SCANNED_HEXADECIMAL})?")
_COLORS_HINT = 'write decimal numbers: "3" or "0-7"'
_MOST_COLORS = 1024


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


def llc_colors(element: Element, problems: Problems) -> range:
    """Return the colours of the cache that an element names; ConfigError where xl stops. Warns of what it drops."""
    first = scan_unsigned(element.text, 0, 10)
    if first is None:
        raise _error(element, 0, "it starts with no decimal number", _COLORS_HINT)
    start, index = first
    end = start
    if element.text.startswith("-", index) and (last := scan_unsigned(element.text, index + 1, 10)):
        end, index = last
    if end < start:
        raise _error(element, 0, "it starts behind its end", _COLORS_HINT)
    if end - start >= _MOST_COLORS:
        raise _error(
            element, 0, f"Xen has {_MOST_COLORS} colours at most, and xl lists every one", _COLORS_HINT
        )
    if element.text[index:]:
        what = f"xl leaves {element.text[index:]!r} out"
        _warn(problems, element, what, index, "config-llc-colors", _COLORS_HINT)
    return range(start, end + 1)


def _warn(
    problems: Problems,
    element: Element,
    what: str,
    index: int,
    code: str = "config-ioports",
    hint: str = _PORTS_HINT,
) -> None:
    where = element.at(index)
    problems.warn(Diagnostic(code, f"{where.key} has {element.text!r}: {what}", where, hint))


def _error(element: Element, index: int, cause: str, hint: str) -> ConfigError:
    where = element.at(index)
    return ConfigError(
        f"config-bad-{(where.key or '').replace('_', '-')}",
        f"{where.key} has {element.text!r}",
        cause=cause,
        hint=hint,
        where=where,
    )
