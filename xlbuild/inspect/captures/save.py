"""A save file described: headers, configuration, records, pages, and the state of the guest's vCPUs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from xlbuild.abi.params import HVM_PARAMS as PARAM_NUMBERS
from xlbuild.abi.save_file import (
    EMULATOR_HEADER,
    EMULATORS,
    LIBXL_EMULATOR_CONTEXT,
    LIBXL_EMULATOR_XENSTORE_DATA,
    LIBXL_RECORD_NAMES,
)
from xlbuild.captured.model import SaveFile, StreamRecord
from xlbuild.inspect.captures.config import describe_saved_config
from xlbuild.inspect.captures.memory import memory_parts
from xlbuild.inspect.captures.problems import save_problems
from xlbuild.inspect.captures.records import describe_header, describe_pages, describe_records
from xlbuild.inspect.captures.vcpus import describe_saved_vcpus, hvm_context_of, page_tables_of
from xlbuild.inspect.domains.hvm_context import describe_hvm_context
from xlbuild.inspect.domains.meanings import HVM_PARAMS
from xlbuild.inspect.memory.place import AddressSpace
from xlbuild.inspect.memory.region import Region
from xlbuild.inspect.tree import Branch, Part, Tree, hexadecimal
from xlbuild.units import FrameRange, merge_ranges, paddr_of

_PARAM_NAMES = {number: name for name, number in PARAM_NUMBERS.items()}
_TSC_MODES = ("default", "always_emulate", "native", "native_paravirt")
"""What a configuration calls them (tsc_mode)."""
_MOST_PARAMS = 256
_MOST_STATES = 128
"""vCPUs whose state can be taken out."""


def describe_save(save: SaveFile) -> Branch:
    """Return everything there is to say of a save file but of its memory's contents; problems come last."""
    sections = ((name, describe(save)) for name, describe in _SECTIONS)
    return {
        **{name: section for name, section in sections if section not in (None, [], {})},
        "problems": list(save_problems(save)),
    }


def save_space(save: SaveFile) -> AddressSpace:
    """Return a guest's memory to look up addresses in: vCPU 0's page tables, and what the file itself names."""
    return AddressSpace(save.memory, tuple(_regions(save)), page_tables_of(save))


def save_parts(save: SaveFile) -> tuple[Part, ...]:
    """Return what can be taken out: the configuration, structures, vCPUs' states, and memory from frame 0 on."""
    whole: list[tuple[str, str, bytes | None]] = [
        ("config", "configuration", save.config.text if save.config is not None else None),
        ("shared_info", "shared info page", save.shared_info),
        ("hvm_context", "state of the virtual hardware: HVM context records", save.hvm_context),
    ]
    for vcpu in save.pv_vcpus[:_MOST_STATES]:
        whole += [
            (f"vcpu{vcpu.id}", f"state of vCPU {vcpu.id}: struct vcpu_guest_context", vcpu.basic),
            (f"vcpu{vcpu.id}-extended", f"extended state of vCPU {vcpu.id}", vcpu.extended),
            (f"vcpu{vcpu.id}-xsave", f"XSAVE state of vCPU {vcpu.id}", vcpu.xsave),
            (f"vcpu{vcpu.id}-msrs", f"MSRs of vCPU {vcpu.id}", vcpu.msrs),
        ]
    for number, (record, _) in enumerate(islice(_emulator_records(save), _MOST_STATES)):
        title = f"what a device model saved: {LIBXL_RECORD_NAMES[record.type]}"
        whole.append((f"emulator{number}", title, record.body[EMULATOR_HEADER.size :]))
    parts = [Part.of(name, title, data) for name, title, data in whole if data is not None]
    return tuple(sorted((*parts, *memory_parts(save.memory)), key=lambda part: part.name))


def _describe_config(save: SaveFile) -> Branch | None:
    return describe_saved_config(save.config) if save.config is not None else None


