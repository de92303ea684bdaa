"""Guest type hvm-3.0-x86_32: PVH and HVM, which share everything but data on the container.

The kernel lies at its physical addresses and starts in flat 32-bit protected mode with paging off, ebx pointing at
the HVM start info. With a device model, the kernel is hvmloader, and firmware images lie behind it.
"""

from collections.abc import Iterator, Sequence

from xlbuild.abi.hvm_info import HVM_INFO_OFFSET, HVM_INFO_PFN, HVM_INFO_TABLE, with_checksum
from xlbuild.abi.hvm_save import HVM_HW_CPU, HVM_HW_MTRR
from xlbuild.abi.layout import Fields
from xlbuild.abi.limits import HVM_MAX_VCPUS
from xlbuild.abi.params import HVM_PARAMS
from xlbuild.acpi.build import AcpiBlob, AcpiTables, build_acpi, needs_rsdp_in_low_memory
from xlbuild.container import ACPI_MODULE, Container
from xlbuild.errors import Diagnostic, RefusedError, Where
from xlbuild.hooks.base import (
    CONSOLE_PORT,
    XENSTORE_PORT,
    Draft,
    StartOfDay,
    backend_grants,
    complete,
    write_console_page,
)
from xlbuild.hooks.hvm_start import check_modules, place_start_info, start_info, start_info_bytes
from xlbuild.hooks.start_stub import start_stub, stub_entry
from xlbuild.image.model import GuestType
from xlbuild.memory import GuestMemory
from xlbuild.plan.memmap import (
    IOREQ_SERVER_FIRST,
    NR_IOREQ_SERVER_PAGES,
    SPECIAL_PAGES,
    SPECIAL_PAGES_FIRST,
    blob_frames,
    memory_layout,
)
from xlbuild.plan.model import BuildRequest, HvmParam, MemoryLayout, Plan, Segment, Vcpu
from xlbuild.units import PAGE_SIZE, FrameRange, Pfn, PhysAddr, bytes_of, paddr_of, pages_for, pfn_of
from xlbuild.x86 import (
    BUSY_TSS_AR,
    CR0_ET,
    CR0_PE,
    DR6_DEFAULT,
    DR7_DEFAULT,
    FLAT_CODE_AR,
    FLAT_DATA_AR,
    FLAT_LIMIT,
    TSS_LIMIT,
)

_SUPERPAGE = 4 << 20
# Architectural bits of a 4 MiB page directory entry: present, rw, user, accessed, dirty, page size.
_IDENT_PT_FLAGS = 0xE7
_IDENT_PT_ENTRIES = PAGE_SIZE // 4

_PAT_DEFAULT = 0x0007040600070406
_MTRR_CAP = 0x508
"""8 variable ranges, fixed ranges, write combining: what Xen offers."""
_MTRR_ENABLED_WRITE_BACK = 0x806


class HvmHooks:
    """Builds PVH and HVM guests (upstream: hvm-3.0-x86_32's arch hooks)."""

    guest_type = GuestType.HVM

    def base(self, request: BuildRequest) -> int:
        """Return 0: addresses are physical."""
        return 0

    def check(self, request: BuildRequest) -> None:
        """Refuse a module's command line that is longer than its slot."""
        check_modules(request)

    def memory_map(self, request: BuildRequest) -> MemoryLayout:
        """Return the frames below and above 4 GiB, and the e820 that tells of them."""
        acpi_firmware = sum(len(m.data) for m in request.firmware_modules if m.name == ACPI_MODULE)
        return memory_layout(request.container, request.profile, _acpi(request), acpi_firmware)

    def reserve(self, draft: Draft) -> None:
        """Place the firmware modules and the HVM start info; the special pages have fixed frames."""
        if draft.request.image.is_firmware:
            for module in draft.request.firmware_modules:
                draft.allocator.segment(module.name, len(module.data))
        size = place_start_info(draft.request, len(draft.layout.memory_map)).size
        draft.allocator.segment("HVM start info", size)
        draft.special_pages.update(
            {name: Pfn(SPECIAL_PAGES_FIRST + index) for index, name in enumerate(SPECIAL_PAGES)}
        )

    def reserve_late(self, draft: Draft) -> None:
        """Check that what has been placed lies in memory that exists."""
        for segment in draft.allocator.segments:
            if segment.pages and not any(ram.covers(segment.frames) for ram in draft.layout.ram):
                raise _over_a_hole(draft, segment)
        if draft.layout.acpi is not None:
            draft.warnings += _collisions(draft, draft.layout.acpi.rsdp)

    def start_of_day(self, draft: Draft) -> StartOfDay:
        """Return the HVM start info, the HVM parameters and the vCPUs."""
        console, xenstore = draft.special_pages["console"], draft.special_pages["xenstore"]
        info = start_info(draft)
        return StartOfDay(
            start_info=info,
            hvm_info=_hvm_info(draft),
            vcpus=_vcpus(draft, info.address),
            grants=backend_grants(console, xenstore),
            hvm_params=_hvm_params(draft),
        )

    def populate(self, plan: Plan, memory: GuestMemory) -> None:
        """Write the start info, the identity page table, a start stub, firmware modules, hvm_info_table and ACPI."""
        memory.write("HVM start info", plan.start_info.address, start_info_bytes(plan))
        for name, pfn in plan.special_pages.items():
            memory.claim(name, FrameRange.of(pfn, 1))
        memory.write("ident_pt", paddr_of(plan.special_pages["ident_pt"]), _identity_page_table())
        if plan.request.sets_memory_map:
            _write_start_stub(plan, memory)
        write_console_page(plan, memory)
        for segment, module in zip(plan.firmware, plan.request.firmware_modules, strict=False):
            memory.claim(segment.name, segment.frames)
            memory.write(segment.name, paddr_of(segment.pfn), module.data)
        if not plan.firmware:
            _write_unplaced_acpi(plan, memory)
        if plan.hvm_info is not None:
            _write_page(memory, "hvm_info_table", HVM_INFO_PFN, HVM_INFO_OFFSET, plan.hvm_info)
        if plan.layout.acpi is not None:
            _write_acpi(plan, memory, plan.layout.acpi)


