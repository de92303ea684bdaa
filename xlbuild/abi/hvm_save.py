"""HVM context records (public hvm/save.h, arch-x86/hvm/save.h)."""

from xlbuild.abi.layout import Fields, Layout, array, raw, u16, u32, u64

HVM_FILE_MAGIC = 0x54381286
HVM_FILE_VERSION = 1

HVM_SAVE_CODE_END = 0
HVM_SAVE_CODE_HEADER = 1
HVM_SAVE_CODE_CPU = 2
HVM_SAVE_CODE_MTRR = 14

HVM_SAVE_NAMES: dict[int, str] = {
    0: "END",
    1: "HEADER",
    2: "CPU",
    3: "PIC",
    4: "IOAPIC",
    5: "LAPIC",
    6: "LAPIC_REGS",
    7: "PCI_IRQ",
    8: "ISA_IRQ",
    9: "PCI_LINK",
    10: "PIT",
    11: "RTC",
    12: "HPET",
    13: "PMTIMER",
    14: "MTRR",
    15: "VIRIDIAN_DOMAIN",
    16: "CPU_XSAVE",
    17: "VIRIDIAN_VCPU",
    18: "VMCE_VCPU",
    19: "TSC_ADJUST",
    20: "CPU_MSR",
}
"""Types of records; 16 and 20 have no structure of one size."""

HVM_SAVE_DESCRIPTOR = Layout.of(
    "hvm/save.h struct hvm_save_descriptor", ("typecode", u16), ("instance", u16), ("length", u32)
)

HVM_SAVE_HEADER = Layout.of(
    "arch-x86/hvm/save.h struct hvm_save_header",
    ("magic", u32),
    ("version", u32),
    ("changeset", u64),
    ("cpuid", u32),
    ("gtsc_khz", u32),
)

_SEGMENTS = ("cs", "ds", "es", "fs", "gs", "ss", "tr", "ldtr")

HVM_HW_CPU = Layout.of(
    "arch-x86/hvm/save.h struct hvm_hw_cpu",
    ("fpu_regs", raw(512)),
    *((name, u64) for name in ("rax", "rbx", "rcx", "rdx", "rbp", "rsi", "rdi", "rsp")),
    *((f"r{number}", u64) for number in range(8, 16)),
    ("rip", u64),
    ("rflags", u64),
    *((name, u64) for name in ("cr0", "cr2", "cr3", "cr4")),
    *((name, u64) for name in ("dr0", "dr1", "dr2", "dr3", "dr6", "dr7")),
    *((f"{segment}_sel", u32) for segment in _SEGMENTS),
    *((f"{segment}_limit", u32) for segment in (*_SEGMENTS, "idtr", "gdtr")),
    *((f"{segment}_base", u64) for segment in (*_SEGMENTS, "idtr", "gdtr")),
    *((f"{segment}_arbytes", u32) for segment in _SEGMENTS),
    *((name, u64) for name in ("sysenter_cs", "sysenter_esp", "sysenter_eip", "shadow_gs")),
    *(
        (f"msr_{name}", u64)
        for name in ("flags", "lstar", "star", "cstar", "syscall_mask", "efer", "tsc_aux")
    ),
    ("tsc", u64),
    ("pending_event", u32),
    ("error_code", u32),
    ("flags", u32),
    ("_pad0", u32),
)

HVM_HW_MTRR = Layout.of(
    "arch-x86/hvm/save.h struct hvm_hw_mtrr",
    ("msr_pat_cr", u64),
    ("msr_mtrr_var", array(16, u64)),
    ("msr_mtrr_fixed", array(11, u64)),
    ("msr_mtrr_cap", u64),
    ("msr_mtrr_def_type", u64),
)


def record(typecode: int, instance: int, layout: Layout, fields: Fields) -> bytes:
    """Return one record: its descriptor and its body."""
    head = HVM_SAVE_DESCRIPTOR.encode({"typecode": typecode, "instance": instance, "length": layout.size})
    return head + layout.encode(fields)


def end_record() -> bytes:
    """Return the record that ends a context."""
    return HVM_SAVE_DESCRIPTOR.encode({"typecode": HVM_SAVE_CODE_END})
