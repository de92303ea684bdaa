"""Initial contexts of a guest's further vCPUs: what it hands to VCPUOP_initialise, built and decoded (docs/vcpus.md).

The toolstack starts vCPU 0 alone. For each other one an HVM or PVH guest passes a `struct vcpu_hvm_context`, a PV
guest a `struct vcpu_guest_context`, and then calls VCPUOP_up.
"""

from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from construct import ConstructError

from xlbuild.abi.layout import Fields, FieldValue, Layout
from xlbuild.abi.vcpu_guest_context import (
    FLAT_KERNEL_CS_X86_32,
    VCPU_GUEST_CONTEXT_X86_32,
    VCPU_GUEST_CONTEXT_X86_64,
    VGCF_IN_KERNEL,
    flat_kernel_x86_32,
    flat_kernel_x86_64,
)
from xlbuild.abi.vcpu_hvm_context import (
    VCPU_HVM_CONTEXT,
    VCPU_HVM_MODE_32B,
    VCPU_HVM_MODE_64B,
    VCPU_HVM_X86_32,
    VCPU_HVM_X86_64,
)
from xlbuild.errors import RefusedError
from xlbuild.units import Mfn, PhysAddr, VirtAddr
from xlbuild.vcpu_checks import hvm_32_problems, hvm_64_problems, pv_32_problems, pv_64_problems
from xlbuild.x86 import (
    BUSY_TSS_AR,
    CR0_ET,
    CR0_PE,
    CR0_PG,
    CR4_PAE,
    EFER_LMA,
    EFER_LME,
    FLAGS_FIXED,
    FLAGS_IF,
    FLAT_CODE_AR,
    FLAT_DATA_AR,
    FLAT_LIMIT,
    TSS_LIMIT,
)

_NOTHING_MORE: Fields = MappingProxyType({})


class VcpuKind(Enum):
    """What a context is for; the value is its structure's name without `struct`."""

    HVM_32 = "vcpu_hvm_x86_32"
    HVM_64 = "vcpu_hvm_x86_64"
    PV_32 = "vcpu_guest_context_x86_32"
    PV_64 = "vcpu_guest_context_x86_64"


_LAYOUTS: dict[VcpuKind, Layout] = {
    VcpuKind.HVM_32: VCPU_HVM_X86_32,
    VcpuKind.HVM_64: VCPU_HVM_X86_64,
    VcpuKind.PV_32: VCPU_GUEST_CONTEXT_X86_32,
    VcpuKind.PV_64: VCPU_GUEST_CONTEXT_X86_64,
}
_HVM_MODES = {VcpuKind.HVM_32: VCPU_HVM_MODE_32B, VcpuKind.HVM_64: VCPU_HVM_MODE_64B}
_CHECKS = {
    VcpuKind.HVM_32: hvm_32_problems,
    VcpuKind.HVM_64: hvm_64_problems,
    VcpuKind.PV_32: pv_32_problems,
    VcpuKind.PV_64: pv_64_problems,
}
_PV_SIZES = {_LAYOUTS[kind].size: kind for kind in (VcpuKind.PV_32, VcpuKind.PV_64)}


@dataclass(frozen=True, slots=True)
class VcpuContext:
    """The state in which a vCPU starts; `registers` by the public header's names, what is not named is zero."""

    kind: VcpuKind
    registers: Fields

    def encode(self) -> bytes:
        """Return the structure's bytes: 128 for HVM and PVH, 5168 and 2800 for 64-bit and 32-bit PV.

        Raises RefusedError for a register that the structure does not have or that does not fit into it, and for
        a state in which no vCPU starts.
        """
        layout = _LAYOUTS[self.kind]
        registers = _encoded(layout, self.registers)
        for problem, rule in _CHECKS[self.kind](layout.decode(registers)):
            raise RefusedError(
                "vcpu-context-invalid",
                f"no vCPU starts from this context: {problem}",
                cause=rule,
                hint="set the register as the rule has it; what is not set has the values of docs/vcpus.md",
            )
        if self.kind not in _HVM_MODES:
            return registers
        union = registers.ljust(VCPU_HVM_CONTEXT.size_of("cpu_regs"), b"\0")
        return VCPU_HVM_CONTEXT.encode({"mode": _HVM_MODES[self.kind], "cpu_regs": union})


def decode(data: bytes) -> VcpuContext:
    """Return the context in a structure's bytes, every register of it; its length and mode tell which it is.

    The registers are taken as they are (`encode` checks them), padding is left out. Raises RefusedError for
    another length or mode.
    """
    if len(data) in _PV_SIZES:
        kind = _PV_SIZES[len(data)]
    elif len(data) == VCPU_HVM_CONTEXT.size:
        mode = VCPU_HVM_CONTEXT.decode(data)["mode"]
        assert isinstance(mode, int)
        kind = _hvm_kind(mode)
        data = data[VCPU_HVM_CONTEXT.offset_of("cpu_regs") :]
    else:
        sizes = ", ".join(map(str, sorted([VCPU_HVM_CONTEXT.size, *_PV_SIZES])))
        raise RefusedError(
            "vcpu-context-size",
            f"{len(data)} bytes are no vCPU context",
            cause=f"Xen's structures for x86 have {sizes} bytes",
            hint="give the whole structure, and nothing else",
        )
    return VcpuContext(kind, _LAYOUTS[kind].decode(data))


