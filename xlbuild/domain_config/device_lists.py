"""What the tables of devices have in common: a row for each key, and how its list is read."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from xlbuild.config.devices.lists import read_devices
from xlbuild.config.problems import Problems
from xlbuild.config.settings import Element
from xlbuild.config.values import Values


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


def read_row(values: Values, row: Row) -> tuple[Any, ...]:
    """Return a key's devices."""
    return read_devices(values, row.key, lambda element: row.read(element, values.problems, values.release))


def numbered(devices: tuple[Any, ...]) -> tuple[Any, ...]:
    """Give each device its place in the list as its number, unless it has one, or is of a kind without."""
    return tuple(
        replace(device, devid=number) if getattr(device, "devid", None) == UNNUMBERED else device
        for number, device in enumerate(devices)
    )
