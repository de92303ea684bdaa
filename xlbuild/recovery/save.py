"""From a save file to the domain that was built."""

from array import array
from collections.abc import Iterator
from dataclasses import replace

from xlbuild.abi.hvm_save import (
    HVM_HW_CPU,
)
from xlbuild.abi.params import HVM_PARAMS
from xlbuild.built import HVM_CONTEXT_FILE, BuiltDomain, MemoryReader
from xlbuild.captured.model import PvP2m, SaveFile
from xlbuild.container.model import Kind
from xlbuild.hooks.base import CONSOLE_PORT, XENSTORE_PORT
from xlbuild.inspect.domains.hvm_context import read_hvm_context
from xlbuild.plan.model import HvmParam, MemoryMapEntry, Vcpu
from xlbuild.profiles import PROFILES
from xlbuild.recovery.assemble import assemble
from xlbuild.recovery.entries import as_guest_made
from xlbuild.recovery.found import Around, stem
from xlbuild.recovery.hvm import kind_of, recover_hvm
from xlbuild.recovery.pv import PvStart, find_start, recover_pv
from xlbuild.recovery.pvshape import RINGS, PvShape
from xlbuild.recovery.refusal import damaged
from xlbuild.recovery.rewritten import RewrittenMemory
from xlbuild.recovery.saved import Saved
from xlbuild.recovery.words import bytes_of_words, with_words, words_of
from xlbuild.units import PAGE_SIZE, FrameRange, Mfn, Pfn, PhysAddr, common_ranges, paddr_of

_NEVER_TOLD = frozenset({"reason", "inputs", "kernel"})


def recover_save(save: SaveFile) -> BuiltDomain:
    """Return the domain that a save file has, as it was built; all of its memory is read, for its digests.

    Raises RefusedError (domain-has-run) for a guest that has run, and FilesError as reading its memory does.
    """
    config = Saved.of(save.config)
    return _pv(save, config) if save.is_pv else _hvm(save, config)


def _around(
    save: SaveFile,
    config: Saved,
    reason: str,
    untold: frozenset[str],
    hvm_params: tuple[HvmParam, ...] = (),
    memory_map: tuple[MemoryMapEntry, ...] = (),
) -> Around:
    major, minor = save.xen_version
    nameless = frozenset({"name", "uuid"} if config.name is None else ())
    return Around(
        source=save.source,
        name=config.name or stem(save.source),
        uuid=config.uuid,
        reason=reason,
        profile=f"{major}.{minor}",
        hvm_params=hvm_params,
        memory_map=memory_map,
        has_backends=True,
        untold=_NEVER_TOLD | nameless | untold,
    )


def _pv(save: SaveFile, config: Saved) -> BuiltDomain:
    contexts = [vcpu.basic for vcpu in save.pv_vcpus]
    start = find_start(save.source, save.memory, contexts, save.pv_width, _same)
    memory = _as_built(save, start)
    found = recover_pv(
        save.source, memory, start, start.shape.context.decode(start.context), save.shared_info
    )
    memory_map = config.pv_memory_map
    untold = frozenset() if memory_map else frozenset({"memory_map"})
    around = _around(save, config, "it is a PV guest's save file", untold, memory_map=memory_map)
    return assemble(Kind.PV, around, found)


def _same(mfn: Mfn) -> Pfn | None:
    """Return the guest frame of a frame number in a stream, which names guest frames alone."""
    return Pfn(mfn)


def _as_built(save: SaveFile, start: PvStart) -> MemoryReader:
    """Return memory as it was built: guest frames in p2m list and start_info, entries as the guest has made them."""
    shape = start.shape
    p2m = _P2mList(save.p2m, save.memory, shape) if save.p2m is not None else None
    leaves = [pfn for pfn, kind in save.page_types.items() if kind.level == 1]
    listed = p2m.numbers if p2m is not None else {}
    rings = _rings_of_host(start, p2m) if p2m is not None else {}

    def rewrite(pfn: Pfn, page: bytes) -> bytes:
        if p2m is not None and pfn in listed:
            return p2m.page(pfn)
        if pfn == start.at:
            return with_words(page, shape.start_info, rings)
        entries = words_of("Q", page)
        for index, entry in enumerate(entries):
            entries[index] = as_guest_made(shape.paging, 1, entry)
        return bytes_of_words(entries)

    changed = (*listed, *leaves, *([start.at] if rings else ()))
    return RewrittenMemory(save.memory, (FrameRange.of(pfn, 1) for pfn in changed), rewrite)


def _rings_of_host(start: PvStart, p2m: "_P2mList") -> dict[str, int]:
    """Return the guest frames of rings that start_info still names by machine frames.

    A guest makes guest frames of them before it suspends itself; one that never ran has not. What its p2m list held
    when it was saved tells whether they are of the frames that a builder takes.
    """
    frames = {name: Pfn(start.at + behind) for name, behind in RINGS.items()}
    named = {name: start.number(name) for name in RINGS}
    return {
        name: pfn for name, pfn in frames.items() if named[name] and p2m.mfn_saved(pfn) == named[name] != pfn
    }


