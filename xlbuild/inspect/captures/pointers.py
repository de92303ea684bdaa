"""Where the registers of a captured guest's vCPUs lead, as far as the page tables of vCPU 0 tell."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from xlbuild.abi.layout import Fields
from xlbuild.built import MemoryReader
from xlbuild.image.model import GuestType
from xlbuild.inspect.domains.registers import ENTRY, STACKS, Pointer
from xlbuild.inspect.memory.paging import PV_PAGING, PageTables, identity, translate
from xlbuild.inspect.memory.place import not_an_address
from xlbuild.inspect.memory.room import exists
from xlbuild.inspect.tree import hexadecimal
from xlbuild.plan.pagetables import X86_64
from xlbuild.units import MachineAddr, Mfn, Pfn, mfn_of, page_down

_ADDRESSABLE = 1 << 52
"""What cr3 can name, in bytes."""


def pv_tables(
    memory: MemoryReader,
    guest_type: GuestType,
    registers: Fields,
    mfn_to_pfn: Callable[[Mfn], Pfn | None] = identity,
) -> PageTables:
    """Return the page tables that a PV guest's vCPU uses; arguments as for `PageTables`."""
    paging, frame_of = PV_PAGING[guest_type]
    control = registers["ctrlreg"]
    assert not isinstance(control, int | bytes)
    return PageTables(memory, frame_of(control[3]), paging, mfn_to_pfn)


def hvm_tables(memory: MemoryReader, registers: Fields) -> PageTables:
    """Return the page tables that a vCPU of an HVM container uses which is in 64-bit mode."""
    cr3 = number_in(registers, "cr3")
    return PageTables(memory, mfn_of(MachineAddr(page_down(cr3) % _ADDRESSABLE)), X86_64)


def number_in(fields: Fields, name: str) -> int:
    """Return a register that is one number."""
    value = fields[name]
    assert isinstance(value, int)
    return value


def pointer_into(tables: PageTables | None, guest_type: GuestType, frame: str) -> Pointer:
    """Return what says where registers lead; `frame` is what cr3 names, in words."""
    return partial(_pointer, tables, guest_type, frame)


def _pointer(
    tables: PageTables | None, guest_type: GuestType, frame: str, name: str, value: int
) -> str | None:
    if name == "ctrlreg[3]" and guest_type in PV_PAGING:
        _, frame_of = PV_PAGING[guest_type]
        return f"cr3: page tables from {frame} {frame_of(value):#x} on"
    if tables is None:
        return None
    if name == ENTRY[guest_type]:
        return f"goes on at {_place(tables, value)}"
    return f"{_place(tables, value - 1)}, and down" if name in STACKS else None


def _place(tables: PageTables, address: int) -> str:
    if not_an_address(tables, address) is not None:
        return "what is no address"
    found = translate(tables, address)
    if found.address is None or not exists(tables.memory, found.address):
        return "an address that vCPU 0 has not mapped"
    return f"the physical address {hexadecimal(found.address)}"
