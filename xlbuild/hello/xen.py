"""What the hello guests and the start stub need of Xen's interface: the hypercall page, the calls, their numbers."""

from dataclasses import dataclass
from typing import TypeAlias

from xlbuild.abi.hypercall import STUB_SIZE
from xlbuild.hello.assembler import Align, Code, Label, Program, Register, Reserve, call, mov, mov_imm
from xlbuild.units import PAGE_SIZE

# xen/xen.h: __HYPERVISOR_*
MEMORY_OP = 12
CONSOLE_IO = 18
SCHED_OP = 29
EVENT_CHANNEL_OP = 32
HVM_OP = 34

XENMEM_SET_MEMORY_MAP = 13
CONSOLEIO_WRITE = 0
SCHEDOP_YIELD = 0
SCHEDOP_SHUTDOWN = 2
EVTCHNOP_SEND = 4
HVMOP_GET_PARAM = 1

SHUTDOWN_POWEROFF = 0
DOMID_SELF = 0x7FF0

HYPERCALL_PAGE: Program = (Align(PAGE_SIZE), Label("hypercall_page"), Reserve(PAGE_SIZE))
"""Room for the page that Xen fills with a stub for each call."""

Argument: TypeAlias = int | str | Register
"""A number, the address of a label, or what a register holds."""


@dataclass(frozen=True, slots=True)
class HypercallConvention:
    """The registers that take a hypercall's first three arguments (xen/arch-x86/xen-x86_{32,64}.h).

    The result comes back in eax; the argument registers count as lost, all others are kept.
    """

    registers: tuple[Register, Register, Register]

    def call(self, number: int, *arguments: Argument) -> tuple[Code, ...]:
        """Return the code of one hypercall: the arguments into their registers, then into the page."""
        moves = [self._move(dst, value) for dst, value in zip(self.registers, arguments, strict=False)]
        return (*moves, call("hypercall_page", STUB_SIZE * number))

    def _move(self, dst: Register, value: Argument) -> Code:
        if not isinstance(value, Register):
            return mov_imm(dst, value)
        assert value not in self.registers, "an earlier argument may have overwritten it"
        return mov(dst, value)


CONVENTION_32 = HypercallConvention((Register.EBX, Register.ECX, Register.EDX))
CONVENTION_64 = HypercallConvention((Register.EDI, Register.ESI, Register.EDX))
