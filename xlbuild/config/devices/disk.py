"""One device of `disk`, as xl reads it (xl-disk-configuration(5); upstream: libxlu_disk.c and its scanner).

The scanner knows tokens, not fields between commas: at each place the rule that matches the most text wins, and of
equal ones the first. What has no name is the next of target, format, vdev and access.
"""

import re
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from xlbuild.config.devices.fields import did_you_mean, int32, leading_number, long
from xlbuild.config.problems import Problems
from xlbuild.config.settings import Element
from xlbuild.config.value_ranges import unknown_values
from xlbuild.errors import ConfigError, Diagnostic
from xlbuild.libxl.devices import DeviceDisk
from xlbuild.libxl.enums import DiskBackend, DiskFormat, DiskSpecification

_TEXTS = {
    "target": "pdev_path",
    "vdev": "vdev",
    "backend": "backend_domname",
    "script": "script",
    "colo-host": "colo_host",
    "colo-export": "colo_export",
    "active-disk": "active_disk",
    "hidden-disk": "hidden_disk",
}
"""Settings that are texts: their fields in libxl."""

_CHOICES: dict[str, tuple[str, dict[str, Any]]] = {
    "format": ("format", {"": DiskFormat.RAW, **{name: name for name in DiskFormat if name != "unknown"}}),
    "backendtype": ("backend", {name: name for name in DiskBackend if name != "unknown"}),
    "specification": ("specification", {name: name for name in DiskSpecification if name != "unknown"}),
    "access": ("readwrite", {"": 1, "rw": 1, "w": 1, "r": 0, "ro": 0}),
    "devtype": ("is_cdrom", {"cdrom": 1, "disk": 0}),
}
"""Settings that are words: their fields in libxl, and the values."""

_CHANGEABLE = ("access", "devtype")
"""Words that may be given twice: the last one counts."""

_FLAGS: dict[str, tuple[str, bool | int]] = {
    "cdrom": ("is_cdrom", 1),
    "direct-io-safe": ("direct_io_safe", True),
    "discard": ("discard_enable", True),
    "no-discard": ("discard_enable", False),
    "colo": ("colo_enable", True),
    "no-colo": ("colo_enable", False),
    "trusted": ("trusted", True),
    "untrusted": ("trusted", False),
    "grant_usage=1": ("grant_usage", True),
    "grant_usage=0": ("grant_usage", False),
}
"""Settings that are whole words: their fields in libxl, and the values."""

_PREFIXES: dict[str, tuple[str, str] | None] = {
    **{name: ("format", name) for name in ("raw", "qcow", "qcow2", "vhd")},
    **{name: ("script", f"block-{name}") for name in ("iscsi", "nbd", "enbd", "drbd")},
    **dict.fromkeys(("tapdisk", "tap", "tap2", "aio", "ioemu", "file", "phy")),
}
"""Deprecated words before a target, and the setting that each stands for, if any."""

_SETTINGS = tuple(name for name in (*_TEXTS, *_CHOICES, "colo-port") if name != "target")

_RULES = {
    rule: re.compile(pattern)
    for rule, pattern in (
        ("blank", r"([ \t\n]+)(?:[^ \t\n].*)?"),
        ("setting", rf"((?:{'|'.join(_SETTINGS)})=[^,]*,?)"),
        ("flag", rf"((?:{'|'.join(_FLAGS)}),?)"),
        ("target", r"(target=.*)"),
        ("unknown setting", r"([a-z][-a-z0-9]*=[^,],?)"),
        ("prefix", rf"((?:{'|'.join(_PREFIXES)}):).*"),
        ("unknown prefix", r"([a-z][a-z0-9]*:)(?:[^a-z0-9].*)?"),
        ("position", r"([^=,]*,|[^=,]+)"),
    )
}
"""What each rule of the scanner matches; the group is what it takes."""

_CODE = "config-bad-disk"
_ORDER = "without names the order is target, format, vdev, access: '/dev/vg/disk,raw,xvda,rw'"
_VDEV = re.compile(r"(?:xvd|hd|sd|vd)[a-z]")


