"""What the two types of PV guests have each its own way, for whoever reads one back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from xlbuild.abi.hypercall import hypercall_page_x86_32, hypercall_page_x86_64
from xlbuild.abi.layout import Layout
from xlbuild.abi.start_info import START_INFO_X86_32, START_INFO_X86_64
from xlbuild.abi.vcpu_guest_context import VCPU_GUEST_CONTEXT_X86_32, VCPU_GUEST_CONTEXT_X86_64
from xlbuild.image.model import GuestType
from xlbuild.plan.pagetables import X86_32_PAE, X86_64, Paging
from xlbuild.units import MachineAddr, Mfn, extended_cr3, maddr_of, mfn_of, mfn_of_extended_cr3


@dataclass(frozen=True, slots=True)
class PvShape:
    """A PV guest type."""

    guest_type: GuestType
    word_size: int
    typecode: str
    """Of an array of words."""
    paging: Paging
    start_info: Layout
    context: Layout
    mfn_of_cr3: Callable[[int], Mfn]
    cr3_of: Callable[[Mfn], int]
    hypercall_page: Callable[[], bytes]
    entry: str
    """Names of registers."""
    stack: str
    start_info_register: str
    suspend_record: str


PV64 = PvShape(
    GuestType.PV64,
    word_size=8,
    typecode="Q",
    paging=X86_64,
    start_info=START_INFO_X86_64,
    context=VCPU_GUEST_CONTEXT_X86_64,
    mfn_of_cr3=lambda cr3: mfn_of(MachineAddr(cr3)),
    cr3_of=maddr_of,
    hypercall_page=hypercall_page_x86_64,
    entry="rip",
    stack="rsp",
    start_info_register="rsi",
    suspend_record="rdx",
)
PV32PAE = PvShape(
    GuestType.PV32PAE,
    word_size=4,
    typecode="I",
    paging=X86_32_PAE,
    start_info=START_INFO_X86_32,
    context=VCPU_GUEST_CONTEXT_X86_32,
    mfn_of_cr3=mfn_of_extended_cr3,
    cr3_of=extended_cr3,
    hypercall_page=hypercall_page_x86_32,
    entry="eip",
    stack="esp",
    start_info_register="esi",
    suspend_record="edx",
)
SHAPES = (PV64, PV32PAE)

RINGS: Mapping[str, int] = MappingProxyType({"store_mfn": 1, "console_mfn": 2})
"""The fields of start_info that name backends' rings, and how far behind start_info's frame a builder puts each."""
