"""What every x86 processor has, by its manual's names (Intel SDM volume 3); Xen's headers take it for known."""

CR0_PE = 1 << 0
CR0_ET = 1 << 4
CR0_PG = 1 << 31
CR4_PAE = 1 << 5
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
