"""Everything in a built domain's memory that has a name: where it lies, and what it is."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from xlbuild.abi.hvm_info import HVM_INFO_TABLE
from xlbuild.abi.hvm_start_info import HVM_MEMMAP_TABLE_ENTRY, HVM_MODLIST_ENTRY, HVM_START_INFO
from xlbuild.abi.layout import Layout, u32, u64
from xlbuild.abi.start_info import SIF_MOD_START_PFN
from xlbuild.built import START_INFO_LAYOUTS, BuiltDomain
from xlbuild.container.model import Role
from xlbuild.image.model import GuestType
from xlbuild.inspect.domains.meanings import (
    ACPI_PIECES,
    ACPI_TABLES,
    IOREQ_SERVER_PAGES,
    SPECIAL_PAGES,
    segment_title,
)
from xlbuild.inspect.memory.region import Region
from xlbuild.plan.model import Segment
from xlbuild.units import PAGE_SIZE, UINT64, FrameRange, PhysAddr, bytes_of, paddr_of, pfn_of

P2M_ENTRIES: Mapping[GuestType, Layout] = MappingProxyType(
    {
        GuestType.PV64: Layout.of("arch-x86/xen.h xen_pfn_t, 64-bit", ("mfn", u64)),
        GuestType.PV32PAE: Layout.of("arch-x86/xen.h xen_pfn_t, 32-bit", ("mfn", u32)),
    }
)
"""An entry of the p2m list: the machine frame of the guest's frame that is the entry's index."""


def domain_regions(built: BuiltDomain) -> tuple[Region, ...]:
    """Return all regions by address, those inside another one behind it; each lies where memory exists.

    Segments and special pages have the manifest's names, structures the headers', ACPI tables their own.
    """
    regions = (*_segments(built), *_special_pages(built), *_structures(built), *_acpi(built))
    return tuple(sorted(regions, key=lambda region: (region.first, -region.end)))


def virtual_address(built: BuiltDomain, address: PhysAddr) -> int | None:
    """Return where a PV guest's layout has a physical address, None where it has none; 2^64 wraps.

    That is the linear mapping from VIRT_BASE on, but for what lies elsewhere: the p2m list at INIT_P2M, and a ramdisk
    that is not mapped.
    """
    if not built.is_pv:
        return None
    kernel, pfn = built.segment("kernel"), pfn_of(address)
    assert kernel is not None
    for segment in built.segments:
        if segment.frames.first <= pfn < segment.frames.end:
            return _in_segment(built, segment, address)
    return (kernel.vstart - bytes_of(kernel.pfn) + address) % UINT64


def _in_segment(built: BuiltDomain, segment: Segment, address: PhysAddr) -> int | None:
    flags = built.start_info.fields["flags"]
    assert isinstance(flags, int)
    if segment.name.startswith("module") and flags & SIF_MOD_START_PFN:
        return None
    return (segment.vstart + address - paddr_of(segment.pfn)) % UINT64


def _segments(built: BuiltDomain) -> Iterator[Region]:
    loaded = next((item.role for item in built.inputs), Role.KERNEL)
    for segment in (*built.segments, *built.firmware_modules):
        first = paddr_of(segment.pfn)
        end = PhysAddr(first + segment.vend - segment.vstart)
        layout = P2M_ENTRIES.get(built.guest_type) if segment.name == "phys2mach" else None
        count = min(built.total_pages, (end - first) // layout.size) if layout else 1
        if first < end:
            yield Region(segment.name, first, end, segment_title(segment.name, loaded), layout, count)


def _special_pages(built: BuiltDomain) -> Iterator[Region]:
    for name, pfn in built.special_pages.items():
        first = paddr_of(pfn)
        layout = START_INFO_LAYOUTS[built.guest_type] if name == "start_info" else None
        title = SPECIAL_PAGES.get(name, "special page")
        yield Region(name, first, PhysAddr(first + PAGE_SIZE), title, layout)
    if built.ioreq_server is not None:
        yield Region("ioreq_server_pages", *_ends(built.ioreq_server), IOREQ_SERVER_PAGES)


def _structures(built: BuiltDomain) -> Iterator[Region]:
    info = built.start_info
    if not built.is_pv:
        end = PhysAddr(info.address + HVM_START_INFO.size)
        yield Region("start_info", info.address, end, "start info: what ebx points at", HVM_START_INFO)
        yield from _start_info_parts(built)
    if built.hvm_info is not None:
        place = built.hvm_info
        yield Region(
            place.name, place.address, place.end, "what hvmloader is told of the domain", HVM_INFO_TABLE
        )
    if built.hypercall_page is not None:
        frames = FrameRange.of(built.hypercall_page.pfn, 1)
        yield Region("hypercall_page", *_ends(frames), "the kernel's hypercall page")


def _start_info_parts(built: BuiltDomain) -> Iterator[Region]:
    """Yield what the HVM start info points at, as far as it lies in its segment."""
    fields, segment = built.start_info.fields, built.segment("HVM start info")
    assert segment is not None
    parts: tuple[tuple[str, str, str, int, Layout | None], ...] = (
        ("cmdline", "cmdline_paddr", "command line", _text_size(built.start_info.command_line), None),
        (
            "modlist",
            "modlist_paddr",
            "module list",
            len(built.start_info.modules) * HVM_MODLIST_ENTRY.size,
            HVM_MODLIST_ENTRY,
        ),
        (
            "memmap",
            "memmap_paddr",
            "memory map",
            len(built.memory_map) * HVM_MEMMAP_TABLE_ENTRY.size,
            HVM_MEMMAP_TABLE_ENTRY,
        ),
    )
    for name, field, title, size, layout in parts:
        first = fields[field]
        assert isinstance(first, int)
        if segment.vstart <= first and first + size <= segment.vend and size:
            count = size // layout.size if layout else 1
            end = PhysAddr(first + size)
            yield Region(name, PhysAddr(first), end, f"{title} of the start info", layout, count)
    for index, module in enumerate(built.start_info.modules):
        at = module.cmdline_paddr or 0
        end = PhysAddr(at + _text_size(module.command_line))
        if segment.vstart <= at and end <= segment.vend:
            yield Region(f"modlist[{index}].cmdline", PhysAddr(at), end, "command line of a module")


def _text_size(text: str | None) -> int:
    """Return how many bytes a command line has, with the NUL behind it."""
    return len((text or "").encode(errors="surrogateescape")) + 1


def _acpi(built: BuiltDomain) -> Iterator[Region]:
    if built.acpi is None:
        return
    for piece in built.acpi.blobs:
        title = ACPI_PIECES.get(piece.name, "a piece of ACPI")
        yield Region(piece.name, piece.address, piece.end, title)
    for table in built.acpi.tables:
        yield Region(table.name, table.address, table.end, ACPI_TABLES.get(table.name, "ACPI table"))


def _ends(frames: FrameRange) -> tuple[PhysAddr, PhysAddr]:
    return paddr_of(frames.first), paddr_of(frames.end)
