"""Initial contexts of a guest's further vCPUs: what it hands to VCPUOP_initialise, built and decoded (docs/vcpus.md).

The toolstack starts vCPU 0 alone. For each other one an HVM or PVH guest passes a `struct vcpu_hvm_context`, a PV
guest a `struct vcpu_guest_context`, and then calls VCPUOP_up.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from construct import ConstructError

from xlbuild.abi.layout import Fields, FieldValue, Layout
from xlbuild.abi.vcpu_guest_context import (
    FIRST_RESERVED_GDT_ENTRY,
    FLAT_KERNEL_CS_X86_32,
    FLAT_KERNEL_CS_X86_64,
    FLAT_KERNEL_DS_X86_32,
    FLAT_KERNEL_SS_X86_32,
    FLAT_KERNEL_SS_X86_64,
    VCPU_GUEST_CONTEXT_X86_32,
    VCPU_GUEST_CONTEXT_X86_64,
    VGCF_IN_KERNEL,
)
from xlbuild.abi.vcpu_hvm_context import (
    VCPU_HVM_CONTEXT,
    VCPU_HVM_MODE_32B,
    VCPU_HVM_MODE_64B,
    VCPU_HVM_X86_32,
    VCPU_HVM_X86_64,
)
from xlbuild.errors import RefusedError
from xlbuild.units import Mfn, PhysAddr, VirtAddr, extended_cr3, maddr_of

CR0_PE, CR0_ET, CR0_PG = 1 << 0, 1 << 4, 1 << 31
CR4_PAE = 1 << 5
EFER_LME, EFER_LMA, EFER_NXE = 1 << 8, 1 << 10, 1 << 11
"""Architectural bits of the registers of those names."""
_FLAGS_FIXED = 1 << 1
"""Reads as one in every flags register."""
_FLAGS_IF = 1 << 9

FLAT_CODE_AR = 0xC9B
FLAT_DATA_AR = 0xC93
BUSY_TSS_AR = 0x8B
"""Segment attributes as hvm_vcpu.h orders them: those that Xen's toolstack gives vCPU 0."""
_FLAT_LIMIT = 0xFFFF_FFFF
_TSS_LIMIT = 0x67

_AR_TYPE, _AR_S, _AR_PRESENT, _AR_LONG, _AR_GRANULARITY, _AR_UNUSED = 0x1F, 0x10, 0x80, 0x200, 0x800, 0xF000
_AR_ACCESSED, _AR_BUSY = 0x01, 0x02
"""Not looked at, in code and data segments and in tr: nothing that Xen 4.17 refuses a context for is about them."""
_READABLE = frozenset({0x11, 0x13, 0x15, 0x17, 0x1B, 0x1F})
_AR_TYPES = {
    "cs": ("a code segment", frozenset({0x19, 0x1B, 0x1D, 0x1F})),
    "ds": ("a readable segment", _READABLE),
    "es": ("a readable segment", _READABLE),
    "ss": ("a writable data segment", frozenset({0x13, 0x17})),
    "tr": ("a 32-bit TSS", frozenset({0x0B})),
}
"""What each segment must be, and its s bit and type then, accessed or busy (Intel SDM volume 3, 3.4.5 and 3.5)."""
_MAY_BE_NULL = {"ds", "es"}

