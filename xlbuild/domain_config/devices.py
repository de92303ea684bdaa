"""The lists of devices in a libxl_domain_config: each element of a key by its own grammar (`config.devices`)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from xlbuild.config.devices.disk import disk
from xlbuild.config.devices.vfb import vfb
from xlbuild.config.devices.vif import vif
from xlbuild.config.devices.vkb import vkb
from xlbuild.config.problems import Problems
from xlbuild.config.settings import Element
from xlbuild.config.values import Values
from xlbuild.container.model import Kind
from xlbuild.domain_config.display import sdl_info, vnc_info
from xlbuild.errors import ConfigError
from xlbuild.libxl.devices import DeviceVfb, DeviceVkb
from xlbuild.libxl.domain import DomainConfig


@dataclass(frozen=True, slots=True)
class Row:
    """One key that lists devices."""

    key: str
    field: str
    """The list in DomainConfig."""
    read: Callable[[Element, Problems, str], Any]
    """Makes an element a device: (element, problems, release); ConfigError where xl stops."""


ROWS: tuple[Row, ...] = (
    Row("disk", "disks", disk),
    Row("vif", "nics", vif),
    Row("vfb", "vfbs", vfb),
    Row("vkb", "vkbs", vkb),
)
"""In the order in which xl reads them."""

UNNUMBERED = -1
"""libxl's devid of a device that has none yet."""

MOST_DEVICES = 1024
"""In one list."""

MOST_CHARACTERS = 8192
"""In one device: grammars look ahead from every part of it."""


def with_devices(values: Values, config: DomainConfig, kind: Kind) -> DomainConfig:
    """Return the configuration with its devices."""
    lists: dict[str, Any] = {row.field: tuple(_devices(values, row)) for row in ROWS}
    config = _with_keyboards(_with_display(values, replace(config, **lists), kind))
    numbered: dict[str, Any] = {row.field: _numbered(getattr(config, row.field)) for row in ROWS}
    return replace(config, **numbered)


def _devices(values: Values, row: Row) -> Iterator[Any]:
    """Yield a key's devices, up to an element that is a list; after a wrong one the others are read still."""
    elements = values.devices(row.key)
    if len(elements) > MOST_DEVICES:
        what = f"{row.key} has {len(elements)} elements"
        values.problems.error(_too_much(what, f"at most {MOST_DEVICES} are read", elements[0]))
        return
    for element in elements:
        try:
            if len(element.text) > MOST_CHARACTERS:
                what = f"an element of {row.key} has {len(element.text)} characters"
                raise _too_much(
                    what, f"at most {MOST_CHARACTERS} are read, more than paths can have", element
                )
            yield row.read(element, values.problems, values.release)
        except ConfigError as error:
            values.problems.error(error)


def _too_much(what: str, cause: str, element: Element) -> ConfigError:
    hint = "see whether a quote or a bracket is missing"
    return ConfigError("config-device-too-long", what, cause=cause, hint=hint, where=element.where)


def _numbered(devices: tuple[Any, ...]) -> tuple[Any, ...]:
    """Give each device its place in the list as its number, unless it has one, or is of a kind without."""
    return tuple(
        replace(device, devid=number) if getattr(device, "devid", None) == UNNUMBERED else device
        for number, device in enumerate(devices)
    )


def _with_display(values: Values, config: DomainConfig, kind: Kind) -> DomainConfig:
    """Give a PV guest without framebuffers the one that vnc=1 asks for."""
    if kind is not Kind.PV or config.vfbs or not values.boolean("vnc"):
        return config
    vfb = DeviceVfb(vnc=vnc_info(values), sdl=sdl_info(values), keymap=values.string("keymap"))
    return replace(config, vfbs=(vfb,))


def _with_keyboards(config: DomainConfig) -> DomainConfig:
    """Give each framebuffer its keyboard, before those that the configuration lists."""
    return replace(config, vkbs=(DeviceVkb(),) * len(config.vfbs) + config.vkbs)
