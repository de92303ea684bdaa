"""One device of `vdispl`, as xl reads it (upstream: parse_vdispl_config)."""

import re
from collections.abc import Iterator
from dataclasses import replace

from xlbuild.cnumbers import SPACE, scan_unsigned, strtoul
from xlbuild.config.devices.options import Option, bad_device, options, told
from xlbuild.config.problems import Problems
from xlbuild.config.settings import Element
from xlbuild.errors import ConfigError, Diagnostic
from xlbuild.libxl.devices import ConnectorParam, DeviceVdispl

_KEYS = ("backend", "be-alloc", "connectors")
_HINT = 'write "connectors=NAME:WIDTHxHEIGHT", more of them after semicolons'


def vdispl(element: Element, problems: Problems, release: str) -> DeviceVdispl:
    """Return the display; ConfigError where xl stops, or crashes."""
    device = DeviceVdispl()
    for option in options(element, _KEYS):
        match option.key:
            case "backend":
                device = replace(device, backend_domname=option.value)
            case "be-alloc":
                number = strtoul(option.value)
                told(element, option, number, 0, problems)
                device = replace(device, be_alloc=number != 0)
            case "connectors":
                device = replace(device, connectors=tuple(_connectors(element, option, problems)))
    if not device.connectors:
        cause = "a display needs at least one connector"
        raise bad_device(element, 0, "vdispl has no connectors", cause, _HINT)
    return device


def _connectors(element: Element, option: Option, problems: Problems) -> Iterator[ConnectorParam]:
    """Yield the connectors; behind one whose width is no number, xl leaves all of them empty."""
    matches = list(re.finditer("[^;]+", option.value))
    if not matches:
        raise _error(
            element, option.value_index, "vdispl has an empty list of connectors", "xl crashes on it"
        )
    for number, match in enumerate(matches):
        index = option.value_index + match.start()
        parts = [part[0] for part in re.finditer("[^:]+", match[0])]
        if len(parts) < len(("name", "resolution")):
            raise _error(
                element, index, f"connector {match[0]!r} has no name, or no size", "xl crashes on it"
            )
        size = _size(parts[1])
        if size is None:
            message = f"connector {match[0]!r} has no width"
            message += ": xl takes it, and any that follow, for 0x0"
            problems.warn(Diagnostic("config-vdispl", message, element.at(index), _HINT))
            yield ConnectorParam(parts[0])
            yield from [ConnectorParam()] * (len(matches) - number - 1)
            return
        if len(size) < len(("width", "height")):
            raise _error(element, index, f"connector {match[0]!r} has no size", "xl needs WIDTHxHEIGHT")
        yield ConnectorParam(parts[0], *size)


def _size(text: str) -> tuple[int, ...] | None:
    """Return width and height as sscanf reads `%ux%u`; less than both where it stops; None where it reads none."""
    if not text.strip(SPACE):
        return ()
    width = scan_unsigned(text, 0, 10)
    if width is None:
        return None
    height = scan_unsigned(text, width[1] + 1, 10) if text.startswith("x", width[1]) else None
    return (width[0],) if height is None else (width[0], height[0])


def _error(element: Element, index: int, message: str, cause: str) -> ConfigError:
    return bad_device(element, index, message, cause, _HINT)