_LDT_ENTRIES = 8192
_CANONICAL_BITS = 47
_PV_ADDRESSES = (
    "rip",
    "ldt_base",
    "event_callback_eip",
    "failsafe_callback_eip",
    "syscall_callback_eip",
    "fs_base",
    "gs_base_kernel",
    "gs_base_user",
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
                "vcpu-context-invalid", f"no vCPU starts from this context: {problem}", cause=rule
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
        "eflags": _FLAGS_FIXED,
        "cr0": CR0_PE | CR0_ET,
    }
    fields |= {"cs_limit": _FLAT_LIMIT, "cs_ar": FLAT_CODE_AR, "tr_limit": _TSS_LIMIT, "tr_ar": BUSY_TSS_AR}
    for segment in ("ds", "ss", "es"):
        fields |= {f"{segment}_limit": _FLAT_LIMIT, f"{segment}_ar": FLAT_DATA_AR}
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
    fields: dict[str, FieldValue] = {"rip": entry, "rsp": stack, "rflags": _FLAGS_FIXED}
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
    fields: dict[str, FieldValue] = {"rip": entry, "rsp": stack, "rflags": _FLAGS_IF, "flags": VGCF_IN_KERNEL}
    fields |= {"ctrlreg": _ctrlreg(maddr_of(page_table)), "cs": FLAT_KERNEL_CS_X86_64}
    fields |= {"ss": FLAT_KERNEL_SS_X86_64, "kernel_ss": FLAT_KERNEL_SS_X86_64, "kernel_sp": stack}
    return _complete(VcpuKind.PV_64, fields, registers)


def pv_32(
    entry: VirtAddr, *, stack: VirtAddr, page_table: Mfn, registers: Fields = _NOTHING_MORE
) -> VcpuContext:
    """Return the state of a 32-bit PV guest's vCPU in its kernel; as `pv_64`, cr3 in its extended form."""
    fields: dict[str, FieldValue] = {"eip": entry, "esp": stack, "eflags": _FLAGS_IF, "flags": VGCF_IN_KERNEL}
    fields |= {"ctrlreg": _ctrlreg(extended_cr3(page_table)), "cs": FLAT_KERNEL_CS_X86_32}
    fields |= {"ss": FLAT_KERNEL_SS_X86_32, "kernel_ss": FLAT_KERNEL_SS_X86_32, "kernel_sp": stack}
    fields |= dict.fromkeys(("ds", "es", "fs", "gs"), FLAT_KERNEL_DS_X86_32)
    fields |= dict.fromkeys(("event_callback_cs", "failsafe_callback_cs"), FLAT_KERNEL_CS_X86_32)
    return _complete(VcpuKind.PV_32, fields, registers)


def _ctrlreg(cr3: int) -> list[int]:
    return [0, 0, 0, cr3, 0, 0, 0, 0]


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
    )


def _encoded(layout: Layout, registers: Fields) -> bytes:
    unknown = sorted(set(registers) - set(layout.field_names))
    if unknown:
        raise RefusedError(
            "vcpu-register-unknown",
            f"{layout.name} has no {', '.join(unknown)}",
            cause=f"its fields are {', '.join(layout.field_names)}",
        )
    try:
        return layout.encode(registers)
    except ConstructError as error:
        name = str(error.path).rpartition(" ")[2]
        raise RefusedError(
            "vcpu-register-range",
            f"{name} does not fit into {layout.name}",
            cause=f"it has {layout.size_of(name)} bytes",
        ) from error


Problems = Iterator[tuple[str, str]]
"""What is wrong, and the rule."""


def _hvm_32_problems(fields: Fields) -> Problems:
    regs = _numbers(fields)
    yield from _segment_problems(regs)
    if regs["eip"] > regs["cs_limit"]:
        yield f"eip is {regs['eip']:#x}", f"cs ends at {regs['cs_limit']:#x}"
    if regs["efer"] & ~(EFER_NXE | EFER_LME | EFER_LMA):
        yield f"efer is {regs['efer']:#x}", "in 32-bit mode it may only have NXE, LME and LMA (hvm_vcpu.h)"
    yield from _paging_problems(regs)


