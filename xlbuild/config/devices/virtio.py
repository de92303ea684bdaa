"""One device of `virtio`, a key of xl's since 4.18, as xl reads it (upstream: parse_virtio_config)."""

from collections.abc import Iterator
from dataclasses import replace

from xlbuild.cnumbers import strtoul
from xlbuild.config.devices.fields import fields
from xlbuild.config.devices.options import Option, bad_device, name_in, option_of
from xlbuild.config.problems import Problems
from xlbuild.config.settings import Element
from xlbuild.libxl.devices import DeviceVirtio
from xlbuild.libxl.enums import VirtioTransport

_KEYS = ("backend", "type", "transport", "grant_usage")


def virtio(element: Element, problems: Problems, release: str) -> DeviceVirtio:
    """Return the device; ConfigError where xl stops, or crashes."""
    device = DeviceVirtio()
    for option in _options(element):
        match option.key:
            case "backend":
                device = replace(device, backend_domname=option.value)
            case "type":
                device = replace(device, type=option.value)
            case "transport":
                device = replace(device, transport=name_in(VirtioTransport, element, option))
            case "grant_usage":
                device = replace(device, grant_usage=strtoul(option.value) != 0)
    return device


def _options(element: Element) -> Iterator[Option]:
    """Yield the fields; one type has a comma in it (`virtio,device1a`), so the next field belongs to it as it is."""
    rest = fields(element.text)
    for field in rest:
        option = option_of(element, field, _KEYS)
        if option.key == "type" and option.value.startswith("virtio"):
            following = next(rest, None)
            if following is None:
                message = f"virtio has no type {option.value!r}"
                cause = "xl crashes on it: a type that begins like that goes on behind the next comma"
                raise bad_device(element, option.value_index, message, cause, "write type=virtio,deviceID")
            end = following.index + len(following.text)
            start = field.index + len(field.text)
            skipped = element.text[start:end].lstrip(",")
            option = replace(option, value=f"{option.value},{skipped}")
        yield option
