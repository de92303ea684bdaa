"""libxl_domain_build_info: what a domain is built from (upstream: xl's parse_config_data)."""

from xlbuild.config.model import GuestConfig
from xlbuild.config.values import Values
from xlbuild.container.model import Kind
from xlbuild.domain_config.unions import union_of
from xlbuild.libxl.domain import DomainBuildInfo


def build_info(values: Values, guest: GuestConfig, kind: Kind) -> DomainBuildInfo:
    """Return the build info."""
    return DomainBuildInfo(
        claim_mode=True,
        kernel=guest.kernel,
        ramdisk=guest.ramdisk,
        cmdline=guest.command_line,
        u=union_of(values, guest, kind),
    )
