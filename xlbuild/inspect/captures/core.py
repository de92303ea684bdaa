"""A dump-core described: notes, sections, pages with their machine frames, and the guest's vCPUs."""

from __future__ import annotations

from collections.abc import Iterator

from xlbuild.abi.dump_core import (
    FORMAT_VERSION,
    XEN_ELFNOTE_DUMPCORE_FORMAT_VERSION,
    XEN_ELFNOTE_DUMPCORE_HEADER,
    XEN_ELFNOTE_DUMPCORE_NONE,
    XEN_ELFNOTE_DUMPCORE_XEN_VERSION,
)
from xlbuild.captured.frames import FrameMap
from xlbuild.captured.model import DumpCore
from xlbuild.inspect.captures.corevcpus import core_page_tables, describe_core_vcpus
from xlbuild.inspect.captures.memory import describe_populated, memory_parts
from xlbuild.inspect.memory.place import AddressSpace
from xlbuild.inspect.tree import Branch, Part, hexadecimal
from xlbuild.units import bytes_of

_MOST_NOTES = 256
_MOST_STATES = 128
"""vCPUs whose state can be taken out."""

_NOTES: dict[int, str] = {
    XEN_ELFNOTE_DUMPCORE_NONE: "says that it is a dump-core",
    XEN_ELFNOTE_DUMPCORE_HEADER: "numbers of vCPUs and pages",
    XEN_ELFNOTE_DUMPCORE_XEN_VERSION: "what the hypervisor said of itself",
    XEN_ELFNOTE_DUMPCORE_FORMAT_VERSION: "version of the format",
}


def describe_core(core: DumpCore) -> Branch:
    """Return everything there is to say of a dump-core but of its memory's contents; problems come last."""
    return {
        "header": _header(core),
        "notes": [
            {"type": hexadecimal(note.type), "size": len(note.body), "means": _NOTES.get(note.type)}
            for note in core.notes[:_MOST_NOTES]
        ],
        "sections": [
            {
                "name": section.name,
                "offset": hexadecimal(section.offset),
                "size": section.size,
                "entry_size": section.entry_size,
            }
            for section in core.sections
        ],
        "pages": _pages(core),
        "vcpus": describe_core_vcpus(core),
        "problems": list(_problems(core)),
    }


def core_space(core: DumpCore) -> AddressSpace:
    """Return a guest's memory to look up addresses in, through vCPU 0's page tables."""
    return AddressSpace(core.memory, (), core_page_tables(core))


def core_parts(core: DumpCore) -> tuple[Part, ...]:
    """Return what can be taken out: structures, vCPUs' states, and memory from frame 0 on."""
    parts = [
        Part.of(f"vcpu{n}", f"state of vCPU {n}: struct vcpu_guest_context", context)
        for n, context in enumerate(core.vcpus[:_MOST_STATES])
    ]
    if (page := core.shared_info) is not None:
        parts.append(Part.of("shared_info", "shared info page", page))
    return tuple(sorted((*parts, *memory_parts(core.memory)), key=lambda part: part.name))


def _header(core: DumpCore) -> Branch:
    version = core.xen_version
    return {
        "guest": "PV" if core.is_pv else "in an HVM container: HVM or PVH",
        "xen_version": None if version is None else f"{version[0]}.{version[1]}{core.xen_extra or ''}",
        "xen_version_means": "of the Xen that wrote it",
        "format_version": hexadecimal(core.format_version),
        "vcpus": len(core.vcpus),
        "vcpus_means": "that have been started",
    }


def _pages(core: DumpCore) -> Branch:
    frames = sum(item.pages for item in core.memory.populated)
    return {
        "pages": core.pages,
        "frames": frames,
        "total_size": bytes_of(frames),
        **describe_populated(core.memory),
        **(_machine_frames(core.machine_frames) if core.machine_frames is not None else {}),
    }


def _machine_frames(frames: FrameMap) -> Branch:
    """Return how a PV guest's memory lies in the machine."""
    runs = sum(1 for _ in frames.runs())
    if frames.is_identity:
        return {"machine_frames": "the same as the guest's: no host was asked for memory"}
    first, mfn, pages = next(frames.runs())
    return {
        "machine_frames": f"in {runs} runs",
        "machine_frames_means": f"the first is {hexadecimal(first)}+{pages} at {hexadecimal(mfn)}",
    }


def _problems(core: DumpCore) -> Iterator[str]:
    there = {note.type for note in core.notes}
    for kind, what in _NOTES.items():
        if kind not in there:
            yield f"there is no note {hexadecimal(kind)}, which {what}, and every dump-core has one"
    if core.format_version != FORMAT_VERSION:
        yield f"the format's version is {core.format_version}, and {FORMAT_VERSION} is known"
    without = core.pages - sum(item.pages for item in core.memory.populated)
    if without > 0:
        why = "what dumped them left some out, or could not read them"
        yield f"{without} of its pages have no frame of their own: {why}"
