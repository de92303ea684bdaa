"""PVH and HVM start info (public arch-x86/hvm/start_info.h)."""

from xlbuild.abi.layout import Layout, u32, u64

XEN_HVM_START_MAGIC_VALUE = 0x336EC578

HVM_START_INFO_COUNTS = frozenset({"version", "nr_modules", "memmap_entries"})
"""Fields of hvm_start_info that are counts; the other numbers are addresses and flags."""

HVM_START_INFO = Layout.of(
    "arch-x86/hvm/start_info.h struct hvm_start_info",
    ("magic", u32),
    ("version", u32),
    ("flags", u32),
    ("nr_modules", u32),
    ("modlist_paddr", u64),
    ("cmdline_paddr", u64),
    ("rsdp_paddr", u64),
    ("memmap_paddr", u64),
    ("memmap_entries", u32),
    ("reserved", u32),
)

HVM_MODLIST_ENTRY = Layout.of(
    "arch-x86/hvm/start_info.h struct hvm_modlist_entry",
    ("paddr", u64),
    ("size", u64),
    ("cmdline_paddr", u64),
    ("reserved", u64),
)

HVM_MEMMAP_TABLE_ENTRY = Layout.of(
    "arch-x86/hvm/start_info.h struct hvm_memmap_table_entry",
    ("addr", u64),
    ("size", u64),
    ("type", u32),
    ("reserved", u32),
)
