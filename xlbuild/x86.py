"""What every x86 processor has, by its manual's names (Intel SDM volume 3); Xen's headers take it for known."""

CR0_PE = 1 << 0
CR0_ET = 1 << 4
CR0_PG = 1 << 31
CR4_PAE = 1 << 5
CR4_LA57 = 0x1000
"""Page tables of five levels."""
EFER_LME = 1 << 8
EFER_LMA = 1 << 10
EFER_NXE = 1 << 11

FLAGS_FIXED = 1 << 1
"""Reads as one in every flags register."""
FLAGS_IF = 1 << 9
"""Interrupts on; a PV guest's vCPUs start with it, too, though it means nothing there."""

# Debug registers after a reset (17.2).
DR6_DEFAULT = 0xFFFF0FF0
DR7_DEFAULT = 0x400

# Flat 32-bit segments and their TSS (3.4.5), attributes without the four limit bits in between: type from bit 0, s 4,
# dpl 5, p 7, avl 8, l 9, db 10, g 11, as in hvm/hvm_vcpu.h and the context records of hvm/save.h.
FLAT_CODE_AR = 0xC9B
FLAT_DATA_AR = 0xC93
FLAT_LIMIT = 0xFFFFFFFF
BUSY_TSS_AR = 0x8B
TSS_LIMIT = 0x67

# Bits of registers by number, and the manual's names of them (2.5, 2.2.1, 3.4.3).
CR0_NAMES: dict[int, str] = {
    0: "PE",
    1: "MP",
    2: "EM",
    3: "TS",
    4: "ET",
    5: "NE",
    16: "WP",
    18: "AM",
    29: "NW",
    30: "CD",
    31: "PG",
}
CR4_NAMES: dict[int, str] = {
    0: "VME",
    1: "PVI",
    2: "TSD",
    3: "DE",
    4: "PSE",
    5: "PAE",
    6: "MCE",
    7: "PGE",
    8: "PCE",
    9: "OSFXSR",
    10: "OSXMMEXCPT",
    11: "UMIP",
    12: "LA57",
    13: "VMXE",
    14: "SMXE",
    16: "FSGSBASE",
    17: "PCIDE",
    18: "OSXSAVE",
    20: "SMEP",
    21: "SMAP",
    22: "PKE",
    23: "CET",
    24: "PKS",
}
EFER_NAMES: dict[int, str] = {0: "SCE", 8: "LME", 10: "LMA", 11: "NXE"}
FLAGS_NAMES: dict[int, str] = {
    0: "CF",
    1: "always one",
    2: "PF",
    4: "AF",
    6: "ZF",
    7: "SF",
    8: "TF",
    9: "IF",
    10: "DF",
    11: "OF",
    14: "NT",
    16: "RF",
    17: "VM",
    18: "AC",
    19: "VIF",
    20: "VIP",
    21: "ID",
}
