"""The hello guest for the PVH container: 32-bit protected mode, flat, paging off, entered at PHYS32_ENTRY.

ebx points to the start info; there is no stack, and interrupts stay off. Without Xen (a plain KVM guest, or
QEMU's `-kernel`) it does what can be done there: it writes to the serial port and halts.
"""

import struct
from typing import Final

from xlbuild.abi.hvm_start_info import HVM_START_INFO
from xlbuild.abi.params import HVM_PARAMS
from xlbuild.hello.assembler import (
    Label,
    Program,
    Register,
    Reserve,
    add_imm,
    assemble,
    call,
    cli,
    cmp_imm,
    cpuid,
    data,
    hlt,
    je,
    jmp,
    jne,
    load,
    lodsb,
    mov,
    mov_imm,
    out_dx_al,
    ret,
    shl,
    store,
    test,
    test_al,
    wrmsr,
)
from xlbuild.hello.elf import ELF32, LoadSegment, NoteType, elf_file, xen_note
from xlbuild.hello.text import (
    APPEND,
    APPEND_NUMBER,
    LINE_END,
    SHUTDOWN_REASON,
    VARIABLES,
    append,
    power_off,
    string,
    to_console_ring,
    to_xen_log,
)
from xlbuild.hello.xen import CONVENTION_32, DOMID_SELF, HVM_OP, HVMOP_GET_PARAM, HYPERCALL_PAGE
from xlbuild.units import PAGE_SHIFT

EAX, ECX, EDX, EBX = Register.EAX, Register.ECX, Register.EDX, Register.EBX
ESP, EBP, ESI, EDI = Register.ESP, Register.EBP, Register.ESI, Register.EDI

LOAD_ADDRESS: Final = 0x10_0000

_MAGIC = HVM_START_INFO.offset_of("magic")
_CMDLINE_PADDR = HVM_START_INFO.offset_of("cmdline_paddr")
_MEMMAP_ENTRIES = HVM_START_INFO.offset_of("memmap_entries")

# xen/arch-x86/cpuid.h; Xen's leaves start at the first multiple of 0x100 that is free.
_CPUID_FIRST_LEAF = 0x4000_0000
_CPUID_LEAF_STEP = 0x100
_CPUID_LAST_LEAF = 0x4001_0000
_CPUID_SIGNATURE_EBX, _CPUID_SIGNATURE_ECX, _CPUID_SIGNATURE_EDX = struct.unpack("<III", b"XenVMMXenVMM")
_CPUID_HYPERCALL_LEAF = 2

# struct xen_hvm_param (xen/hvm/hvm_op.h): domid, padding, index, value
_HVM_PARAM = "<HHIQ"
_HVM_PARAM_VALUE = 8

_SERIAL_PORT = 0x3F8
_DEBUG_PORT = 0xE9
"""XEN_HVM_DEBUGCONS_IOPORT (xen/arch-x86/xen.h): another way into Xen's log, open in every build of Xen."""

_STACK_SIZE = 256

_MAKE_TEXT: Final[Program] = (
    mov_imm(EDI, "text"),
    *append("greeting"),
    load(EAX, EBP, _MAGIC),
    call("append_number"),
    *append("memory_map"),
    load(EAX, EBP, _MEMMAP_ENTRIES),
    call("append_number"),
    *append("command_line"),
    load(ESI, EBP, _CMDLINE_PADDR),  # 0 when there is none
    call("append"),
    *LINE_END,
)

_TO_SERIAL_PORT: Final[Program] = (
    mov_imm(EDX, _SERIAL_PORT),
    call("write_port"),
)

_WRITE_PORT: Final[Program] = (
    # Write the text to port edx. A real UART would have to be asked for room, an emulated one always has it.
    Label("write_port"),
    mov_imm(ESI, "text"),
    Label("port_byte"),
    lodsb(),
    test_al(),
    je("port_done"),
    out_dx_al(),
    jmp("port_byte"),
    Label("port_done"),
    ret(),
)

