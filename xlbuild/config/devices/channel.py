"""One device of `channel`, as xl reads it (upstream: xl's parse_config_data and parse_channel_config)."""

from dataclasses import replace

from xlbuild.config.devices.options import Option, bad_device, trimmed_options
from xlbuild.config.problems import Problems
from xlbuild.config.settings import Element
from xlbuild.config.suggest import did_you_mean
from xlbuild.errors import Diagnostic
from xlbuild.libxl.devices import ChannelPty, ChannelSocket, DeviceChannel

_KEYS = ("name", "connection", "path", "backend")
_CONNECTIONS = ("pty", "socket")
_HINT = 'write "connection=pty,name=NAME" or "connection=socket,path=FILE,name=NAME"'


def channel(element: Element, problems: Problems, release: str) -> DeviceChannel:
    """Return the channel; ConfigError where xl stops, or crashes."""
    device, found = DeviceChannel(), dict[str, Option]()
    for option in trimmed_options(element):
        if option.key not in _KEYS:
            hint = did_you_mean(option.key, _KEYS, f"it can have {', '.join(_KEYS)}")
            message = f"channel has no key {option.key!r}: xl ignores it"
            problems.warn(Diagnostic("config-channel", message, element.at(option.index), hint))
            continue
        if option.key == "connection" and option.value not in _CONNECTIONS:
            message = f"{option.value!r} is no connection of a channel"
            cause = "xl knows pty and socket, in small letters"
            raise bad_device(element, option.value_index, message, cause, _HINT)
        found[option.key] = option
    if "name" in found:
        device = replace(device, name=found["name"].value)
    if "backend" in found:
        device = replace(device, backend_domname=found["backend"].value)
    return replace(device, u=_connection(element, found))


def _connection(element: Element, found: dict[str, Option]) -> ChannelPty | ChannelSocket:
    """Return what the last `connection` says; a path means nothing to a pty."""
    if "connection" not in found:
        empty = not element.text.strip(",")
        cause = (
            "xl crashes on an empty one" if empty else "a channel needs connection=pty or connection=socket"
        )
        raise bad_device(element, 0, "channel has no connection", cause, _HINT)
    connection = found["connection"]
    if connection.value == "pty":
        return ChannelPty()
    if "path" not in found:
        cause = "a socket is a file of the host"
        raise bad_device(element, connection.index, "channel has a socket without a path", cause, _HINT)
    return ChannelSocket(found["path"].value)
