"""A built domain as it was read back: what its manifest says, and its memory, which is read where it is asked for.

The values are the plan's where they are the same thing. Whoever reads one back (`emit.readback`) has checked that
every frame and address that a member names exists, so that nobody behind has to.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import NoReturn, Protocol

from xlbuild.abi.hvm_start_info import HVM_START_INFO
from xlbuild.abi.layout import Fields, Layout
from xlbuild.abi.start_info import START_INFO_X86_32, START_INFO_X86_64
from xlbuild.container.model import Kind, Role
from xlbuild.domain import Digests
from xlbuild.errors import FilesError, Where
from xlbuild.image.model import GuestType
from xlbuild.plan.model import (
    EventChannel,
    Grant,
    HvmParam,
    MemoryMapEntry,
    PlanFor,
    Segment,
    StartInfo,
    Vcpu,
    VirtualMemoryRange,
)
from xlbuild.units import FrameRange, Pfn, PhysAddr

START_INFO_FILE = "start_info.bin"
SHARED_INFO_FILE = "shared_info.bin"
VCPU_CONTEXT_FILE = "vcpu_context.bin"
HVM_CONTEXT_FILE = "hvm_context.bin"
HVM_INFO_FILE = "hvm_info_table.bin"
CONFIG_FILE = "config.json"
"""The configuration as xl embeds it in a save file: libxl_domain_config."""
RSDP_FILE = "acpi_rsdp.bin"
ACPI_INFO_FILE = "acpi_info.bin"


START_INFO_LAYOUTS: Mapping[GuestType, Layout] = MappingProxyType(
    {
        GuestType.PV64: START_INFO_X86_64,
        GuestType.PV32PAE: START_INFO_X86_32,
        GuestType.HVM: HVM_START_INFO,
    }
)
"""The start info of each type of guest."""

WORD_SIZES: Mapping[GuestType, int] = MappingProxyType({GuestType.PV64: 8, GuestType.PV32PAE: 4})
"""Bytes of a PV guest's words, an entry of its p2m list among them."""

SUSPEND_RECORDS: Mapping[GuestType, str] = MappingProxyType({GuestType.PV64: "rdx", GuestType.PV32PAE: "edx"})
"""The register in which a suspended PV guest has start_info's frame: a restore finds start_info by it."""


def acpi_table_file(name: str) -> str:
    """Return the name of the file that holds an ACPI table."""
    return f"acpi_{name.lower().replace(' ', '_')}.bin"


class Origin(StrEnum):
    """What a domain was given as."""

    DIRECTORY = "built domain"
    MANIFEST = "manifest"
    CONFIG = "configuration"
    SAVE = "save file"
    CORE = "dump-core"

    @property
    def is_capture(self) -> bool:
        """Whether it is a file that a host wrote, or that is like one."""
        return self in (Origin.SAVE, Origin.CORE)


class MemoryReader(Protocol):
    """A guest's memory, wherever it is: `GuestMemory` is one, an image on disk another."""

    @property
    def populated(self) -> tuple[FrameRange, ...]:
        """The frames that exist: ascending, disjoint."""

    @property
    def end(self) -> Pfn:
        """One past the highest frame that exists."""

    def read(self, address: PhysAddr, size: int) -> bytes:
        """Return `size` bytes; zeros where nothing is written, and where no memory is."""

    def pages(self) -> Iterator[tuple[Pfn, bytes]]:
        """Yield each frame that holds a non-zero byte, ascending, with its 4096 bytes."""

    def pages_in(self, frames: FrameRange) -> Iterator[tuple[Pfn, bytes]]:
        """Yield those of `pages` that lie in a range, some of whose frames may not exist; no others are read."""


@dataclass(frozen=True, slots=True)
class AbsentMemory:
    """The memory of a domain of which only the manifest is known: which frames there are, not what they hold.

    A `MemoryReader`, whose methods that read raise FilesError (domain-image-missing) as soon as they are called.
    """

    populated: tuple[FrameRange, ...]
    source: str
    """Where the manifest was read from."""

    @property
    def end(self) -> Pfn:
        """One past the highest frame that exists."""
        return self.populated[-1].end

    def read(self, address: PhysAddr, size: int) -> bytes:
        """Refuse."""
        self._refuse()

    def pages(self) -> Iterator[tuple[Pfn, bytes]]:
        """Refuse."""
        self._refuse()

    def pages_in(self, frames: FrameRange) -> Iterator[tuple[Pfn, bytes]]:
        """Refuse."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise FilesError(
            "domain-image-missing",
            "what the guest's memory holds is not known",
            cause="this is a manifest alone, without the memory.img that a built domain has beside it",
            hint="give the directory that `xlbuild create` wrote",
            where=Where(self.source),
        )


@dataclass(frozen=True, slots=True)
class BuiltInput:
    """A file that went into the build, as the manifest records it."""

    role: Role
    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class BuiltNote:
    """A note of the kernel, as the manifest records it."""

    name: str
    value: str
    """Its text, or its number as "0x…"."""


@dataclass(frozen=True, slots=True)
class BuiltKernel:
    """What the builder made of the kernel's file."""

    format: str
    packing: tuple[str, ...]
    entry: int
    notes: tuple[BuiltNote, ...] | None = None
    """None: not known, because the manifest is older than their being recorded."""
    features_active: tuple[str, ...] | None = None
    """Names of the features that the kernel requires or that were requested; None as for notes."""


