"""vCPUs, and the host's CPUs they run on: vcpus, maxvcpus, cpus, cpus_soft (upstream: xl's parse_config_data).

Without `vcpus`, `maxvcpus` and `vnuma`, xl leaves their number to libxl, and then neither `cpus` nor `cpus_soft`
reaches any of them; from 4.22 on there is one vCPU then, as libxl has it.
"""

from dataclasses import replace
from typing import TypeAlias

from xlbuild.cnumbers import int32
from xlbuild.config.cpumap import cpu_map
from xlbuild.config.model import GuestConfig
from xlbuild.config.settings import Element
from xlbuild.config.value_ranges import takes
from xlbuild.config.values import Values
from xlbuild.container.sizes import check_vcpus
from xlbuild.errors import ConfigError, Diagnostic
from xlbuild.host import LARGEST_TOPOLOGY, HostTopology
from xlbuild.libxl.domain import DomainBuildInfo

Affinity: TypeAlias = tuple[tuple[int, ...], ...]
"""The host's CPUs for each vCPU."""

_MOST_LISTED = 1 << 14
"""Twice what Xen gives a guest; xl lists any number of them, one by one."""

_MOST_CHARACTERS = 1 << 18
"""In all that one key says of CPUs: 16 for each vCPU."""


def with_cpus(
    values: Values, guest: GuestConfig, topology: HostTopology, info: DomainBuildInfo
) -> DomainBuildInfo:
    """Return the build info with vCPUs and affinities; where `vnuma` is there, it has set their number."""
    check_vcpus(guest)
    vcpus = guest.vcpus or int(takes(values.release, "vcpus", "0"))
    info = replace(info, max_vcpus=info.max_vcpus or int32(guest.maxvcpus) or int32(vcpus))
    check_listed(guest, "vcpus", vcpus)
    info = replace(info, avail_vcpus=tuple(range(vcpus)) or None)
    attempt = values.problems.attempt
    return replace(
        info,
        vcpu_hard_affinity=attempt(lambda: _affinity(values, guest, "cpus", topology, info.max_vcpus), ()),
        vcpu_soft_affinity=attempt(
            lambda: _affinity(values, guest, "cpus_soft", topology, info.max_vcpus), ()
        ),
        numa_placement=False if _is_placed(values) else info.numa_placement,
    )


def _is_placed(values: Values) -> bool:
    """Return whether the guest is placed by hand: a string of `cpus` leaves that to libxl."""
    return isinstance(values.string_or_strings("cpus"), tuple) or "cpus_soft" in values.settings


def _affinity(
    values: Values, guest: GuestConfig, key: str, topology: HostTopology, max_vcpus: int
) -> Affinity:
    """Return the CPUs of each vCPU: the same for all, or those of a list, which may end early."""
    _check_length(values, key)
    asked = values.string_or_devices(key)
    if isinstance(asked, Element):
        cpus = cpu_map(asked, topology)
        if max_vcpus > 0:
            _check_any(values, asked, cpus, topology)
        check_listed(guest, "maxvcpus" if guest.maxvcpus else "vcpus", max_vcpus)
        return (cpus,) * max_vcpus
    elements = asked or ()
    wanted = min(len(values.settings[key].value), max_vcpus) if asked is not None else 0
    if len(elements) < wanted:
        cause = "xl crashes on a list within the list"
        hint = 'write the CPUs of each vCPU as text: cpus = [ "0-1", "2" ]'
        where = values.settings[key].where
        message = f"{key} has a list as element {len(elements) + 1}"
        raise ConfigError("config-bad-cpus", message, cause=cause, hint=hint, where=where)
    affinity = []
    for element in elements[:wanted]:
        cpus = cpu_map(element, topology)
        _check_any(values, element, cpus, topology)
        affinity.append(cpus)
    return tuple(affinity)


def _check_any(values: Values, element: Element, cpus: tuple[int, ...], topology: HostTopology) -> None:
    """Refuse a hard affinity to no CPU; a host that is not known may have those that the stand-in lacks."""
    where = element.where
    if cpus or where.key == "cpus_soft":
        return
    cause = f"of a host with {topology.cpus} CPUs, {element.text!r} leaves none"
    if topology.is_stand_in and cpu_map(element, LARGEST_TOPOLOGY):
        message = f"cpus names no CPU of the host that is taken for the unknown one: {cause}"
        values.problems.warn(Diagnostic("config-unknown-host-cpus", message, where))
        return
    hint = "name CPUs that the host has, or leave cpus out"
    raise ConfigError(
        "config-no-cpus", "cpus leaves a vCPU no CPU to run on", cause=cause, hint=hint, where=where
    )


def _check_length(values: Values, key: str) -> None:
    """Refuse what nobody wrote, and would take long to read."""
    asked = values.string_or_strings(key) or ()
    count = len(asked) + (0 if isinstance(asked, str) else sum(map(len, asked)))
    if count > _MOST_CHARACTERS:
        raise ConfigError(
            "config-bad-cpus",
            f"{key} has {count:,} characters",
            cause=f"at most {_MOST_CHARACTERS:,} are read",
            hint="see whether a quote or a bracket is missing, and write ranges, such as 0-63",
            where=values.settings[key].where,
        )


def check_listed(guest: GuestConfig, key: str, count: int) -> None:
    """Refuse so many vCPUs that a list of them would take too long to make (ConfigError)."""
    if count > _MOST_LISTED:
        raise ConfigError(
            "config-bad-vcpus",
            f"{count} vCPUs are too many",
            cause="Xen gives a guest 8192 at most, and xl takes minutes to list millions",
            hint="list fewer" if key == "vnuma" else f"lower {key}",
            where=guest.where(key),
        )
