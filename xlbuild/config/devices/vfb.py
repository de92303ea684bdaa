"""One device of `vfb`, as xl reads it."""

from xlbuild.config.problems import Problems
from xlbuild.config.settings import Element
from xlbuild.libxl.devices import DeviceVfb


def vfb(element: Element, problems: Problems, release: str) -> DeviceVfb:
    """Return the device; ConfigError where xl stops."""
    return DeviceVfb()