def _acpi(request: BuildRequest) -> AcpiTables | None:
    if request.container.has_device_model:
        return None
    return build_acpi(
        request.container.max_vcpus,
        request.container.vcpus,
        dsdt_length=request.profile.pvh_dsdt_length,
        rsdp_in_low_memory=needs_rsdp_in_low_memory(request.image.parameters),
    )


def _over(
    frames: FrameRange, segments: Sequence[Segment], request: BuildRequest
) -> Iterator[tuple[Segment, bool]]:
    """Yield the segments over some frames of ACPI's, and whether upstream places each of them later than ACPI."""
    early = ("kernel",) if request.has_unmapped_modules else ("kernel", "module")
    for segment in segments:
        if segment.frames.overlaps(frames):
            yield segment, not segment.name.startswith(early)


def _collisions(draft: Draft, rsdp: AcpiBlob) -> Iterator[Diagnostic]:
    """Yield a warning for what shares a page with the RSDP, which lies below 1 MiB for some kernels."""
    frames = blob_frames(rsdp.address, len(rsdp.data))
    for segment, later in _over(frames, draft.allocator.segments, draft.request):
        name = draft.allocator.called(segment.name)
        lost = "there is no RSDP, and the guest finds no ACPI tables" if later else "that page of it is lost"
        yield Diagnostic(
            "acpi-rsdp-collision",
            f"the {name} lies over the page of the RSDP at {rsdp.address:#x}: {lost}, as with Xen",
            Where(draft.request.container.kernel.path),
            "link the kernel at 1 MiB or above, or set bit 15 of its note SUPPORTED_FEATURES",
        )


def _over_a_hole(draft: Draft, segment: Segment) -> RefusedError:
    hint = "link the kernel where the guest has memory"
    if draft.request.container.reserved_memory and draft.layout.lowmem_end < segment.vend:
        hint = "the host's reserved device memory ends low memory there: remove rdm, or raise rdm_mem_boundary (HVM)"
    return draft.allocator.error(
        "segment-over-hole",
        f"the {draft.allocator.called(segment.name)} would lie where the guest has no memory",
        f"it takes {segment.vstart:#x}..{segment.vend:#x}, and memory is "
        + ", ".join(f"{paddr_of(ram.first):#x}..{paddr_of(ram.end):#x}" for ram in draft.layout.ram),
        hint,
    )


def _hvm_params(draft: Draft) -> tuple[HvmParam, ...]:
    """Return all parameters in the order in which libxl and the builder set them."""
    pages = draft.special_pages
    ioreq_server = {"IOREQ_SERVER_PFN": IOREQ_SERVER_FIRST, "NR_IOREQ_SERVER_PAGES": NR_IOREQ_SERVER_PAGES}
    values: dict[str, int] = {
        **_toolstack_params(draft.request),
        "STORE_PFN": pages["xenstore"],
        "BUFIOREQ_PFN": pages["bufioreq"],
        "IOREQ_PFN": pages["ioreq"],
        "CONSOLE_PFN": pages["console"],
        "PAGING_RING_PFN": pages["paging"],
        "MONITOR_RING_PFN": pages["access"],
        "SHARING_RING_PFN": pages["sharing"],
        **(ioreq_server if draft.request.container.has_device_model else {}),
        "IDENT_PT": paddr_of(pages["ident_pt"]),
        "CONSOLE_EVTCHN": CONSOLE_PORT,
        "STORE_EVTCHN": XENSTORE_PORT,
    }
    return tuple(HvmParam(HVM_PARAMS[name], name, value) for name, value in values.items())


def _toolstack_params(request: BuildRequest) -> dict[str, int]:
    chosen = request.container.parameters
    values = {
        "HPET_ENABLED": chosen.hpet,
        "VPT_ALIGN": chosen.vpt_align,
        "MCA_CAP": chosen.mca_caps,
        "TIMER_MODE": chosen.timer_mode,
        "ALTP2M": chosen.altp2m if request.profile.sets_altp2m_param else None,
        "VIRIDIAN": chosen.viridian,
    }
    return {name: int(value) for name, value in values.items() if value is not None}


