"""Routines that both hello guests contain: they put a text together and hand it to Xen.

The text lies at `text`, NUL-terminated, its lines ended by CR LF for terminals; while it grows, edi points
behind it.
"""

from typing import Final

from xlbuild.hello.assembler import (
    Code,
    Label,
    Program,
    Register,
    Reserve,
    add,
    add_imm,
    and_imm,
    call,
    cmp,
    cmp_imm,
    data,
    dec,
    inc,
    jae,
    jb,
    je,
    jmp,
    jne,
    load,
    lodsb,
    mov,
    mov_imm,
    pop,
    push,
    ret,
    rol,
    store,
    store_al,
    stosb,
    sub,
    test,
    test_al,
)
from xlbuild.hello.xen import (
    CONSOLE_IO,
    CONSOLEIO_WRITE,
    EVENT_CHANNEL_OP,
    EVTCHNOP_SEND,
    SCHED_OP,
    SCHEDOP_SHUTDOWN,
    SCHEDOP_YIELD,
    SHUTDOWN_POWEROFF,
    HypercallConvention,
)

EAX, ECX, EDX, EBP = Register.EAX, Register.ECX, Register.EDX, Register.EBP
ESI, EDI = Register.ESI, Register.EDI

# struct xencons_interface (xen/io/console.h)
_RING_SIZE = 2048
_OUT = 1024
_OUT_CONS = 3080
_OUT_PROD = 3084

TEXT_SIZE = _RING_SIZE
"""Bytes for the text with its NUL: it fits into an empty console ring."""
_LINE_END = b"\r\n"
_PATIENCE = 1 << 14
"""How often to give way to the console daemon before the domain powers off with text left in the ring."""


def string(label: str, text: str) -> tuple[Label, Code]:
    """Return a NUL-terminated string; each line's end becomes CR LF."""
    return Label(label), data(text.encode("ascii").replace(b"\n", _LINE_END) + b"\0")


def append(source: str) -> tuple[Code, ...]:
    """Return code that appends the string at a label to the text."""
    return mov_imm(ESI, source), call("append")


APPEND: Final[Program] = (
    # Append the string at esi to the text, as far as there is room; esi = 0 is no string at all.
    Label("append"),
    test(ESI, ESI),
    je("append_done"),
    Label("append_byte"),
    lodsb(),
    test_al(),
    je("append_done"),
    cmp_imm(EDI, "text_limit"),
    jae("append_done"),
    stosb(),
    jmp("append_byte"),
    Label("append_done"),
    ret(),
)

APPEND_NUMBER: Final[Program] = (
    # Append eax in eight hexadecimal digits, the highest first.
    Label("append_number"),
    mov_imm(ECX, 8),
    Label("append_digit"),
    rol(EAX, 4),
    push(EAX),
    and_imm(EAX, 0xF),
    cmp_imm(EAX, 10),
    jb("append_decimal"),
    add_imm(EAX, ord("a") - ord("0") - 10),
    Label("append_decimal"),
    add_imm(EAX, ord("0")),
    stosb(),
    pop(EAX),
    dec(ECX),
    jne("append_digit"),
    ret(),
)

LINE_END: Final[Program] = (
    # `append` stops early enough that this always fits.
    mov_imm(EAX, _LINE_END[0]),
    stosb(),
    mov_imm(EAX, _LINE_END[1]),
    stosb(),
)


def to_xen_log(hypercall: HypercallConvention) -> Program:
    """Return code that hands the text, ending before edi, to Xen's own log.

    A Xen built without debugging refuses this to ordinary domains: then eax is not 0.
    """
    return (
        mov(EAX, EDI),
        mov_imm(ECX, "text"),
        sub(EAX, ECX),
        *hypercall.call(CONSOLE_IO, CONSOLEIO_WRITE, EAX, "text"),
    )


def to_console_ring(hypercall: HypercallConvention) -> Program:
    """Return code that puts the text into the console ring at ebp and rings event channel `console_port`.

    Then it waits, within limits, until the console daemon has taken everything: later the domain is gone.
    """
    return (
        mov_imm(ESI, "text"),
        load(EDX, EBP, _OUT_PROD),
        Label("ring_byte"),
        lodsb(),
        test_al(),
        je("ring_written"),
        mov(EDI, EDX),
        and_imm(EDI, _RING_SIZE - 1),
        add(EDI, EBP),
        store_al(EDI, _OUT),
        inc(EDX),
        jmp("ring_byte"),
        Label("ring_written"),
        store(EBP, _OUT_PROD, EDX),
        *hypercall.call(EVENT_CHANNEL_OP, EVTCHNOP_SEND, "console_port"),
        mov_imm(ECX, _PATIENCE),
        Label("ring_wait"),
        load(EAX, EBP, _OUT_CONS),
        load(EDX, EBP, _OUT_PROD),
        cmp(EAX, EDX),
        je("power_off"),
        push(ECX),
        *hypercall.call(SCHED_OP, SCHEDOP_YIELD),
        pop(ECX),
        dec(ECX),
        jne("ring_wait"),
    )


def power_off(hypercall: HypercallConvention) -> Program:
    """Return code that asks Xen to shut the domain down, as powered off."""
    return (
        Label("power_off"),
        *hypercall.call(SCHED_OP, SCHEDOP_SHUTDOWN, "shutdown_reason"),
    )


SHUTDOWN_REASON: Final[Program] = (
    # struct sched_shutdown (xen/sched.h)
    Label("shutdown_reason"),
    data(SHUTDOWN_POWEROFF.to_bytes(4, "little")),
)

VARIABLES: Final[Program] = (
    Label("console_port"),  # struct evtchn_send (xen/event_channel.h)
    Reserve(4),
    Label("text"),
    Reserve(TEXT_SIZE - len(_LINE_END) - 1),
    Label("text_limit"),
    Reserve(len(_LINE_END) + 1),
)
