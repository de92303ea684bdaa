"""Guest type xen-3.0-x86_32p: 32-bit PV with physical address extension."""

from xlbuild.abi.hypercall import hypercall_page_x86_32
from xlbuild.abi.layout import Fields
from xlbuild.abi.start_info import START_INFO_X86_32
from xlbuild.abi.vcpu_guest_context import (
    FLAT_KERNEL_CS_X86_32,
    FLAT_KERNEL_DS_X86_32,
    FLAT_KERNEL_SS_X86_32,
    VCPU_GUEST_CONTEXT_X86_32,
    VMASST_TYPE_PAE_EXTENDED_CR3,
)
from xlbuild.hooks.pv import EntryState, PvAbi
from xlbuild.image.model import GuestType, PaeMode
from xlbuild.plan.pagetables import X86_32_PAE
from xlbuild.units import extended_cr3
from xlbuild.x86 import FLAGS_IF


def _registers(state: EntryState) -> Fields:
    extended = state.pae in (PaeMode.EXTENDED_CR3, PaeMode.BIMODAL)
    return {
        "eip": state.entry,
        "esp": state.stack,
        "esi": state.start_info,
        "eflags": FLAGS_IF,
        "cs": FLAT_KERNEL_CS_X86_32,
        **dict.fromkeys(("ds", "es", "fs", "gs"), FLAT_KERNEL_DS_X86_32),
        "ss": FLAT_KERNEL_SS_X86_32,
        "kernel_ss": FLAT_KERNEL_SS_X86_32,
        "ctrlreg": [0, 0, 0, extended_cr3(state.top_table), 0, 0, 0, 0],
        "vm_assist": 1 << VMASST_TYPE_PAE_EXTENDED_CR3 if extended else 0,
    }


PV32PAE = PvAbi(
    guest_type=GuestType.PV32PAE,
    word_size=4,
    paging=X86_32_PAE,
    has_init_p2m=False,
    start_info=START_INFO_X86_32,
    vcpu_guest_context=VCPU_GUEST_CONTEXT_X86_32,
    registers=_registers,
    hypercall_page=hypercall_page_x86_32,
)