def _segment_problems(regs: dict[str, int]) -> Problems:
    for name, (needed, types) in _AR_TYPES.items():
        ar, limit = regs[f"{name}_ar"], regs[f"{name}_limit"]
        if ar & _AR_UNUSED:
            yield f"{name}_ar is {ar:#x}", "bits 12 to 15 of segment attributes must be zero"
        elif ar == 0 and name in _MAY_BE_NULL:
            continue
        elif not ar & _AR_PRESENT:
            yield f"{name} is not present", "only ds and es may be null, with attributes 0"
        elif ar & _AR_TYPE | (_AR_ACCESSED if ar & _AR_S else _AR_BUSY) not in types:
            yield f"{name}_ar is {ar:#x}", f"{name} must be {needed}"
        elif (limit & 0xFFF != 0xFFF) if ar & _AR_GRANULARITY else limit > 0xFFFFF:
            yield (
                f"{name}_limit is {limit:#x}",
                "in bytes, it ends in 0xfff if the segment's granularity is 4 KiB, else it is 0xfffff at most",
            )
    if regs["cs_ar"] & _AR_LONG:
        yield "cs is a 64-bit segment", "64-bit mode has a structure of its own, vcpu_hvm_x86_64"
    dpl = {name: regs[f"{name}_ar"] >> 5 & 3 for name in ("cs", "ss", "ds", "es")}
    if dpl["ss"] != dpl["cs"] or max(dpl["ds"], dpl["es"]) > dpl["cs"]:
        yield (
            "privilege levels are {cs} (cs), {ss} (ss), {ds} (ds) and {es} (es)".format(**dpl),
            "ss's must equal cs's, and neither ds's nor es's may be greater",
        )


def _paging_problems(regs: dict[str, int]) -> Problems:
    paging, long = regs["cr0"] & CR0_PG, regs["efer"] & EFER_LME
    if paging and not regs["cr0"] & CR0_PE:
        yield f"cr0 is {regs['cr0']:#x}", "paging (PG) needs protected mode (PE)"
    if regs["efer"] & EFER_LMA and not (paging and long):
        yield f"efer is {regs['efer']:#x}", "LMA needs LME, and PG in cr0"
    if paging and long and not regs["cr4"] & CR4_PAE:
        yield f"cr4 is {regs['cr4']:#x}", "long mode needs PAE"


def _hvm_64_problems(fields: Fields) -> Problems:
    regs = _numbers(fields)
    for name, bit, needed in (("cr0", "PG", CR0_PG), ("cr4", "PAE", CR4_PAE), ("efer", "LME", EFER_LME)):
        if not regs[name] & needed:
            yield f"{name} is {regs[name]:#x}", f"a start in long mode needs {bit}"
    yield from _paging_problems(regs)
    yield from _address_problems(regs, ("rip",))


def _pv_problems(fields: Fields) -> Problems:
    regs = _numbers(fields)
    for name in ("cs", "ss"):
        if not regs[name] & ~3:
            yield f"{name} is null", "a PV kernel starts with segments from the GDT; Xen's flat ones will do"
    if regs["gdt_ents"] > FIRST_RESERVED_GDT_ENTRY:
        yield f"gdt_ents is {regs['gdt_ents']}", f"Xen has the GDT from entry {FIRST_RESERVED_GDT_ENTRY} on"
    if regs["ldt_ents"] > _LDT_ENTRIES:
        yield f"ldt_ents is {regs['ldt_ents']}", f"an LDT has {_LDT_ENTRIES} entries at most"
    ctrlreg = fields["ctrlreg"]
    assert isinstance(ctrlreg, Sequence)
    if not ctrlreg[3]:
        yield "ctrlreg[3] is 0", "it is cr3, and a PV guest has page tables from its first instruction on"


def _pv_64_problems(fields: Fields) -> Problems:
    yield from _pv_problems(fields)
    yield from _address_problems(_numbers(fields), _PV_ADDRESSES)


def _address_problems(regs: dict[str, int], names: Sequence[str]) -> Problems:
    for name in names:
        if regs[name] >> _CANONICAL_BITS not in (0, (1 << 64 - _CANONICAL_BITS) - 1):
            yield f"{name} is {regs[name]:#x}", "an address's upper bits must equal its bit 47"


def _numbers(fields: Fields) -> dict[str, int]:
    return {name: value for name, value in fields.items() if isinstance(value, int)}


_CHECKS = {
    VcpuKind.HVM_32: _hvm_32_problems,
    VcpuKind.HVM_64: _hvm_64_problems,
    VcpuKind.PV_32: _pv_problems,
    VcpuKind.PV_64: _pv_64_problems,
}
