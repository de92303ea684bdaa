"""One device of `p9`, as xl reads it (upstream: xl's parse_config_data; from 4.19 on libxl's 9pfs defaults, too)."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from xlbuild.cnumbers import parse_ulong, strtoul
from xlbuild.config.devices.options import (
    Option,
    bad_device,
    name_in,
    options_to_a_word,
    trimmed_options,
    unknown_key,
)
from xlbuild.config.problems import Problems
from xlbuild.config.settings import Element
from xlbuild.config.value_ranges import takes
from xlbuild.errors import Diagnostic
from xlbuild.libxl.devices import DeviceP9
from xlbuild.libxl.enums import P9Type

_TEXTS = {"tag": "tag", "path": "path", "security_model": "security_model", "backend": "backend_domname"}
"""Keys whose value is text, and their members in libxl."""
_LIMITS = {"max-files": "max_files", "max-open-files": "max_open_files", "max-space": "max_space"}
_LATER_KEYS = (*_TEXTS, "type", *_LIMITS, "auto-delete")
_NONE = DeviceP9()

_DAEMON_PATH = "/var/log/xen/guests/{name}"
"""What a daemon shares where nothing else is said: a directory of the guest's own (XEN_LOG_DIR)."""


def p9(element: Element, problems: Problems, release: str, name: str, before: DeviceP9 = _NONE) -> DeviceP9:
    """Return the device; ConfigError where xl stops, and where libxl misses something.

    name    the guest's, for which a daemon has a directory
    before  the device before it in the list: up to 4.18 xl forgets nothing of it
    """
    later = takes(release, "p9", "type=")
    device = _NONE if later else before
    keys = set[str]()
    for option in _later_options(element) if later else options_to_a_word(element, tuple(_TEXTS), problems):
        keys.add(option.key)
        device = _with_option(device, element, option, problems)
    if device.type is P9Type.XEN_9PFSD and device.path is None:
        device = replace(device, path=_DAEMON_PATH.format(name=name))
    _check(element, device)
    if not later:
        _tell_inherited(element, before, keys, problems)
    return device


def _with_option(device: DeviceP9, element: Element, option: Option, problems: Problems) -> DeviceP9:
    member: dict[str, Any]
    if option.key in _TEXTS:
        member = {_TEXTS[option.key]: option.value}
    elif option.key in _LIMITS:
        member = {_LIMITS[option.key]: _limit(element, option, problems)}
    elif option.key == "type":
        member = {"type": name_in(P9Type, element, option)}
    else:
        member = {"auto_delete": strtoul(option.value) != 0}
    return replace(device, **member)


def _tell_inherited(element: Element, before: DeviceP9, keys: set[str], problems: Problems) -> None:
    values = {key: getattr(before, member) for key, member in _TEXTS.items() if key not in keys}
    taken = " and ".join(f"{key}={value}" for key, value in values.items() if value is not None)
    if taken:
        message = f"p9 takes {taken} from the one before it, as xl does up to 4.18"
        problems.warn(Diagnostic("config-p9", message, element.where, "write each of its keys"))


def _later_options(element: Element) -> Iterator[Option]:
    for option in trimmed_options(element):
        if option.key not in _LATER_KEYS:
            raise unknown_key(element, option, _LATER_KEYS)
        yield option


def _limit(element: Element, option: Option, problems: Problems) -> int:
    parsed, hint = parse_ulong(option.value), "write a plain number"
    if parsed is None:
        message = f"{option.key}={option.value!r} is no number"
        raise bad_device(element, option.value_index, message, "xl stops at it", hint)
    number, is_all = parsed
    if not is_all:
        message = f"{option.key}={option.value!r} is no number that fits: xl takes it for {number}"
        where = element.at(option.value_index)
        problems.warn(Diagnostic("config-device-number", message, where, hint))
    return number


def _check(element: Element, device: DeviceP9) -> None:
    daemon = device.type is P9Type.XEN_9PFSD
    if not daemon and (device.max_files or device.max_open_files or device.max_space or device.auto_delete):
        cause, hint = "only the daemon xen_9pfsd has limits", "add type=xen_9pfsd, or remove them"
        raise bad_device(element, 0, "p9 has limits that its type does not know", cause, hint)
    needed = ("security_model",) if daemon else ("tag", "path", "security_model")
    missing = [key for key in needed if getattr(device, key) is None]
    if missing:
        cause = f"it needs {' and '.join(needed)}"
        hint = 'write "tag=NAME,path=DIRECTORY,security_model=none"'
        raise bad_device(element, 0, f"p9 has no {' and no '.join(missing)}", cause, hint)
