"""What a guest's memory takes from its host's: which facts the configuration asks for, and what is known of them.

Upstream: libxl__domain_device_construct_rdm asks, and xlu_rdm_parse reads `rdm`, with two oddities: a policy that
exists makes xl drop all of `rdm`, and one that does not is taken, as some value that is not strict.
"""

from collections.abc import Iterator
from dataclasses import replace

from xlbuild.config.model import GuestConfig
from xlbuild.container.model import Kind, ReservedMemory
from xlbuild.errors import Diagnostic
from xlbuild.host import Host, HostRegion, PciAddress
from xlbuild.libxl.devices import DevicePci
from xlbuild.libxl.enums import Nameless, RdmReservePolicy
from xlbuild.units import MIB, UINT64

_DEFAULT_BOUNDARY_MIB = 2048


def host_memory_map(config: GuestConfig, kind: Kind, host: Host | None) -> tuple[HostRegion, ...] | None:
    """Return the host's memory map for a guest that gets one like it; None: it gets a plain one."""
    if host is None or not _wants_host_map(config, kind):
        return None
    return host.memory_map


def reserved_memory(config: GuestConfig, kind: Kind, host: Host | None) -> tuple[ReservedMemory, ...]:
    """Return the reserved device memory to be kept out of the RAM of an HVM container, in libxl's order."""
    if kind is Kind.PV or host is None:
        return ()
    regions = host.reserved_device_memory or ()
    rdm = rdm_settings(config)
    found = [
        ReservedMemory(region.start, region.end, False) for region in regions if "strategy" in (rdm or {})
    ]
    for device in config.pci:
        strict = _is_strict(device, rdm)
        address = PciAddress(device.domain, device.bus, device.dev, device.func)
        for region in regions:
            if address not in region.devices:
                continue
            if any(one.start == region.start for one in found):
                # Of several devices with one region, the last has its way.
                found = [replace(one, strict=strict) if one.start == region.start else one for one in found]
            else:
                found.append(ReservedMemory(region.start, region.end, strict))
    return tuple(found)


def rdm_settings(config: GuestConfig) -> dict[str, str] | None:
    """Return what `rdm` sets; None where xl drops it, or where it is not there."""
    settings: dict[str, str] = {}
    for field in (config.rdm or "").split(","):
        key, equals, value = field.partition("=")
        if key == "strategy":
            taken = value == "host"
        else:
            taken = bool(equals) and key == "policy" and value.lower() not in tuple(RdmReservePolicy)
        if not taken:
            return None
        settings[key] = value
    return settings


def reserved_memory_boundary(config: GuestConfig, kind: Kind) -> int:
    """Return the address up to which RAM is not moved out of the way, in bytes; xl reads it for HVM alone."""
    if kind is not Kind.HVM:
        return 0
    boundary = config.rdm_mem_boundary
    return (_DEFAULT_BOUNDARY_MIB if boundary is None else boundary) * MIB % UINT64


def host_advice(config: GuestConfig, kind: Kind, host: Host | None) -> Iterator[Diagnostic]:
    """Yield warnings for facts that are not known, saying what is assumed, and for an `rdm` that xl drops."""
    if _wants_host_map(config, kind) and (host is None or host.memory_map is None):
        key = "pci" if config.has_pci else "e820_host"
        message = f"{key} gives a PV guest its host's memory map, which is not known: it gets a plain one"
        yield Diagnostic("config-host-memory-map", message, config.where(key), _mend(host, "memory_map"))
    if kind is not Kind.PV:
        yield from _for_hvm_container(config, host)


def _for_hvm_container(config: GuestConfig, host: Host | None) -> Iterator[Diagnostic]:
    rdm = rdm_settings(config)
    key = "pci" if config.has_pci else "rdm"
    asks = config.has_pci or "strategy" in (rdm or {})
    if asks and (host is None or host.reserved_device_memory is None):
        message = "the host's reserved device memory is not known: it is taken for none"
        mend = _mend(host, "reserved_device_memory")
        yield Diagnostic("config-reserved-memory", message, config.where(key), mend)
    if rdm and "policy" in rdm:
        message = f"rdm has no policy {rdm['policy']!r}: xl takes it, and the policy is not strict"
        hint = 'write rdm = "strategy=host"; a device has rdm_policy=strict or relaxed'
        yield Diagnostic("config-rdm", message, config.where("rdm"), hint)
    if config.rdm is not None and rdm is None:
        hint = 'write rdm = "strategy=host", or remove it'
        yield Diagnostic("config-rdm", "rdm has no effect: xl drops it", config.where("rdm"), hint)


def _mend(host: Host | None, member: str) -> str:
    if host is None:
        return "describe the host in a file and name it with --host FILE"
    return f"add {member} to the host file, which does not have it (docs/host.md)"


def _wants_host_map(config: GuestConfig, kind: Kind) -> bool:
    """Return whether the guest gets its host's map: xl turns e820_host on where there are PCI devices."""
    return kind is Kind.PV and (config.has_pci or bool(config.e820_host))


def pci_rdm_policy(device: DevicePci, rdm: dict[str, str] | None, kind: Kind) -> RdmReservePolicy | Nameless:
    """Return a device's policy; without one of its own it is that of `rdm`, which only HVM guests have for sure.

    Where `rdm` is taken, xl has never set its policy; a PV or PVH guest has other members in its place, all 0.
    """
    if device.rdm_policy is not Nameless.NAMELESS or rdm is not None:
        return device.rdm_policy
    return RdmReservePolicy.INVALID if kind is Kind.HVM else RdmReservePolicy.STRICT


def _is_strict(device: DevicePci, rdm: dict[str, str] | None) -> bool:
    policy = pci_rdm_policy(device, rdm, Kind.HVM)
    return policy not in (RdmReservePolicy.RELAXED, Nameless.NAMELESS)
