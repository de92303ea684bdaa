"""PV guests, built in their own virtual address space; what 64-bit and 32-bit PAE guests differ in is a `PvAbi`.

Everything up to `virt_pgtab_end` is mapped linearly from VIRT_BASE by the initial page tables; the ramdisk and the
p2m list may lie behind, where the kernel asks for that (MOD_START_PFN, INIT_P2M).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from xlbuild.abi.layout import Fields, FieldValue, Layout
from xlbuild.abi.limits import MAX_GUEST_CMDLINE
from xlbuild.abi.start_info import SIF_MOD_START_PFN
from xlbuild.abi.vcpu_guest_context import VGCF_IN_KERNEL, VGCF_ONLINE
from xlbuild.errors import RefusedError, Where
from xlbuild.hooks.base import (
    CONSOLE_PORT,
    XENSTORE_PORT,
    Draft,
    StartOfDay,
    backend_grants,
    complete,
    write_console_page,
)
from xlbuild.image.model import GuestType, PaeMode
from xlbuild.memory import GuestMemory
from xlbuild.plan.hostmap import pv_memory_map
from xlbuild.plan.model import (
    BuildRequest,
    MemoryLayout,
    Plan,
    PlanFor,
    Segment,
    StartInfo,
    Vcpu,
)
from xlbuild.plan.p2m import P2mList, PhysicalToMachine
from xlbuild.plan.pagetables import (
    X86_32_PAE,
    X86_64,
    Mapping,
    Paging,
    map_frames,
    span_of_table,
    table_pages,
)
from xlbuild.units import (
    GIB,
    KIB,
    MIB,
    PAGE_SIZE,
    PAGES_PER_MIB,
    FrameRange,
    Mfn,
    Pfn,
    VirtAddr,
    align_up,
    bytes_of,
    maddr_of,
    paddr_of,
    page_down,
    page_offset,
    pages_for,
    whole_pages,
)
from xlbuild.x86 import DR6_DEFAULT, DR7_DEFAULT

_MAPPING_ALIGNMENT = 4 * MIB
"""The linear mapping ends on a multiple of this address."""
_PADDING_PAGES = 512 * KIB // PAGE_SIZE
"""At least so much is mapped behind the boot stack (public xen.h, start-of-day memory layout)."""
_BOOT_STACK_PAGES = 1

_SHARED_INFO_MFN = Mfn(0xFFFFE)
"""Where the shared info page lies unless the guest owns that frame; a host would choose."""

_FRAMES_BELOW_4_GIB = 4 * GIB // PAGE_SIZE
_MFN_BELOW_4_GIB = Mfn(0x80000)
"""Where a top-level table moves that must not lie above 4 GiB; a host would choose."""


@dataclass(frozen=True, slots=True)
class EntryState:
    """Where vCPU 0 starts and what it finds, all as numbers of the guest's word size."""

    entry: int
    stack: int
    start_info: int
    suspend_record: Mfn
    """What a suspended guest's rdx (edx) holds: start_info's frame, by which a restore finds it; 0 for none."""
    top_table: Mfn
    pae: PaeMode


@dataclass(frozen=True, slots=True)
class PvAbi:
    """What one of the PV guest types does its own way."""

    guest_type: GuestType
    word_size: int
    """Bytes of an address, and of a p2m entry."""
    paging: Paging
    has_init_p2m: bool
    """Whether the p2m list may lie where INIT_P2M says."""
    start_info: Layout
    vcpu_guest_context: Layout
    registers: Callable[[EntryState], Fields]
    """The fields of the vCPU's context that only this type has, or sets its own way."""
    hypercall_page: Callable[[], bytes]

    def word(self, address: int) -> int:
        """Return what a word of the guest holds of a number."""
        return address & ((1 << 8 * self.word_size) - 1)


