"""One device of `vkb`, a paravirtual keyboard and pointer, as xl reads it (xl.cfg(5); upstream: parse_vkb_config)."""

from dataclasses import replace
from typing import Any

from xlbuild.cnumbers import leading_number, uint32, unsigned_long
from xlbuild.config.devices.fields import Field, fields
from xlbuild.config.devices.options import bad_device
from xlbuild.config.problems import Problems
from xlbuild.config.settings import Element
from xlbuild.config.suggest import did_you_mean
from xlbuild.errors import ConfigError, Diagnostic
from xlbuild.libxl.devices import DeviceVkb
from xlbuild.libxl.enums import VkbBackend, member_of

_TEXTS = {"backend": "backend_domname", "unique-id": "unique_id"}
_FLAGS = (
    "feature-disable-keyboard",
    "feature-disable-pointer",
    "feature-abs-pointer",
    "feature-raw-pointer",
    "feature-multi-touch",
)
_TOUCH = ("multi-touch-width", "multi-touch-height", "multi-touch-num-contacts")
_NUMBERS = ("width", "height", *_TOUCH)
_KEYS = ("backend-type", *_TEXTS, *_FLAGS, *_NUMBERS)
_HINT = "write vkb = [ 'backend-type=qemu' ]"


def vkb(element: Element, problems: Problems, release: str) -> DeviceVkb:
    """Return the device; ConfigError where xl stops. Warns of numbers that xl reads in part."""
    device = DeviceVkb()
    for field in fields(element.text):
        change: dict[str, Any] = dict([_setting(element, field, problems)])
        device = replace(device, **change)
    if device.backend_type is VkbBackend.UNKNOWN:
        raise _error(element, 0, "has no backend-type", "xl has no default for it", _HINT)
    has_touch = any(getattr(device, _member(name)) for name in _TOUCH)
    if device.feature_multi_touch and not has_touch:
        cause = "multi touch has a width, a height and a number of contacts"
        raise _error(element, 0, "has multi touch without size", cause, f"give {', '.join(_TOUCH)}")
    return replace(device, feature_multi_touch=has_touch)


def _setting(element: Element, field: Field, problems: Problems) -> tuple[str, Any]:
    """Return the member of libxl's structure that a field sets, and its value."""
    key, value = field.key, field.value
    if value is None or key not in _KEYS:
        hint = did_you_mean(key, _KEYS, f"xl knows {', '.join(_KEYS)}")
        raise _error(element, field.index, f"has the unknown field {field.text!r}", "xl stops at it", hint)
    if key in _TEXTS:
        return _TEXTS[key], value
    if key == "backend-type":
        return "backend_type", _backend(element, field)
    number, end = leading_number(value, 0)
    number = unsigned_long(number)
    read = bool(number) if key in _FLAGS else uint32(number)
    if not value or end < len(value):
        hint = "write 1 or 0" if key in _FLAGS else "write a number, without unit"
        message = f"a vkb has {field.text!r}, of which xl makes {int(read)}"
        problems.warn(Diagnostic("config-vkb", message, element.at(field.value_index), hint))
    return _member(key), read


def _backend(element: Element, field: Field) -> VkbBackend:
    backend = member_of(VkbBackend, field.value or "")
    if backend is None:
        cause, index = "xl knows qemu and linux", field.value_index
        raise _error(element, index, f"has the backend-type {field.value!r}", cause, _HINT)
    return backend


def _member(key: str) -> str:
    return key.replace("-", "_")


def _error(element: Element, index: int, what: str, cause: str, hint: str) -> ConfigError:
    return bad_device(element, index, f"a vkb {what}", cause, hint)