@dataclass(frozen=True, slots=True)
class _Token:
    """What a rule of the scanner takes."""

    rule: str
    text: str
    index: int


def disk(element: Element, problems: Problems, release: str) -> DeviceDisk:
    """Return the device; ConfigError where xl stops. Warns of what xl takes otherwise than it looks."""
    reader = _Reader(element, problems)
    for token in _tokens(element, unknown_values(release)):
        reader.read(token)
    return reader.device()


def _tokens(element: Element, unknown: Container[tuple[str, str]]) -> Iterator[_Token]:
    text, index = element.text, 0
    while text[index:] not in ("", "="):  # a `=` at the very end is lost
        rule, match = _longest(text, index, unknown)
        if match is None:
            cause = "before a `=` stands the name of a setting, in lower case and without blanks"
            raise _error(element, index, "has a stray `=`", cause, f"the settings are {', '.join(_SETTINGS)}")
        if rule != "blank":
            yield _Token(rule, match[1].removesuffix(","), index)
        index = match.end(1)


def _longest(text: str, index: int, unknown: Container[tuple[str, str]]) -> tuple[str, re.Match[str] | None]:
    """Return the rule that matches most, the first of equals, and its match."""
    best: tuple[str, re.Match[str] | None] = ("", None)
    for rule, pattern in _RULES.items():
        match = pattern.match(text, index)
        if match is None or (rule == "flag" and ("disk", match[1].rstrip(",01")) in unknown):  # NAME or NAME=
            continue
        if best[1] is None or match.end() > best[1].end():
            best = rule, match
    return best


