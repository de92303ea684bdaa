"""The values in domain.json that say nothing about where memory is: each read from its place in the document."""

import re
from collections.abc import Callable
from typing import TypeVar

from xlbuild.abi.layout import FieldValue, Layout
from xlbuild.abi.limits import HVM_MAX_VCPUS
from xlbuild.built import BuiltInput, BuiltKernel, BuiltNote, NumaTables, PopulateOnDemand
from xlbuild.container import Kind, Role
from xlbuild.domain import Digests
from xlbuild.emit.jsonplace import Place, shown
from xlbuild.image.model import GuestType
from xlbuild.image.notes import MOST_NOTES
from xlbuild.plan.model import (
    EventChannel,
    Grant,
    HvmParam,
    MemoryMapEntry,
    ModuleEntry,
    PlanFor,
    Segment,
    VirtualMemoryRange,
)
from xlbuild.units import UINT32, UINT64, FrameRange, Pfn, PhysAddr, pages_for

HIGHEST_ADDRESS = 1 << 52
"""What x86 processors can address at most, in bytes."""
HIGHEST_FRAME = pages_for(HIGHEST_ADDRESS)
MOST = 1024
"""Elements of a list that has a few."""
_MOST_NODES = 64
"""Virtual NUMA nodes; Xen takes half of that."""
_U64, _U32, _U16 = UINT64 - 1, UINT32 - 1, (1 << 16) - 1

NAME = re.compile("[A-Za-z][A-Za-z0-9_ ]{0,63}")
_SHA256 = re.compile("[0-9a-f]{64}")

_Choice = TypeVar("_Choice", Kind, Role, GuestType, PlanFor)


def choice(place: Place, values: type[_Choice]) -> _Choice:
    """Return the value of an enumeration that stands there."""
    chosen = next((value for value in values if place.value == value.value), None)
    if chosen is None:
        place.wrong(f"{shown(place.value)} is none of {', '.join(value.value for value in values)}")
    return chosen


def matching(place: Place, pattern: re.Pattern[str], what: str) -> str:
    """Return a string that a pattern matches whole; `what` says what it should be."""
    if not isinstance(place.value, str) or not pattern.fullmatch(place.value):
        place.wrong(f"{shown(place.value)} is not {what}")
    return place.value


def name_of(place: Place) -> str:
    """Return a name: letters, digits, blanks and underscores, so that it can be part of a file name."""
    return matching(place, NAME, "a name")


def digest_of(place: Place) -> str:
    """Return a SHA-256 digest in hex."""
    return matching(place, _SHA256, "a SHA-256 digest, 64 hexadecimal digits")


def frame_of(place: Place) -> Pfn:
    """Return a frame number."""
    return Pfn(place.number(0, HIGHEST_FRAME - 1))


def _number(most: int) -> Callable[[Place], int]:
    return lambda place: place.number(0, most)


def frames_of(place: Place) -> FrameRange:
    """Return a range of frames that is not empty, from its two ends."""
    first, end = place.each(_number(HIGHEST_FRAME), 2, 2)
    if first >= end:
        place.wrong(f"there is no frame in {first:#x}..{end:#x}")
    return FrameRange(Pfn(first), Pfn(end))


def structure_of(place: Place, layout: Layout, texts: tuple[str, ...] = ()) -> dict[str, FieldValue]:
    """Return all fields of a structure; those in `texts` stand there as text, other raw bytes as hex digits."""
    blank, sizes = layout.decode(bytes(layout.size)), layout.field_sizes()
    return {
        name: _field(place.required(name), value, sizes[name], is_text=name in texts)
        for name, value in blank.items()
    }


