"""A plan's values: what is built from, what was decided, and where everything goes."""

from collections.abc import Mapping as ReadOnlyDict
from dataclasses import dataclass, field
from enum import StrEnum

from xlbuild.abi.e820 import E820_TYPE_NAMES
from xlbuild.abi.layout import Fields, Layout
from xlbuild.acpi.build import AcpiTables
from xlbuild.container import Container
from xlbuild.errors import Diagnostic
from xlbuild.image.model import KernelImage
from xlbuild.image.modules import PreparedModule
from xlbuild.plan.p2m import PhysicalToMachine
from xlbuild.plan.pagetables import Mapping
from xlbuild.profiles import Profile
from xlbuild.units import FrameRange, Pfn, PhysAddr


@dataclass(frozen=True, slots=True)
class Module:
    """A module to be loaded: its bytes as the release loads them, and its own command line."""

    name: str
    """`module0`, `module1`: the reference's segment names."""
    content: PreparedModule
    command_line: str | None


@dataclass(frozen=True, slots=True)
class FirmwareModule:
    """A firmware image that hvmloader is to find: its name (see `Container.firmware_modules`), and its bytes."""

    name: str
    data: bytes


class PlanFor(StrEnum):
    """How a domain is to be started: a PV guest is laid out for one of them, a PVH guest for a restore if asked."""

    CREATE = "create"
    """As `xl create` starts it."""
    RESTORE = "restore"
    """As `xl restore` starts it from a save file.

    It clears a PV guest's start_info.flags, and looks for start_info by edx; it sets no memory map of a PVH guest.
    """


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """All that a plan is made from."""

    container: Container
    profile: Profile
    image: KernelImage
    modules: tuple[Module, ...]
    firmware_modules: tuple[FirmwareModule, ...]
    """HVM only, in the order in which they are placed."""
    fill_hypercall_page: bool = True
    mfn_base: int = 0
    """Machine frame of a PV guest's frame 0; 0 for every image that is written."""
    plan_for: PlanFor = PlanFor.CREATE
    """RESTORE: a PV guest for a save file, or a PVH guest that sets its memory map; others have one way."""

    @property
    def sets_memory_map(self) -> bool:
        """Whether a PVH guest starts in code that tells the hypervisor its memory map (`hooks.start_stub`)."""
        return self.container.is_hvm_container and self.plan_for is PlanFor.RESTORE

    @property
    def has_unmapped_modules(self) -> bool:
        """Whether a PV guest's modules lie behind what is mapped: only start_info.flags could tell the kernel so."""
        loses_flags = self.plan_for is PlanFor.RESTORE and not self.container.is_hvm_container
        return self.image.parameters.unmapped_initrd and not loses_flags


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of frames with a name, from the one bump allocator."""

    name: str
    vstart: int
    """First address: virtual for PV, physical for HVM containers."""
    vend: int
    """One past the last byte used."""
    pfn: Pfn
    pages: int

    @property
    def frames(self) -> FrameRange:
        """The frames it occupies."""
        return FrameRange.of(self.pfn, self.pages)


@dataclass(frozen=True, slots=True)
class MemoryMapEntry:
    """One entry of the memory map (e820): a start, a size in bytes, and a type of `abi.e820`."""

    addr: PhysAddr
    size: int
    type: int

    @property
    def type_name(self) -> str:
        """The type in words."""
        return E820_TYPE_NAMES.get(self.type, f"type {self.type}")


@dataclass(frozen=True, slots=True)
class VirtualMemoryRange:
    """RAM of one virtual NUMA node: a half-open range of addresses (public memory.h, struct xen_vmemrange)."""

    start: PhysAddr
    end: PhysAddr
    vnode: int


@dataclass(frozen=True, slots=True)
class MemoryLayout:
    """Which frames exist, and what the guest is told about them."""

    total_pages: int
    """Frames of RAM the layout is made for (p2m_size upstream)."""
    ram: tuple[FrameRange, ...]
    memory_map: tuple[MemoryMapEntry, ...]
    lowmem_end: PhysAddr = PhysAddr(0)
    highmem_end: PhysAddr = PhysAddr(0)
    """Zero: no memory above 4 GiB."""
    mmio_start: PhysAddr = PhysAddr(0)
    target_pages: int | None = None
    """Frames the guest starts with, when fewer than `total_pages` (populate on demand)."""
    acpi: AcpiTables | None = None
    special: tuple[FrameRange, ...] = ()
    """Frames outside RAM: ACPI tables, special pages, ioreq server pages."""
    vmemranges: tuple[VirtualMemoryRange, ...] = ()
    """RAM by virtual NUMA nodes; none without them."""
    warnings: tuple[Diagnostic, ...] = ()
    """What the user should know of it."""

    @property
    def pod_target(self) -> int | None:
        """Frames that populate-on-demand starts with: of `target_pages`, those that exist (there is a VGA hole)."""
        if self.target_pages is None:
            return None
        return self.target_pages - (self.total_pages - sum(ram.pages for ram in self.ram))


@dataclass(frozen=True, slots=True)
class HvmParam:
    """An HVM parameter, in the order in which it is set."""

    index: int
    name: str
    value: int


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant table entry that the toolstack makes for a backend (GTF_permit_access)."""

    index: int
    flags: int
    domid: int
    frame: int
    """Machine frame for PV, guest frame for HVM containers."""


@dataclass(frozen=True, slots=True)
class EventChannel:
    """An event channel port the toolstack allocates for a backend."""

    port: int
    remote_domid: int


@dataclass(frozen=True, slots=True)
class Vcpu:
    """A vCPU's entry state by Xen's field names; zero fields are listed too."""

    id: int
    layout: Layout
    """The structure of `registers`: vcpu_guest_context (PV) or the CPU record (HVM kinds)."""
    registers: Fields | None
    """None: the vCPU is not started."""
    mtrr: Fields | None = None


@dataclass(frozen=True, slots=True)
class ModuleEntry:
    """A module as the guest is told of it."""

    paddr: PhysAddr
    size: int
    cmdline_paddr: PhysAddr | None
    command_line: str | None


@dataclass(frozen=True, slots=True)
class StartInfo:
    """A start info structure: its fields, and what an HVM kind's fields point at."""

    address: PhysAddr
    fields: Fields
    command_line: str | None
    modules: tuple[ModuleEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """Where everything goes and how the guest starts: complete, and nothing is written yet."""

    request: BuildRequest
    layout: MemoryLayout
    segments: tuple[Segment, ...]
    firmware: tuple[Segment, ...]
    """Firmware modules behind hvmloader, named as messages name them."""
    special_pages: ReadOnlyDict[str, Pfn]
    page_tables: tuple[Mapping, ...]
    p2m: PhysicalToMachine | None
    start_info: StartInfo
    hvm_info: Fields | None
    vcpus: tuple[Vcpu, ...]
    hvm_params: tuple[HvmParam, ...]
    grants: tuple[Grant, ...]
    event_channels: tuple[EventChannel, ...]
    hypercall_page: Pfn | None
    populated: tuple[FrameRange, ...]
    entry: int = field(default=0)
    warnings: tuple[Diagnostic, ...] = ()
    """What the user should know of it, the layout's included."""

    def segment(self, name: str) -> Segment | None:
        """Return the segment of that name."""
        return next((segment for segment in self.segments if segment.name == name), None)
