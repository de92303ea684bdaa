"""Virtual NUMA: what `vnuma` makes of memory and vCPUs, and what libxl checks (upstream: libxl_vnuma.c).

Only HVM can have it. libxl refuses it for PV; for PVH it takes the hypervisor's first answer, which is how much room
the topology needs, for a failure (`xc_domain_getvnuma failed`: seen on a running Xen 4.17, as in later sources).
"""

from collections.abc import Iterator
from dataclasses import replace

from xlbuild.abi.limits import HVM_MAX_VCPUS
from xlbuild.cnumbers import uint32
from xlbuild.config.model import GuestConfig
from xlbuild.container.model import Kind, VirtualNuma
from xlbuild.errors import ConfigError
from xlbuild.units import KIB, UINT64

_WHY_NOT = {
    Kind.PV: "does not support it",
    Kind.PVH: "cannot build it: it stops with `xc_domain_getvnuma failed`",
}

_MOST_NODES = 32
"""Xen keeps the distances, 4 bytes each, in a page (seen on a running Xen 4.17)."""

_MOST_HOST_NODES = 64
"""Xen's limit (MAX_NUMNODES)."""


def virtual_numa(config: GuestConfig, kind: Kind, video_mib: int) -> VirtualNuma | None:
    """Return the topology that libxl tells the hypervisor of, sizes in MiB; ConfigError for one it refuses.

    The video memory is taken off the first node. A distance that is not given is 0.
    """
    nodes = config.vnuma
    if not nodes:
        return None
    _check_kind(config, kind)
    check_vnuma_totals(config)
    _check_sizes(config)
    _check_nodes(config, video_mib)
    first, *others = _sizes(config)
    return VirtualNuma(
        ram_mib=(first - video_mib, *others),
        vnode_to_pnode=tuple(node.pnode or 0 for node in nodes),
        vcpu_to_vnode=_vcpu_to_vnode(config),
        vdistance=tuple(_distances(config)),
    )


def with_vnuma_totals(config: GuestConfig) -> GuestConfig:
    """Return the configuration with maxmem and maxvcpus as `vnuma` sets them."""
    if not config.vnuma:
        return config
    where = config.where("vnuma")
    return replace(
        config,
        maxmem=vnuma_mib(config),
        maxvcpus=vnuma_vcpus(config),
        places={"maxmem": where, "maxvcpus": where, **config.places},
    )


