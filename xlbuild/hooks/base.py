"""The skeleton that every guest is planned by, and the protocol of what differs between guest types."""

from dataclasses import dataclass
from typing import Protocol

from xlbuild.abi.console import XENCONS_CONNECTION_OFFSET, XENCONSOLE_DISCONNECTED
from xlbuild.abi.layout import Fields, Layout
from xlbuild.errors import Diagnostic
from xlbuild.hooks.names import names_of
from xlbuild.image.model import GuestType
from xlbuild.memory import GuestMemory
from xlbuild.plan.layout import Allocator
from xlbuild.plan.model import (
    BuildRequest,
    EventChannel,
    Grant,
    HvmParam,
    MemoryLayout,
    Plan,
    Segment,
    StartInfo,
    Vcpu,
)
from xlbuild.plan.p2m import PhysicalToMachine
from xlbuild.plan.pagetables import Mapping
from xlbuild.units import Pfn, PhysAddr, merge_ranges, paddr_of

# What a host would choose is fixed, so that images compare: ports in the order in which libxl allocates them,
# backends in domain 0, grants at the two reserved indexes (public grant_table.h, GNTTAB_RESERVED_*).
XENSTORE_PORT = 1
CONSOLE_PORT = 2
BACKEND_DOMID = 0
GTF_PERMIT_ACCESS = 1
GNTTAB_RESERVED_CONSOLE = 0
GNTTAB_RESERVED_XENSTORE = 1

EVENT_CHANNELS = (EventChannel(XENSTORE_PORT, BACKEND_DOMID), EventChannel(CONSOLE_PORT, BACKEND_DOMID))


def backend_grants(console: int, xenstore: int) -> tuple[Grant, ...]:
    """Return the entries that let the backends map the two rings' frames (upstream: xc_dom_gnttab_init)."""
    return (
        Grant(GNTTAB_RESERVED_CONSOLE, GTF_PERMIT_ACCESS, BACKEND_DOMID, console),
        Grant(GNTTAB_RESERVED_XENSTORE, GTF_PERMIT_ACCESS, BACKEND_DOMID, xenstore),
    )


class Draft:
    """A plan in the making: the allocator and what has been placed outside its segments."""

    def __init__(self, request: BuildRequest, layout: MemoryLayout, base: int) -> None:
        """Start with nothing placed; `base` is the address of frame 0."""
        self.request = request
        self.layout = layout
        self.allocator = Allocator(base, layout.total_pages, names_of(request))
        self.special_pages: dict[str, Pfn] = {}
        self.page_tables: list[Mapping] = []
        self.p2m: PhysicalToMachine | None = None
        self.warnings: list[Diagnostic] = [*layout.warnings]

    def segment(self, name: str) -> Segment | None:
        """Return the segment of that name, if it has been placed."""
        return next((segment for segment in self.allocator.segments if segment.name == name), None)


@dataclass(frozen=True, slots=True)
class StartOfDay:
    """What the guest finds and how it starts, once everything has its place."""

    start_info: StartInfo
    vcpus: tuple[Vcpu, ...]
    grants: tuple[Grant, ...]
    hvm_params: tuple[HvmParam, ...] = ()
    hvm_info: Fields | None = None
    hypercall_page: Pfn | None = None


class BuilderHooks(Protocol):
    """What a guest type does its own way; each method but `populate` is pure."""

    @property
    def guest_type(self) -> GuestType:
        """The guest type it builds."""

    def base(self, request: BuildRequest) -> int:
        """Return the address of frame 0 in the kernel's own terms."""

    def check(self, request: BuildRequest) -> None:
        """Refuse early what this guest type can never build (RefusedError)."""

    def memory_map(self, request: BuildRequest) -> MemoryLayout:
        """Return which frames exist."""

    def reserve(self, draft: Draft) -> None:
        """Place what goes behind the kernel and its early modules."""

    def reserve_late(self, draft: Draft) -> None:
        """Place what goes behind the modules of a MOD_START_PFN kernel."""

    def start_of_day(self, draft: Draft) -> StartOfDay:
        """Return the start info, the parameters and the vCPUs' entry state."""

    def populate(self, plan: Plan, memory: GuestMemory) -> None:
        """Write everything but the kernel and the modules."""


