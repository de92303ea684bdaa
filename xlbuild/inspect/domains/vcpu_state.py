"""The state in which a built domain's vCPUs start, from vcpu_context.bin or hvm_context.bin, register by register."""

from collections.abc import Iterator
from dataclasses import dataclass

from xlbuild.abi.hvm_save import (
    HVM_FILE_MAGIC,
    HVM_HW_CPU,
    HVM_HW_MTRR,
    HVM_SAVE_CODE_CPU,
    HVM_SAVE_CODE_END,
    HVM_SAVE_CODE_HEADER,
    HVM_SAVE_CODE_MTRR,
    HVM_SAVE_DESCRIPTOR,
    HVM_SAVE_HEADER,
)
from xlbuild.abi.layout import Fields, FieldValue, Layout
from xlbuild.built import HVM_CONTEXT_FILE, VCPU_CONTEXT_FILE, BuiltDomain
from xlbuild.inspect.domains.fields import differences
from xlbuild.inspect.domains.registers import describe_registers
from xlbuild.inspect.tree import Branch, Tree, hexadecimal

_LAYOUTS: dict[int, Layout] = {HVM_SAVE_CODE_CPU: HVM_HW_CPU, HVM_SAVE_CODE_MTRR: HVM_HW_MTRR}


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
    return _pv_state(built, data) if built.is_pv else _hvm_state(data)


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
            vcpu["mtrr"] = _mtrr(mtrr) if same is None else f"as vCPU {same}'s"
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
    return SavedState({0: _without_areas(layout.decode(data))}, {}, problems)


def _hvm_state(data: bytes) -> SavedState:
    """Read the records one behind the other, up to the first that is not whole or not known (public hvm/save.h)."""
    found: dict[int, dict[int, Fields]] = {HVM_SAVE_CODE_CPU: {}, HVM_SAVE_CODE_MTRR: {}}
    problems: list[str] = []
    at, head = 0, HVM_SAVE_DESCRIPTOR
    while True:
        if at + head.size > len(data):
            problems.append(f"it ends at offset {at:#x} without an end record")
            break
        typecode, instance, length = (_number(v) for v in head.decode(data[at : at + head.size]).values())
        body = data[at + head.size : at + head.size + length]
        if len(body) < length:
            problems.append(f"the record at offset {at:#x} has {length} bytes, and the file ends before")
            break
        if typecode == HVM_SAVE_CODE_END:
            break
        problems += _record_problems(typecode, body, at)
        if problems:
            break
        if (layout := _LAYOUTS.get(typecode)) is not None:
            found[typecode].setdefault(instance, _without_areas(layout.decode(body)))
        at += head.size + length
    return SavedState(found[HVM_SAVE_CODE_CPU], found[HVM_SAVE_CODE_MTRR], tuple(problems))


def _record_problems(typecode: int, body: bytes, at: int) -> Iterator[str]:
    layout = HVM_SAVE_HEADER if typecode == HVM_SAVE_CODE_HEADER else _LAYOUTS.get(typecode)
    if layout is None:
        yield f"the record at offset {at:#x} is of type {typecode}, which the builder does not write"
    elif len(body) != layout.size:
        yield f"the record at offset {at:#x} has {len(body)} bytes, and {layout.name} has {layout.size}"
    elif typecode == HVM_SAVE_CODE_HEADER and layout.decode(body)["magic"] != HVM_FILE_MAGIC:
        yield f"its header's magic is not {HVM_FILE_MAGIC:#x}"


def _mtrr(fields: Fields) -> Branch:
    described: dict[str, Tree] = {}
    for name, value in fields.items():
        if isinstance(value, int):
            described[name] = hexadecimal(value)
        elif any(value):
            described[name] = [hexadecimal(element) for element in value]
    described["zero"] = ", ".join(name for name in fields if name not in described)
    return described


def _number(value: FieldValue) -> int:
    assert isinstance(value, int)
    return value


def _without_areas(fields: Fields) -> dict[str, FieldValue]:
    """Return a context's fields but for the opaque areas, which the manifest does not have either."""
    return {name: value for name, value in fields.items() if not isinstance(value, bytes)}
