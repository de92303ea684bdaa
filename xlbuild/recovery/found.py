"""What a captured guest's own structures tell of how it was built, whatever file it was captured in."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from xlbuild.abi.layout import Fields
from xlbuild.built import AcpiPlaces, HypercallPage, MemoryReader, Placed
from xlbuild.image.model import GuestType
from xlbuild.plan.model import HvmParam, MemoryMapEntry, PlanFor, Segment, StartInfo, Vcpu
from xlbuild.units import FrameRange, Pfn


@dataclass(frozen=True, slots=True)
class Found:
    """Members of a built domain; those that are not found have none of what they hold."""

    memory: MemoryReader
    """With guest frames in it."""
    structures: Mapping[str, bytes]
    guest_type: GuestType
    entry: int
    command_line: str | None
    total_pages: int
    segments: tuple[Segment, ...]
    special_pages: Mapping[str, Pfn]
    start_info: StartInfo
    vcpus: tuple[Vcpu, ...]
    plan_for: PlanFor = PlanFor.CREATE
    firmware_modules: tuple[Segment, ...] = ()
    ioreq_server: FrameRange | None = None
    hvm_info: Placed | None = None
    hvm_info_fields: Fields | None = None
    acpi: AcpiPlaces | None = None
    memory_map: tuple[MemoryMapEntry, ...] = ()
    hypercall_page: HypercallPage | None = None
    untold: frozenset[str] = field(default_factory=frozenset)
    """Members that the structures do not tell."""


@dataclass(frozen=True, slots=True)
class Around:
    """What is known of a captured guest from what surrounds its memory."""

    source: str
    name: str
    uuid: str | None
    reason: str
    profile: str
    hvm_params: tuple[HvmParam, ...] = ()
    memory_map: tuple[MemoryMapEntry, ...] = ()
    """A PV guest's, which its own structures do not tell."""
    has_backends: bool = False
    """Whether grants and event channels are those that a restore makes."""
    untold: frozenset[str] = field(default_factory=frozenset)
    frames: tuple[FrameRange, ...] = ()
    """Frames of which it is not told whether they exist."""


def stem(source: str) -> str:
    """Return a file's name without directories and ending: what a guest is called whose file does not say."""
    name = source.rpartition("/")[2]
    return name.rpartition(".")[0] or name
