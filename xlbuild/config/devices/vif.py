"""One device of `vif`, as xl reads it."""

from xlbuild.config.problems import Problems
from xlbuild.config.settings import Element
from xlbuild.libxl.devices import DeviceNic


def vif(element: Element, problems: Problems, release: str) -> DeviceNic:
    """Return the device; ConfigError where xl stops."""
    return DeviceNic()
