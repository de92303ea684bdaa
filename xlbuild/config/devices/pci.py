"""One device of `pci`, as xl reads it (upstream: xlu_pci_parse_spec_string): `[SSSS:]BB:DD.F[@SLOT][,KEY=VALUE]…`.

Numbers are hexadecimal, and C's sscanf reads them: device, function and slot may have a sign, a 0x or blanks before
them. In `bdf=` and `vslot=`, what follows the last digit counts for nothing.
"""

import re
from dataclasses import replace
from typing import Any

from xlbuild.cnumbers import atoi, scan_unsigned
from xlbuild.config.devices.fields import Field
from xlbuild.config.devices.options import Option, bad_device, name_in, told
from xlbuild.config.problems import Problems
from xlbuild.config.settings import Element
from xlbuild.config.suggest import did_you_mean
from xlbuild.errors import ConfigError
from xlbuild.libxl.devices import DevicePci
from xlbuild.libxl.enums import RdmReservePolicy

_HEX = "[0-9a-fA-F]+"
_BUS = re.compile(rf"(?:({_HEX}):)?({_HEX}):(?![0-9a-fA-F]*:)")
_HIGHEST_DOMAIN, _HIGHEST_BUS, _HIGHEST_DEV, _HIGHEST_FUNC = 0xFFFF, 0xFF, 0x1F, 7
_ONE_FUNCTION, _ALL_FUNCTIONS = 1, 0xFFFFFFFF
"""libxl's vfunc_mask of an address, and of one with `*` for the function (LIBXL_PCI_FUNC_ALL)."""
_SWITCHES = ("msitranslate", "power_mgmt", "permissive", "seize")
_KEYS = ("bdf", "vslot", *_SWITCHES, "rdm_policy", "name")
_HINT = 'write the address, then options without blanks: "0000:03:00.0,permissive=1"'


class _NotOneError(Exception):
    """A text has no address, or slot, at a place; the message says why."""

    def __init__(self, index: int, cause: str) -> None:
        super().__init__(cause)
        self.index = index
        self.cause = cause


def pci(element: Element, problems: Problems, defaults: DevicePci) -> DevicePci:
    """Return the device, which begins as `defaults`; ConfigError where xl stops, or reads what is not there."""
    text = element.text
    try:
        device, end = _with_address(defaults, text, 0)
        has_address = True
        if text.startswith("@", end):
            device, end = _with_slot(device, text, end + 1)
        if end < len(text) and text[end] != ",":
            raise _NotOneError(end, f"{text[end]!r} cannot stand behind an address")
    except _NotOneError as error:
        if "=" not in text.partition(",")[0]:
            raise _bad(element, error.index, error.cause) from None
        device, end, has_address = defaults, -1, False
    for option in _options(element, end + 1):
        device = _with_option(device, element, option, problems)
        has_address = has_address or option.key == "bdf"
    if (device.name is not None) is has_address:
        cause = "it has both an address and a name" if has_address else "it has neither an address nor a name"
        raise _bad(element, 0, cause)
    return device


def _with_address(device: DevicePci, text: str, start: int) -> tuple[DevicePci, int]:
    """Return the device with the address at `start`, and where that ends (upstream: parse_bdf)."""
    match = _BUS.match(text, start)
    if match is None:
        raise _NotOneError(start, "an address begins with BUS: or DOMAIN:BUS:, hexadecimal")
    domain, bus = (0 if digits is None else _hex(digits) for digits in match.groups())
    if domain > _HIGHEST_DOMAIN or bus > _HIGHEST_BUS:
        raise _NotOneError(start, "domains go up to ffff, busses up to ff")
    dev, end = _number(text, match.end(), _HIGHEST_DEV, "the device")
    if not text.startswith(".", end):
        raise _NotOneError(end, "the function is missing: xl reads on behind the text's end, and may crash")
    if text.startswith("*", end + 1):
        func, mask, end = 0, _ALL_FUNCTIONS, end + len(".*")
    else:
        func, end = _number(text, end + 1, _HIGHEST_FUNC, "the function")
        mask = _ONE_FUNCTION
    return replace(device, domain=domain, bus=bus, dev=dev, func=func, vfunc_mask=mask), end


def _with_slot(device: DevicePci, text: str, start: int) -> tuple[DevicePci, int]:
    slot, end = _number(text, start, _HIGHEST_DEV, "the slot")
    return replace(device, vdevfn=slot * (_HIGHEST_FUNC + 1)), end


def _number(text: str, start: int, highest: int, what: str) -> tuple[int, int]:
    scanned = scan_unsigned(text, start, 16)
    if scanned is None or scanned[0] > highest:
        raise _NotOneError(start, f"{what} is a hexadecimal number up to {highest:x}")
    return scanned


def _hex(digits: str) -> int:
    scanned = scan_unsigned(digits, 0, 16)
    assert scanned is not None
    return scanned[0]


def _options(element: Element, start: int) -> list[Option]:
    """Return the fields from `start` on; the last comma may have nothing behind it."""
    if start >= len(element.text):
        return []
    found, index = [], start
    texts = element.text[start:].split(",")
    for text in texts[:-1] if not texts[-1] else texts:
        field = Field(text, index)
        if field.value is None or field.key not in _KEYS:
            cause = f"{field.key} needs a value" if field.key in _KEYS else f"{text!r} is not understood"
            raise _bad(element, index, cause, did_you_mean(field.key.strip(), _KEYS, _HINT))
        found.append(Option(field.key, field.value, index, field.value_index))
        index += len(text) + 1
    return found


def _with_option(device: DevicePci, element: Element, option: Option, problems: Problems) -> DevicePci:
    try:
        match option.key:
            case "bdf":
                return _with_address(device, option.value, 0)[0]
            case "vslot":
                return _with_slot(device, option.value, 0)[0]
            case "name":
                return replace(device, name=option.value)
            case "rdm_policy":
                return replace(device, rdm_policy=name_in(RdmReservePolicy, element, option))
            case key:
                number = told(element, option, atoi(option.value), 10, problems)
                switch: dict[str, Any] = {key: number != 0}
                return replace(device, **switch)
    except _NotOneError as error:
        raise _bad(element, option.value_index + error.index, error.cause) from None


def _bad(element: Element, index: int, cause: str, hint: str = _HINT) -> ConfigError:
    return bad_device(element, index, f"{element.text!r} is no PCI device", cause, hint)