def _describe_p2m(save: SaveFile) -> Branch | None:
    if save.p2m is None:
        return None
    frames = merge_ranges(FrameRange.of(pfn, 1) for pfn in save.p2m.frames)
    return {
        "first": hexadecimal(save.p2m.first),
        "last": hexadecimal(save.p2m.last),
        "last_means": "the highest frame that the guest knows of",
        "list_frames": len(save.p2m.frames),
        "list_in": [{"first": hexadecimal(item.first), "end": hexadecimal(item.end)} for item in frames[:64]],
    }


def _describe_pv(save: SaveFile) -> Branch | None:
    if save.pv_width is None:
        return None
    return {"guest_width": save.pv_width, "pt_levels": save.pv_levels}


def _describe_params(save: SaveFile) -> list[Tree]:
    return [
        {
            "index": index,
            "name": _PARAM_NAMES.get(index),
            "value": hexadecimal(value),
            "means": HVM_PARAMS.get(_PARAM_NAMES.get(index, ""), "not known"),
        }
        for index, value in save.hvm_params[:_MOST_PARAMS]
    ]


def _describe_tsc(save: SaveFile) -> Branch | None:
    tsc = save.tsc
    if tsc is None:
        return None
    return {
        "mode": tsc.mode,
        "mode_means": _TSC_MODES[tsc.mode] if tsc.mode < len(_TSC_MODES) else "not known",
        "khz": tsc.khz,
        "nsec": tsc.nsec,
        "incarnation": tsc.incarnation,
    }


def _describe_policies(save: SaveFile) -> Branch | None:
    if not save.cpuid_leaves and not save.msrs:
        return None
    return {"cpuid_leaves": save.cpuid_leaves, "msrs": save.msrs}


def _emulator_records(save: SaveFile) -> Iterator[tuple[StreamRecord, dict[str, int]]]:
    """Yield what there is of device models, with the header of each record."""
    for record in save.libxl_records:
        if record.type in (LIBXL_EMULATOR_XENSTORE_DATA, LIBXL_EMULATOR_CONTEXT):
            head = EMULATOR_HEADER.decode(record.body)
            yield record, {name: value for name, value in head.items() if isinstance(value, int)}


def _describe_emulators(save: SaveFile) -> list[Tree]:
    return [
        {
            "record": LIBXL_RECORD_NAMES[record.type],
            "emulator": EMULATORS[head["emulator_id"]]
            if head["emulator_id"] < len(EMULATORS)
            else "not known",
            "index": head["index"],
            "size": record.size - EMULATOR_HEADER.size,
            "offset": hexadecimal(record.offset),
        }
        for record, head in islice(_emulator_records(save), _MOST_STATES)
    ]


_SECTIONS: tuple[tuple[str, Callable[[SaveFile], Tree]], ...] = (
    ("header", describe_header),
    ("configuration", _describe_config),
    ("records", describe_records),
    ("pages", describe_pages),
    ("pv_info", _describe_pv),
    ("p2m_frames", _describe_p2m),
    ("vcpus", describe_saved_vcpus),
    ("hvm_context", lambda save: describe_hvm_context(hvm_context_of(save))),
    ("hvm_params", _describe_params),
    ("emulators", _describe_emulators),
    ("tsc_info", _describe_tsc),
    ("policies", _describe_policies),
)
"""What is described, in this order; a section that is None or empty is left out."""


def _regions(save: SaveFile) -> Iterator[Region]:
    """Yield what a file names in memory, by address: frames of the p2m list, and of HVM parameters."""
    named: dict[int, tuple[str, str]] = {}
    for number, frame in enumerate(save.p2m.frames if save.p2m is not None else ()):
        named[frame] = (f"p2m_frame[{number}]", "a page of the p2m list")
    for index, value in save.hvm_params:
        name = _PARAM_NAMES.get(index, "")
        if name.endswith("_PFN"):
            named[value] = (name, HVM_PARAMS.get(name, "not known"))
    for pfn, (name, title) in sorted(named.items()):
        frames = FrameRange.of(pfn, 1)
        yield Region(name, paddr_of(frames.first), paddr_of(frames.end), title)