@dataclass(frozen=True, slots=True)
class PopulateOnDemand:
    """Frames that exist only once they are touched."""

    target: int
    """Frames there may be of them at start."""
    populated: tuple[FrameRange, ...]


@dataclass(frozen=True, slots=True)
class Placed:
    """Bytes with a name and a place of their own."""

    name: str
    address: PhysAddr
    size: int

    @property
    def end(self) -> PhysAddr:
        """One past its last byte."""
        return PhysAddr(self.address + self.size)


@dataclass(frozen=True, slots=True)
class AcpiPlaces:
    """Where a PVH guest's ACPI lies: the pieces with addresses of their own, and the tables in them."""

    blobs: tuple[Placed, ...]
    tables: tuple[Placed, ...]


@dataclass(frozen=True, slots=True)
class NumaTables:
    """What the hypervisor is told of virtual NUMA nodes (public domctl.h, struct xen_domctl_vnuma)."""

    vnode_to_pnode: tuple[int, ...]
    vcpu_to_vnode: tuple[int, ...]
    vdistance: tuple[tuple[int, ...], ...]
    vmemranges: tuple[VirtualMemoryRange, ...]


@dataclass(frozen=True, slots=True)
class HypercallPage:
    """The frame of a PV kernel's hypercall page, and whether it was filled."""

    pfn: Pfn
    filled: bool


@dataclass(frozen=True, slots=True)
class Untold:
    """What the file that a domain was recovered from does not tell; of a domain that was built here, nothing."""

    members: frozenset[str] = frozenset()
    """Members of the manifest, `vcpus.registers` among them where some registers are not told."""
    frames: tuple[FrameRange, ...] = ()
    """Frames that may exist and hold something all the same: ascending, disjoint."""


ALL_TOLD = Untold()


@dataclass(frozen=True, slots=True)
class BuiltDomain:
    """A domain that was built: domain.json's members (docs/domain-json.md), its memory, and its structures."""

    source: str
    """Where it was read from, as the user calls it."""
    document: Mapping[str, object]
    """The manifest as it stands."""
    memory: MemoryReader
    structures: Mapping[str, bytes]
    """Contents of the .bin files by name, those that are there."""
    name: str
    uuid: str | None
    kind: Kind
    reason: str
    guest_type: GuestType
    profile: str
    """Name of the Xen release that it was built as; it may be one that is not known here."""
    inputs: tuple[BuiltInput, ...]
    kernel: BuiltKernel
    command_line: str | None
    total_pages: int
    target_pages: int | None
    populate_on_demand: PopulateOnDemand | None
    segments: tuple[Segment, ...]
    firmware_modules: tuple[Segment, ...]
    special_pages: Mapping[str, Pfn]
    ioreq_server: FrameRange | None
    start_info: StartInfo
    hvm_info: Placed | None
    hvm_info_fields: Fields | None
    acpi: AcpiPlaces | None
    vcpus: tuple[Vcpu, ...]
    hvm_params: tuple[HvmParam, ...]
    memory_map: tuple[MemoryMapEntry, ...]
    vnuma: NumaTables | None
    hypercall_page: HypercallPage | None
    grants: tuple[Grant, ...]
    event_channels: tuple[EventChannel, ...]
    digests: Digests
    plan_for: PlanFor = PlanFor.CREATE
    """How it is to be started."""
    untold: Untold = ALL_TOLD
    origin: Origin = Origin.CONFIG
    """What it was given as."""

    @property
    def populated(self) -> tuple[FrameRange, ...]:
        """The frames that exist."""
        return self.memory.populated

    @property
    def has_contents(self) -> bool:
        """Whether its memory can be read; of a manifest alone, only the digests that it records are known."""
        return not isinstance(self.memory, AbsentMemory)

    @property
    def is_pv(self) -> bool:
        """Whether it is a PV guest, whose segments have virtual addresses."""
        return self.kind is Kind.PV

    def segment(self, name: str) -> Segment | None:
        """Return the segment of that name."""
        return next((segment for segment in self.segments if segment.name == name), None)

    def structure_files(self) -> tuple[str, ...]:
        """Return the names of the .bin files that a directory of this domain has."""
        if self.is_pv:
            return (START_INFO_FILE, SHARED_INFO_FILE, VCPU_CONTEXT_FILE)
        hvm_info = (HVM_INFO_FILE,) if self.hvm_info is not None else ()
        if self.acpi is None:
            return (START_INFO_FILE, HVM_CONTEXT_FILE, *hvm_info)
        tables = (acpi_table_file(table.name) for table in self.acpi.tables)
        return (START_INFO_FILE, HVM_CONTEXT_FILE, *hvm_info, RSDP_FILE, ACPI_INFO_FILE, *tables)


@dataclass(frozen=True, slots=True)
class Verification:
    """What a domain's memory and manifest come to, beside what the manifest says they did."""

    digests: Digests
    """Of the memory as it is; `domain` is of the manifest as it is, too."""
    stray: Pfn | None
    """First frame with a non-zero byte where the guest has no memory."""

    def differing(self, built: BuiltDomain) -> tuple[str, ...]:
        """Return the names of the segments whose digests are not the manifest's."""
        recorded = built.digests.segments
        return tuple(name for name, digest in self.digests.segments.items() if recorded.get(name) != digest)
