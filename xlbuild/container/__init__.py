"""The one decision point: which container the guest gets, and what that makes of its configuration.

There are two kinds of container, PV and HVM; PVH is an HVM container without a device model. `decide` picks one,
says why, and resolves everything that depends on the choice, with libxl's defaults: sizes, files, modules, the
command line and the parameters the toolstack sets. From here on nobody asks for the type again; the differences
are data on the `Container`.
"""

from xlbuild.config.model import GuestConfig
from xlbuild.config.problems import Problems
from xlbuild.container.advice import advice
from xlbuild.container.device_model import check_version, is_traditional, video_mib
from xlbuild.container.files import files_of
from xlbuild.container.host_memory import (
    host_advice,
    host_memory_map,
    reserved_memory,
    reserved_memory_boundary,
)
from xlbuild.container.kind import choose_kind
from xlbuild.container.limits import check_event_channels, check_grant_version, check_traps
from xlbuild.container.model import (
    ACPI_MODULE,
    SYSTEM_FIRMWARE_MODULE,
    Container,
    FileRequest,
    Kind,
    MemorySizes,
    ModuleRequest,
    Role,
    ToolstackParameters,
    VirtualNuma,
)
from xlbuild.container.parameters import toolstack_parameters
from xlbuild.container.passthrough import check_passthrough, check_populate_on_demand
from xlbuild.container.sizes import check_video_mib, memory_sizes, mmio_hole_mib, vcpu_counts
from xlbuild.container.vnuma import virtual_numa, with_vnuma_totals
from xlbuild.errors import raise_all
from xlbuild.host import Host
from xlbuild.profiles import Profile

__all__ = [
    "ACPI_MODULE",
    "SYSTEM_FIRMWARE_MODULE",
    "Container",
    "FileRequest",
    "Kind",
    "MemorySizes",
    "ModuleRequest",
    "Role",
    "ToolstackParameters",
    "VirtualNuma",
    "decide",
]


def decide(config: GuestConfig, profile: Profile, host: Host | None = None) -> Container:
    """Return the container and the domain that libxl would make of the configuration; ConfigError says why not."""
    kind, reason = choose_kind(config)
    problems = Problems()
    _check_limits(config, kind, profile, problems)
    traditional = problems.attempt(lambda: kind is Kind.HVM and is_traditional(config, profile), False)
    sizes = problems.attempt(lambda: _sizes(config, kind, traditional), None)
    config = with_vnuma_totals(config)
    vcpus, max_vcpus = (1, 1)
    if sizes or not config.vnuma:  # nodes that are wrong list any number of vCPUs
        vcpus, max_vcpus = problems.attempt(lambda: vcpu_counts(config, kind), (1, 1))
    files = problems.attempt(lambda: files_of(config, kind, traditional), None)
    hole_mib = problems.attempt(lambda: mmio_hole_mib(config) if kind is Kind.HVM else None, None)
    vnuma, memory = sizes or (None, MemorySizes(0, 0, 0))
    parameters = problems.attempt(lambda: toolstack_parameters(config, kind, profile, memory), None)
    raise_all(problems.errors)
    assert files is not None
    assert parameters is not None
    return Container(
        kind=kind,
        reason=reason,
        name=config.name,
        uuid=config.uuid,
        memory=memory,
        vcpus=vcpus,
        max_vcpus=max_vcpus,
        kernel=files.kernel,
        modules=files.modules,
        command_line=files.command_line,
        system_firmware=files.system_firmware,
        acpi_firmware=files.acpi_firmware,
        smbios_firmware=files.smbios_firmware,
        mmio_hole_mib=hole_mib,
        vnuma=vnuma,
        apic=config.apic is not False or kind is not Kind.HVM,
        parameters=parameters,
        host_memory_map=host_memory_map(config, kind, host),
        reserved_memory=reserved_memory(config, kind, host),
        reserved_memory_boundary=reserved_memory_boundary(config, kind),
        warnings=(*advice(config, kind, memory, traditional), *host_advice(config, kind, host)),
    )


def _check_limits(config: GuestConfig, kind: Kind, profile: Profile, problems: Problems) -> None:
    """Note what is impossible whatever the guest's size and files are."""
    for check in (
        lambda: check_version(config, profile),
        lambda: check_passthrough(config, kind),
        lambda: check_event_channels(config),
        lambda: check_grant_version(config),
        lambda: check_traps(config),
    ):
        problems.attempt(check, None)


def _sizes(config: GuestConfig, kind: Kind, traditional: bool) -> tuple[VirtualNuma | None, MemorySizes]:
    """Return the virtual NUMA nodes and the sizes of memory, each of which depends on the one before."""
    video_mib = _video_mib(config, kind, traditional)
    vnuma = virtual_numa(config, kind, video_mib)
    memory = memory_sizes(with_vnuma_totals(config), kind, video_mib)
    check_populate_on_demand(with_vnuma_totals(config), kind, memory)
    return vnuma, memory


def _video_mib(config: GuestConfig, kind: Kind, traditional: bool) -> int:
    """Return what is taken off the memory: libxl does so for PVH too, but only when told to."""
    if kind is Kind.HVM:
        return video_mib(config, traditional)
    if kind is Kind.PV or config.videoram is None:
        return 0
    check_video_mib(config)
    return config.videoram
