"""libxl_domain_build_info: what a domain is built from (upstream: xl's parse_config_data)."""

from collections.abc import Callable
from dataclasses import replace
from itertools import chain
from typing import TypeVar

from xlbuild.cnumbers import int32, uint32
from xlbuild.config.model import GuestConfig
from xlbuild.config.ranges import iomem_range, ioport_range, irq, llc_colors
from xlbuild.config.settings import Element
from xlbuild.config.values import Values
from xlbuild.config.xenstore import xenstore_quota
from xlbuild.container.model import Kind
from xlbuild.container.parameters import altp2m_mode, timer_mode
from xlbuild.domain_config.arm import with_arm
from xlbuild.domain_config.cpus import with_cpus
from xlbuild.domain_config.device_model import with_device_model
from xlbuild.domain_config.numbers import kib
from xlbuild.domain_config.platform import with_platform
from xlbuild.domain_config.start import with_start
from xlbuild.domain_config.unions import union_of
from xlbuild.domain_config.vnuma import with_vnuma
from xlbuild.host import HostTopology
from xlbuild.libxl.domain import (
    ALL_XENSTORE_FEATURES,
    MAX_GRANT_DEFAULT,
    MEMKB_DEFAULT,
    DomainBuildInfo,
    DomainSchedParams,
    XsQuotaList,
)
from xlbuild.libxl.enums import Altp2mMode, TimerMode

T = TypeVar("T")


def build_info(values: Values, guest: GuestConfig, kind: Kind, topology: HostTopology) -> DomainBuildInfo:
    """Return the build info of a guest for a host with these CPUs."""
    attempt = values.problems.attempt
    info = DomainBuildInfo(
        claim_mode=True,
        timer_mode=attempt(lambda: timer_mode(guest, kind), TimerMode.UNKNOWN),
        nested_hvm=guest.nestedhvm,
        apic=guest.apic if kind is Kind.HVM else None,
        sched_params=_sched_params(values),
        u=union_of(values, guest, kind),
        altp2m=attempt(lambda: altp2m_mode(guest), Altp2mMode.DISABLED),
    )
    numa = attempt(lambda: with_vnuma(guest, topology, info), info)
    info = attempt(lambda: with_cpus(values, guest, topology, numa), numa)
    info = _with_memory(values, guest, info)
    info = _with_limits(values, guest, info)
    info = with_start(values, guest, kind, info)
    info = with_platform(values, guest, info)
    info = with_arm(values, guest, info)
    return with_device_model(values, guest, info)


def _with_memory(values: Values, guest: GuestConfig, info: DomainBuildInfo) -> DomainBuildInfo:
    """Return the build info with sizes: the most is what vnuma, maxmem or else memory says."""
    target = kib(guest.memory)
    most = kib(guest.maxmem) if info.max_memkb == MEMKB_DEFAULT else info.max_memkb
    return replace(
        info,
        target_memkb=target,
        max_memkb=target if most == MEMKB_DEFAULT else most,
        video_memkb=kib(guest.videoram),
        shadow_memkb=kib(values.number("shadow_memory")),
    )


def _sched_params(values: Values) -> DomainSchedParams:
    return DomainSchedParams(
        weight=int32(values.number("cpu_weight"), -1),
        cap=int32(values.number("cap"), -1),
        period=int32(values.number("period"), -1),
        extratime=int32(values.number("extratime"), -1),
        slice=int32(values.number("slice"), -1),
        latency=int32(values.number("latency"), -1),
    )


def _with_limits(values: Values, guest: GuestConfig, info: DomainBuildInfo) -> DomainBuildInfo:
    """Return the build info with the guest's limits, and what of the host's it may use."""
    quota = _each(values, "xenstore_quota", xenstore_quota)

    def colors(element: Element) -> range:
        return llc_colors(element, values.problems)

    return replace(
        info,
        max_grant_frames=int32(guest.max_grant_frames, MAX_GRANT_DEFAULT),
        max_maptrack_frames=int32(guest.max_maptrack_frames, MAX_GRANT_DEFAULT),
        max_grant_version=int32(guest.max_grant_version, -1),
        event_channels=uint32(guest.max_event_channels),
        ioports=_each(values, "ioports", lambda element: ioport_range(element, values.problems)),
        irqs=_each(values, "irqs", irq),
        iomem=_each(values, "iomem", iomem_range),
        llc_colors=tuple(chain.from_iterable(_each(values, "llc_colors", colors))),
        xenstore_feature_mask=uint32(values.number("xenstore_feature_mask"), ALL_XENSTORE_FEATURES),
        xenstore_quota=XsQuotaList(quota) if values.knows("xenstore_quota") else None,
    )


def _each(values: Values, key: str, read: Callable[[Element], T]) -> tuple[T, ...]:
    """Return what a list's elements are, each of them tried."""
    none: tuple[Element, ...] = ()
    elements = values.problems.attempt(lambda: values.devices_or_stop(key), none)
    return values.problems.attempt_each(elements, read)
