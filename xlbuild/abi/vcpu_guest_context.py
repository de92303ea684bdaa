"""PV vCPU state (public arch-x86/xen.h, foreign/x86_64.h, foreign/x86_32.h) and the selectors Xen gives PV guests."""

from xlbuild.abi.layout import FieldValue, Layout, array, raw, u8, u16, u32, u64
from xlbuild.units import Mfn, extended_cr3, maddr_of

VGCF_IN_KERNEL = 1 << 2
VGCF_ONLINE = 1 << 5

VGCF_NAMES: dict[int, str] = {
    0: "VGCF_i387_valid",
    2: "VGCF_in_kernel",
    3: "VGCF_failsafe_disables_events",
    4: "VGCF_syscall_disables_events",
    5: "VGCF_online",
}
"""Bits of `flags` (arch-x86/xen.h)."""

# arch-x86/xen-x86_64.h: the flat segments that Xen's GDT holds for 64-bit guest kernels.
FLAT_KERNEL_CS_X86_64 = 0xE033
FLAT_KERNEL_SS_X86_64 = 0xE02B

# arch-x86/xen-x86_32.h: the same for 32-bit guest kernels, in ring 1.
FLAT_KERNEL_CS_X86_32 = 0xE019
FLAT_KERNEL_DS_X86_32 = 0xE021
FLAT_KERNEL_SS_X86_32 = 0xE021

VMASST_TYPE_PAE_EXTENDED_CR3 = 3
"""Number of a bit of `vm_assist` (xen.h): a 32-bit cr3 holds the frame number's upper 12 bits in its lower 12."""

VMASST_NAMES: dict[int, str] = {
    0: "4gb_segments",
    1: "4gb_segments_notify",
    2: "writable_pagetables",
    3: "pae_extended_cr3",
    4: "architectural_iopl",
    5: "runstate_update_flag",
    32: "m2p_strict",
}
"""Bits of `vm_assist` by the headers' names, without VMASST_TYPE_ (xen.h)."""

FIRST_RESERVED_GDT_ENTRY = 7168
"""From there on a guest's GDT is Xen's (arch-x86/xen.h)."""

VCPU_GUEST_CONTEXT_X86_64 = Layout.of(
    "foreign/x86_64.h struct vcpu_guest_context_x86_64",
    ("fpu_ctxt", raw(512)),
    ("flags", u64),
    ("r15", u64),
    ("r14", u64),
    ("r13", u64),
    ("r12", u64),
    ("rbp", u64),
    ("rbx", u64),
    ("r11", u64),
    ("r10", u64),
    ("r9", u64),
    ("r8", u64),
    ("rax", u64),
    ("rcx", u64),
    ("rdx", u64),
    ("rsi", u64),
    ("rdi", u64),
    ("error_code", u32),
    ("entry_vector", u32),
    ("rip", u64),
    ("cs", u16),
    ("_pad0", u16),
    ("saved_upcall_mask", u8),
    ("_pad1", raw(3)),
    ("rflags", u64),
    ("rsp", u64),
    ("ss", u16),
    ("_pad2", raw(6)),
    ("es", u16),
    ("_pad3", raw(6)),
    ("ds", u16),
    ("_pad4", raw(6)),
    ("fs", u16),
    ("_pad5", raw(6)),
    ("gs", u16),
    ("_pad6", raw(6)),
    ("trap_ctxt", raw(256 * 16)),
    ("ldt_base", u64),
    ("ldt_ents", u64),
    ("gdt_frames", array(16, u64)),
    ("gdt_ents", u64),
    ("kernel_ss", u64),
    ("kernel_sp", u64),
    ("ctrlreg", array(8, u64)),
    ("debugreg", array(8, u64)),
    ("event_callback_eip", u64),
    ("failsafe_callback_eip", u64),
    ("syscall_callback_eip", u64),
    ("vm_assist", u64),
    ("fs_base", u64),
    ("gs_base_kernel", u64),
    ("gs_base_user", u64),
)

VCPU_GUEST_CONTEXT_X86_32 = Layout.of(
    "foreign/x86_32.h struct vcpu_guest_context_x86_32",
    ("fpu_ctxt", raw(512)),
    ("flags", u32),
    ("ebx", u32),
    ("ecx", u32),
    ("edx", u32),
    ("esi", u32),
    ("edi", u32),
    ("ebp", u32),
    ("eax", u32),
    ("error_code", u16),
    ("entry_vector", u16),
    ("eip", u32),
    ("cs", u16),
    ("saved_upcall_mask", u8),
    ("_pad0", u8),
    ("eflags", u32),
    ("esp", u32),
    ("ss", u16),
    ("_pad1", u16),
    ("es", u16),
    ("_pad2", u16),
    ("ds", u16),
    ("_pad3", u16),
    ("fs", u16),
    ("_pad4", u16),
    ("gs", u16),
    ("_pad5", u16),
    ("trap_ctxt", raw(256 * 8)),
    ("ldt_base", u32),
    ("ldt_ents", u32),
    ("gdt_frames", array(16, u32)),
    ("gdt_ents", u32),
    ("kernel_ss", u32),
    ("kernel_sp", u32),
    ("ctrlreg", array(8, u32)),
    ("debugreg", array(8, u32)),
    ("event_callback_cs", u32),
    ("event_callback_eip", u32),
    ("failsafe_callback_cs", u32),
    ("failsafe_callback_eip", u32),
    ("vm_assist", u32),
)


def flat_kernel_x86_64(entry: int, stack: int, top_table: Mfn) -> dict[str, FieldValue]:
    """Return a 64-bit PV kernel's state in Xen's flat segments, flags and arguments left out.

    The stack is also the one for traps from user mode; `top_table` is the machine frame of the top page table.
    """
    return {
        "rip": entry,
        "rsp": stack,
        "cs": FLAT_KERNEL_CS_X86_64,
        "ss": FLAT_KERNEL_SS_X86_64,
        "kernel_ss": FLAT_KERNEL_SS_X86_64,
        "kernel_sp": stack,
        "ctrlreg": [0, 0, 0, maddr_of(top_table), 0, 0, 0, 0],
    }


def flat_kernel_x86_32(entry: int, stack: int, top_table: Mfn) -> dict[str, FieldValue]:
    """Return the same for a 32-bit PV kernel, cr3 in its extended form."""
    return {
        "eip": entry,
        "esp": stack,
        "cs": FLAT_KERNEL_CS_X86_32,
        **dict.fromkeys(("ds", "es", "fs", "gs"), FLAT_KERNEL_DS_X86_32),
        "ss": FLAT_KERNEL_SS_X86_32,
        "kernel_ss": FLAT_KERNEL_SS_X86_32,
        "kernel_sp": stack,
        "ctrlreg": [0, 0, 0, extended_cr3(top_table), 0, 0, 0, 0],
    }
