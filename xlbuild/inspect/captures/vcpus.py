"""The vCPUs of a save file: registers by Xen's names, and where those lead that hold addresses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from xlbuild.abi.layout import Fields
from xlbuild.abi.vcpu_guest_context import VCPU_GUEST_CONTEXT_X86_32, VCPU_GUEST_CONTEXT_X86_64
from xlbuild.captured.model import SavedVcpu, SaveFile
from xlbuild.image.model import GuestType
from xlbuild.inspect.captures.pointers import hvm_tables, number_in, pointer_into, pv_tables
from xlbuild.inspect.domains.hvm_context import HvmContext, read_hvm_context, without_areas
from xlbuild.inspect.domains.registers import register_rows
from xlbuild.inspect.domains.vcpu_state import describe_mtrr
from xlbuild.inspect.memory.paging import PageTables
from xlbuild.inspect.tree import Tree
from xlbuild.x86 import CR0_PG, CR4_LA57, EFER_LMA

_MOST_VCPUS = 128
"""That are described register by register."""

_PV_TYPES = {8: GuestType.PV64, 4: GuestType.PV32PAE}
_PV_LAYOUTS = {
    GuestType.PV64: VCPU_GUEST_CONTEXT_X86_64,
    GuestType.PV32PAE: VCPU_GUEST_CONTEXT_X86_32,
}


def guest_type_of(save: SaveFile) -> GuestType:
    """Return how the guest's registers are to be read; a PV guest that does not say its width has 64 bits."""
    return _PV_TYPES.get(save.pv_width or 8, GuestType.PV64) if save.is_pv else GuestType.HVM


def hvm_context_of(save: SaveFile) -> HvmContext:
    """Return the HVM context; an empty one where the file has none."""
    return HvmContext((), ()) if save.hvm_context is None else read_hvm_context(save.hvm_context)


def registers_of(save: SaveFile) -> dict[int, Fields]:
    """Return the registers of each vCPU that has a context which is whole, by its number."""
    if not save.is_pv:
        return hvm_context_of(save).registers()
    layout = _PV_LAYOUTS[guest_type_of(save)]
    return {
        vcpu.id: without_areas(layout.decode(vcpu.basic))
        for vcpu in save.pv_vcpus
        if len(vcpu.basic) >= layout.size
    }


def first_registers(save: SaveFile) -> Fields | None:
    """Return vCPU 0's alone; None where it has no context which is whole."""
    if save.is_pv:
        return registers_of(replace(save, pv_vcpus=save.pv_vcpus[:1])).get(0)
    context = hvm_context_of(save)
    of_first = tuple(record for record in context.records if record.instance == 0)
    return replace(context, records=of_first).registers().get(0)


def page_tables_of(save: SaveFile) -> PageTables | None:
    """Return the page tables that vCPU 0 uses; None where it does without, or in a form that is not followed.

    A save file has the guest's own frames in a PV guest's tables.
    """
    registers = first_registers(save)
    if registers is None:
        return None
    if save.is_pv:
        return pv_tables(save.memory, guest_type_of(save), registers)
    cr0, cr4, efer = (number_in(registers, name) for name in ("cr0", "cr4", "msr_efer"))
    if not cr0 & CR0_PG or not efer & EFER_LMA or cr4 & CR4_LA57:
        return None
    return hvm_tables(save.memory, registers)


def describe_saved_vcpus(save: SaveFile) -> list[Tree]:
    """Return each vCPU that the file has state of: registers that are not zero, MTRRs, and what else there is."""
    registers = registers_of(save)
    guest_type = guest_type_of(save)
    pointer = pointer_into(page_tables_of(save), guest_type, "frame")
    more = _pv_more(save) if save.is_pv else _hvm_more(hvm_context_of(save))
    return [
        {
            "id": number,
            "state": "goes on with these registers",
            **register_rows(registers[number], guest_type, pointer),
            **more.get(number, {}),
        }
        for number in list(registers)[:_MOST_VCPUS]
    ]


def vcpu_problems(save: SaveFile) -> Iterator[str]:
    """Yield vCPUs whose state is not whole, in words."""
    if not save.is_pv:
        yield from (f"HVM_CONTEXT: {problem}" for problem in hvm_context_of(save).problems)
        return
    layout = _PV_LAYOUTS[guest_type_of(save)]
    for vcpu in save.pv_vcpus:
        if len(vcpu.basic) != layout.size:
            yield f"vCPU {vcpu.id} has {len(vcpu.basic)} bytes of state, and {layout.name} has {layout.size}"


def _pv_more(save: SaveFile) -> dict[int, dict[str, Tree]]:
    return {vcpu.id: _sizes(vcpu) for vcpu in save.pv_vcpus}


def _sizes(vcpu: SavedVcpu) -> dict[str, Tree]:
    states = (("extended", vcpu.extended), ("xsave", vcpu.xsave), ("msrs", vcpu.msrs))
    return {f"{name}_size": len(state) for name, state in states if state is not None}


def _hvm_more(context: HvmContext) -> dict[int, dict[str, Tree]]:
    """Return the MTRRs of each vCPU, unless they are as those of another one."""
    described: dict[int, dict[str, Tree]] = {}
    shown: list[tuple[int, Fields]] = []
    for number, fields in context.mtrrs().items():
        same = next((other for other, known in shown if known == fields), None)
        described[number] = {"mtrr": describe_mtrr(fields) if same is None else f"as vCPU {same}'s"}
        if same is None:
            shown.append((number, fields))
    return described
