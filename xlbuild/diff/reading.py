"""How a domain's description is read for a comparison: its sections, what names what, and what is an address."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from xlbuild.diff.facts import Reading


@dataclass(frozen=True, slots=True)
class SectionTitle:
    """A section of a comparison: the member that it is of, and what it is in words."""

    name: str
    title: str
    counts: bool = True
    """Whether it is about the guest."""


SECTIONS: tuple[SectionTitle, ...] = (
    SectionTitle("made_from", "what it is made from", counts=False),
    SectionTitle("decision", "decision: the container, and how it is built"),
    SectionTitle("kernel", "kernel's notes and features", counts=False),
    SectionTitle("memory", "memory"),
    SectionTitle("populate_on_demand", "populate on demand, which no guest is told of", counts=False),
    SectionTitle("memory_map", "memory map"),
    SectionTitle("start_info", "start info"),
    SectionTitle("hvm_info_table", "table for hvmloader"),
    SectionTitle("shared_info", "shared info"),
    SectionTitle("vcpus", "vCPUs: entry state"),
    SectionTitle("p2m", "p2m list"),
    SectionTitle("page_tables", "page tables"),
    SectionTitle("hypercall_page", "hypercall page"),
    SectionTitle("acpi", "ACPI tables"),
    SectionTitle("hvm_params", "HVM parameters"),
    SectionTitle("grants", "grants"),
    SectionTitle("event_channels", "event channels"),
    SectionTitle("vnuma", "virtual NUMA nodes"),
)
"""A domain's sections in the order in which they are told; those that count are what its digest is of."""

READING = Reading(
    names=MappingProxyType(
        {
            "made_from.inputs": "role",
            "kernel.notes": "name",
            "memory.populated": "first",
            "populate_on_demand.populated": "first",
            "memory_map": "addr",
            "vcpus": "id",
            "vcpus.registers": "name",
            "vcpus.mtrr": "name",
            "p2m.runs": "pfn",
            "page_tables.levels": "level",
            "acpi.tables": "name",
            "acpi.contents.dsdt.aml.objects": "path",
            "hvm_params": "name",
            "grants": "index",
            "event_channels": "port",
            "vnuma.vmemranges": "start",
        }
    ),
    skipped=frozenset(
        {
            "memory.total_size",
            "memory.populated.pages",
            "memory.populated.size",
            "populate_on_demand.populated.pages",
            "populate_on_demand.populated.size",
            "memory_map.end",
            "start_info.memmap",
            "start_info.virt",
            "vcpus.zero",
            "vcpus.mtrr.zero",
            "p2m.addr",
            "p2m.virt",
            "p2m.examined",
            "p2m.runs.frames",
            "hypercall_page.virt",
            "page_tables.complete",
            "page_tables.levels.entry_maps",
            "page_tables.levels.table_maps",
            "page_tables.mapped.size",
            "page_tables.tables",
            "page_tables.mapped_left_out",
            "page_tables.tables_left_out",
            "page_tables.problems_left_out",
            "acpi.tables.addr",
            "acpi.tables.checksum",
            "acpi.tables.problem",
            "acpi.tables.named_by",
            "hvm_params.index",
        }
    ),
)
"""Of a domain's description. What is skipped says in other words, or as a sum, what the rest says."""

ZERO_REGISTERS: Mapping[str, str] = MappingProxyType({"vcpus.registers": "0x0"})
"""Registers that a description does not list are zero, where both sides have the same ones."""


class Space(Enum):
    """What an address is an address of."""

    PHYSICAL = "physical"
    VIRTUAL = "virtual"
    """A PV guest's own; for an HVM kind's, whose vCPUs start without paging, the same as physical."""
    FRAME = "frame"


ADDRESSES: Mapping[str, tuple[Space, ...]] = MappingProxyType(
    {
        "entry": (Space.VIRTUAL,),
        "addr": (Space.PHYSICAL,),
        "end": (Space.PHYSICAL, Space.VIRTUAL),
        "pt_base": (Space.VIRTUAL,),
        "mfn_list": (Space.VIRTUAL,),
        "mod_start": (Space.VIRTUAL, Space.FRAME),
        "first_p2m_pfn": (Space.FRAME,),
        "store_mfn": (Space.FRAME,),
        "console_mfn": (Space.FRAME,),
        "paddr": (Space.PHYSICAL, Space.VIRTUAL),
        "cmdline_paddr": (Space.PHYSICAL,),
        "cmdline_addr": (Space.PHYSICAL,),
        "modlist_paddr": (Space.PHYSICAL,),
        "memmap_paddr": (Space.PHYSICAL,),
        "rsdp_paddr": (Space.PHYSICAL,),
        "rip": (Space.VIRTUAL,),
        "rsp": (Space.VIRTUAL,),
        "rsi": (Space.VIRTUAL,),
        "rbx": (Space.VIRTUAL,),
        "rdx": (Space.FRAME,),
        "kernel_sp": (Space.VIRTUAL,),
        "ctrlreg[3]": (Space.PHYSICAL,),
        "eip": (Space.VIRTUAL,),
        "esp": (Space.VIRTUAL,),
        "esi": (Space.VIRTUAL,),
        "edx": (Space.FRAME,),
        "cr3_frame": (Space.FRAME,),
        "frame": (Space.FRAME,),
        "pfn": (Space.FRAME,),
        "first": (Space.VIRTUAL,),
        "phys_first": (Space.PHYSICAL,),
        "phys_end": (Space.PHYSICAL,),
        "rsdt_address": (Space.PHYSICAL,),
        "entries": (Space.PHYSICAL,),
        "xsdt_address": (Space.PHYSICAL,),
        "dsdt": (Space.PHYSICAL,),
        "x_dsdt": (Space.PHYSICAL,),
        "firmware_ctrl": (Space.PHYSICAL,),
        "x_firmware_ctrl": (Space.PHYSICAL,),
        "madt_checksum_address": (Space.PHYSICAL,),
        "madt_lapic0_address": (Space.PHYSICAL,),
        "STORE_PFN": (Space.FRAME,),
        "CONSOLE_PFN": (Space.FRAME,),
        "IOREQ_PFN": (Space.FRAME,),
        "BUFIOREQ_PFN": (Space.FRAME,),
        "PAGING_RING_PFN": (Space.FRAME,),
        "MONITOR_RING_PFN": (Space.FRAME,),
        "SHARING_RING_PFN": (Space.FRAME,),
        "IOREQ_SERVER_PFN": (Space.FRAME,),
        "IDENT_PT": (Space.PHYSICAL,),
    }
)
"""Members that are addresses, by their own name or what names their element."""

CHECKSUMS = frozenset({"checksum", "extended_checksum"})
"""Members that follow from the others of a table."""
