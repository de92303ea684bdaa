"""Memory and vCPUs: libxl's defaults, and Xen's limits (upstream: libxl__domain_build_info_setdefault)."""

from xlbuild.cnumbers import int32
from xlbuild.config.model import GuestConfig
from xlbuild.container.model import Kind, MemorySizes
from xlbuild.errors import ConfigError
from xlbuild.units import GIB, KIB, MIB, UINT64

DEFAULT_PV_MIB = 32
"""Memory of a PV guest whose configuration names none (LIBXL_MEMKB_DEFAULT)."""

_TOO_MANY_MIB = 16 * 1024 * GIB // MIB
"""16 TiB: from here on the toolstack's 32-bit counts of pages wrap."""

_MOST_VCPUS = {Kind.PV: 8192, Kind.PVH: 128, Kind.HVM: 128}
"""Xen's limits (upstream: domain_max_vcpus; HVM: HVM_MAX_VCPUS in public hvm/hvm_info_table.h)."""

_MOST_VCPUS_ONLINE = 1024
"""libxl's limit for vCPUs that are online at start, whatever the container."""

_KIB_PER_MIB = MIB // KIB

_MIB_WRAP = UINT64 // _KIB_PER_MIB
"""What a number of MiB wraps at: xl makes 64 bits of KiB of it."""

_LEAST_MMIO_HOLE, _MOST_MMIO_HOLE = 256, 3840

_MEMORY_HINT = "set memory in MiB: memory = 256"


def memory_sizes(config: GuestConfig, kind: Kind, video_mib: int) -> MemorySizes:
    """Return the sizes in KiB; ConfigError for those with which no guest can be built."""
    target, most = _target_and_most(config, kind)
    decisive = "memory" if config.memory is not None else "maxmem"
    if target == 0:
        raise _no_memory(config, decisive, f"{decisive} is 0")
    if kind is not Kind.PV and most == 0:
        raise _no_memory(config, "maxmem", "maxmem is 0", "set maxmem in MiB, or remove it: maxmem = 256")
    if kind is not Kind.PV and min(target, most) <= video_mib:
        cause = f"{video_mib} MiB are taken off it for video memory"
        key = decisive if target <= most else "maxmem"
        lower = ", or lower videoram" if config.videoram is not None else ""
        raise _no_memory(config, key, cause, f"set {key} to more than {video_mib} (MiB){lower}")
    return MemorySizes(most * _KIB_PER_MIB, target * _KIB_PER_MIB, video_mib * _KIB_PER_MIB)


def check_video_mib(config: GuestConfig) -> None:
    """Refuse an impossible `videoram`."""
    _check_mib(config, "videoram", config.videoram)


def mmio_hole_mib(config: GuestConfig) -> int | None:
    """Return HVM's `mmio_hole`; ConfigError for an impossible one."""
    if config.mmio_hole is None:
        return None
    hole = config.mmio_hole % _MIB_WRAP
    if _LEAST_MMIO_HOLE <= hole <= _MOST_MMIO_HOLE:
        return hole
    raise ConfigError(
        "config-mmio-hole",
        f"mmio_hole = {config.mmio_hole} is not possible",
        cause=f"the hole below 4 GiB has {_LEAST_MMIO_HOLE} to {_MOST_MMIO_HOLE} MiB",
        hint="correct it, or remove it",
        where=config.where("mmio_hole"),
    )


def check_vcpus(config: GuestConfig) -> None:
    """Refuse numbers of vCPUs with which xl stops; it keeps 32 bits of `maxvcpus`."""
    vcpus = config.vcpus or 0
    most = int32(config.maxvcpus) or vcpus
    if vcpus < 0:
        raise _bad_vcpus(config, "vcpus", f"vcpus is {vcpus}", "a guest cannot have fewer than none")
    if most < vcpus:
        cause = f"vcpus is {vcpus}, maxvcpus {config.maxvcpus}"
        raise _bad_vcpus(config, "maxvcpus", "maxvcpus is less than vcpus", cause)


def vcpu_counts(config: GuestConfig, kind: Kind) -> tuple[int, int]:
    """Return how many vCPUs are online at start and how many there may be; ConfigError for impossible numbers."""
    check_vcpus(config)
    vcpus = 1 if config.vcpus is None else config.vcpus
    most = config.maxvcpus or max(vcpus, 1)
    if most > _MOST_VCPUS[kind]:
        key = "maxvcpus" if config.maxvcpus else "vcpus"
        cause = f"Xen gives a guest of this kind {_MOST_VCPUS[kind]} at most"
        raise _bad_vcpus(config, key, f"{most} vCPUs are too many for {kind.value.upper()}", cause)
    if vcpus > _MOST_VCPUS_ONLINE:
        cause = f"libxl takes {_MOST_VCPUS_ONLINE} at most"
        raise _bad_vcpus(config, "vcpus", f"{vcpus} vCPUs are too many to be online at start", cause)
    return vcpus, most


def _target_and_most(config: GuestConfig, kind: Kind) -> tuple[int, int]:
    """Return memory at start and at most, in MiB: each is the other's default."""
    memory, maxmem = config.memory, config.maxmem
    _check_mib(config, "memory", memory)
    _check_mib(config, "maxmem", maxmem)
    if memory is not None:
        return memory, memory if maxmem is None else maxmem
    if maxmem is not None:
        return maxmem, maxmem
    if kind is Kind.PV:
        return DEFAULT_PV_MIB, DEFAULT_PV_MIB
    ignored = [warning for warning in config.warnings if warning.where.key in ("memory", "maxmem")]
    if ignored:
        key = ignored[0].where.key or "memory"
        raise _no_memory(config, key, ignored[0].message, ignored[0].hint or _MEMORY_HINT)
    raise _no_memory(config, "memory", "neither memory nor maxmem is set, and only PV has a default")


def _check_mib(config: GuestConfig, key: str, value: int | None) -> None:
    if value is None or 0 <= value < _TOO_MANY_MIB:
        return
    raise ConfigError(
        "config-memory-impossible",
        f"{key} = {value} is no possible size",
        cause="it is negative" if value < 0 else "it is 16 TiB or more, and the number counts MiB",
        hint=f"give {key} in MiB: 512, or 4096 for 4 GiB",
        where=config.where(key),
    )


def _no_memory(config: GuestConfig, key: str, cause: str, hint: str = _MEMORY_HINT) -> ConfigError:
    return ConfigError(
        "config-no-memory",
        "the guest has no memory",
        cause=cause,
        hint=hint,
        where=config.where(key),
    )


def _bad_vcpus(config: GuestConfig, key: str, message: str, cause: str) -> ConfigError:
    return ConfigError(
        "config-bad-vcpus",
        message,
        cause=cause,
        hint="set vcpus to a number from 1 on, and maxvcpus to that or more, or leave maxvcpus out",
        where=config.where(key),
    )