class _Reader:
    """Reads the tokens of one disk, in their order."""

    def __init__(self, element: Element, problems: Problems) -> None:
        self._element = element
        self._problems = problems
        self._disk = DeviceDisk(readwrite=1)
        self._has_prefix = False
        self._access_is_past = False

    def read(self, token: _Token) -> None:
        """Take one token."""
        match token.rule:
            case "setting" | "target":
                name, _, text = token.text.partition("=")
                self._set(name, text, token.index + len(name) + 1)
            case "flag":
                field, value = _FLAGS[token.text]
                self._change(field, value)
            case "prefix":
                self._read_prefix(token)
            case "position":
                self._read_position(token)
            case _:
                raise self._unknown(token)
        if token.rule == "target":
            self._warn_of_fields_in_target(token)

    def device(self) -> DeviceDisk:
        """Return the whole disk, with the defaults that xl itself gives it."""
        disk = self._disk
        if disk.is_cdrom:
            disk = replace(disk, removable=1, readwrite=0)
            if not disk.pdev_path:
                disk = replace(disk, format=DiskFormat.EMPTY)
        if disk.format is DiskFormat.UNKNOWN:
            disk = replace(disk, format=DiskFormat.RAW)
        if disk.vdev is None:
            raise self._error(0, "has no vdev", "the guest needs a name for it, as xvda", _ORDER)
        if disk.pdev_path is None and not disk.removable:
            hint = "write target=PATH as its last setting; a drive without a medium needs the word cdrom"
            raise self._error(0, "has no target", "only a CD drive can be empty", hint)
        return disk

    def _set(self, name: str, value: str, index: int) -> None:
        """Take a setting by its name."""
        if name in _TEXTS:
            if getattr(self._disk, _TEXTS[name]):
                raise self._twice(name, index)
            self._change(_TEXTS[name], value)
        elif name == "colo-port":
            self._change("colo_port", self._port(value, index))
        else:
            self._choose(name, value, index)

    def _choose(self, name: str, value: str, index: int) -> None:
        """Take a setting that is a word."""
        field, values = _CHOICES[name]
        if value not in values:
            raise self._error(
                index,
                f"has the {name} {value!r}",
                f"xl knows {_listed(values)}",
                self._word_hint(value, values),
            )
        old = getattr(self._disk, field)
        if name not in _CHANGEABLE and old not in ("unknown", values[value]):
            raise self._twice(name, index)
        self._change(field, values[value])

    def _port(self, value: str, index: int) -> int:
        number, end = leading_number(value, 10)
        port = int32(long(number))
        if not port:
            raise self._error(
                index, f"has the colo-port {value!r}", "it is a decimal number", "write colo-port=9999"
            )
        if end < len(value) or port != number:
            self._warn(
                index, f"has the colo-port {value!r}, which xl takes for {port}", "write a decimal number"
            )
        return port

    def _read_prefix(self, token: _Token) -> None:
        """Take a word before the target, and leave out the position of the format from then on."""
        self._has_prefix = True
        prefix = token.text.removesuffix(":")
        setting = _PREFIXES[prefix]
        if setting:
            self._set(*setting, token.index)
        hint = f"write {'='.join(setting)}" if setting else "leave it out"
        self._problems.warn(
            Diagnostic(
                "config-disk-prefix",
                f"a disk has the deprecated prefix {token.text!r}",
                self._element.at(token.index),
                f"{hint}; {_ORDER}",
            )
        )

    def _read_position(self, token: _Token) -> None:
        """Take what has no name for the first position that has nothing yet."""
        disk, text, index = self._disk, token.text, token.index
        if disk.pdev_path is None:
            self._set("target", text, index)
        elif not self._has_prefix and disk.format is DiskFormat.UNKNOWN:
            if not disk.pdev_path and ":" in text:
                self._set("format", "empty", index)
                self._read_vdev(text, index)
            else:
                self._set("format", text, index)
        elif disk.vdev is None:
            self._read_vdev(text, index)
        elif not self._access_is_past:
            self._set("access", text, index)
            self._access_is_past = True
        else:
            raise self._error(
                index, f"has {text!r} behind the last position", "there are four of them", _ORDER
            )

    def _read_vdev(self, text: str, index: int) -> None:
        """Take NAME or the old NAME:TYPE."""
        vdev, colon, devtype = text.rpartition(":")
        if colon:
            self._set("devtype", devtype, index + len(vdev) + 1)
        self._set("vdev", vdev if colon else text, index)

    def _warn_of_fields_in_target(self, token: _Token) -> None:
        """Warn of a target that has taken settings with it."""
        for match in re.finditer(r",\s*([a-z][-a-z0-9]*)(?==)", token.text):
            if match[1] in _SETTINGS:
                index = token.index + match.start(1)
                self._warn(
                    index, f"has {match[1]}= in its target, which takes all that follows", "put target= last"
                )
                return

    def _word_hint(self, value: str, values: dict[str, Any]) -> str:
        if _VDEV.match(value):
            return f"leave the format empty before a vdev: '/dev/vg/disk,,{value}'; {_ORDER}"
        if value in _FLAGS:
            return f"this release of xl does not know {value}: leave it out"
        return did_you_mean(value, values, _ORDER)

    def _unknown(self, token: _Token) -> ConfigError:
        if token.rule == "unknown prefix":
            hint = did_you_mean(
                token.text[:-1], _PREFIXES, "leave it out, or write target=PATH as the last setting"
            )
            what = f"has the unknown prefix {token.text!r}"
            return self._error(token.index, what, "a word and a colon name an old kind of target", hint)
        name = token.text.partition("=")[0]
        known = (*_SETTINGS, "target")
        hint = did_you_mean(name, known, f"write one of {_listed(known)}")
        return self._error(
            token.index, f"has the unknown setting {name!r}", f"xl knows {_listed(known)}", hint
        )

    def _twice(self, name: str, index: int) -> ConfigError:
        return self._error(index, f"has a second {name}", "xl takes each setting once", "remove one of them")

    def _change(self, field: str, value: object) -> None:
        change: dict[str, Any] = {field: value}
        self._disk = replace(self._disk, **change)

    def _warn(self, index: int, what: str, hint: str) -> None:
        self._problems.warn(Diagnostic("config-disk", f"a disk {what}", self._element.at(index), hint))

    def _error(self, index: int, what: str, cause: str, hint: str) -> ConfigError:
        return _error(self._element, index, what, cause, hint)


def _listed(words: Iterable[str]) -> str:
    return ", ".join(filter(None, words))


def _error(element: Element, index: int, what: str, cause: str, hint: str) -> ConfigError:
    return ConfigError(_CODE, f"a disk {what}", cause=cause, hint=hint, where=element.at(index))