def protected_mode(
    entry: PhysAddr, *, stack: PhysAddr = PhysAddr(0), registers: Fields = _NOTHING_MORE
) -> VcpuContext:
    """Return the state that the toolstack gives a PVH guest's vCPU 0: flat 32-bit protected mode, paging off.

    entry, stack  eip and esp
    registers     others to set, by name; they win

    Raises RefusedError as `VcpuContext.encode` does.
    """
    fields: dict[str, FieldValue] = {
        "eip": entry,
        "esp": stack,
        "eflags": FLAGS_FIXED,
        "cr0": CR0_PE | CR0_ET,
    }
    fields |= {"cs_limit": FLAT_LIMIT, "cs_ar": FLAT_CODE_AR, "tr_limit": TSS_LIMIT, "tr_ar": BUSY_TSS_AR}
    for segment in ("ds", "ss", "es"):
        fields |= {f"{segment}_limit": FLAT_LIMIT, f"{segment}_ar": FLAT_DATA_AR}
    return _complete(VcpuKind.HVM_32, fields, registers)


def long_mode(
    entry: VirtAddr,
    *,
    cr3: PhysAddr,
    stack: VirtAddr = VirtAddr(0),
    cr4: int = CR4_PAE,
    efer: int = EFER_LME | EFER_LMA,
    registers: Fields = _NOTHING_MORE,
) -> VcpuContext:
    """Return the state of an HVM or PVH guest's vCPU that starts in 64-bit mode; Xen makes its segments flat.

    entry, stack  rip and rsp
    cr3           address of the top page table, which must map them
    registers     others to set, by name; they win

    Raises RefusedError as `VcpuContext.encode` does.
    """
    fields: dict[str, FieldValue] = {"rip": entry, "rsp": stack, "rflags": FLAGS_FIXED}
    fields |= {"cr0": CR0_PE | CR0_ET | CR0_PG, "cr3": cr3, "cr4": cr4, "efer": efer}
    return _complete(VcpuKind.HVM_64, fields, registers)


def pv_64(
    entry: VirtAddr, *, stack: VirtAddr, page_table: Mfn, registers: Fields = _NOTHING_MORE
) -> VcpuContext:
    """Return the state of a 64-bit PV guest's vCPU in its kernel, with Xen's flat segments and events enabled.

    entry, stack  rip and rsp; the stack is also the kernel's for traps from user mode
    page_table    machine frame of the top page table, which must be pinned
    registers     others to set, by name; they win

    Raises RefusedError as `VcpuContext.encode` does.
    """
    fields = flat_kernel_x86_64(entry, stack, page_table)
    fields |= {"rflags": FLAGS_IF, "flags": VGCF_IN_KERNEL}
    return _complete(VcpuKind.PV_64, fields, registers)


def pv_32(
    entry: VirtAddr, *, stack: VirtAddr, page_table: Mfn, registers: Fields = _NOTHING_MORE
) -> VcpuContext:
    """Return the state of a 32-bit PV guest's vCPU in its kernel; as `pv_64`, cr3 in its extended form."""
    fields = flat_kernel_x86_32(entry, stack, page_table)
    fields |= {"eflags": FLAGS_IF, "flags": VGCF_IN_KERNEL}
    fields |= dict.fromkeys(("event_callback_cs", "failsafe_callback_cs"), FLAT_KERNEL_CS_X86_32)
    return _complete(VcpuKind.PV_32, fields, registers)


def _complete(kind: VcpuKind, fields: Fields, registers: Fields) -> VcpuContext:
    return decode(VcpuContext(kind, {**fields, **registers}).encode())


def _hvm_kind(mode: int) -> VcpuKind:
    for kind, known in _HVM_MODES.items():
        if mode == known:
            return kind
    raise RefusedError(
        "vcpu-context-mode",
        f"a vcpu_hvm_context of mode {mode} is not known",
        cause="the mode is 0 (32-bit registers) or 1 (64-bit registers)",
        hint="correct the mode, the structure's first four bytes",
    )


def _encoded(layout: Layout, registers: Fields) -> bytes:
    unknown = sorted(set(registers) - set(layout.field_names))
    if unknown:
        raise RefusedError(
            "vcpu-register-unknown",
            f"{layout.name} has no {', '.join(unknown)}",
            cause=f"its fields are {', '.join(layout.field_names)}",
            hint="name a field of the structure",
        )
    for name, value in registers.items():
        try:
            layout.encode({name: value})
        except (ConstructError, TypeError) as error:  # a value of the wrong size, or of the wrong type
            raise RefusedError(
                "vcpu-register-range",
                f"{name} does not fit into {layout.name}",
                cause=f"it has {layout.size_of(name)} bytes there",
                hint="give a value of that size",
            ) from error
    return layout.encode(registers)
