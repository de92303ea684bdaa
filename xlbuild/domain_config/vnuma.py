"""The virtual NUMA nodes of a libxl_domain_build_info (upstream: xl's parse_vnuma_config)."""

from dataclasses import replace

from xlbuild.cnumbers import int32
from xlbuild.config.cpumap import bitmap_bits
from xlbuild.config.model import GuestConfig, VirtualNode
from xlbuild.container.vnuma import check_vnuma_totals, vnuma_mib, vnuma_vcpus
from xlbuild.domain_config.cpus import check_listed
from xlbuild.domain_config.numbers import kib
from xlbuild.errors import ConfigError
from xlbuild.host import HostTopology
from xlbuild.libxl.domain import MEMKB_DEFAULT, DomainBuildInfo, VnodeInfo


def with_vnuma(guest: GuestConfig, topology: HostTopology, info: DomainBuildInfo) -> DomainBuildInfo:
    """Return the build info with the nodes, which set maxmem and maxvcpus; ConfigError where xl stops."""
    if not guest.vnuma:
        return info
    check_vnuma_totals(guest)
    check_listed(guest, "vnuma", vnuma_vcpus(guest))
    _check_host(guest, topology)
    # A vCPU that the map of all that may be there has no room for is left out.
    bits = bitmap_bits(int32(guest.maxvcpus) or topology.cpus)
    return replace(
        info,
        max_vcpus=vnuma_vcpus(guest),
        max_memkb=kib(vnuma_mib(guest)),
        numa_placement=False if any(node.pnode is not None for node in guest.vnuma) else None,
        vnuma_nodes=tuple(_vnode(node, len(guest.vnuma), bits) for node in guest.vnuma),
    )


def _vnode(node: VirtualNode, count: int, bits: int) -> VnodeInfo:
    vcpus = {vcpu for listed in node.vcpus for vcpu in range(listed.start, min(listed.stop, bits))}
    return VnodeInfo(
        memkb=MEMKB_DEFAULT if node.size_mib is None else kib(node.size_mib),
        distances=(node.vdistances + (0,) * count)[:count],
        pnode=node.pnode or 0,
        vcpus=tuple(sorted(vcpus)) or None,
    )


def _check_host(guest: GuestConfig, topology: HostTopology) -> None:
    """Refuse nodes that the host does not have, and more vCPUs than it has CPUs if nothing else says how many."""
    vcpus = vnuma_vcpus(guest)
    if not int32(guest.maxvcpus) and vcpus > topology.cpus:
        cause = f"its nodes list {vcpus} vCPUs, a host of {topology.cpus} CPUs is taken for the one it is to run on"
        raise _error(guest, "vnuma has more vCPUs than the host has CPUs", cause, f"add maxvcpus = {vcpus}")
    for number, node in enumerate(guest.vnuma):
        if (node.pnode or 0) >= len(topology.nodes) and not topology.is_stand_in:
            message = f"vnuma's node {number} is on the host's node {node.pnode}"
            cause = f"the host's nodes are 0 to {len(topology.nodes) - 1}"
            raise _error(guest, message, cause, "set pnode to a node that the host has")


def _error(guest: GuestConfig, message: str, cause: str, hint: str) -> ConfigError:
    return ConfigError("config-vnuma", message, cause=cause, hint=hint, where=guest.where("vnuma"))
