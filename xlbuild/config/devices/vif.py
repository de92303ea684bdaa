"""One device of `vif`, as xl reads it (xl-network-configuration(5); upstream: parse_nic_config, libxlu_vif.c).

xl only prints what it does not understand, and makes the interface without it; a bad rate, number and devid stop it.
"""

import re
from collections.abc import Container
from dataclasses import fields as members
from dataclasses import replace
from typing import Any

from xlbuild.cnumbers import ULONG_MAX, leading_number, parse_ulong, unsigned_long
from xlbuild.config.devices.fields import Field, fields
from xlbuild.config.devices.options import bad_device
from xlbuild.config.problems import Problems
from xlbuild.config.settings import Element
from xlbuild.config.suggest import did_you_mean
from xlbuild.config.value_ranges import unknown_values
from xlbuild.errors import ConfigError, Diagnostic
from xlbuild.libxl.devices import DeviceNic
from xlbuild.libxl.enums import NicType
from xlbuild.units import UINT32

_COLO = tuple(member.name for member in members(DeviceNic) if member.name.startswith("colo_"))
_TEXTS = {
    "model": "model",
    "bridge": "bridge",
    "ip": "ip",
    "script": "script",
    "vifname": "ifname",
    "backend": "backend_domname",
    "gatewaydev": "gatewaydev",
    "netdev": "gatewaydev",
    "forwarddev": "coloft_forwarddev",
    "vlan": "vlan",
    **{name: name for name in _COLO},
}
"""Options that are texts: their fields in libxl."""

_NUMBERS = ("devid", "mtu")

_FLAGS = {"trusted": True, "untrusted": False}
_TYPES = {"vif": NicType.VIF, "ioemu": NicType.VIF_IOEMU}
_OPTIONS = ("mac", "type", "rate", *_TEXTS, *_NUMBERS, *_FLAGS)

_RATE = re.compile(r"([0-9]+)([GMK]?)([bB])/s")
_INTERVAL = re.compile(r"([0-9]+)([mu]?)s?")
_UNITS = {"": 1, "K": 1000, "M": 1000**2, "G": 1000**3}
_MICROSECONDS = {"": 1000**2, "m": 1000, "u": 1}
_DEFAULT_INTERVAL = 50_000
_MAC_BYTES = 6

_RATE_HINT = "write rate=10Mb/s or rate=1MB/s@20ms: a whole number, one of G, M, K or nothing, b or B, and /s"
_MAC_HINT = "write mac=00:16:3e:01:02:03: six bytes of two hexadecimal digits"

_OPTION_BEHIND_BLANK = re.compile(r"[ \t]([a-z]+)=")


def vif(element: Element, problems: Problems, release: str) -> DeviceNic:
    """Return the device; ConfigError where xl stops. Warns of what xl leaves out."""
    reader = _Reader(element, problems, unknown_values(release))
    for field in fields(element.text):
        reader.read(field)
    return reader.nic


