"""The state in which a built domain's vCPUs start, from vcpu_context.bin or hvm_context.bin, register by register."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from xlbuild.abi.hvm_save import (
    HVM_SAVE_CODE_CPU,
    HVM_SAVE_CODE_END,
    HVM_SAVE_CODE_HEADER,
    HVM_SAVE_CODE_MTRR,
)
from xlbuild.abi.layout import Fields
from xlbuild.built import ALL_TOLD, HVM_CONTEXT_FILE, VCPU_CONTEXT_FILE, BuiltDomain
from xlbuild.inspect.domains.fields import differences
from xlbuild.inspect.domains.hvm_context import read_hvm_context, without_areas
from xlbuild.inspect.domains.registers import describe_registers
from xlbuild.inspect.tree import Branch, Tree, hexadecimal

_BUILT = (HVM_SAVE_CODE_HEADER, HVM_SAVE_CODE_CPU, HVM_SAVE_CODE_MTRR, HVM_SAVE_CODE_END)
"""Records that the builder writes."""


@dataclass(frozen=True, slots=True)
class SavedState:
    """What a file of contexts holds."""

    registers: dict[int, Fields]
    """By vCPU: vcpu_guest_context, or the CPU record."""
    mtrrs: dict[int, Fields]
    """By vCPU: the MTRR record."""
    problems: tuple[str, ...]
    """Why the file is not whole, in words."""


def read_state(built: BuiltDomain) -> SavedState:
    """Return the vCPUs' state as its file has it; where there is none, what the manifest says."""
    name = VCPU_CONTEXT_FILE if built.is_pv else HVM_CONTEXT_FILE
    data = built.structures.get(name)
    if data is None:
        return SavedState(
            {vcpu.id: vcpu.registers for vcpu in built.vcpus if vcpu.registers is not None},
            {vcpu.id: vcpu.mtrr for vcpu in built.vcpus if vcpu.mtrr is not None},
            (),
        )
    return _pv_state(built, data) if built.is_pv else _hvm_state(built, data)


def describe_vcpus(built: BuiltDomain) -> list[Tree]:
    """Return each vCPU: how it starts, its registers, and its MTRRs where they are not the same as another's."""
    state = read_state(built)
    ids = sorted({vcpu.id for vcpu in built.vcpus} | set(state.registers) | set(state.mtrrs))
    described: list[Tree] = []
    shown: list[tuple[int, Fields]] = []
    for number in ids:
        vcpu: dict[str, Tree] = {"id": number, "state": _how_it_starts(state, number)}
        if (registers := state.registers.get(number)) is not None:
            vcpu |= describe_registers(built, registers)
        if (mtrr := state.mtrrs.get(number)) is not None:
            same = next((other for other, fields in shown if fields == mtrr), None)
            vcpu["mtrr"] = describe_mtrr(mtrr) if same is None else f"as vCPU {same}'s"
            if same is None:
                shown.append((number, mtrr))
        described.append(vcpu)
    return described


def vcpu_problems(built: BuiltDomain) -> Iterator[str]:
    """Yield what the file of contexts has otherwise than the manifest, or where it is not whole."""
    state = read_state(built)
    name = VCPU_CONTEXT_FILE if built.is_pv else HVM_CONTEXT_FILE
    yield from (f"{name}: {problem}" for problem in state.problems)
    for vcpu in built.vcpus:
        for what, told, found in (
            ("registers", vcpu.registers, state.registers.get(vcpu.id)),
            ("mtrr", vcpu.mtrr, state.mtrrs.get(vcpu.id)),
        ):
            if told is not None and found is not None:
                yield from differences(found, told, f"vcpus[{vcpu.id}].{what}", name)
            elif told is not found:
                has, lacks = (name, "domain.json") if told is None else ("domain.json", name)
                yield f"vcpus[{vcpu.id}].{what} is in {has}, and not in {lacks}"


def _how_it_starts(state: SavedState, number: int) -> str:
    if number in state.registers:
        return "starts with these registers"
    return "waits until the guest starts it"


def _pv_state(built: BuiltDomain, data: bytes) -> SavedState:
    layout = built.vcpus[0].layout
    if len(data) < layout.size:
        return SavedState({}, {}, (f"{len(data)} bytes are too few for {layout.name}: {layout.size}",))
    problems = (f"{len(data) - layout.size} bytes too many",) if len(data) > layout.size else ()
    return SavedState({0: without_areas(layout.decode(data))}, {}, problems)


def _hvm_state(built: BuiltDomain, data: bytes) -> SavedState:
    """Return what the records say; a host that saved the guest writes more of them than the builder."""
    context = read_hvm_context(data)
    foreign = (record for record in context.records if record.typecode not in _BUILT)
    problems = [
        f"the record at offset {record.offset:#x} is of type {record.typecode}, which the builder does not write"
        for record in islice(foreign, 1 if built.untold == ALL_TOLD else 0)
    ]
    return SavedState(context.registers(), context.mtrrs(), (*problems, *context.problems))


def describe_mtrr(fields: Fields) -> Branch:
    """Return a vCPU's MTRRs: those that are not zero, and the names of the others."""
    described: dict[str, Tree] = {}
    for name, value in fields.items():
        if isinstance(value, int):
            described[name] = hexadecimal(value)
        elif any(value):
            described[name] = [hexadecimal(element) for element in value]
    described["zero"] = ", ".join(name for name in fields if name not in described)
    return described
