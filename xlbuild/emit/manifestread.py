"""Reading domain.json back, member by member: what is said of a domain is complete, and names only what exists."""

import re
from dataclasses import dataclass
from itertools import pairwise

from xlbuild.abi.e820 import E820_MAX
from xlbuild.abi.hvm_info import HVM_INFO_TABLE
from xlbuild.abi.hvm_save import HVM_HW_CPU, HVM_HW_MTRR
from xlbuild.abi.layout import FieldValue, Layout
from xlbuild.abi.limits import HVM_MAX_VCPUS
from xlbuild.abi.vcpu_guest_context import VCPU_GUEST_CONTEXT_X86_32, VCPU_GUEST_CONTEXT_X86_64
from xlbuild.built import START_INFO_LAYOUTS, AcpiPlaces, BuiltDomain, HypercallPage, MemoryReader, Placed
from xlbuild.container import Kind
from xlbuild.emit.jsonplace import Place, shown
from xlbuild.emit.manifest import SCHEMA
from xlbuild.emit.manifestvalues import (
    HIGHEST_ADDRESS,
    HIGHEST_FRAME,
    MOST,
    NAME,
    choice,
    digests_of,
    event_channel_of,
    frame_of,
    frames_of,
    grant_of,
    hvm_param_of,
    input_of,
    kernel_of,
    map_entry_of,
    matching,
    module_of,
    name_of,
    numa_of,
    populate_on_demand_of,
    registers_of,
    structure_of,
)
from xlbuild.image.model import GuestType
from xlbuild.plan.model import PlanFor, Segment, StartInfo, Vcpu
from xlbuild.units import UINT64, FrameRange, Pfn, PhysAddr, bytes_of, paddr_of, pages_for

_MOST_SEGMENTS = 64
_U64 = UINT64 - 1
_RELEASE = re.compile("[0-9]{1,9}\\.[0-9]{1,9}")

_MEMBERS = (
    *("schema", "name", "uuid", "container", "reason", "guest_type", "profile", "inputs", "kernel"),
    *("command_line", "total_pages", "target_pages", "populated", "populate_on_demand", "segments"),
    *("firmware_modules", "special_pages", "start_info", "hvm_info_table", "acpi", "vcpus", "hvm_params"),
    *("memory_map", "vnuma", "hypercall_page", "grants", "event_channels", "digests"),
)

_GUEST_TYPES: dict[Kind, tuple[GuestType, ...]] = {
    Kind.PV: (GuestType.PV64, GuestType.PV32PAE),
    Kind.PVH: (GuestType.HVM,),
    Kind.HVM: (GuestType.HVM,),
}
_REGISTERS: dict[GuestType, Layout] = {
    GuestType.PV64: VCPU_GUEST_CONTEXT_X86_64,
    GuestType.PV32PAE: VCPU_GUEST_CONTEXT_X86_32,
    GuestType.HVM: HVM_HW_CPU,
}
_SEGMENTS: dict[Kind, tuple[str, ...]] = {
    Kind.PV: ("kernel", "phys2mach", "page tables"),
    Kind.PVH: ("kernel", "HVM start info"),
    Kind.HVM: ("kernel", "HVM start info"),
}
"""What every domain of a kind has."""


def check_schema(top: Place) -> None:
    """Refuse a document that is not a domain's manifest of the version that is known, or lacks a member."""
    if not isinstance(top.value, dict) or "schema" not in top.value:
        top.wrong(f"it is no object with a member 'schema', as {SCHEMA} is")
    schema = top.required("schema")
    if schema.value != SCHEMA:
        schema.wrong(f"{shown(schema.value)} is not {SCHEMA!r}, the version that is known")
    top.check_object(*_MEMBERS, "plan")
    for member in _MEMBERS:
        top.required(member)


def read_populated(top: Place) -> tuple[FrameRange, ...]:
    """Return the frames that exist: ascending, disjoint ranges, at least one."""
    place = top.required("populated")
    populated = place.each(frames_of, 1, MOST)
    for earlier, later in pairwise(populated):
        if later.first <= earlier.end:
            place.wrong(f"the range from {later.first:#x} on does not lie behind the one before it")
    return populated


