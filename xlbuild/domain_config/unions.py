"""The part of libxl_domain_build_info that is for one container only (upstream: xl's parse_config_data)."""

from xlbuild.config.model import GuestConfig
from xlbuild.config.values import Values
from xlbuild.container.model import Kind
from xlbuild.domain_config.hvm import hvm
from xlbuild.libxl.domain import Hvm, Pv, Pvh


def union_of(values: Values, guest: GuestConfig, kind: Kind) -> Hvm | Pv | Pvh:
    """Return the container's own part."""
    if kind is Kind.HVM:
        return hvm(values, guest)
    return _pv(guest) if kind is Kind.PV else _pvh(guest)


def _pv(guest: GuestConfig) -> Pv:
    """Return PV's part: with PCI devices, e820_host is on even where the configuration turns it off."""
    return Pv(e820_host=guest.has_pci or guest.e820_host)


def _pvh(guest: GuestConfig) -> Pvh:
    return Pvh(
        pvshim=guest.pvshim,
        pvshim_path=guest.pvshim_path,
        pvshim_cmdline=guest.pvshim_cmdline,
        pvshim_extra=guest.pvshim_extra,
    )