def _hvm_info(draft: Draft) -> Fields | None:
    """Return hvm_info_table for hvmloader; PVH has none."""
    container = draft.request.container
    if not container.has_device_model:
        return None
    online = ((1 << container.vcpus) - 1).to_bytes(HVM_MAX_VCPUS // 8, "little")
    return with_checksum(
        {
            "signature": b"HVM INFO",
            "length": HVM_INFO_TABLE.size,
            "apic_mode": int(container.apic),
            "nr_vcpus": container.max_vcpus,
            "low_mem_pgend": pfn_of(draft.layout.lowmem_end),
            "high_mem_pgend": pfn_of(draft.layout.highmem_end),
            "reserved_mem_pgstart": IOREQ_SERVER_FIRST,
            "vcpu_online": online,
        }
    )


def _vcpus(draft: Draft, start_info_at: PhysAddr) -> tuple[Vcpu, ...]:
    container: Container = draft.request.container
    entry = draft.request.image.entry
    if draft.request.sets_memory_map:
        entry = stub_entry(paddr_of(draft.special_pages["paging"]))
    registers = complete(HVM_HW_CPU, _entry_state(entry, start_info_at))
    if container.has_device_model:
        return (Vcpu(0, HVM_HW_CPU, registers),)
    # hvmloader sets up the MTRRs itself; a PVH guest finds them done, on every vCPU.
    mtrr = complete(
        HVM_HW_MTRR,
        {
            "msr_pat_cr": _PAT_DEFAULT,
            "msr_mtrr_cap": _MTRR_CAP,
            "msr_mtrr_def_type": _MTRR_ENABLED_WRITE_BACK,
        },
    )
    return tuple(Vcpu(n, HVM_HW_CPU, registers if n == 0 else None, mtrr) for n in range(container.max_vcpus))


def _entry_state(entry: int, start_info_at: PhysAddr) -> dict[str, int]:
    flat = {f"{segment}_limit": FLAT_LIMIT for segment in ("cs", "ds", "es", "ss")}
    return {
        **flat,
        "rip": entry,
        "rbx": start_info_at,
        "cr0": CR0_PE | CR0_ET,
        "dr6": DR6_DEFAULT,
        "dr7": DR7_DEFAULT,
        "tr_limit": TSS_LIMIT,
        "cs_arbytes": FLAT_CODE_AR,
        "ds_arbytes": FLAT_DATA_AR,
        "es_arbytes": FLAT_DATA_AR,
        "ss_arbytes": FLAT_DATA_AR,
        "tr_arbytes": BUSY_TSS_AR,
    }


def _write_start_stub(plan: Plan, memory: GuestMemory) -> None:
    """Write the code that sets the memory map into the page of the paging ring, which is nobody's at the start."""
    at = paddr_of(plan.special_pages["paging"])
    memory.write("paging", at, start_stub(at, plan.entry, plan.start_info.address, plan.layout.memory_map))


def _identity_page_table() -> bytes:
    """Return the page directory that maps 4 GiB to itself with 4 MiB pages, for vCPUs without paging."""
    entries = (index * _SUPERPAGE | _IDENT_PT_FLAGS for index in range(_IDENT_PT_ENTRIES))
    return b"".join(entry.to_bytes(4, "little") for entry in entries)


def _write_page(memory: GuestMemory, owner: str, pfn: Pfn, offset: int, fields: Fields) -> None:
    """Write a page that holds one structure and is zero elsewhere, whatever was there."""
    memory.claim(owner, FrameRange.of(pfn, 1))
    structure = HVM_INFO_TABLE.encode(fields)
    memory.replace(owner, paddr_of(pfn), (bytes(offset) + structure).ljust(PAGE_SIZE, b"\0"))


def _write_unplaced_acpi(plan: Plan, memory: GuestMemory) -> None:
    """Write pass-through ACPI tables at address 0 when no loader has given them a place, as upstream does."""
    for module in plan.request.firmware_modules:
        if module.name == ACPI_MODULE:
            frames = FrameRange.of(0, pages_for(len(module.data)))
            memory.claim(module.name, frames)
            memory.replace(module.name, PhysAddr(0), module.data.ljust(bytes_of(frames.pages), b"\0"))


def _write_acpi(plan: Plan, memory: GuestMemory, acpi: AcpiTables) -> None:
    """Write the blobs into pages of their own: one below 1 MiB is populated afresh, losing what was there.

    What upstream places later (the start info, modules of a MOD_START_PFN kernel) is not lost, but the blob is.
    """
    for blob in acpi.blobs:
        frames = blob_frames(blob.address, len(blob.data))
        if any(later for _, later in _over(frames, plan.segments, plan.request)):
            continue
        memory.claim(blob.name, frames)
        lead = bytes(blob.address - paddr_of(frames.first))
        pages = (lead + blob.data).ljust(frames.pages * PAGE_SIZE, b"\0")
        memory.replace(blob.name, paddr_of(frames.first), pages)
