"""What the tables of devices have in common: a row for each key, and how its list is read."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from xlbuild.config.problems import Problems
from xlbuild.config.settings import Element
from xlbuild.config.values import Values
from xlbuild.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Row:
    """One key that lists devices."""

    key: str
    field: str
    """The list in DomainConfig."""
    read: Callable[[Element, Problems, str], Any]
    """Makes an element a device: (element, problems, release); ConfigError where xl stops."""


UNNUMBERED = -1
"""libxl's devid of a device that has none yet."""


MOST_DEVICES = 1024
"""In one list."""

MOST_CHARACTERS = 8192
"""In one device: grammars look ahead from every part of it."""


def read_devices(values: Values, row: Row) -> tuple[Any, ...]:
    """Return a key's devices, up to an element that is a list; after a wrong one the others are read still."""
    elements = values.devices(row.key)
    if len(elements) > MOST_DEVICES:
        what = f"{row.key} has {len(elements)} elements"
        values.problems.error(_too_much(what, f"at most {MOST_DEVICES} are read", elements[0]))
        return ()
    return values.problems.attempt_each(elements, lambda element: _read_device(values, row, element))


def _read_device(values: Values, row: Row, element: Element) -> Any:
    if len(element.text) > MOST_CHARACTERS:
        what = f"an element of {row.key} has {len(element.text)} characters"
        raise _too_much(what, f"at most {MOST_CHARACTERS} are read, more than paths can have", element)
    return row.read(element, values.problems, values.release)


def _too_much(what: str, cause: str, element: Element) -> ConfigError:
    hint = "see whether a quote or a bracket is missing"
    return ConfigError("config-device-too-long", what, cause=cause, hint=hint, where=element.where)


def numbered(devices: tuple[Any, ...]) -> tuple[Any, ...]:
    """Give each device its place in the list as its number, unless it has one, or is of a kind without."""
    return tuple(
        replace(device, devid=number) if getattr(device, "devid", None) == UNNUMBERED else device
        for number, device in enumerate(devices)
    )
