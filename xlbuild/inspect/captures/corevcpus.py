"""The vCPUs of a dump-core: registers by Xen's names, and where those lead that hold addresses."""

from __future__ import annotations

from collections.abc import Callable

from xlbuild.abi.layout import Fields
from xlbuild.abi.vcpu_guest_context import VCPU_GUEST_CONTEXT_X86_32, VCPU_GUEST_CONTEXT_X86_64
from xlbuild.captured.contexts import cpu_record
from xlbuild.captured.model import DumpCore
from xlbuild.image.model import GuestType
from xlbuild.inspect.captures.pointers import hvm_tables, number_in, pointer_into, pv_tables
from xlbuild.inspect.domains.hvm_context import without_areas
from xlbuild.inspect.domains.registers import register_rows
from xlbuild.inspect.memory.paging import PageTables, identity
from xlbuild.inspect.tree import Tree
from xlbuild.units import Mfn, Pfn
from xlbuild.x86 import CR0_PG, CR4_PAE

_MOST_VCPUS = 128
"""That are described register by register."""
_UPPER_HALF = 0xFFFF_8000_0000_0000
"""Where kernels lie that run in 64 bits; no other code reaches it."""


def guest_type_of(core: DumpCore) -> GuestType:
    """Return how the guest's registers are to be read.

    A 32-bit PV guest's structures may have room for 64-bit ones; what their cr3 leads to decides then.
    """
    if not core.is_pv:
        return GuestType.HVM
    if not core.vcpus:
        return GuestType.PV64
    if len(core.vcpus[0]) < VCPU_GUEST_CONTEXT_X86_64.size or _pv_tables(core, GuestType.PV64) is None:
        return GuestType.PV64 if _pv_tables(core, GuestType.PV32PAE) is None else GuestType.PV32PAE
    return GuestType.PV64


def core_page_tables(core: DumpCore) -> PageTables | None:
    """Return the page tables that vCPU 0 uses; None where it does without, or in a form that is not followed."""
    guest_type = guest_type_of(core)
    if guest_type is not GuestType.HVM:
        return _pv_tables(core, guest_type)
    if not core.vcpus:
        return None
    registers = _registers(core.vcpus[0], guest_type)
    cr0, cr4, rip = (number_in(registers, name) for name in ("cr0", "cr4", "rip"))
    # That a vCPU is in 64-bit mode is not among what a dump tells.
    if not cr0 & CR0_PG or not cr4 & CR4_PAE or rip < _UPPER_HALF:
        return None
    return hvm_tables(core.memory, registers)


def describe_core_vcpus(core: DumpCore) -> list[Tree]:
    """Return each vCPU that the file has: registers that are not zero, and the names of the others."""
    guest_type = guest_type_of(core)
    pointer = pointer_into(core_page_tables(core), guest_type, "machine frame")
    return [
        {"id": number, **register_rows(_registers(context, guest_type), guest_type, pointer)}
        for number, context in enumerate(core.vcpus[:_MOST_VCPUS])
    ]


def _registers(context: bytes, guest_type: GuestType) -> Fields:
    """Return a vCPU's registers; in an HVM container, by the names of the CPU record, those that are told."""
    layout = VCPU_GUEST_CONTEXT_X86_32 if guest_type is GuestType.PV32PAE else VCPU_GUEST_CONTEXT_X86_64
    fields = layout.decode(context.ljust(layout.size, b"\0"))
    return cpu_record(fields) if guest_type is GuestType.HVM else without_areas(fields)


def _pv_tables(core: DumpCore, guest_type: GuestType) -> PageTables | None:
    """Return the tables that vCPU 0's cr3 names, read as a type's; None where that is no frame of the guest's."""
    if not core.vcpus:
        return None
    tables = pv_tables(core.memory, guest_type, _registers(core.vcpus[0], guest_type), _mfn_to_pfn(core))
    return tables if tables.mfn_to_pfn(tables.top) is not None else None


def _mfn_to_pfn(core: DumpCore) -> Callable[[Mfn], Pfn | None]:
    return identity if core.machine_frames is None else core.machine_frames.pfn_of
