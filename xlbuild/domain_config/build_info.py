"""libxl_domain_build_info: what a domain is built from (upstream: xl's parse_config_data)."""

from xlbuild.config.model import GuestConfig
from xlbuild.config.values import Values
from xlbuild.container.model import Kind
from xlbuild.container.parameters import altp2m_mode, timer_mode
from xlbuild.domain_config.kernel import kernel_of
from xlbuild.domain_config.unions import union_of
from xlbuild.libxl.domain import DomainBuildInfo
from xlbuild.libxl.enums import Altp2mMode, TimerMode


def build_info(values: Values, guest: GuestConfig, kind: Kind) -> DomainBuildInfo:
    """Return the build info."""
    return DomainBuildInfo(
        claim_mode=True,
        kernel=values.problems.attempt(lambda: kernel_of(guest, kind, values.release), None),
        ramdisk=guest.ramdisk,
        cmdline=guest.command_line,
        timer_mode=values.problems.attempt(lambda: timer_mode(guest, kind), TimerMode.UNKNOWN),
        nested_hvm=guest.nestedhvm,
        apic=guest.apic if kind is Kind.HVM else None,
        u=union_of(values, guest, kind),
        altp2m=values.problems.attempt(lambda: altp2m_mode(guest), Altp2mMode.DISABLED),
    )