@dataclass(frozen=True, slots=True)
class PvHooks:
    """Builds PV guests (upstream: the arch hooks of xen-3.0-x86_64 and xen-3.0-x86_32p)."""

    abi: PvAbi

    @property
    def guest_type(self) -> GuestType:
        """The guest type it builds."""
        return self.abi.guest_type

    def base(self, request: BuildRequest) -> int:
        """Return VIRT_BASE, where frame 0 is mapped."""
        return request.image.parameters.virt_base or 0

    def check(self, request: BuildRequest) -> None:
        """Accept everything: what a PV guest cannot have, the container has refused."""

    def memory_map(self, request: BuildRequest) -> MemoryLayout:
        """Return one run of frames as large as `memory=`; the map is for the hypervisor only."""
        pages = request.container.memory.target_kib * KIB // MIB * PAGES_PER_MIB
        ram = (FrameRange.of(0, pages),)
        return MemoryLayout(total_pages=pages, ram=ram, memory_map=pv_memory_map(request.container))

    def reserve(self, draft: Draft) -> None:
        """Place the p2m list, the magic pages, the page tables and the boot stack."""
        draft.p2m = PhysicalToMachine(draft.layout.total_pages, draft.request.mfn_base)
        if self._init_p2m(draft) is None:
            draft.allocator.segment("phys2mach", bytes_of(self._p2m_pages(draft.p2m)))
        for name in ("start_info", "xenstore", "console"):
            draft.special_pages[name] = draft.allocator.page(name)
        mapping, end = _linear_mapping(draft, self.abi.paging)
        draft.page_tables.append(mapping)
        draft.p2m = _top_table_below_4_gib(draft, draft.p2m, mapping)
        draft.allocator.segment("page tables", bytes_of(mapping.tables.pages))
        draft.special_pages["boot_stack"] = draft.allocator.page("boot stack")
        draft.allocator.pad_to(end)

    def reserve_late(self, draft: Draft) -> None:
        """Place the p2m list at INIT_P2M, with the page tables that map it behind it."""
        at = self._init_p2m(draft)
        if at is None:
            return
        assert draft.p2m is not None
        first, pages = draft.allocator.pfn_end, self._p2m_pages(draft.p2m)
        frames = FrameRange.of(first, pages)
        mapping = map_frames(self.abi.paging, at, frames, frames.end, draft.page_tables)
        _check_p2m_mapping(draft, mapping)
        draft.page_tables.append(mapping)
        placed = draft.allocator.segment("phys2mach", bytes_of(pages + mapping.tables.pages))
        size = placed.vend - placed.vstart
        draft.allocator.segments[-1] = Segment("phys2mach", at, at + size, placed.pfn, placed.pages)

    def start_of_day(self, draft: Draft) -> StartOfDay:
        """Return the start_info page's fields and vCPU 0's registers."""
        assert draft.p2m is not None
        console, xenstore = (draft.p2m.mfn(draft.special_pages[name]) for name in ("console", "xenstore"))
        return StartOfDay(
            start_info=_start_info(draft, draft.p2m, self.abi),
            vcpus=(_vcpu(draft, draft.p2m, self.abi),),
            grants=backend_grants(console, xenstore),
            hypercall_page=_hypercall_page(draft),
        )

    def populate(self, plan: Plan, memory: GuestMemory) -> None:
        """Write the p2m list, the page tables, the start_info page and the hypercall page."""
        for name, pfn in plan.special_pages.items():
            memory.claim(name, FrameRange.of(pfn, 1))
        segment = plan.segment("phys2mach")
        assert plan.p2m is not None
        assert segment is not None
        memory.write("phys2mach", paddr_of(segment.pfn), P2mList(plan.p2m, self.abi.word_size))
        linear = plan.page_tables[0].tables
        for pfn, table in table_pages(plan.page_tables, plan.p2m):
            owner = "page tables" if linear.first <= pfn < linear.end else "phys2mach"
            memory.write(owner, paddr_of(pfn), table)
        start_info = self.abi.start_info.encode(plan.start_info.fields)
        memory.write("start_info", plan.start_info.address, start_info)
        write_console_page(plan, memory)
        if plan.hypercall_page is not None and plan.request.fill_hypercall_page:
            memory.claim("hypercall page", FrameRange.of(plan.hypercall_page, 1))
            memory.replace("hypercall page", paddr_of(plan.hypercall_page), self.abi.hypercall_page())

    def _p2m_pages(self, p2m: PhysicalToMachine) -> int:
        return pages_for(len(P2mList(p2m, self.abi.word_size)))

    def _init_p2m(self, draft: Draft) -> VirtAddr | None:
        """Return where the kernel wants its p2m list, if that place can be used: page-aligned, below VIRT_BASE."""
        at = draft.request.image.parameters.p2m_base
        if at is None or not self.abi.has_init_p2m or page_offset(at) or at >= draft.allocator.base:
            return None
        return VirtAddr(at)