def make_plan(request: BuildRequest, hooks: BuilderHooks) -> Plan:
    """Return the plan of a guest (upstream: xc_dom_build_image's order).

    Raises RefusedError, or LayoutError with the map so far, when something does not fit.
    """
    hooks.check(request)
    layout = hooks.memory_map(request)
    draft = Draft(request, layout, hooks.base(request))
    image = request.image
    # A kernel at address 0 starts wherever frame 0 is, as upstream, where 0 stands for no wish.
    draft.allocator.segment("kernel", image.end - image.start, image.start or None)
    modules_go_last = request.has_unmapped_modules
    if not modules_go_last:
        _place_modules(draft)
    hooks.reserve(draft)
    if modules_go_last:
        _place_modules(draft)
    hooks.reserve_late(draft)
    return _finish(draft, hooks.start_of_day(draft))


def _place_modules(draft: Draft) -> None:
    for module in draft.request.modules:
        draft.allocator.segment(module.name, module.content.length)


def _finish(draft: Draft, start: StartOfDay) -> Plan:
    firmware = {module.name for module in draft.request.firmware_modules}
    segments = [segment for segment in draft.allocator.segments if segment.name not in firmware]
    return Plan(
        request=draft.request,
        layout=draft.layout,
        segments=tuple(sorted(segments, key=_upstream_order)),
        firmware=tuple(segment for segment in draft.allocator.segments if segment not in segments),
        special_pages=draft.special_pages,
        page_tables=tuple(draft.page_tables),
        p2m=draft.p2m,
        start_info=start.start_info,
        hvm_info=start.hvm_info,
        vcpus=start.vcpus,
        hvm_params=start.hvm_params,
        grants=start.grants,
        event_channels=EVENT_CHANNELS,
        hypercall_page=start.hypercall_page,
        populated=merge_ranges((*draft.layout.ram, *draft.layout.special)),
        entry=draft.request.image.entry,
        warnings=tuple(draft.warnings),
    )


def _upstream_order(segment: Segment) -> int:
    """Return a segment's rank in Xen's own record of a domain: kernel, modules, p2m, page tables, start info."""
    return next(rank for rank, name in enumerate(_SEGMENT_NAMES) if segment.name.startswith(name))


_SEGMENT_NAMES = ("kernel", "module", "phys2mach", "page tables", "HVM start info")


def build_memory(plan: Plan, hooks: BuilderHooks) -> GuestMemory:
    """Return the guest's memory as the plan says: kernel and modules here, the rest by the hooks."""
    memory = GuestMemory(plan.populated)
    start_of = {segment.name: paddr_of(segment.pfn) for segment in plan.segments}
    for segment in plan.segments:
        memory.claim(segment.name, segment.frames)
    for piece in plan.request.image.pieces:
        memory.write("kernel", PhysAddr(start_of["kernel"] + piece.offset), piece.data)
    for module in plan.request.modules:
        memory.write(module.name, start_of[module.name], module.content.data)
    hooks.populate(plan, memory)
    return memory


def complete(layout: Layout, fields: Fields) -> Fields:
    """Return every field of a structure in the header's order, those not named as zero; opaque areas left out."""
    decoded = layout.decode(layout.encode(fields))
    return {name: value for name, value in decoded.items() if not isinstance(value, bytes)}


def write_console_page(plan: Plan, memory: GuestMemory) -> None:
    """Write what the release's toolstack leaves in the console ring's page: nothing until 4.21."""
    if plan.request.profile.initialises_console_page:
        address = PhysAddr(paddr_of(plan.special_pages["console"]) + XENCONS_CONNECTION_OFFSET)
        memory.write("console", address, bytes([XENCONSOLE_DISCONNECTED]))
