"""The start stub: code that a PVH guest starts in, which tells the hypervisor the guest's memory map.

`xl create` sets the map that a guest can ask the hypervisor for (XENMEM_memory_map), and `xl restore` does not; the
guest itself may (XENMEM_set_memory_map of DOMID_SELF, public memory.h). The stub does so through a hypercall page of
its own, wipes what it has used, and jumps to the kernel, which finds ebx pointing at the start info, as ever.

It fills the page of the paging ring; the hypercall page and the stack lie in the page behind, the monitor ring's
(`access`). Both are empty when a guest starts, and whoever uses a ring sets it up first. Of the code the eleven bytes
stay that run last, and eax holds the kernel's entry point; the other registers but ebx are 0.
"""

import struct
from collections.abc import Sequence
from typing import Final

from xlbuild.hello.assembler import (
    Align,
    Code,
    Label,
    Program,
    Register,
    assemble,
    cpuid,
    data,
    jmp,
    jmp_to,
    mov,
    mov_imm,
    rep_stosd,
    sub,
    wrmsr,
)
from xlbuild.hello.xen import CONVENTION_32, DOMID_SELF, HYPERCALL_PAGE, MEMORY_OP, XENMEM_SET_MEMORY_MAP
from xlbuild.plan.model import MemoryMapEntry
from xlbuild.units import PAGE_SIZE, UINT32, PhysAddr

EAX, ECX, EDX, EBX = Register.EAX, Register.ECX, Register.EDX, Register.EBX
ESP, EBP, ESI, EDI = Register.ESP, Register.EBP, Register.ESI, Register.EDI

_HYPERCALL_LEAF = 0x4000_0002
"""xen/arch-x86/cpuid.h: Xen's third leaf. Its leaves are at the first place, for PVH guests have no Viridian ones."""

_WIPE: Final[tuple[Code, ...]] = (rep_stosd(), sub(EDI, EDI))
"""The wipe itself cannot be wiped; what stays is at the start, so that all behind it is one run."""
_KERNEL_ENTRY_AT = sum(len(code.data) for code in _WIPE) + len(b"\xb8")
"""Where the kernel's entry point stands: it is what `mov_imm` loads next, behind its opcode."""
_ENTRY_AT = 16
"""Offset of the stub's first instruction."""

# struct xen_foreign_memory_map (memory.h) as 32-bit code has it: domid, padding, nr_entries, and a pointer
_FOREIGN_MEMORY_MAP = "<HHI"
_E820_ENTRY = "<QQI"
"""struct e820entry: address, size, type; 20 bytes, so that the 128 entries of the longest map take 2560."""


def stub_entry(at: PhysAddr) -> PhysAddr:
    """Return where a stub in the page at `at` is entered."""
    return PhysAddr(at + _ENTRY_AT)


def start_stub(at: PhysAddr, entry: int, start_info: PhysAddr, memory_map: Sequence[MemoryMapEntry]) -> bytes:
    """Return the page of a stub.

    at          its address; the page behind it is used, too
    entry       where the kernel is entered
    start_info  what ebx is to point at
    memory_map  at most 128 entries (E820_MAX), told in this order
    """
    image = assemble(_program(entry, start_info, memory_map), at).image
    assert len(image) == 2 * PAGE_SIZE, f"{len(memory_map)} entries do not fit into the page"
    return image[:PAGE_SIZE]


def kernel_entry(
    page: bytes, at: PhysAddr, start_info: PhysAddr, memory_map: Sequence[MemoryMapEntry]
) -> int | None:
    """Return where the stub in a page enters the kernel; None unless it is just the stub of these arguments."""
    (entry,) = struct.unpack_from("<I", page, _KERNEL_ENTRY_AT)
    is_this = start_info < UINT32 and page == start_stub(at, entry, start_info, memory_map)
    return int(entry) if is_this else None


def _program(entry: int, start_info: PhysAddr, memory_map: Sequence[MemoryMapEntry]) -> Program:
    entries = b"".join(struct.pack(_E820_ENTRY, each.addr, each.size, each.type) for each in memory_map)
    return (
        Label("finish"),
        *_WIPE,
        mov_imm(EAX, entry),
        jmp_to(EAX),
        Align(_ENTRY_AT),
        Label("start"),
        mov_imm(ESP, "end"),
        # The leaf gives, in ebx, the register that takes the hypercall page's address.
        mov_imm(EAX, _HYPERCALL_LEAF),
        cpuid(),
        mov(ECX, EBX),
        mov_imm(EAX, "hypercall_page"),
        sub(EDX, EDX),
        wrmsr(),
        # A hypervisor that refuses leaves the kernel without a map: it says so better than anything here could.
        *CONVENTION_32.call(MEMORY_OP, XENMEM_SET_MEMORY_MAP, "map"),
        mov_imm(EBX, start_info),
        mov_imm(EDI, "start"),
        mov_imm(ECX, (2 * PAGE_SIZE - _ENTRY_AT) // 4),
        *(sub(register, register) for register in (EAX, EDX, ESI, EBP, ESP)),
        jmp("finish"),
        Align(_ENTRY_AT),
        Label("map"),
        data(struct.pack(_FOREIGN_MEMORY_MAP, DOMID_SELF, 0, len(memory_map))),
        Code(bytes(4), target="entries"),
        Label("entries"),
        data(entries),
        *HYPERCALL_PAGE,
        Label("end"),
    )
