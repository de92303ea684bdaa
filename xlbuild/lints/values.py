"""Values that xl takes for something else than they seem."""

import re
from collections.abc import Iterator

from xlbuild.config.keys import BY_NAME, Form, known_in
from xlbuild.config.settings import Setting, Settings
from xlbuild.config.value_ranges import unknown_values
from xlbuild.config.values import number_of
from xlbuild.errors import Diagnostic
from xlbuild.libxl.enums import TimerMode, TscMode

_NUMBERS = (Form.NUMBER, Form.BOUNDED, Form.NUMBER_OR_NAME)
_NOT_NEGATIVE = ("shadow_memory", "stubdomain_memory", "rdm_mem_boundary", "vmtrace_buf_kb", "vncdisplay")
"""Sizes and counts of which nothing else checks the sign."""

_MODES: dict[str, tuple[str, ...]] = {
    "tsc_mode": tuple(TscMode),
    "timer_mode": tuple(mode for mode in TimerMode if mode is not TimerMode.UNKNOWN),
}
"""The names of what older files give by its number."""

_ABBREVIATED = {"type": ("hvm", "pv", "pvh"), "builder": ("hvm", "generic")}
"""The names of which xl takes any beginning."""

_REFUSED = ("builder", "device_model_version", "bios", "firmware", "tsc_mode")
"""Keys at which xl stops, or says something, when it does not know the value."""


def value_lints(settings: Settings, release: str) -> Iterator[Diagnostic]:
    """Yield values that are not what they seem."""
    for name, key in known_in(release).items():
        setting = settings.get(name)
        if setting is not None and isinstance(setting.value, str):
            if key.form in _NUMBERS:
                yield from _number(name, setting, setting.value)
            if name in _ABBREVIATED:
                yield from _name(setting, setting.value, _ABBREVIATED[name])
    yield from _of_other_releases(settings, release)


def _number(name: str, setting: Setting, text: str) -> Iterator[Diagnostic]:
    value = number_of(setting)
    if isinstance(value, int) and re.fullmatch(r"0[0-7]+", text) and value != int(text):
        message = f"{name} = {text} is octal, and means {value}"
        yield Diagnostic("value-octal", message, setting.where, f"write {int(text)}, or {value}")
    if isinstance(value, int) and 0 <= value < len(_MODES.get(name, ())):
        named = _MODES[name][value]
        message = f"{name} is a number, which xl would rather have by its name, {named}"
        yield Diagnostic("value-mode-number", message, setting.where, f'write {name} = "{named}"')
    if isinstance(value, int) and value < 0 and name in _NOT_NEGATIVE:
        message = f"{name} = {value} is negative, and xl does not check that"
        yield Diagnostic("value-negative", message, setting.where, "write a number from 0 on, or remove it")


def _name(setting: Setting, text: str, names: tuple[str, ...]) -> Iterator[Diagnostic]:
    taken = next((name for name in names if name.startswith(text)), None)
    if taken is not None and taken != text and text not in names:
        key = setting.where.key
        message = f"xl takes {key} = {text!r} for {taken!r}"
        yield Diagnostic("value-abbreviated", message, setting.where, f'write {key} = "{taken}"')


def _of_other_releases(settings: Settings, release: str) -> Iterator[Diagnostic]:
    for (key, value), row in unknown_values(release).items():
        if key in settings and settings[key].value == value and key not in _REFUSED and not BY_NAME[key].arm:
            when = f"since Xen {row.since}" if row.since else f"up to Xen {row.until}"
            message = f"{key} = {value!r} works {when}, and this is Xen {release}: {row.source}"
            yield Diagnostic("value-release", message, settings[key].where, None)
