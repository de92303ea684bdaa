"""A vCPU of an HVM container as a dump-core has it: a PV guest's structure, filled from another one.

What the hypervisor says of an HVM container's vCPU in a struct vcpu_guest_context (XEN_DOMCTL_getvcpucontext) is the
general registers, the selectors, cr0, cr2, cr3 and cr4, the bases of fs and gs and the debug registers; limits and
attributes of segments, the model specific registers and the MTRRs are not in it.
"""

from xlbuild.abi.layout import Fields, FieldValue
from xlbuild.abi.vcpu_guest_context import VCPU_GUEST_CONTEXT_X86_64, VGCF_ONLINE
from xlbuild.x86 import FLAGS_FIXED

SAME_NAME = (
    *("rax", "rbx", "rcx", "rdx", "rbp", "rsi", "rdi", "rsp"),
    *(f"r{number}" for number in range(8, 16)),
    *("rip", "rflags"),
)
"""Registers that have one name in vcpu_guest_context and in the HVM context's CPU record."""
SELECTORS = ("cs", "ss", "ds", "es", "fs", "gs")
CONTROL = (0, 2, 3, 4)
DEBUG = (0, 1, 2, 3, 6, 7)
BASES = {"fs_base": "fs_base", "gs_base_kernel": "gs_base", "gs_base_user": "shadow_gs"}
"""By vcpu_guest_context's names, the CPU record's."""

_FPU_AFTER_RESET = {0: 0x40, 24: 0x80, 25: 0x1F}
"""Bytes of an FXSAVE area that are not zero after a reset: the control word 0x40, and MXCSR 0x1f80 (Intel SDM)."""


def guest_context(registers: Fields) -> bytes:
    """Return struct vcpu_guest_context (5168 bytes) of a vCPU whose CPU record's registers these are."""
    fpu = bytearray(VCPU_GUEST_CONTEXT_X86_64.size_of("fpu_ctxt"))
    for offset, value in _FPU_AFTER_RESET.items():
        fpu[offset] = value
    control, debug = [0] * 8, [0] * 8
    for number in CONTROL:
        control[number] = _number(registers, f"cr{number}")
    for number in DEBUG:
        debug[number] = _number(registers, f"dr{number}")
    fields: dict[str, FieldValue] = {
        "fpu_ctxt": bytes(fpu),
        "flags": VGCF_ONLINE,
        **{name: _number(registers, name) for name in SAME_NAME},
        **{name: _number(registers, f"{name}_sel") for name in SELECTORS},
        **{name: _number(registers, other) for name, other in BASES.items()},
        "ctrlreg": control,
        "debugreg": debug,
    }
    fields["rflags"] = _number(registers, "rflags") | FLAGS_FIXED
    return VCPU_GUEST_CONTEXT_X86_64.encode(fields)


def cpu_record(context: Fields) -> dict[str, FieldValue]:
    """Return what such a structure's fields tell of the CPU record's registers; others are not told."""
    control, debug = _numbers(context, "ctrlreg"), _numbers(context, "debugreg")
    return {
        **{name: _number(context, name) for name in SAME_NAME},
        **{f"cr{number}": control[number] for number in CONTROL},
        **{f"dr{number}": debug[number] for number in DEBUG},
        **{f"{name}_sel": _number(context, name) for name in SELECTORS},
        **{other: _number(context, name) for name, other in BASES.items()},
    }


def _number(fields: Fields, name: str) -> int:
    value = fields.get(name, 0)
    assert isinstance(value, int)
    return value


def _numbers(fields: Fields, name: str) -> list[int]:
    value = fields[name]
    assert not isinstance(value, int | bytes)
    return list(value)
