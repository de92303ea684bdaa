"""The hypercall page that a PV guest calls through, as the hypervisor fills it.

Entry `n` starts at byte 32 × n (public xen.h: HYPERVISOR_* calls go to `hypercall_page + nr * 32`).
"""

from xlbuild.units import PAGE_SIZE

HYPERVISOR_IRET = 23
"""__HYPERVISOR_iret: the one call that does not return (xen.h)."""

STUB_SIZE = 32
NR_STUBS = PAGE_SIZE // STUB_SIZE
_FILLER = 0xCC
"""int3: what runs off a stub traps."""


def hypercall_page_x86_64() -> bytes:
    """Return the 4096 bytes of a 64-bit PV guest's hypercall page."""
    return b"".join(_stub_x86_64(number) for number in range(NR_STUBS))


def hypercall_page_x86_32() -> bytes:
    """Return the 4096 bytes of a 32-bit PV guest's hypercall page."""
    return b"".join(_stub_x86_32(number) for number in range(NR_STUBS))


def _stub_x86_64(number: int) -> bytes:
    load_number = b"\xb8" + number.to_bytes(4, "little")  # mov $number, %eax
    syscall = b"\x0f\x05"
    save = b"\x51\x41\x53"  # push %rcx; push %r11: syscall overwrites both
    if number == HYPERVISOR_IRET:
        # The frame that iret takes includes rcx, r11 and rax as the guest had them.
        code = save + b"\x50" + load_number + syscall  # ... push %rax
    else:
        code = save + load_number + syscall + b"\x41\x5b\x59\xc3"  # pop %r11; pop %rcx; ret
    return code.ljust(STUB_SIZE, bytes([_FILLER]))


def _stub_x86_32(number: int) -> bytes:
    load_number = b"\xb8" + number.to_bytes(4, "little")  # mov $number, %eax
    trap = b"\xcd\x82"  # int $0x82
    # iret: push %eax (the frame that it takes includes it); others: ret
    before, after = (b"\x50", b"") if number == HYPERVISOR_IRET else (b"", b"\xc3")
    code = before + load_number + trap + after
    return code.ljust(STUB_SIZE, bytes([_FILLER]))