_FIND_XEN: Final[Program] = (
    # Leave with esi = Xen's first CPUID leaf, or go to `halt`.
    mov_imm(ESI, _CPUID_FIRST_LEAF),
    Label("try_leaf"),
    mov(EAX, ESI),
    cpuid(),
    cmp_imm(EBX, _CPUID_SIGNATURE_EBX),
    jne("next_leaf"),
    cmp_imm(ECX, _CPUID_SIGNATURE_ECX),
    jne("next_leaf"),
    cmp_imm(EDX, _CPUID_SIGNATURE_EDX),
    je("found_xen"),
    Label("next_leaf"),
    add_imm(ESI, _CPUID_LEAF_STEP),
    cmp_imm(ESI, _CPUID_LAST_LEAF),
    jne("try_leaf"),
    jmp("halt"),
    Label("found_xen"),
)

_SET_UP_HYPERCALL_PAGE: Final[Program] = (
    # The leaf gives, in ebx, the register that takes the page's address.
    mov(EAX, ESI),
    add_imm(EAX, _CPUID_HYPERCALL_LEAF),
    cpuid(),
    mov(ECX, EBX),
    mov_imm(EAX, "hypercall_page"),
    mov_imm(EDX, 0),
    wrmsr(),
)

_TO_XEN_LOG: Final[Program] = (
    *to_xen_log(CONVENTION_32),
    test(EAX, EAX),
    je("logged"),
    mov_imm(EDX, _DEBUG_PORT),
    call("write_port"),
    Label("logged"),
)

_FIND_CONSOLE_RING: Final[Program] = (
    *CONVENTION_32.call(HVM_OP, HVMOP_GET_PARAM, "console_evtchn_param"),
    *CONVENTION_32.call(HVM_OP, HVMOP_GET_PARAM, "console_pfn_param"),
    mov_imm(ECX, "console_evtchn_param"),
    load(EAX, ECX, _HVM_PARAM_VALUE),
    mov_imm(ECX, "console_port"),
    store(ECX, 0, EAX),
    mov_imm(ECX, "console_pfn_param"),
    load(EBP, ECX, _HVM_PARAM_VALUE),
    test(EBP, EBP),
    je("power_off"),
    shl(EBP, PAGE_SHIFT),
)

_PROGRAM: Final[Program] = (
    mov_imm(ESP, "stack_end"),
    mov(EBP, EBX),
    *_MAKE_TEXT,
    *_TO_SERIAL_PORT,
    *_FIND_XEN,
    *_SET_UP_HYPERCALL_PAGE,
    *_TO_XEN_LOG,
    *_FIND_CONSOLE_RING,
    *to_console_ring(CONVENTION_32),
    *power_off(CONVENTION_32),
    Label("halt"),
    cli(),
    hlt(),
    jmp("halt"),
    *APPEND,
    *APPEND_NUMBER,
    *_WRITE_PORT,
    *string("greeting", "Hello from PVH.\nstart info: magic 0x"),
    *string("memory_map", "\nmemory map entries: 0x"),
    *string("command_line", "\ncommand line: "),
    *SHUTDOWN_REASON,
    Label("console_pfn_param"),
    data(struct.pack(_HVM_PARAM, DOMID_SELF, 0, HVM_PARAMS["CONSOLE_PFN"], 0)),
    Label("console_evtchn_param"),
    data(struct.pack(_HVM_PARAM, DOMID_SELF, 0, HVM_PARAMS["CONSOLE_EVTCHN"], 0)),
    Label("end_of_file"),
    *HYPERCALL_PAGE,
    *VARIABLES,
    Reserve(_STACK_SIZE),
    Label("stack_end"),
)


def kernel() -> bytes:
    """Return the PVH hello guest as an ELF32 file."""
    program = assemble(_PROGRAM, LOAD_ADDRESS)
    notes = (
        xen_note(ELF32, NoteType.GUEST_OS, "hello"),
        xen_note(ELF32, NoteType.XEN_VERSION, "xen-3.0"),
        xen_note(ELF32, NoteType.PHYS32_ENTRY, LOAD_ADDRESS),
    )
    return elf_file(ELF32, LOAD_ADDRESS, LoadSegment.of(program), notes)
