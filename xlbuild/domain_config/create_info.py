"""libxl_domain_create_info: what a domain is created with (upstream: xl's parse_config_data)."""

from xlbuild.config.model import GuestConfig
from xlbuild.config.values import Values
from xlbuild.container.model import Kind
from xlbuild.libxl.domain import DomainCreateInfo
from xlbuild.libxl.enums import DomainType

DOMAIN_TYPES = {Kind.PV: DomainType.PV, Kind.PVH: DomainType.PVH, Kind.HVM: DomainType.HVM}


def create_info(values: Values, guest: GuestConfig, kind: Kind) -> DomainCreateInfo:
    """Return the create info; a uuid that is not given is left out, where xl makes a random one."""
    return DomainCreateInfo(
        type=DOMAIN_TYPES[kind],
        name=guest.name,
        uuid=guest.uuid,
        run_hotplug_scripts=True,
    )
