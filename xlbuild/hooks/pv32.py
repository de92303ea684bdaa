"""Guest type xen-3.0-x86_32p: 32-bit PV with physical address extension."""

from xlbuild.abi.hypercall import hypercall_page_x86_32
from xlbuild.abi.layout import Fields
from xlbuild.abi.start_info import START_INFO_X86_32
from xlbuild.abi.vcpu_guest_context import (
    VCPU_GUEST_CONTEXT_X86_32,
    VMASST_TYPE_PAE_EXTENDED_CR3,
    flat_kernel_x86_32,
)
from xlbuild.hooks.pv import EntryState, PvAbi
from xlbuild.image.model import GuestType, PaeMode
from xlbuild.plan.pagetables import X86_32_PAE
from xlbuild.x86 import FLAGS_IF


def _registers(state: EntryState) -> Fields:
    extended = state.pae in (PaeMode.EXTENDED_CR3, PaeMode.BIMODAL)
    return {
        **flat_kernel_x86_32(state.entry, state.stack, state.top_table),
        "esi": state.start_info,
        "edx": state.suspend_record,
        "eflags": FLAGS_IF,
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
