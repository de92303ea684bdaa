"""The address space of a domain as it was built, its regions made from the plan."""

from collections.abc import Iterator

from xlbuild.abi.hvm_start_info import HVM_MEMMAP_TABLE_ENTRY, HVM_START_INFO
from xlbuild.abi.start_info import START_INFO_X86_32, START_INFO_X86_64
from xlbuild.domain import Domain
from xlbuild.inspect.memory.acpi import acpi_regions
from xlbuild.inspect.memory.paging import PageTables
from xlbuild.inspect.memory.place import AddressSpace
from xlbuild.inspect.memory.region import Region
from xlbuild.plan.pagetables import X86_64
from xlbuild.units import PAGE_SIZE, Mfn, PhysAddr, bytes_of, paddr_of


def address_space(domain: Domain) -> AddressSpace:
    """Return a built domain's address space."""
    plan = domain.plan
    tables = None
    if plan.page_tables:
        top = plan.page_tables[0]
        tables = PageTables(domain.memory, Mfn(top.tables.first), top.paging)
    regions = sorted(_regions(domain), key=lambda region: (region.first, -region.end))
    return AddressSpace(domain.memory, tuple(regions), tables)


def _regions(domain: Domain) -> Iterator[Region]:
    plan = domain.plan
    for segment in plan.segments:
        first = paddr_of(segment.pfn)
        yield Region(segment.name, first, PhysAddr(first + bytes_of(segment.pages)), f"the {segment.name}")
    for name, pfn in plan.special_pages.items():
        first = paddr_of(pfn)
        layout = None
        if name == "start_info":
            layout = START_INFO_X86_64 if plan.page_tables[0].paging is X86_64 else START_INFO_X86_32
        yield Region(name, first, PhysAddr(first + PAGE_SIZE), f"special page {name}", layout)
    if plan.layout.acpi is not None:
        at = plan.start_info.address
        yield Region("start_info", at, PhysAddr(at + HVM_START_INFO.size), "start info", HVM_START_INFO)
        memmap, entries = (plan.start_info.fields[name] for name in ("memmap_paddr", "memmap_entries"))
        assert isinstance(memmap, int)
        assert isinstance(entries, int)
        end = PhysAddr(memmap + entries * HVM_MEMMAP_TABLE_ENTRY.size)
        yield Region("memmap", PhysAddr(memmap), end, "memory map", HVM_MEMMAP_TABLE_ENTRY, entries)
        yield from acpi_regions(domain.memory, plan.layout.acpi.rsdp.address)
