"""One device of `disk`, as xl reads it."""

from xlbuild.config.problems import Problems
from xlbuild.config.settings import Element
from xlbuild.libxl.devices import DeviceDisk


def disk(element: Element, problems: Problems, release: str) -> DeviceDisk:
    """Return the device; ConfigError where xl stops."""
    return DeviceDisk()
