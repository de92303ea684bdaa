"""The lists of devices in a libxl_domain_config: each element of a key by its own grammar (`config.devices`).

Upstream: xl's parse_config_data.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from xlbuild.config.devices.channel import channel
from xlbuild.config.devices.disk import disk
from xlbuild.config.devices.lists import check_count, check_length, read_devices
from xlbuild.config.devices.p9 import p9
from xlbuild.config.devices.pvcalls import dtdev, pvcalls
from xlbuild.config.devices.usb import usbctrl, usbdev
from xlbuild.config.devices.vdispl import vdispl
from xlbuild.config.devices.vfb import vfb
from xlbuild.config.devices.vif import vif
from xlbuild.config.devices.virtio import virtio
from xlbuild.config.devices.vkb import vkb
from xlbuild.config.devices.vsnd import vsnd
from xlbuild.config.devices.vtpm import vtpm
from xlbuild.config.model import GuestConfig
from xlbuild.config.problems import Problems
from xlbuild.config.settings import Element
from xlbuild.config.values import Values
from xlbuild.container.host_memory import pci_rdm_policy, rdm_settings
from xlbuild.container.model import Kind
from xlbuild.domain_config.display import sdl_info, vnc_info
from xlbuild.errors import ConfigError
from xlbuild.libxl.devices import DeviceP9, DevicePci, DeviceVfb, DeviceVkb, DeviceVsnd
from xlbuild.libxl.domain import DomainConfig


@dataclass(frozen=True, slots=True)
class Row:
    """One key that lists a device in each element."""

    key: str
    field: str
    """The list in DomainConfig."""
    read: Callable[[Element, Problems, str], Any]
    """Makes an element a device: (element, problems, release); ConfigError where xl stops."""


ROWS: tuple[Row, ...] = (
    Row("disk", "disks", disk),
    Row("virtio", "virtios", virtio),
    Row("vtpm", "vtpms", vtpm),
    Row("pvcalls", "pvcallsifs", pvcalls),
    Row("vdispl", "vdispls", vdispl),
    Row("channel", "channels", channel),
    Row("vif", "nics", vif),
    Row("vfb", "vfbs", vfb),
    Row("vkb", "vkbs", vkb),
    Row("dtdev", "dtdevs", dtdev),
    Row("usbctrl", "usbctrls", usbctrl),
    Row("usbdev", "usbdevs", usbdev),
)
"""All such keys, in the order in which errors are told; `pci`, `p9` and `vsnd` are read otherwise."""

_UNNUMBERED = -1
"""libxl's devid of a device that has none yet."""


def with_devices(values: Values, guest: GuestConfig, config: DomainConfig, kind: Kind) -> DomainConfig:
    """Return the configuration with its devices; xl numbers those of most kinds by their places in the list."""
    lists: dict[str, Any] = {row.field: _read_row(values, row) for row in ROWS}
    config = replace(
        config, **lists, pcidevs=_pci(guest, kind), p9s=_p9(values, guest.name), vsnds=_vsnd(values)
    )
    config = _with_keyboards(_with_display(values, config, kind))
    numbered: dict[str, Any] = {field: _numbered(getattr(config, field)) for field in (*lists, "vsnds")}
    return replace(config, **numbered)


def _read_row(values: Values, row: Row) -> tuple[Any, ...]:
    return read_devices(values, row.key, lambda element: row.read(element, values.problems, values.release))


def _numbered(devices: tuple[Any, ...]) -> tuple[Any, ...]:
    """Give each device its place in the list as its number, unless it has one, or is of a kind without."""
    return tuple(
        replace(device, devid=number) if getattr(device, "devid", None) == _UNNUMBERED else device
        for number, device in enumerate(devices)
    )


def _pci(guest: GuestConfig, kind: Kind) -> tuple[DevicePci, ...]:
    """Return the devices, which were read with the guest, with the policy that the container gives them."""
    rdm = rdm_settings(guest)
    return tuple(replace(device, rdm_policy=pci_rdm_policy(device, rdm, kind)) for device in guest.pci)


def _p9(values: Values, name: str) -> tuple[DeviceP9, ...]:
    """Return the shared directories, each read after the one before it; libxl numbers them."""
    before = DeviceP9()

    def device(element: Element) -> DeviceP9:
        nonlocal before
        before = p9(element, values.problems, values.release, name, before)
        return before

    return read_devices(values, "p9", device)


def _vsnd(values: Values) -> tuple[DeviceVsnd, ...]:
    """Return the sound cards, each a list of its own."""
    where = values.settings.places.get("vsnd")

    def card(items: Element | tuple[Element, ...]) -> DeviceVsnd:
        if isinstance(items, Element):
            raise ConfigError(
                "config-bad-vsnd",
                f"vsnd has {items.text!r}, which is no list",
                cause="each sound card is a list of items",
                hint='write vsnd = [ [ "CARD", "PCM", "STREAM, type=p" ] ]',
                where=items.where,
            )
        check_count("vsnd", len(items), where)
        for item in items:
            check_length("vsnd", item)
        return vsnd(items, values.problems, values.release)

    def cards() -> Sequence[Element | tuple[Element, ...]]:
        found = values.device_lists("vsnd")
        check_count("vsnd", len(found), where)
        return found

    return values.problems.attempt_each(values.problems.attempt(cards, ()), card)


def _with_display(values: Values, config: DomainConfig, kind: Kind) -> DomainConfig:
    """Give a PV guest without framebuffers the one that vnc=1 asks for."""
    if kind is not Kind.PV or config.vfbs or not values.boolean("vnc"):
        return config
    vfb = DeviceVfb(vnc=vnc_info(values), sdl=sdl_info(values), keymap=values.string("keymap"))
    return replace(config, vfbs=(vfb,))


def _with_keyboards(config: DomainConfig) -> DomainConfig:
    """Give each framebuffer its keyboard, before those that the configuration lists."""
    return replace(config, vkbs=(DeviceVkb(),) * len(config.vfbs) + config.vkbs)