def check_vnuma_totals(config: GuestConfig) -> None:
    """Refuse sums that do not go with maxmem, maxvcpus and vcpus, as xl does."""
    mib, vcpus = vnuma_mib(config), vnuma_vcpus(config)
    if config.maxmem is not None and (config.maxmem - mib) % (UINT64 // KIB):
        cause = f"its nodes have {mib} MiB, maxmem is {config.maxmem}"
        raise _refused(
            config, "vnuma does not go with maxmem", cause, "correct one of them, or remove maxmem"
        )
    if (uint32(config.maxvcpus) or vcpus) != vcpus:
        cause = f"its nodes list {vcpus} vCPUs, maxvcpus is {config.maxvcpus}"
        raise _refused(config, "vnuma does not go with maxvcpus", cause, "correct one, or remove maxvcpus")
    if (config.vcpus or 0) > vcpus > 0:
        cause = f"its nodes list {vcpus} vCPUs, vcpus is {config.vcpus}"
        raise _refused(
            config, "vnuma does not go with vcpus", cause, "list every vCPU in a node, or lower vcpus"
        )


def vnuma_mib(config: GuestConfig) -> int:
    """Return the memory of all nodes, as xl counts it."""
    return sum(node.earlier_mib for node in config.vnuma) + sum(_sizes(config))


def _sizes(config: GuestConfig) -> list[int]:
    return [node.size_mib or 0 for node in config.vnuma]


def vnuma_vcpus(config: GuestConfig) -> int:
    """Return the vCPUs of all nodes, as often as they are listed."""
    return sum(len(listed) for node in config.vnuma for listed in node.vcpus)


def _check_kind(config: GuestConfig, kind: Kind) -> None:
    if kind is not Kind.HVM:
        raise ConfigError(
            "config-vnuma-kind",
            f"a {kind.value.upper()} guest cannot have virtual NUMA nodes",
            cause=f"Xen's toolstack {_WHY_NOT[kind]}",
            hint='remove vnuma, or use type = "hvm"',
            where=config.where("vnuma"),
        )


def _check_sizes(config: GuestConfig) -> None:
    """Check the sums and the sizes as libxl and Xen do."""
    mib = vnuma_mib(config)
    if config.memory is not None and config.memory < mib:
        cause = f"its nodes have {mib} MiB, memory is {config.memory}; memory on demand belongs to no node"
        raise _refused(config, "vnuma does not go with memory", cause, f"set memory = {mib}, or remove it")
    vcpus = vnuma_vcpus(config)
    if vcpus > HVM_MAX_VCPUS:
        cause = f"its nodes list {vcpus}, Xen gives a guest of this kind {HVM_MAX_VCPUS} at most"
        raise _refused(config, "vnuma has too many vCPUs", cause, "list fewer")
    for number, node in enumerate(config.vnuma):
        if node.earlier_mib:
            message = f"vnuma's node {number} has two sizes"
            cause = "xl adds both to maxmem, and libxl sees the last of them"
            raise _refused(config, message, cause, 'give each node one: "size=512"')


def _check_nodes(config: GuestConfig, video_mib: int) -> None:
    nodes = config.vnuma
    if len(nodes) > _MOST_NODES:
        raise _refused(
            config, f"vnuma has {len(nodes)} nodes", f"Xen takes {_MOST_NODES} at most", "use fewer nodes"
        )
    for number, node in enumerate(nodes):
        if node.size_mib is None:
            hint = 'give it one, in MiB: "size=512"'
            raise _refused(config, f"vnuma's node {number} has no size", "libxl has no default for it", hint)
    first = _sizes(config)[0]
    if first < video_mib:
        cause = f"it has {first} MiB, and {video_mib} are taken off it"
        hint = f"give it {video_mib} MiB or more"
        raise _refused(config, "vnuma's node 0 is too small for the video memory", cause, hint)
    for number, node in enumerate(nodes):
        if (node.pnode or 0) >= _MOST_HOST_NODES:
            cause = f"Xen gives a host {_MOST_HOST_NODES} at most"
            message = f"vnuma's node {number} is on the host's node {node.pnode}"
            raise _refused(config, message, cause, "set pnode to a node that the host has")


def _vcpu_to_vnode(config: GuestConfig) -> tuple[int, ...]:
    """Return each vCPU's node; there must be just one."""
    count = vnuma_vcpus(config)
    nodes_of: dict[int, list[int]] = {vcpu: [] for vcpu in range(max(1, count))}
    for number, node in enumerate(config.vnuma):
        for vcpu in (vcpu for listed in node.vcpus for vcpu in listed):
            nodes_of.setdefault(vcpu, []).append(number)
    for vcpu, numbers in nodes_of.items():
        if len(numbers) != 1:
            cause = f"it is in the nodes {', '.join(map(str, numbers))}" if numbers else "it is in no node"
            hint = "list the vCPUs from 0 on, each of them once"
            raise _refused(config, f"vnuma has not one node for vCPU {vcpu}", cause, hint)
    return tuple(numbers[0] for numbers in nodes_of.values())


def _distances(config: GuestConfig) -> Iterator[tuple[int, ...]]:
    """Yield each node's distances; no node may be nearer than itself."""
    count = len(config.vnuma)
    for number, node in enumerate(config.vnuma):
        row = (node.vdistances + (0,) * count)[:count]
        nearest = row.index(min(row))
        if row[nearest] < row[number]:
            cause = f"its own distance is {row[number]}, that to node {nearest} is {row[nearest]}"
            hint = f"write {count} distances, the one in place {number} the smallest: 10, the others 20"
            raise _refused(config, f"vnuma's node {number} is nearer to another than to itself", cause, hint)
        yield row


def _refused(config: GuestConfig, message: str, cause: str, hint: str) -> ConfigError:
    return ConfigError("config-vnuma", message, cause=cause, hint=hint, where=config.where("vnuma"))
