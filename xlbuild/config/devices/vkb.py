"""One device of `vkb`, as xl reads it."""

from xlbuild.config.problems import Problems
from xlbuild.config.settings import Element
from xlbuild.libxl.devices import DeviceVkb


def vkb(element: Element, problems: Problems, release: str) -> DeviceVkb:
    """Return the device; ConfigError where xl stops."""
    return DeviceVkb()
