"""One device of `vfb`, a paravirtual framebuffer, as xl reads it (xl.cfg(5); upstream: parse_config_data).

Nothing in it is an error to xl: a field that it does not know is left out, and one without `=` ends the device.
"""

from typing import Any

from xlbuild.cnumbers import int32, leading_number, long
from xlbuild.config.devices.fields import Field, fields
from xlbuild.config.problems import Problems
from xlbuild.config.settings import Element
from xlbuild.config.suggest import did_you_mean
from xlbuild.errors import Diagnostic
from xlbuild.libxl.devices import DeviceVfb, SdlInfo, VncInfo

_FLAGS = {
    "vnc": ("vnc", "enable"),
    "vncunused": ("vnc", "findunused"),
    "sdl": ("sdl", "enable"),
    "opengl": ("sdl", "opengl"),
}
_TEXTS = {
    "vnclisten": ("vnc", "listen"),
    "vncpasswd": ("vnc", "passwd"),
    "display": ("sdl", "display"),
    "xauthority": ("sdl", "xauthority"),
}
_NUMBERS = {"vncdisplay": ("vnc", "display")}
_KEYS = {**_FLAGS, **_TEXTS, **_NUMBERS}
"""Keys, and the structure and its member that they set."""
_KNOWN = (*_KEYS, "keymap")


def vfb(element: Element, problems: Problems, release: str) -> DeviceVfb:
    """Return the device. Warns of what xl leaves out."""
    members: dict[str, dict[str, Any]] = {"vnc": {}, "sdl": {}}
    keymap = None
    for field in fields(element.text):
        key, value = field.key, field.value
        if value is None:
            _warn(
                element, field, problems, "has no `=`; xl ignores it and all that follows", f"write {key}=1"
            )
            break
        if key == "keymap":
            keymap = value
        elif key in _KEYS:
            structure, member = _KEYS[key]
            members[structure][member] = _value(element, field, problems)
        else:
            hint = did_you_mean(key, _KNOWN, f"xl knows {', '.join(_KNOWN)}")
            _warn(element, field, problems, "is unknown to xl, which ignores it", hint)
    return DeviceVfb(vnc=VncInfo(**members["vnc"]), sdl=SdlInfo(**members["sdl"]), keymap=keymap)


def _value(element: Element, field: Field, problems: Problems) -> str | int | bool:
    """Return the value in the form that libxl has it."""
    text = field.value or ""
    if field.key in _TEXTS:
        return text
    written, end = leading_number(text, 10)
    number = int32(long(written))
    read = bool(number) if field.key in _FLAGS else number
    hint = "write 1 or 0" if field.key in _FLAGS else "write a decimal number"
    if not text or end < len(text) or number != written:
        _warn(element, field, problems, f"is {int(read)} to xl", hint)
    return read


def _warn(element: Element, field: Field, problems: Problems, what: str, hint: str) -> None:
    message = f"a vfb's field {field.text!r} {what}"
    problems.warn(Diagnostic("config-vfb", message, element.at(field.index), hint))
