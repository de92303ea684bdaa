"""What xl makes of a configuration: the libxl_domain_config that it hands to libxl.

Upstream: xl's parse_config_data. The container is decided before (`xlbuild.container.kind`); here each key gets its
place in libxl's structures, and everything on which xl stops by itself is found.
"""

from xlbuild.config.model import GuestConfig
from xlbuild.config.values import Values
from xlbuild.container.model import Kind
from xlbuild.domain_config.build_info import build_info
from xlbuild.domain_config.create_info import create_info
from xlbuild.domain_config.devices import with_devices
from xlbuild.domain_config.events import with_events
from xlbuild.host import STAND_IN_TOPOLOGY, HostTopology
from xlbuild.libxl.domain import DomainConfig

__all__ = ["domain_config"]


def domain_config(
    values: Values, guest: GuestConfig, kind: Kind, topology: HostTopology = STAND_IN_TOPOLOGY
) -> DomainConfig:
    """Return what xl hands to libxl; what xl refuses is in `values.problems`, and then this is not whole.

    `topology` is the host's, of which `cpus`, `cpus_soft` and `vnuma` take account.
    """
    config = DomainConfig(
        c_info=create_info(values, guest, kind),
        b_info=build_info(values, guest, kind, topology),
    )
    return with_events(values, with_devices(values, guest, config, kind))
