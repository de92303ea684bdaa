"""What the two types of PV guests have each its own way, for whoever reads one back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from xlbuild.abi.hypercall import hypercall_page_x86_32, hypercall_page_x86_64
from xlbuild.abi.layout import Layout
from xlbuild.abi.vcpu_guest_context import VCPU_GUEST_CONTEXT_X86_32, VCPU_GUEST_CONTEXT_X86_64
from xlbuild.built import START_INFO_LAYOUTS, SUSPEND_RECORDS, WORD_SIZES
from xlbuild.image.model import GuestType
from xlbuild.inspect.memory.paging import PV_PAGING
from xlbuild.plan.pagetables import Paging
from xlbuild.units import Mfn, extended_cr3, maddr_of


@dataclass(frozen=True, slots=True)
class PvShape:
    """A PV guest type."""

    guest_type: GuestType
    typecode: str
    """Of an array of words."""
    context: Layout
    cr3_of: Callable[[Mfn], int]
    hypercall_page: Callable[[], bytes]
    entry: str
    """Names of registers."""
    stack: str
    start_info_register: str

    @property
    def word_size(self) -> int:
        """Bytes of a word."""
        return WORD_SIZES[self.guest_type]

    @property
    def paging(self) -> Paging:
        """How its processor translates."""
        return PV_PAGING[self.guest_type][0]

    @property
    def start_info(self) -> Layout:
        """The structure of its start info."""
        return START_INFO_LAYOUTS[self.guest_type]

    @property
    def suspend_record(self) -> str:
        """The register in which start_info's frame is when it is suspended."""
        return SUSPEND_RECORDS[self.guest_type]

    def mfn_of_cr3(self, cr3: int) -> Mfn:
        """Return the frame that a cr3 names."""
        return PV_PAGING[self.guest_type][1](cr3)


PV64 = PvShape(
    GuestType.PV64,
    typecode="Q",
    context=VCPU_GUEST_CONTEXT_X86_64,
    cr3_of=maddr_of,
    hypercall_page=hypercall_page_x86_64,
    entry="rip",
    stack="rsp",
    start_info_register="rsi",
)
PV32PAE = PvShape(
    GuestType.PV32PAE,
    typecode="I",
    context=VCPU_GUEST_CONTEXT_X86_32,
    cr3_of=extended_cr3,
    hypercall_page=hypercall_page_x86_32,
    entry="eip",
    stack="esp",
    start_info_register="esi",
)
SHAPES = (PV64, PV32PAE)

RINGS: Mapping[str, int] = MappingProxyType({"store_mfn": 1, "console_mfn": 2})
"""The fields of start_info that name backends' rings, and how far behind start_info's frame a builder puts each."""