def read_manifest(top: Place, source: str, memory: MemoryReader) -> BuiltDomain:
    """Return a domain from its manifest, which `check_schema` has seen, without its structures' files."""
    kind = choice(top.required("container"), Kind)
    return _Reader(top, kind, _guest_type(top, kind), memory.populated).domain(source, memory)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the members of one manifest, which are about the same guest."""

    top: Place
    kind: Kind
    guest_type: GuestType
    populated: tuple[FrameRange, ...]

    def domain(self, source: str, memory: MemoryReader) -> BuiltDomain:
        top, document = self.top, self.top.value
        assert isinstance(document, dict)
        special, ioreq_server = self._special_pages(top.required("special_pages"))
        hvm_info, hvm_info_fields = self._hvm_info(top.required("hvm_info_table"))
        segments = self._segments(top.required("segments"), _SEGMENTS[self.kind])
        return BuiltDomain(
            source=source,
            document=document,
            memory=memory,
            structures={},
            name=top.required("name").text(),
            uuid=top.required("uuid").optional(Place.text),
            kind=self.kind,
            reason=top.required("reason").text(),
            guest_type=self.guest_type,
            profile=matching(top.required("profile"), _RELEASE, 'a release like "4.17"'),
            inputs=top.required("inputs").each(input_of, 0, MOST),
            kernel=kernel_of(top.required("kernel")),
            command_line=top.required("command_line").optional(Place.text),
            total_pages=top.required("total_pages").number(0, HIGHEST_FRAME),
            target_pages=top.required("target_pages").optional(lambda place: place.number(0, HIGHEST_FRAME)),
            populate_on_demand=top.required("populate_on_demand").optional(populate_on_demand_of),
            segments=segments,
            firmware_modules=self._segments(top.required("firmware_modules"), ()),
            special_pages=special,
            ioreq_server=ioreq_server,
            start_info=self._start_info(top.required("start_info")),
            hvm_info=hvm_info,
            hvm_info_fields=hvm_info_fields,
            acpi=top.required("acpi").optional(self._acpi),
            vcpus=self._vcpus(top.required("vcpus")),
            hvm_params=top.required("hvm_params").each(hvm_param_of, 0, MOST),
            memory_map=top.required("memory_map").each(map_entry_of, 1, E820_MAX),
            vnuma=top.required("vnuma").optional(numa_of),
            hypercall_page=top.required("hypercall_page").optional(self._hypercall_page),
            grants=top.required("grants").each(grant_of, 0, MOST),
            event_channels=top.required("event_channels").each(event_channel_of, 0, MOST),
            digests=digests_of(top.required("digests"), segments),
            plan_for=self._plan_for(),
        )

    def _plan_for(self) -> PlanFor:
        """Return how it is to be started; manifests of old do not say so, and know of one way."""
        place = self.top.member("plan")
        plan_for = choice(place, PlanFor) if place is not None else PlanFor.CREATE
        if place is not None and plan_for is PlanFor.RESTORE and self.kind is Kind.HVM:
            place.wrong("an HVM guest is never laid out for a restore")
        return plan_for

    def _exists(self, place: Place, frames: FrameRange) -> None:
        if frames.pages and not any(existing.covers(frames) for existing in self.populated):
            place.wrong(f"the frames {frames.first:#x}..{frames.end:#x} are not among those that exist")

    def _address(self, place: Place, size: int) -> PhysAddr:
        """Return the address of `size` bytes of the guest's memory."""
        address = PhysAddr(place.number(0, HIGHEST_ADDRESS))
        if not any(
            bytes_of(f.first) <= address and address + size <= bytes_of(f.end) for f in self.populated
        ):
            place.wrong(f"there is no memory at {address:#x}..{address + size:#x}")
        return address

    def _segments(self, place: Place, needed: tuple[str, ...]) -> tuple[Segment, ...]:
        segments = place.each(self._segment, 0, _MOST_SEGMENTS)
        names = [segment.name for segment in segments]
        for name in needed:
            if name not in names:
                place.wrong(f"there is no segment {name!r}, which every such guest has")
        if len(set(names)) < len(names):
            place.wrong("two of them have the same name")
        return segments

    def _segment(self, place: Place) -> Segment:
        place.check_object("name", "vstart", "vend", "pfn", "pages")
        vstart = place.required("vstart").number(0, _U64)
        segment = Segment(
            name=name_of(place.required("name")),
            vstart=vstart,
            vend=place.required("vend").number(vstart, _U64),
            pfn=frame_of(place.required("pfn")),
            pages=place.required("pages").number(0, HIGHEST_FRAME),
        )
        size = segment.vend - segment.vstart
        if segment.pages != pages_for(size):
            place.required("pages").wrong(f"{segment.pages} pages are not what {size} bytes take")
        if self.kind is not Kind.PV and segment.vstart != paddr_of(segment.pfn):
            place.required("vstart").wrong(f"frame {segment.pfn:#x} is at {paddr_of(segment.pfn):#x}")
        self._exists(place, segment.frames)
        return segment

    def _special_pages(self, place: Place) -> tuple[dict[str, Pfn], FrameRange | None]:
        pages = place.members(_MOST_SEGMENTS)
        first, count = pages.pop("ioreq_server_first", None), pages.pop("ioreq_server_pages", None)
        ioreq_server = None
        if first is not None:
            ioreq_server = FrameRange.of(
                frame_of(first), place.required("ioreq_server_pages").number(0, MOST)
            )
            self._exists(first, ioreq_server)
        elif count is not None:
            place.required("ioreq_server_first")
        for name, page in pages.items():
            if not NAME.fullmatch(name):
                place.wrong(f"{shown(name)} is no name of a page")
            self._exists(page, FrameRange.of(frame_of(page), 1))
        return {name: frame_of(page) for name, page in pages.items()}, ioreq_server

    def _start_info(self, place: Place) -> StartInfo:
        layout = START_INFO_LAYOUTS[self.guest_type]
        if self.kind is Kind.PV:
            place.check_object("paddr", *layout.field_names)
            fields = structure_of(place, layout, ("magic", "cmd_line"))
            address = self._address(place.required("paddr"), layout.size)
            return StartInfo(address, fields, self.top.required("command_line").optional(Place.text))
        place.check_object("paddr", *layout.field_names, "cmdline", "modlist")
        return StartInfo(
            address=self._address(place.required("paddr"), layout.size),
            fields=structure_of(place, layout),
            command_line=place.required("cmdline").optional(Place.text),
            modules=place.required("modlist").each(module_of, 0, _MOST_SEGMENTS),
        )

    def _hvm_info(self, place: Place) -> tuple[Placed | None, dict[str, FieldValue] | None]:
        if place.value is None:
            return None, None
        place.check_object("paddr", *HVM_INFO_TABLE.field_names)
        address = self._address(place.required("paddr"), HVM_INFO_TABLE.size)
        fields = structure_of(place, HVM_INFO_TABLE, ("signature",))
        return Placed("hvm_info_table", address, HVM_INFO_TABLE.size), fields

    def _acpi(self, place: Place) -> AcpiPlaces:
        place.check_object("blobs", "tables")
        blobs = place.required("blobs").each(self._placed, 0, _MOST_SEGMENTS)
        tables = place.required("tables").each(self._placed, 0, _MOST_SEGMENTS)
        names = [placed.name for placed in (*blobs, *tables)]
        if len(set(names)) < len(names):
            place.wrong("two of them have the same name")
        return AcpiPlaces(blobs, tables)

    def _placed(self, place: Place) -> Placed:
        place.check_object("name", "addr", "size")
        size = place.required("size").number(0, HIGHEST_ADDRESS)
        return Placed(name_of(place.required("name")), self._address(place.required("addr"), size), size)

    def _vcpus(self, place: Place) -> tuple[Vcpu, ...]:
        """Return the vCPUs; the first has registers, by which the guest starts, and a PV guest's is alone."""
        vcpus = place.each(self._vcpu, 1, 1 if self.kind is Kind.PV else HVM_MAX_VCPUS)
        if vcpus[0].registers is None:
            place.wrong("the first of them has no registers, and a guest could not start")
        return vcpus

    def _vcpu(self, place: Place) -> Vcpu:
        place.check_object("id", "registers", "mtrr")
        number = place.required("id").number(0, HVM_MAX_VCPUS - 1)
        layout = _REGISTERS[self.guest_type]
        registers, mtrr = place.member("registers"), place.member("mtrr")
        return Vcpu(
            number,
            layout,
            registers_of(registers, layout) if registers is not None else None,
            registers_of(mtrr, HVM_HW_MTRR) if mtrr is not None else None,
        )

    def _hypercall_page(self, place: Place) -> HypercallPage:
        place.check_object("pfn", "filled")
        pfn = frame_of(place.required("pfn"))
        self._exists(place.required("pfn"), FrameRange.of(pfn, 1))
        return HypercallPage(pfn, place.required("filled").flag())


def _guest_type(top: Place, kind: Kind) -> GuestType:
    place = top.required("guest_type")
    guest_type = choice(place, GuestType)
    if guest_type not in _GUEST_TYPES[kind]:
        place.wrong(f"a guest whose container is {kind.value} is not of type {guest_type.value}")
    return guest_type
