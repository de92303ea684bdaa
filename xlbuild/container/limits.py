"""What a guest can have too few or too much of, or not on x86 at all: event channels, grant versions, traps."""

from xlbuild.cnumbers import uint32
from xlbuild.config.model import GuestConfig
from xlbuild.errors import ConfigError

_DEFAULT_EVENT_CHANNELS = 1023
_LAST_PORT = 2
"""Ports 1 and 2 are xenstore's and the console's."""

_MOST_GRANT_VERSION = 15
"""What XEN_DOMCTL_GRANT_version has room for."""


def check_event_channels(config: GuestConfig) -> None:
    """Refuse a limit under which xenstore and the console have no event channel; xl keeps its low 32 bits."""
    ports = uint32(config.max_event_channels) or _DEFAULT_EVENT_CHANNELS
    if ports < _LAST_PORT:
        raise ConfigError(
            "config-event-channels",
            f"max_event_channels = {config.max_event_channels} is too small",
            cause="xenstore and the console need the ports 1 and 2",
            hint="set it to 2 or more, or remove it",
            where=config.where("max_event_channels"),
        )


def check_grant_version(config: GuestConfig) -> None:
    """Refuse a version that does not fit, as libxl does."""
    if config.max_grant_version is not None and config.max_grant_version > _MOST_GRANT_VERSION:
        raise ConfigError(
            "config-number-bounds",
            f"max_grant_version is no number from 0 to {_MOST_GRANT_VERSION}",
            cause=f"it is {config.max_grant_version}, and libxl stops at it",
            hint="write 1 or 2, or leave the key out",
            where=config.where("max_grant_version"),
        )


def check_traps(config: GuestConfig) -> None:
    """Refuse what only Arm can turn on (upstream: libxl__arch_domain_prepare_config)."""
    if config.trap_unmapped_accesses:
        raise ConfigError(
            "config-trap-unmapped-accesses",
            "trap_unmapped_accesses is for Arm guests only",
            cause="libxl refuses it on x86",
            hint="remove it",
            where=config.where("trap_unmapped_accesses"),
        )