def _top_table_below_4_gib(draft: Draft, p2m: PhysicalToMachine, mapping: Mapping) -> PhysicalToMachine:
    """Return the p2m after the top-level table has moved, for a PAE kernel without the extended cr3.

    Such a kernel's cr3 holds 32 bits of an address (upstream: move_l3_below_4G). With mfn == pfn every table of a
    32-bit guest lies below 4 GiB, and nothing moves.
    """
    pfn = mapping.tables.first
    movable = mapping.paging is X86_32_PAE and draft.request.image.parameters.pae is PaeMode.YES
    if movable and p2m.mfn(pfn) >= _FRAMES_BELOW_4_GIB:
        return replace(p2m, moved=(pfn, _MFN_BELOW_4_GIB))
    return p2m


def _linear_mapping(draft: Draft, paging: Paging) -> tuple[Mapping, int]:
    """Return the mapping of all that the kernel is to find mapped, and the address where it ends.

    Its size depends on how many tables it needs, which depends on its size: iterate (upstream: alloc_pgtables_pv).
    Raises RefusedError when the guest is smaller than what would be mapped.
    """
    allocator = draft.allocator
    base = VirtAddr(page_down(allocator.base))
    tables = 0
    while True:
        pages = tables + _BOOT_STACK_PAGES + _PADDING_PAGES
        used = allocator.virt_end + bytes_of(pages)
        end = (used | (_MAPPING_ALIGNMENT - 1)) + 1
        mapped = FrameRange.of(0, pages_for(end - base))
        mapping = map_frames(paging, base, mapped, allocator.pfn_end)
        tables = mapping.tables.pages
        if allocator.virt_end + bytes_of(tables + _BOOT_STACK_PAGES + _PADDING_PAGES) <= end:
            break
    _check_mapping(draft, mapping, end)
    return mapping, end


def _check_mapping(draft: Draft, mapping: Mapping, end: int) -> None:
    """Refuse a mapping that wraps round; one that ends at 2^64 keeps the real builder busy for ever."""
    mapped = mapping.frames
    if end >= 1 << 64 or (end - 1) & mapping.paging.address_mask < mapping.first:
        raise RefusedError(
            "address-space-exhausted",
            "the kernel and what goes with it reach the end of the address space",
            cause=f"the initial mapping from {draft.allocator.base:#x} would have to end at {end:#x}, "
            f"and addresses have {mapping.paging.address_bits} bits",
            hint="give the guest less memory, or link the kernel lower"
            + ("; an INIT_P2M note moves the p2m list away" if mapping.paging is X86_64 else ""),
        )
    if mapped.pages > draft.layout.total_pages:
        needed = bytes_of(mapped.pages)
        raise draft.allocator.error(
            "memory-too-small",
            "the guest's memory is too small for its initial mapping",
            f"{mapped.pages} pages are to be mapped from VIRT_BASE on, and the guest has "
            f"{draft.layout.total_pages}",
            f"give the guest at least {-(-needed // MIB)} MiB",
        )


def _check_p2m_mapping(draft: Draft, mapping: Mapping) -> None:
    """Refuse an INIT_P2M whose mapping runs into the first one, or lies in its leaf tables.

    As the real builder, compare the note's whole address with 48 bits of the kernel's: in the upper half of the
    address space an overlap goes through (upstream: count_pgtables).
    """
    linear = draft.page_tables[0]
    linear_end = linear.first + bytes_of(linear.frames.pages)
    end = mapping.virt + bytes_of(mapping.frames.pages)
    if mapping.virt < linear_end and end > linear.first:
        cause = f"the list would be mapped up to {end:#x}, and the kernel is mapped from {linear.first:#x} on"
    elif _encloses(mapping, linear):
        cause = f"the list would be mapped up to {end:#x}, around the kernel's own mapping"
    elif mapping.levels[-1].tables == 0:
        cause = "the page tables for that place are those that map the kernel, and cannot take it up"
    else:
        return
    raise RefusedError(
        "init-p2m-overlap",
        "the kernel wants its p2m list too close to itself",
        cause=cause,
        hint="link the kernel with an INIT_P2M note farther below VIRT_BASE, or give the guest less memory",
        where=Where(draft.request.container.kernel.path, note="INIT_P2M"),
    )


def _encloses(mapping: Mapping, other: Mapping) -> bool:
    """Return whether a mapping needs leaf tables below and above all of another's (there, Xen's builder aborts)."""
    leaves, span = other.levels[-1], span_of_table(1)
    end = mapping.first + bytes_of(mapping.frames.pages)
    return mapping.first // span * span < leaves.first and align_up(end, span) > leaves.end


