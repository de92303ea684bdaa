"""The hello guest for the PV container: a 64-bit PV kernel, xen-3.0-x86_64.

Its virtual addresses are its pseudo-physical ones (VIRT_BASE 0, as with Mini-OS), so that all it touches lies
below 4 GiB. At entry the builder's page tables are in force, rsi points to the start info and rsp to the end
of the boot stack; the guest needs nothing beyond them. Events stay masked.
"""

from typing import Final

from xlbuild.abi.start_info import START_INFO_X86_64
from xlbuild.hello.assembler import (
    Label,
    Program,
    Register,
    add_imm,
    assemble,
    call,
    dec,
    jmp,
    jne,
    load,
    load64,
    mov,
    mov_imm,
    repne_scasq,
    shl,
    shr,
    store,
    sub,
)
from xlbuild.hello.elf import ELF64, LoadSegment, NoteType, elf_file, xen_note
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
from xlbuild.hello.xen import CONVENTION_64, HYPERCALL_PAGE, SCHED_OP, SCHEDOP_YIELD
from xlbuild.units import PAGE_SHIFT

EAX, ECX, EDX, EBP = Register.EAX, Register.ECX, Register.EDX, Register.EBP
ESI, EDI = Register.ESI, Register.EDI

LOAD_ADDRESS: Final = 0x10_0000

_NR_PAGES = START_INFO_X86_64.offset_of("nr_pages")
_CONSOLE_MFN = START_INFO_X86_64.offset_of("console_mfn")
_CONSOLE_EVTCHN = START_INFO_X86_64.offset_of("console_evtchn")
_MFN_LIST = START_INFO_X86_64.offset_of("mfn_list")
_CMD_LINE = START_INFO_X86_64.offset_of("cmd_line")

_MAKE_TEXT: Final[Program] = (
    mov_imm(EDI, "text"),
    *append("greeting"),
    mov(ESI, EBP),  # it starts with the magic, a string
    call("append"),
    *append("pages"),
    load(EAX, EBP, _NR_PAGES),  # the low half: enough for 16 TiB
    call("append_number"),
    *append("command_line"),
    mov(ESI, EBP),
    add_imm(ESI, _CMD_LINE),
    call("append"),
    *LINE_END,
)

_FIND_CONSOLE_RING: Final[Program] = (
    # The start info names the ring's page by machine frame: the page is where the p2m list holds that frame.
    load(EAX, EBP, _CONSOLE_EVTCHN),
    mov_imm(ECX, "console_port"),
    store(ECX, 0, EAX),
    load64(EAX, EBP, _CONSOLE_MFN),
    load(ECX, EBP, _NR_PAGES),
    load64(EDX, EBP, _MFN_LIST),
    load64(EDI, EBP, _MFN_LIST),
    repne_scasq(),
    jne("power_off"),
    sub(EDI, EDX),
    shr(EDI, 3),  # eight bytes an entry
    dec(EDI),  # the search stopped behind it
    shl(EDI, PAGE_SHIFT),  # VIRT_BASE is 0: this is the page's virtual address
    mov(EBP, EDI),
)

_PROGRAM: Final[Program] = (
    mov(EBP, ESI),
    *_MAKE_TEXT,
    *to_xen_log(CONVENTION_64),
    *_FIND_CONSOLE_RING,
    *to_console_ring(CONVENTION_64),
    *power_off(CONVENTION_64),
    Label("forever"),
    *CONVENTION_64.call(SCHED_OP, SCHEDOP_YIELD),
    jmp("forever"),
    *APPEND,
    *APPEND_NUMBER,
    *string("greeting", "Hello from PV.\nstart info: "),
    *string("pages", "\npages: 0x"),
    *string("command_line", "\ncommand line: "),
    *SHUTDOWN_REASON,
    Label("end_of_file"),
    *HYPERCALL_PAGE,
    *VARIABLES,
)


def kernel() -> bytes:
    """Return the PV hello guest as an ELF64 file."""
    program = assemble(_PROGRAM, LOAD_ADDRESS)
    notes = (
        xen_note(ELF64, NoteType.GUEST_OS, "hello"),
        xen_note(ELF64, NoteType.XEN_VERSION, "xen-3.0"),
        xen_note(ELF64, NoteType.LOADER, "generic"),
        xen_note(ELF64, NoteType.VIRT_BASE, 0),
        xen_note(ELF64, NoteType.ENTRY, LOAD_ADDRESS),
        xen_note(ELF64, NoteType.HYPERCALL_PAGE, program.labels["hypercall_page"]),
    )
    return elf_file(ELF64, LOAD_ADDRESS, LoadSegment.of(program), notes)
