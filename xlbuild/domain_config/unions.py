"""The part of libxl_domain_build_info that is for one container only (upstream: xl's parse_config_data)."""

from xlbuild.config.model import GuestConfig
from xlbuild.config.values import Values
from xlbuild.container.model import Kind
from xlbuild.libxl.domain import Hvm, Pv, Pvh


def union_of(values: Values, guest: GuestConfig, kind: Kind) -> Hvm | Pv | Pvh:
    """Return the container's own part."""
    if kind is Kind.PV:
        return Pv()
    return Pvh() if kind is Kind.PVH else Hvm()
