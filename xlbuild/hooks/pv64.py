"""Guest type xen-3.0-x86_64: 64-bit PV."""

from xlbuild.abi.hypercall import hypercall_page_x86_64
from xlbuild.abi.layout import Fields
from xlbuild.abi.start_info import START_INFO_X86_64
from xlbuild.abi.vcpu_guest_context import VCPU_GUEST_CONTEXT_X86_64, flat_kernel_x86_64
from xlbuild.hooks.pv import EntryState, PvAbi
from xlbuild.image.model import GuestType
from xlbuild.plan.pagetables import X86_64
from xlbuild.x86 import FLAGS_IF


def _registers(state: EntryState) -> Fields:
    kernel = flat_kernel_x86_64(state.entry, state.stack, state.top_table)
    return {**kernel, "rsi": state.start_info, "rdx": state.suspend_record, "rflags": FLAGS_IF}


PV64 = PvAbi(
    guest_type=GuestType.PV64,
    word_size=8,
    paging=X86_64,
    has_init_p2m=True,
    start_info=START_INFO_X86_64,
    vcpu_guest_context=VCPU_GUEST_CONTEXT_X86_64,
    registers=_registers,
    hypercall_page=hypercall_page_x86_64,
)