class _P2mList:
    """The p2m list that a restore writes anew, whatever a stream has in its pages.

    Each frame's entry is the frame itself, as in an image built offline, and ~0 where there is none.
    """

    def __init__(self, p2m: PvP2m, memory: MemoryReader, shape: PvShape) -> None:
        self._entries = PAGE_SIZE // shape.word_size
        self._first = p2m.first // self._entries * self._entries
        """The frame whose entry the first page begins with."""
        self._end = p2m.last + 1
        self._populated = memory.populated
        self._memory = memory
        self._frames = p2m.frames
        self._shape = shape
        self.numbers = {pfn: number for number, pfn in enumerate(p2m.frames)}
        """Which of the list's pages is in each frame."""

    def mfn_saved(self, pfn: Pfn) -> int | None:
        """Return what the stream has as a frame's machine frame, the saving host's; None where it has no entry."""
        if not self._first <= pfn < self._end:
            return None
        number, entry = divmod(pfn - self._first, self._entries)
        at = paddr_of(self._frames[number]) + entry * self._shape.word_size
        return int.from_bytes(self._memory.read(PhysAddr(at), self._shape.word_size), "little")

    def page(self, pfn: Pfn) -> bytes:
        """Return the page in a frame, zeros behind the last entry."""
        start = self._first + self.numbers[pfn] * self._entries
        end = max(start, min(start + self._entries, self._end))
        words = array(self._shape.typecode, b"\xff" * (self._shape.word_size * (end - start)))
        for there in common_ranges(self._populated, FrameRange(Pfn(start), Pfn(end))):
            at = there.first - start
            words[at : at + there.pages] = array(self._shape.typecode, range(there.first, there.end))
        return bytes_of_words(words).ljust(PAGE_SIZE, b"\0")


def _hvm(save: SaveFile, config: Saved) -> BuiltDomain:
    kind, reason = kind_of(save.memory)
    if config.type in (Kind.PVH.value, Kind.HVM.value):
        kind, reason = Kind(config.type), f'its configuration says type "{config.type}"'
    found = recover_hvm(save.source, save.memory, kind, _vcpus(save))
    structures = {**found.structures, HVM_CONTEXT_FILE: save.hvm_context or b""}
    untold = frozenset() if config.is_known else frozenset({"hvm_params"})
    params = tuple(_params(save, config))
    return assemble(
        kind, _around(save, config, reason, untold, params), replace(found, structures=structures)
    )


def _vcpus(save: SaveFile) -> tuple[Vcpu, ...]:
    """Return the vCPUs of which the HVM context has anything that a builder sets."""
    if save.hvm_context is None:
        return ()
    context = read_hvm_context(save.hvm_context)
    if context.problems:
        raise damaged(save.source, f"HVM_CONTEXT: {context.problems[0]}")
    registers, mtrrs = context.registers(), context.mtrrs()
    return tuple(
        Vcpu(n, HVM_HW_CPU, registers.get(n), mtrrs.get(n)) for n in sorted(registers.keys() | mtrrs.keys())
    )


def _params(save: SaveFile, config: Saved) -> Iterator[HvmParam]:
    """Yield the HVM parameters, with those that a restore sets, in the order in which a build sets them."""
    values = dict(save.hvm_params)
    told: dict[str, int] = {"CONSOLE_EVTCHN": CONSOLE_PORT, "STORE_EVTCHN": XENSTORE_PORT}
    if config.is_known:
        told["TIMER_MODE"] = config.timer_mode
        if any(
            p.name == f"{save.xen_version[0]}.{save.xen_version[1]}" and p.sets_altp2m_param for p in PROFILES
        ):
            told["ALTP2M"] = config.altp2m
    for name, value in told.items():
        values.setdefault(HVM_PARAMS[name], value)
    names = {HVM_PARAMS[name]: name for name in _ORDER}
    for index in names:
        if index in values:
            yield HvmParam(index, names[index], values[index])
    for index, value in values.items():
        if index not in names:
            yield HvmParam(index, f"param {index}", value)


_ORDER = (
    *("HPET_ENABLED", "VPT_ALIGN", "MCA_CAP", "TIMER_MODE", "ALTP2M", "VIRIDIAN"),
    *("STORE_PFN", "BUFIOREQ_PFN", "IOREQ_PFN", "CONSOLE_PFN"),
    *("PAGING_RING_PFN", "MONITOR_RING_PFN", "SHARING_RING_PFN"),
    *("IOREQ_SERVER_PFN", "NR_IOREQ_SERVER_PAGES", "IDENT_PT", "CONSOLE_EVTCHN", "STORE_EVTCHN"),
)
"""Parameters in the order in which libxl and the builder set them."""
