"""What was read from a save file (`xl save`) or a dump-core (`xl dump-core`), as it stands there.

Nothing is converted yet: a dump-core of a PV guest has machine frames in its page tables and structures.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

from xlbuild.built import MemoryReader
from xlbuild.captured.frames import FrameMap
from xlbuild.units import Pfn


class PageType(IntEnum):
    """What a PAGE_DATA record says of a frame, in 4 bits (public domctl.h, XEN_DOMCTL_PFINFO_*)."""

    NOTAB = 0x0
    L1TAB = 0x1
    L2TAB = 0x2
    L3TAB = 0x3
    L4TAB = 0x4
    L1TAB_PINNED = 0x9
    L2TAB_PINNED = 0xA
    L3TAB_PINNED = 0xB
    L4TAB_PINNED = 0xC
    BROKEN = 0xD
    XALLOC = 0xE
    """To be allocated; the stream has no data of it."""
    XTAB = 0xF
    """Not there."""

    @property
    def has_data(self) -> bool:
        """Whether its 4096 bytes are in the record."""
        return self < PageType.BROKEN

    @property
    def level(self) -> int:
        """The level of the page table that it is; 0 for what is none."""
        return self & 7 if self.has_data else 0


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """A record of a libxl or libxc stream; bodies of pages are not kept."""

    type: int
    """With bit 31 where it may be ignored."""
    offset: int
    """Of its header in the file."""
    size: int
    """Bytes of its body, without padding."""
    body: bytes
    """Empty for PAGE_DATA and where a whole stream lies inside."""


@dataclass(frozen=True, slots=True)
class PageStatistics:
    """What a stream's PAGE_DATA records hold."""

    records: int
    entries: int
    by_type: Mapping[int, int]
    """How many entries are of each type, a number of 4 bits."""
    repeated: int
    """Entries for frames that had one before: sent again."""


@dataclass(frozen=True, slots=True)
class SavedConfig:
    """The configuration that a save file carries along."""

    text: bytes
    """Without the NUL that ends it."""
    is_json: bool

    def document(self) -> Mapping[str, object] | None:
        """Return libxl_domain_config; None where it is no JSON, or none that can be read."""
        if not self.is_json:
            return None
        try:
            document = json.loads(self.text.decode(errors="surrogateescape"))
        except (ValueError, RecursionError):
            return None
        return document if isinstance(document, dict) else None


@dataclass(frozen=True, slots=True)
class PvP2m:
    """X86_PV_P2M_FRAMES: which frames hold the p2m list, for frames `first` to `last`, the last included."""

    first: Pfn
    last: Pfn
    frames: tuple[Pfn, ...]


@dataclass(frozen=True, slots=True)
class SavedVcpu:
    """A PV guest's vCPU: its X86_PV_VCPU_* records' bodies, without the header of 8 bytes."""

    id: int
    basic: bytes
    """struct vcpu_guest_context of the guest's width, frames as guest frames."""
    extended: bytes | None = None
    xsave: bytes | None = None
    msrs: bytes | None = None


@dataclass(frozen=True, slots=True)
class TscInfo:
    """X86_TSC_INFO."""

    mode: int
    khz: int
    nsec: int
    incarnation: int


@dataclass(frozen=True, slots=True)
class SaveFile:
    """A save file: what surrounds the stream, and what the stream says of the guest."""

    source: str
    size: int
    config: SavedConfig | None
    mandatory_flags: int
    """Of xl's header."""
    libxl_records: tuple[StreamRecord, ...]
    is_pv: bool
    """What the domain header says."""
    xen_version: tuple[int, int]
    stream_version: int
    """Of the libxc stream."""
    records: tuple[StreamRecord, ...]
    """Of the libxc stream, in order, PAGE_DATA among them."""
    pages: PageStatistics
    memory: MemoryReader
    """Frame n as the stream has it, the last of several."""
    page_types: Mapping[Pfn, PageType]
    """Of the frames that are page tables."""
    pv_width: int | None
    """Bytes of a PV guest's words: 8 or 4."""
    pv_levels: int | None
    p2m: PvP2m | None
    shared_info: bytes | None
    pv_vcpus: tuple[SavedVcpu, ...]
    hvm_context: bytes | None
    hvm_params: tuple[tuple[int, int], ...]
    """Index and value, in the stream's order."""
    tsc: TscInfo | None
    cpuid_leaves: int
    """Of X86_CPUID_POLICY."""
    msrs: int
    """Of X86_MSR_POLICY."""


@dataclass(frozen=True, slots=True)
class CoreNote:
    """A note of a dump-core."""

    name: str
    type: int
    body: bytes


@dataclass(frozen=True, slots=True)
class CoreSection:
    """A section of a dump-core."""

    name: str
    offset: int
    size: int
    entry_size: int


@dataclass(frozen=True, slots=True)
class DumpCore:
    """A dump-core (public docs/misc/dump-core-format)."""

    source: str
    size: int
    sections: tuple[CoreSection, ...]
    notes: tuple[CoreNote, ...]
    is_pv: bool
    """What the header note's magic says."""
    pages: int
    format_version: int
    xen_version: tuple[int, int] | None
    xen_extra: str | None
    vcpus: tuple[bytes, ...]
    """struct vcpu_guest_context of each vCPU, of the guest's width or of 64 bits as the section's entry size says."""
    shared_info: bytes | None
    memory: MemoryReader
    """Frame n as it was: of a PV guest with machine frames in its tables."""
    machine_frames: FrameMap | None
    """A PV guest's; None for an HVM container."""


Capture: TypeAlias = SaveFile | DumpCore
"""What a host wrote of a guest."""
