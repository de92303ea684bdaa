"""The limit on event channels, under which a guest may have none for its backends."""

from xlbuild.config.model import GuestConfig
from xlbuild.errors import ConfigError

_UINT32 = 1 << 32
_DEFAULT_EVENT_CHANNELS = 1023
_LAST_PORT = 2
"""Ports 1 and 2 are xenstore's and the console's."""


def check_event_channels(config: GuestConfig) -> None:
    """Refuse a limit under which xenstore and the console have no event channel; xl keeps its low 32 bits."""
    ports = (config.max_event_channels or 0) % _UINT32 or _DEFAULT_EVENT_CHANNELS
    if ports < _LAST_PORT:
        raise ConfigError(
            "config-event-channels",
            f"max_event_channels = {config.max_event_channels} is too small",
            cause="xenstore and the console need the ports 1 and 2",
            hint="set it to 2 or more, or remove it",
            where=config.where("max_event_channels"),
        )
