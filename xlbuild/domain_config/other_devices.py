"""The lists of all devices but disks, networks and displays: each key's elements by the key's own grammar."""

from dataclasses import replace
from typing import Any

from xlbuild.config.devices.channel import channel
from xlbuild.config.devices.lists import check_count, check_length, read_devices, read_each
from xlbuild.config.devices.p9 import p9
from xlbuild.config.devices.pvcalls import dtdev, pvcalls
from xlbuild.config.devices.usb import usbctrl, usbdev
from xlbuild.config.devices.vdispl import vdispl
from xlbuild.config.devices.virtio import virtio
from xlbuild.config.devices.vsnd import vsnd
from xlbuild.config.devices.vtpm import vtpm
from xlbuild.config.model import GuestConfig
from xlbuild.config.settings import Element
from xlbuild.config.values import Values
from xlbuild.container.host_memory import pci_rdm_policy, rdm_settings
from xlbuild.container.model import Kind
from xlbuild.domain_config.device_lists import Row, numbered, read_row
from xlbuild.errors import ConfigError
from xlbuild.libxl.devices import DeviceP9, DevicePci, DeviceVsnd
from xlbuild.libxl.domain import DomainConfig

ROWS: tuple[Row, ...] = (
    Row("virtio", "virtios", virtio),
    Row("vtpm", "vtpms", vtpm),
    Row("pvcalls", "pvcallsifs", pvcalls),
    Row("vdispl", "vdispls", vdispl),
    Row("dtdev", "dtdevs", dtdev),
    Row("channel", "channels", channel),
    Row("usbctrl", "usbctrls", usbctrl),
    Row("usbdev", "usbdevs", usbdev),
)
"""Keys that list one device in each element."""


def with_other_devices(values: Values, guest: GuestConfig, config: DomainConfig, kind: Kind) -> DomainConfig:
    """Return the configuration with these devices."""
    lists: dict[str, Any] = {row.field: numbered(read_row(values, row)) for row in ROWS}
    return replace(
        config, **lists, pcidevs=_pci(guest, kind), p9s=_p9(values, guest.name), vsnds=numbered(_vsnd(values))
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

    def card(items: Element | tuple[Element, ...]) -> DeviceVsnd:
        if isinstance(items, Element):
            raise ConfigError(
                "config-bad-vsnd",
                f"vsnd has {items.text!r}, which is no list",
                cause="each sound card is a list of items",
                hint='write vsnd = [ [ "CARD", "PCM", "STREAM, type=p" ] ]',
                where=items.where,
            )
        check_count("vsnd", len(items), values.settings.places.get("vsnd"))
        for item in items:
            check_length("vsnd", item)
        return vsnd(items, values.problems, values.release)

    return read_each(values, "vsnd", values.device_lists("vsnd"), card)
