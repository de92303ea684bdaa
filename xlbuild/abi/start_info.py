"""PV start-of-day page (public xen.h, foreign/x86_64.h, foreign/x86_32.h)."""

from xlbuild.abi.layout import Layout, raw, u32, u64
from xlbuild.abi.limits import MAX_GUEST_CMDLINE

SIF_MOD_START_PFN = 1 << 3
"""`mod_start` is a frame number: the ramdisk is not mapped."""

SIF_NAMES: dict[int, str] = {
    0: "SIF_PRIVILEGED",
    1: "SIF_INITDOMAIN",
    2: "SIF_MULTIBOOT_MOD",
    3: "SIF_MOD_START_PFN",
    4: "SIF_VIRT_P2M_4TOOLS",
}
"""Bits of `flags`; bits 8 to 15 are the host's power management (SIF_PM_MASK)."""

START_INFO_COUNTS = frozenset(
    {"nr_pages", "store_evtchn", "console_evtchn", "nr_pt_frames", "mod_len", "nr_p2m_frames"}
)
"""Fields that are counts, sizes or ports; the other numbers are addresses, frames and flags."""

START_INFO_X86_64 = Layout.of(
    "foreign/x86_64.h struct start_info_x86_64",
    ("magic", raw(32)),
    ("nr_pages", u64),
    ("shared_info", u64),
    ("flags", u32),
    ("_pad0", u32),
    ("store_mfn", u64),
    ("store_evtchn", u32),
    ("_pad1", u32),
    ("console_mfn", u64),
    ("console_evtchn", u32),
    ("_pad2", u32),
    ("pt_base", u64),
    ("nr_pt_frames", u64),
    ("mfn_list", u64),
    ("mod_start", u64),
    ("mod_len", u64),
    ("cmd_line", raw(MAX_GUEST_CMDLINE)),
    ("first_p2m_pfn", u64),
    ("nr_p2m_frames", u64),
)

START_INFO_X86_32 = Layout.of(
    "foreign/x86_32.h struct start_info_x86_32",
    ("magic", raw(32)),
    ("nr_pages", u32),
    ("shared_info", u32),
    ("flags", u32),
    ("store_mfn", u32),
    ("store_evtchn", u32),
    ("console_mfn", u32),
    ("console_evtchn", u32),
    ("pt_base", u32),
    ("nr_pt_frames", u32),
    ("mfn_list", u32),
    ("mod_start", u32),
    ("mod_len", u32),
    ("cmd_line", raw(MAX_GUEST_CMDLINE)),
    ("first_p2m_pfn", u32),
    ("nr_p2m_frames", u32),
)
