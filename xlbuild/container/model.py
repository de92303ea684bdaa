"""What the decision is: the container, and the domain as libxl would hand it to the builder."""

from dataclasses import dataclass
from enum import StrEnum

from xlbuild.errors import Diagnostic, Where
from xlbuild.host import HostRegion


class Kind(StrEnum):
    """The three values of `type=`."""

    PV = "pv"
    PVH = "pvh"
    HVM = "hvm"


class Role(StrEnum):
    """What an input file is for."""

    KERNEL = "kernel"
    SHIM = "shim"
    HVMLOADER = "hvmloader"
    PVGRUB = "pvgrub"
    RAMDISK = "ramdisk"
    SYSTEM_FIRMWARE = "system firmware"
    ACPI_FIRMWARE = "acpi firmware"
    SMBIOS_FIRMWARE = "smbios firmware"
    HOST = "host"


SYSTEM_FIRMWARE_MODULE = "System Firmware module"
ACPI_MODULE = "ACPI module"
SMBIOS_MODULE = "SMBIOS module"


@dataclass(frozen=True, slots=True)
class FileRequest:
    """A file the build needs: a path of the configuration, or a firmware image to be looked for."""

    role: Role
    path: str | None
    """As the configuration has it; None where it leaves the choice to the distribution."""
    firmware: str | None
    """Name in `xlbuild.image.firmware.FIRMWARE` of what to look for: for path None, or for a path
    that is relative to the firmware directory."""
    where: Where
    """The key that asks for it."""


@dataclass(frozen=True, slots=True)
class ModuleRequest:
    """A module to be loaded behind the kernel, with the command line of its own."""

    file: FileRequest
    command_line: str | None


@dataclass(frozen=True, slots=True)
class MemorySizes:
    """libxl's memory sizes, in KiB."""

    max_kib: int
    target_kib: int
    video_kib: int


@dataclass(frozen=True, slots=True)
class ReservedMemory:
    """Reserved device memory that is to be kept out of the guest's RAM: bytes `[start, end)`."""

    start: int
    end: int
    strict: bool
    """Where that cannot be done, there is no guest; else the guest does without."""


@dataclass(frozen=True, slots=True)
class ToolstackParameters:
    """HVM parameters that libxl itself sets before the build, in the order in which it does; None: not set."""

    hpet: bool | None
    vpt_align: bool | None
    mca_caps: int | None
    timer_mode: int | None
    altp2m: int | None
    viridian: int | None


@dataclass(frozen=True, slots=True)
class VirtualNuma:
    """A topology of virtual NUMA nodes, by the names of public domctl.h (struct xen_domctl_vnuma)."""

    ram_mib: tuple[int, ...]
    """Each node's memory, the video memory taken off."""
    vnode_to_pnode: tuple[int, ...]
    """The host's node for each of the guest's."""
    vcpu_to_vnode: tuple[int, ...]
    vdistance: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Container:
    """The decision, its reason, and the domain as libxl would hand it to the builder."""

    kind: Kind
    reason: str
    """For people: `type="pvh" at guest.cfg:3`, `no type: PV`."""
    name: str
    uuid: str | None
    memory: MemorySizes
    vcpus: int
    """vCPUs online at start; 0 is possible."""
    max_vcpus: int
    kernel: FileRequest
    """What the builder loads: the guest's kernel, a shim, pvgrub, or hvmloader."""
    modules: tuple[ModuleRequest, ...]
    command_line: str | None
    """The command line; None and empty differ. It is in the start info, but for HVM, whose device model has it."""
    system_firmware: FileRequest | None
    acpi_firmware: FileRequest | None
    smbios_firmware: FileRequest | None
    mmio_hole_mib: int | None
    vnuma: VirtualNuma | None
    apic: bool
    parameters: ToolstackParameters
    host_memory_map: tuple[HostRegion, ...] | None
    """PV: the host's memory map, where the guest gets one like it."""
    reserved_memory: tuple[ReservedMemory, ...]
    """HVM containers: what is not to have RAM in it."""
    reserved_memory_boundary: int
    """HVM containers: bytes; below it, RAM is not moved out of the way of reserved memory."""
    warnings: tuple[Diagnostic, ...]
    """What the user should know of this decision; the configuration has warnings of its own."""

    @property
    def firmware_modules(self) -> tuple[tuple[str, FileRequest | None], ...]:
        """What lies behind hvmloader, in this order, by Xen's names."""
        return (
            (SYSTEM_FIRMWARE_MODULE, self.system_firmware),
            (ACPI_MODULE, self.acpi_firmware),
            (SMBIOS_MODULE, self.smbios_firmware),
        )

    @property
    def is_hvm_container(self) -> bool:
        """Whether the guest is translated: PVH and HVM."""
        return self.kind is not Kind.PV

    @property
    def has_device_model(self) -> bool:
        """Whether a device model serves the guest: HVM only."""
        return self.kind is Kind.HVM