def _shared_info_mfn(p2m: PhysicalToMachine) -> Mfn:
    """Return the shared info page's frame: a fixed one, or the next multiple of 0x100 above the guest's."""
    first, end = p2m.mfn(Pfn(0)), p2m.mfn(Pfn(p2m.total_pages))
    return Mfn((end | 0xFF) + 1) if first <= _SHARED_INFO_MFN < end else _SHARED_INFO_MFN


def _start_info(draft: Draft, p2m: PhysicalToMachine, abi: PvAbi) -> StartInfo:
    command_line = draft.request.container.command_line
    text = (command_line or "").encode(errors="surrogateescape")[: MAX_GUEST_CMDLINE - 1]
    phys2mach = draft.segment("phys2mach")
    assert phys2mach is not None
    late_p2m = draft.page_tables[1:]
    fields: dict[str, FieldValue] = {
        "magic": abi.guest_type.value.encode().ljust(32, b"\0"),
        "nr_pages": p2m.total_pages,
        "shared_info": maddr_of(_shared_info_mfn(p2m)),
        "flags": 0,
        "store_mfn": p2m.mfn(draft.special_pages["xenstore"]),
        "store_evtchn": XENSTORE_PORT,
        "console_mfn": p2m.mfn(draft.special_pages["console"]),
        "console_evtchn": CONSOLE_PORT,
        "pt_base": draft.allocator.address_of(draft.page_tables[0].tables.first),
        "nr_pt_frames": draft.page_tables[0].tables.pages,
        "mfn_list": phys2mach.vstart,
        "cmd_line": text.ljust(MAX_GUEST_CMDLINE, b"\0"),
        "first_p2m_pfn": phys2mach.pfn if late_p2m else 0,
        "nr_p2m_frames": phys2mach.pages if late_p2m else 0,
    }
    fields |= _ramdisk_fields(draft)
    address = paddr_of(draft.special_pages["start_info"])
    words = {name: abi.word(value) if isinstance(value, int) else value for name, value in fields.items()}
    return StartInfo(address, words, command_line)


def _ramdisk_fields(draft: Draft) -> dict[str, FieldValue]:
    ramdisk = draft.segment("module0")
    if ramdisk is None:
        return {"mod_start": 0, "mod_len": 0}
    if draft.request.has_unmapped_modules:
        return {"flags": SIF_MOD_START_PFN, "mod_start": ramdisk.pfn, "mod_len": bytes_of(ramdisk.pages)}
    return {"mod_start": ramdisk.vstart, "mod_len": ramdisk.vend - ramdisk.vstart}


def _vcpu(draft: Draft, p2m: PhysicalToMachine, abi: PvAbi) -> Vcpu:
    stack = draft.allocator.address_of(Pfn(draft.special_pages["boot_stack"] + _BOOT_STACK_PAGES))
    state = EntryState(
        entry=abi.word(draft.request.image.entry),
        stack=abi.word(stack),
        start_info=abi.word(draft.allocator.address_of(draft.special_pages["start_info"])),
        suspend_record=_suspend_record(draft, p2m),
        top_table=p2m.mfn(draft.page_tables[0].tables.first),
        pae=draft.request.image.parameters.pae,
    )
    fields: dict[str, FieldValue] = {
        "flags": VGCF_IN_KERNEL | VGCF_ONLINE,
        "debugreg": [0, 0, 0, 0, 0, 0, DR6_DEFAULT, DR7_DEFAULT],
    }
    registers = complete(abi.vcpu_guest_context, fields | dict(abi.registers(state)))
    return Vcpu(0, abi.vcpu_guest_context, registers)


def _suspend_record(draft: Draft, p2m: PhysicalToMachine) -> Mfn:
    is_to_be_restored = draft.request.plan_for is PlanFor.RESTORE
    return p2m.mfn(draft.special_pages["start_info"]) if is_to_be_restored else Mfn(0)


def _hypercall_page(draft: Draft) -> Pfn | None:
    """Return the frame that the hypervisor fills for HYPERCALL_PAGE; RefusedError for one that does not exist."""
    at = draft.request.image.parameters.virt_hypercall
    if at is None:
        return None
    pfn = Pfn(whole_pages(at - draft.allocator.base))
    if 0 <= pfn < draft.layout.total_pages:
        return pfn
    raise RefusedError(
        "hypercall-page-outside",
        f"the kernel wants its hypercall page at {at:#x}, outside the guest's memory",
        cause=f"frame 0 is at {draft.allocator.base:#x}, and the guest has {draft.layout.total_pages} pages",
        hint="link the kernel with the page inside its image",
        where=Where(draft.request.container.kernel.path, note="HYPERCALL_PAGE"),
    )
