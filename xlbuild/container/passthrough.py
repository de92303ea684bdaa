"""Devices of the host: which kinds of guest can have any, and what does not go with them.

The host is taken to have an IOMMU, without which libxl refuses every guest with devices.
"""

from xlbuild.config.model import GuestConfig
from xlbuild.container.model import Kind, MemorySizes
from xlbuild.errors import ConfigError
from xlbuild.libxl.enums import Passthrough, member_of


def passthrough_mode(config: GuestConfig) -> Passthrough:
    """Return what `passthrough` says, in any case of letters; ConfigError for what xl does not know."""
    if config.passthrough is None:
        return Passthrough.DEFAULT
    mode = member_of(Passthrough, config.passthrough)
    if mode is not None:
        return mode
    message = f"passthrough={config.passthrough!r} is none of its modes"
    cause, hint = f"xl knows {', '.join(Passthrough)}", "use one of these, or remove passthrough"
    raise _error(config, "passthrough", message, cause, hint)


def check_passthrough(config: GuestConfig, kind: Kind) -> None:
    """Refuse an unknown mode, and a mode or devices that a guest of this kind cannot have (ConfigError)."""
    mode = passthrough_mode(config)
    if mode is Passthrough.DISABLED and config.has_pci:
        raise _refused(config, "passthrough", "passthrough is disabled", "pci names devices", "pci")
    if kind is Kind.PVH and (key := _asking_key(config)):
        hint = f'remove {key}, or use type = "hvm"'
        cause = "Xen does not support passthrough to PVH"
        raise _error(config, key, "a PVH guest cannot have PCI devices of its host", cause, hint)
    if kind is Kind.PV and mode is Passthrough.SHARE_PT:
        cause = "it shares page tables that only an HVM guest has"
        hint = 'remove passthrough, or write "sync_pt"'
        raise _error(config, "passthrough", 'passthrough="share_pt" is not for PV', cause, hint)


def check_populate_on_demand(config: GuestConfig, kind: Kind, memory: MemorySizes) -> None:
    """Refuse populate-on-demand, which maxmem above memory means for HVM kinds, where it cannot be."""
    key = _asking_key(config)
    if key and kind is Kind.HVM and memory.target_kib < memory.max_kib:
        message, cause = "maxmem is larger than memory", "a device cannot reach memory that comes on demand"
        raise _refused(config, "maxmem", message, cause, key)


def _asking_key(config: GuestConfig) -> str | None:
    """Return the key that makes a guest one with devices, if there is one."""
    if config.has_pci:
        return "pci"
    asks = passthrough_mode(config) not in (Passthrough.DEFAULT, Passthrough.DISABLED)
    return "passthrough" if asks else None


def _refused(config: GuestConfig, key: str, message: str, cause: str, other: str) -> ConfigError:
    return _error(
        config, key, f"{message}, which does not go with {other}", cause, f"remove {key} or {other}"
    )


def _error(config: GuestConfig, key: str, message: str, cause: str, hint: str) -> ConfigError:
    return ConfigError("config-passthrough", message, cause=cause, hint=hint, where=config.where(key))
