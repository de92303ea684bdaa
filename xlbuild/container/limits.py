"""What is refused because an offline build cannot do it, or because the toolstack would not."""

from xlbuild.config.model import GuestConfig
from xlbuild.container.model import Kind, MemorySizes
from xlbuild.errors import ConfigError

_UINT32 = 1 << 32
_DEFAULT_EVENT_CHANNELS = 1023
_LAST_PORT = 2
"""Ports 1 and 2 are xenstore's and the console's."""


def check_pci(config: GuestConfig, kind: Kind) -> None:
    """Refuse PCI devices for a guest of a kind that cannot have them."""
    if kind is Kind.PVH and config.has_pci:
        raise ConfigError(
            "config-pci-pvh",
            "a PVH guest cannot have PCI devices of its host",
            cause="Xen does not support passthrough to PVH",
            hint='remove pci, or use type = "hvm"',
            where=config.where("pci"),
        )


def check_populate_on_demand(config: GuestConfig, kind: Kind, memory: MemorySizes) -> None:
    """Refuse populate-on-demand, which maxmem above memory means for HVM kinds, where it cannot be."""
    if kind is Kind.HVM and config.has_pci and memory.target_kib < memory.max_kib:
        raise ConfigError(
            "config-pci-populate-on-demand",
            "maxmem larger than memory does not go with pci",
            cause="memory that comes on demand cannot be reached by a device",
            hint="remove maxmem, or pci",
            where=config.where("maxmem"),
        )


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
