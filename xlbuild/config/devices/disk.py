"""One device of `disk`, as xl reads it (xl-disk-configuration(5); upstream: libxlu_disk.c and its scanner).

The scanner knows tokens, not fields between commas: at each place the rule that matches the most text wins, and of
equal ones the first. What has no name is the next of target, format, vdev and access.
"""

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass, replace
from typing import Any

from xlbuild.cnumbers import int32, leading_number, long
from xlbuild.config.devices.options import bad_device
from xlbuild.config.problems import Problems
from xlbuild.config.settings import Element
from xlbuild.config.suggest import did_you_mean
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


@dataclass(frozen=True, slots=True)
class _Rule:
    """What the scanner may take."""

    name: str
    pattern: re.Pattern[str]
    looks_to: int | None = None
    """The match counts as one to the end of the line, behind so many characters; None: it counts as it is."""

    def reach(self, match: re.Match[str]) -> int:
        """Return where the match ends, as it counts."""
        if self.looks_to is None:
            return match.end()
        newline = match.string.find("\n", match.end() + self.looks_to)
        return len(match.string) if newline < 0 else newline


_RULES = (
    _Rule("blank", re.compile(r"[ \t\n]+"), 0),
    _Rule("setting", re.compile(rf"(?:{'|'.join(_SETTINGS)})=[^,]*,?")),
    _Rule("flag", re.compile(rf"(?:{'|'.join(_FLAGS)}),?")),
    _Rule("target", re.compile(r"target=.*")),
    _Rule("unknown setting", re.compile(r"[a-z][-a-z0-9]*=[^,],?")),
    _Rule("prefix", re.compile(rf"(?:{'|'.join(_PREFIXES)}):"), 0),
    _Rule("unknown prefix", re.compile(r"[a-z][a-z0-9]*:(?![a-z0-9])"), 1),
    _Rule("position", re.compile(r"[^=,]+,?|,")),
)

_COMMON = "format, vdev, access, devtype, script, backend, backendtype, specification and target"
_NOT_YET = "this release of xl does not know {}: leave it out"
_ORDER = "without names the order is target, format, vdev, access: '/dev/vg/disk,raw,xvda,rw'"
_ALL_PREFIXES = re.compile(rf"((?:(?:{'|'.join(_PREFIXES)}):)+)([^,]*)")
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
    end = len(text.removesuffix("="))
    while index < end:
        rule, match = _longest(text, index, unknown)
        if match is None:
            raise _stray_equals(element, index)
        if rule != "blank":
            yield _Token(rule, match[0].removesuffix(","), index)
        index = match.end()


def _longest(text: str, index: int, unknown: Container[tuple[str, str]]) -> tuple[str, re.Match[str] | None]:
    """Return the rule that matches most, the first of equals, and its match."""
    best: tuple[str, re.Match[str] | None] = ("", None)
    furthest = index
    for rule in _RULES:
        match = rule.pattern.match(text, index)
        if match is None or (rule.name == "flag" and ("disk", match[0].rstrip(",01")) in unknown):
            continue
        if rule.reach(match) > furthest:
            furthest, best = rule.reach(match), (rule.name, match)
    return best


class _Reader:
    """Reads the tokens of one disk, in their order."""

    def __init__(self, element: Element, problems: Problems) -> None:
        self._element = element
        self._problems = problems
        self._disk = DeviceDisk(readwrite=1)
        self._has_prefix = False
        self._access_is_past = False
        self._write_access: int | None = None

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
            if self._write_access is not None:
                self._warn(self._write_access, "is a CD drive, which xl makes read-only", "write ro")
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
            cause, hint = f"xl knows {', '.join(filter(None, values))}", self._word_hint(name, value)
            raise self._error(index, f"has the {name} {value!r}", cause, hint)
        old = getattr(self._disk, field)
        if name not in _CHANGEABLE and old not in ("unknown", values[value]):
            raise self._twice(name, index)
        if name == "access":
            self._write_access = index if value and values[value] else None
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
        """Take a word before the target, and leave out the position of the format from then on; tell of the first."""
        is_first, self._has_prefix = not self._has_prefix, True
        prefix = token.text.removesuffix(":")
        setting = _PREFIXES[prefix]
        if setting:
            self._set(*setting, token.index)
        if is_first:
            message = f"a disk has the deprecated prefix {token.text!r}"
            where, hint = self._element.at(token.index), _without_prefixes(self._element.text, token.index)
            self._problems.warn(Diagnostic("config-disk-prefix", message, where, hint))

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
            hint = _NOT_YET.format(text) if text in _FLAGS else _ORDER
            raise self._error(index, f"has {text!r} behind the last position", "xl knows four", hint)

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

    def _word_hint(self, name: str, value: str) -> str:
        if _VDEV.match(value):
            return f"leave the format empty before a vdev: '/dev/vg/disk,,{value}'; {_ORDER}"
        if value in _FLAGS:
            return _NOT_YET.format(value)
        words = [word for word in _CHOICES[name][1] if word]
        return did_you_mean(
            value, words, _ORDER if name in ("format", "access") else f"write {name}={words[0]}"
        )

    def _unknown(self, token: _Token) -> ConfigError:
        if token.rule == "unknown prefix":
            hint = did_you_mean(
                token.text[:-1], _PREFIXES, "leave it out, or write target=PATH as the last setting"
            )
            what = f"has the unknown prefix {token.text!r}"
            return self._error(token.index, what, "a word and a colon name an old kind of target", hint)
        name = token.text.partition("=")[0]
        if name in _PREFIXES:
            hint = f"a path stands alone: {_ORDER}"
        else:
            hint = did_you_mean(name, (*_SETTINGS, "target"), _ORDER)
        return self._error(token.index, f"has the unknown setting {name!r}", f"xl knows {_COMMON}", hint)

    def _twice(self, name: str, index: int) -> ConfigError:
        return self._error(index, f"has a second {name}", "xl takes each setting once", "remove one of them")

    def _change(self, field: str, value: object) -> None:
        change: dict[str, Any] = {field: value}
        self._disk = replace(self._disk, **change)

    def _warn(self, index: int, what: str, hint: str) -> None:
        self._problems.warn(Diagnostic("config-disk", f"a disk {what}", self._element.at(index), hint))

    def _error(self, index: int, what: str, cause: str, hint: str) -> ConfigError:
        return _error(self._element, index, what, cause, hint)


def _without_prefixes(text: str, index: int) -> str:
    """Return how to write a disk without the prefixes that start at an index."""
    match = _ALL_PREFIXES.match(text, index)
    assert match is not None
    prefixes = match[1].removesuffix(":").split(":")
    settings = dict(filter(None, map(_PREFIXES.__getitem__, prefixes)))
    if "script" in settings:
        return f"leave it out, and write script={settings['script']}; {_ORDER}"
    target, rest = match[2], text[match.end() :]
    word = settings.get("format", "raw") if target else "empty"
    disk_format = "" if "format=" in text else f",{word}"
    return f"write {text[:index] + target + disk_format + rest!r}"


def _stray_equals(element: Element, index: int) -> ConfigError:
    name = element.text[:index].rpartition(",")[2].strip(" \t\n")
    cause = f"what stands before it is no setting; xl knows {_COMMON}"
    otherwise = "a path with a `=` in it can only be given by name: target=PATH as the last setting"
    hint = did_you_mean(name, (*_SETTINGS, "target"), otherwise)
    return _error(element, index, "has a stray `=`", cause, hint)


def _error(element: Element, index: int, what: str, cause: str, hint: str) -> ConfigError:
    return bad_device(element, index, f"a disk {what}", cause, hint)