def _field(place: Place, blank: FieldValue, size: int, *, is_text: bool) -> FieldValue:
    if isinstance(blank, int):
        return place.number(0, (1 << 8 * size) - 1)
    if not isinstance(blank, bytes):
        count = len(blank)
        return list(place.each(_number((1 << 8 * size // count) - 1), count, count))
    if not is_text:
        pattern = re.compile(f"(?:[0-9a-f]{{2}}){{{size}}}")
        return bytes.fromhex(matching(place, pattern, f"{size} bytes as hexadecimal digits"))
    data = place.text().encode(errors="surrogateescape")
    if len(data) > size:
        place.wrong(f"it has {len(data)} bytes, and there is room for {size}")
    return data.ljust(size, b"\0")


def registers_of(place: Place, layout: Layout) -> dict[str, FieldValue]:
    """Return a vCPU's registers: every field but the opaque areas."""
    blank, sizes = layout.decode(bytes(layout.size)), layout.field_sizes()
    names = [name for name, value in blank.items() if not isinstance(value, bytes)]
    place.check_object(*names)
    return {name: _field(place.required(name), blank[name], sizes[name], is_text=False) for name in names}


def input_of(place: Place) -> BuiltInput:
    """Return what is recorded of a file that went in."""
    place.check_object("role", "path", "size", "sha256")
    return BuiltInput(
        choice(place.required("role"), Role),
        place.required("path").text(),
        place.required("size").number(0, _U64),
        digest_of(place.required("sha256")),
    )


def kernel_of(place: Place) -> BuiltKernel:
    """Return what is recorded of the kernel: its notes and features only where they are, in all but old manifests."""
    place.check_object("format", "packing", "entry", "notes", "features_active")
    notes, features = place.member("notes"), place.member("features_active")
    return BuiltKernel(
        place.required("format").text(),
        place.required("packing").each(Place.text, 0, MOST),
        place.required("entry").number(0, _U64),
        _notes_of(notes) if notes is not None else None,
        features.each(name_of, 0, MOST) if features is not None else None,
    )


def _notes_of(place: Place) -> tuple[BuiltNote, ...]:
    notes = place.each(_note_of, 0, MOST_NOTES)
    if len({note.name for note in notes}) < len(notes):
        place.wrong("two of them have the same name")
    return notes


def _note_of(place: Place) -> BuiltNote:
    place.check_object("name", "value")
    return BuiltNote(name_of(place.required("name")), place.required("value").text())


def populate_on_demand_of(place: Place) -> PopulateOnDemand:
    """Return the frames that exist once they are touched."""
    place.check_object("target", "populated")
    return PopulateOnDemand(
        place.required("target").number(0, HIGHEST_FRAME),
        place.required("populated").each(frames_of, 0, MOST),
    )


def module_of(place: Place) -> ModuleEntry:
    """Return a module as the guest is told of it; no address of it is known to exist."""
    place.check_object("paddr", "size", "cmdline_paddr", "cmdline")
    command_line_at = place.required("cmdline_paddr").number(0, _U64)
    return ModuleEntry(
        PhysAddr(place.required("paddr").number(0, _U64)),
        place.required("size").number(0, _U64),
        PhysAddr(command_line_at) if command_line_at else None,
        place.required("cmdline").optional(Place.text),
    )


def hvm_param_of(place: Place) -> HvmParam:
    """Return an HVM parameter."""
    place.check_object("index", "name", "value")
    return HvmParam(
        place.required("index").number(0, _U32),
        name_of(place.required("name")),
        place.required("value").number(0, _U64),
    )


def map_entry_of(place: Place) -> MemoryMapEntry:
    """Return an entry of the memory map: two u64, whose sum may be none (a PV guest with maxmem below memory)."""
    place.check_object("addr", "size", "type")
    addr = place.required("addr").number(0, _U64)
    size = place.required("size").number(0, _U64)
    return MemoryMapEntry(PhysAddr(addr), size, place.required("type").number(0, _U32))


def numa_of(place: Place) -> NumaTables:
    """Return the tables of virtual NUMA nodes."""
    place.check_object("vnode_to_pnode", "vcpu_to_vnode", "vdistance", "vmemranges")
    numbers = _number(_U32)
    return NumaTables(
        place.required("vnode_to_pnode").each(numbers, 1, _MOST_NODES),
        place.required("vcpu_to_vnode").each(numbers, 1, HVM_MAX_VCPUS),
        place.required("vdistance").each(lambda row: row.each(numbers, 1, _MOST_NODES), 1, _MOST_NODES),
        place.required("vmemranges").each(_vmemrange, 1, MOST),
    )


def _vmemrange(place: Place) -> VirtualMemoryRange:
    place.check_object("start", "end", "vnode")
    start = place.required("start").number(0, _U64)
    end = place.required("end").number(start, _U64)
    return VirtualMemoryRange(PhysAddr(start), PhysAddr(end), place.required("vnode").number(0, _U32))


def grant_of(place: Place) -> Grant:
    """Return an entry of the grant table."""
    place.check_object("index", "flags", "domid", "frame")
    return Grant(
        place.required("index").number(0, _U32),
        place.required("flags").number(0, _U16),
        place.required("domid").number(0, _U16),
        place.required("frame").number(0, _U64),
    )


def event_channel_of(place: Place) -> EventChannel:
    """Return an event channel."""
    place.check_object("port", "remote_domid")
    return EventChannel(
        place.required("port").number(0, _U32), place.required("remote_domid").number(0, _U16)
    )


def digests_of(place: Place, segments: tuple[Segment, ...]) -> Digests:
    """Return the digests: the memory's, each segment's and the domain's."""
    place.check_object("memory", "segments", "domain")
    of_segments = place.required("segments")
    of_segments.check_object(*(segment.name for segment in segments))
    return Digests(
        digest_of(place.required("memory")),
        {segment.name: digest_of(of_segments.required(segment.name)) for segment in segments},
        digest_of(place.required("domain")),
    )
