"""One device of `usbctrl` and of `usbdev`, as xl reads it (upstream: parse_usbctrl_config, parse_usbdev_config)."""

from dataclasses import replace

from xlbuild.cnumbers import atoi, strtoul, uint8
from xlbuild.config.devices.options import name_in, options, told
from xlbuild.config.problems import Problems
from xlbuild.config.settings import Element
from xlbuild.libxl.devices import DeviceUsbctrl, DeviceUsbdev, UsbdevHostdev
from xlbuild.libxl.enums import UsbctrlType, UsbdevType

_CONTROLLER_KEYS = ("type", "version", "ports")
_DEVICE_KEYS = ("type", "hostbus", "hostaddr", "controller", "port")


def usbctrl(element: Element, problems: Problems, release: str) -> DeviceUsbctrl:
    """Return the controller; ConfigError where xl stops."""
    device = DeviceUsbctrl()
    for option in options(element, _CONTROLLER_KEYS):
        match option.key:
            case "type":
                device = replace(device, type=name_in(UsbctrlType, element, option))
            case "version":
                device = replace(device, version=told(element, option, atoi(option.value), 10, problems))
            case "ports":
                device = replace(device, ports=told(element, option, atoi(option.value), 10, problems))
    return device


def usbdev(element: Element, problems: Problems, release: str) -> DeviceUsbdev:
    """Return the device; ConfigError where xl stops.

    Its place on the host's bus counts only beside a type, as libxl writes it.
    """
    device, host, has_type = DeviceUsbdev(), UsbdevHostdev(), False
    for option in options(element, _DEVICE_KEYS):
        if option.key == "type":
            name_in(UsbdevType, element, option)
            has_type = True
            continue
        match option.key:
            case "hostbus":
                host = replace(host, hostbus=told(element, option, uint8(strtoul(option.value)), 0, problems))
            case "hostaddr":
                host = replace(
                    host, hostaddr=told(element, option, uint8(strtoul(option.value)), 0, problems)
                )
            case "controller":
                device = replace(device, ctrl=told(element, option, atoi(option.value), 10, problems))
            case "port":
                device = replace(device, port=told(element, option, atoi(option.value), 10, problems))
    return replace(device, u=host) if has_type else device
