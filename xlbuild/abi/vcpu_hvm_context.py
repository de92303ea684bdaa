"""Initial state of a further vCPU of an HVM or PVH guest (public hvm/hvm_vcpu.h)."""

from xlbuild.abi.layout import Layout, raw, u16, u32, u64

VCPU_HVM_MODE_32B = 0
VCPU_HVM_MODE_64B = 1

_NAMED_SEGMENTS = ("cs", "ds", "ss", "es", "tr")

VCPU_HVM_X86_32 = Layout.of(
    "hvm/hvm_vcpu.h struct vcpu_hvm_x86_32",
    *((name, u32) for name in ("eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "eip", "eflags")),
    *((name, u32) for name in ("cr0", "cr3", "cr4")),
    ("_pad1", u32),
    ("efer", u64),
    *((f"{segment}_base", u32) for segment in _NAMED_SEGMENTS),
    *((f"{segment}_limit", u32) for segment in _NAMED_SEGMENTS),
    *((f"{segment}_ar", u16) for segment in _NAMED_SEGMENTS),
    ("_pad2", raw(6)),
)

VCPU_HVM_X86_64 = Layout.of(
    "hvm/hvm_vcpu.h struct vcpu_hvm_x86_64",
    *((name, u64) for name in ("rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "rip", "rflags")),
    *((name, u64) for name in ("cr0", "cr3", "cr4", "efer")),
)

VCPU_HVM_CONTEXT = Layout.of(
    "hvm/hvm_vcpu.h struct vcpu_hvm_context",
    ("mode", u32),
    ("_pad", u32),
    ("cpu_regs", raw(max(VCPU_HVM_X86_32.size, VCPU_HVM_X86_64.size))),
)
"""`cpu_regs` is a union: VCPU_HVM_X86_32 or VCPU_HVM_X86_64 by `mode`, from its first byte."""