class _Reader:
    """Reads the options of one interface, in their order."""

    def __init__(self, element: Element, problems: Problems, unknown: Container[tuple[str, str]]) -> None:
        self._element = element
        self._problems = problems
        self._unknown = unknown
        self._mac = bytearray(_MAC_BYTES)
        self.nic = DeviceNic()

    def read(self, field: Field) -> None:
        """Take one option; a later one replaces an earlier one."""
        key, value = field.key, field.value
        if value is None:
            self._read_flag(field)
        elif key in _TEXTS and ("vif", f"{key}=") not in self._unknown:
            self._change(_TEXTS[key], value)
            self._warn_of_blank(field, value)
            if key == "netdev":
                self._warn(field.index, "has netdev, which is deprecated", "write gatewaydev")
        elif key in _NUMBERS:
            self._change(key, self._number(field, value))
        elif key == "type":
            self._read_type(field, value)
        elif key == "mac":
            self._read_mac(field, value)
        elif key == "rate":
            self._read_rate(field, value)
        elif key == "accel":
            self._warn(field.index, "has accel, which xl ignores", "leave it out")
        else:
            self._warn_of_unknown(field)

    def _read_flag(self, field: Field) -> None:
        if field.text in _FLAGS:
            self._change("trusted", _FLAGS[field.text])
        else:
            self._warn_of_unknown(field)

    def _number(self, field: Field, value: str) -> int:
        """Return a decimal number, of which C's int has the lowest bits."""
        parsed = parse_ulong(value)
        what, hint = f"has the {field.key} {value!r}", f"write {field.key}=NUMBER, a decimal one"
        if parsed is None:
            raise self._error(field.value_index, what, "xl stops at what is no decimal number", hint)
        number, is_all = parsed
        if not is_all:
            self._warn(field.value_index, f"{what}, which xl takes for {number}", hint)
        return number

    def _read_type(self, field: Field, value: str) -> None:
        if value in _TYPES:
            self._change("nictype", _TYPES[value])
        else:
            self._warn(
                field.value_index, f"has the type {value!r}; xl ignores it", "write type=vif or type=ioemu"
            )

    def _read_mac(self, field: Field, value: str) -> None:
        """Take six bytes, whatever stands between them, up to a bad one; xl keeps what it has read.

        It does not stop at the comma that ends the field.
        """
        start = field.value_index
        end = start + len(value)
        for number in range(_MAC_BYTES):
            byte, stop = leading_number(self._element.text, 16, start)
            byte = unsigned_long(byte)
            if stop == start or byte > 0xFF:
                self._warn(
                    min(start, end), f"has the mac {value!r}, of which xl takes {number} bytes", _MAC_HINT
                )
                break
            self._mac[number] = byte
            start = stop + 1
        else:
            if stop != end:
                self._warn(min(stop, end), f"has the mac {value!r}, which is no six bytes", _MAC_HINT)
        self._change("mac", self._mac.hex(":") if any(self._mac) else None)

    def _read_rate(self, field: Field, value: str) -> None:
        rate_text, at, interval_text = value.partition("@")
        index = field.value_index
        interval = self._interval(interval_text, index + len(rate_text) + 1) if at else _DEFAULT_INTERVAL
        rate = self._bytes_per_second(rate_text, index) * interval
        if rate > ULONG_MAX:
            raise self._error(index, f"has the rate {value!r}", "that is too much for 64 bits", _RATE_HINT)
        self._change("rate_bytes_per_interval", rate // 1000**2)
        self._change("rate_interval_usecs", interval)

    def _bytes_per_second(self, text: str, index: int) -> int:
        match = _RATE.fullmatch(text)
        if match is None:
            raise self._error(index, f"has the rate {text!r}", "xl stops at what is no rate", _RATE_HINT)
        rate = self._count(match[1], index) * _UNITS[match[2]]
        return rate // 8 if match[3] == "b" else rate

    def _interval(self, text: str, index: int) -> int:
        match = _INTERVAL.fullmatch(text)
        if match is None:
            raise self._error(
                index, f"has a rate per {text!r}", "that is no time", "write @20ms, or @100us, or @1s"
            )
        interval = self._count(match[1], index) * _MICROSECONDS[match[2]]
        if interval >= UINT32:
            raise self._error(
                index, f"has a rate per {text!r}", "that is more than 4294 seconds", "write @20ms"
            )
        return interval

    def _count(self, digits: str, index: int) -> int:
        """Return a number of 1 to 32 bits; one that starts with 0 is octal."""
        count, _ = leading_number(digits, 0)
        if not 0 < count < UINT32:
            cause = "the number is 0, or starts with 0 and is no octal one, or has more than 32 bits"
            raise self._error(index, f"has {digits!r} in its rate", cause, _RATE_HINT)
        if digits.startswith("0"):
            self._warn(
                index, f"has {digits!r} in its rate, which xl takes for octal: {count}", "write it without 0"
            )
        return count

    def _warn_of_blank(self, field: Field, value: str) -> None:
        """Warn of an option that a missing comma makes part of another's text."""
        match = _OPTION_BEHIND_BLANK.search(value)
        if match and match[1] in _OPTIONS:
            what = f"has {match[1]}= in its {field.key}, which takes all up to a comma"
            self._warn(field.value_index + match.start(1), what, f"put a comma before {match[1]}=")

    def _warn_of_unknown(self, field: Field) -> None:
        key = field.key
        if field.value is None and key in _TEXTS:
            hint = f"write {key}=VALUE"
        else:
            hint = did_you_mean(key, _OPTIONS, f"xl knows {', '.join(o for o in _OPTIONS if o not in _COLO)}")
        self._warn(field.index, f"has {field.text!r}, which xl ignores", hint)

    def _change(self, member: str, value: object) -> None:
        change: dict[str, Any] = {member: value}
        self.nic = replace(self.nic, **change)

    def _warn(self, index: int, what: str, hint: str) -> None:
        self._problems.warn(Diagnostic("config-vif", f"a vif {what}", self._element.at(index), hint))

    def _error(self, index: int, what: str, cause: str, hint: str) -> ConfigError:
        return bad_device(self._element, index, f"a vif {what}", cause, hint)
