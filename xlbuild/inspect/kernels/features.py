"""Features of PV and PVH kernels by name (xen/features.h)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

FEATURES: Mapping[int, tuple[str, str]] = MappingProxyType(
    {
        0: ("writable_page_tables", "it may write page tables as if they were its own: Xen traps and checks"),
        1: ("writable_descriptor_tables", "it may write descriptor tables likewise"),
        2: (
            "auto_translated_physmap",
            "its frames are translated by the hardware, as in every HVM container",
        ),
        3: ("supervisor_mode_kernel", "its kernel runs in ring 0"),
        4: ("pae_pgdir_above_4gb", "its top page table may lie above 4 GiB (32-bit PAE)"),
        5: ("mmu_pt_update_preserve_ad", "an update of a page table entry can keep accessed and dirty bits"),
        6: ("highmem_assist", "Xen clears and copies high memory for it"),
        7: ("gnttab_map_avail_bits", "grant mappings leave it the available bits of page table entries"),
        8: ("hvm_callback_vector", "events reach it as an interrupt vector, in an HVM container"),
        9: ("hvm_safe_pvclock", "the PV clock is reliable in an HVM container"),
        10: ("hvm_pirqs", "it may handle physical interrupts, in an HVM container"),
        11: ("dom0", "it can be the control domain's kernel; required: it can be nothing else"),
        12: ("grant_map_identity", "grants are mapped at their own address (Arm)"),
        13: ("memory_op_vnode_supported", "memory operations can name a virtual NUMA node"),
        14: ("ARM_SMCCC_supported", "hypercalls may go by Arm's SMC calling convention"),
        15: (
            "linux_rsdp_unrestricted",
            "Linux takes the RSDP's address from the start info, wherever it lies",
        ),
        16: ("not_direct_mapped", "its frames are not the machine's"),
        17: ("direct_mapped", "its frames are the machine's"),
    }
)
"""Each feature by its bit: its name without XENFEAT_, and what it says of a kernel."""

FEATURE_NAMES: Mapping[int, str] = MappingProxyType({bit: name for bit, (name, _) in FEATURES.items()})
"""The names alone."""
