"""One device of `pvcalls` and of `dtdev`, as xl reads it (upstream: xl's parse_config_data)."""

from dataclasses import replace

from xlbuild.config.devices.options import options_to_a_word
from xlbuild.config.problems import Problems
from xlbuild.config.settings import Element
from xlbuild.libxl.devices import DeviceDtdev, DevicePvcallsif


def pvcalls(element: Element, problems: Problems, release: str) -> DevicePvcallsif:
    """Return the device; ConfigError where xl stops."""
    device = DevicePvcallsif()
    for option in options_to_a_word(element, ("backend",), problems):
        device = replace(device, backend_domname=option.value)
    return device


def dtdev(element: Element, problems: Problems, release: str) -> DeviceDtdev:
    """Return the device tree's node: the element as it is."""
    return DeviceDtdev(element.text)
