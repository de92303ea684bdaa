"""The lists of devices in a libxl_domain_config: each element of a key by its own grammar (`config.devices`)."""

from dataclasses import replace
from typing import Any

from xlbuild.config.devices.disk import disk
from xlbuild.config.devices.vfb import vfb
from xlbuild.config.devices.vif import vif
from xlbuild.config.devices.vkb import vkb
from xlbuild.config.values import Values
from xlbuild.container.model import Kind
from xlbuild.domain_config.device_lists import Row, numbered, read_row
from xlbuild.domain_config.display import sdl_info, vnc_info
from xlbuild.libxl.devices import DeviceVfb, DeviceVkb
from xlbuild.libxl.domain import DomainConfig

ROWS: tuple[Row, ...] = (
    Row("disk", "disks", disk),
    Row("vif", "nics", vif),
    Row("vfb", "vfbs", vfb),
    Row("vkb", "vkbs", vkb),
)
"""In the order in which xl reads them."""


def with_devices(values: Values, config: DomainConfig, kind: Kind) -> DomainConfig:
    """Return the configuration with its devices."""
    lists: dict[str, Any] = {row.field: read_row(values, row) for row in ROWS}
    config = _with_keyboards(_with_display(values, replace(config, **lists), kind))
    lists = {row.field: numbered(getattr(config, row.field)) for row in ROWS}
    return replace(config, **lists)


def _with_display(values: Values, config: DomainConfig, kind: Kind) -> DomainConfig:
    """Give a PV guest without framebuffers the one that vnc=1 asks for."""
    if kind is not Kind.PV or config.vfbs or not values.boolean("vnc"):
        return config
    vfb = DeviceVfb(vnc=vnc_info(values), sdl=sdl_info(values), keymap=values.string("keymap"))
    return replace(config, vfbs=(vfb,))


def _with_keyboards(config: DomainConfig) -> DomainConfig:
    """Give each framebuffer its keyboard, before those that the configuration lists."""
    return replace(config, vkbs=(DeviceVkb(),) * len(config.vfbs) + config.vkbs)
