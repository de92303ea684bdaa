"""From a dump-core to the domain that was built."""

from xlbuild.abi.hvm_save import HVM_HW_CPU
from xlbuild.abi.vcpu_guest_context import VCPU_GUEST_CONTEXT_X86_64
from xlbuild.built import BuiltDomain
from xlbuild.captured.contexts import cpu_record
from xlbuild.captured.model import DumpCore
from xlbuild.container.model import Kind
from xlbuild.plan.model import Vcpu
from xlbuild.recovery.assemble import assemble
from xlbuild.recovery.found import Around, stem
from xlbuild.recovery.hvm import kind_of, recover_hvm
from xlbuild.recovery.machine import MOST_TABLES, MachineView, TooManyTablesError
from xlbuild.recovery.pv import find_start, guest_context, recover_pv
from xlbuild.recovery.refusal import has_run
from xlbuild.units import FrameRange, Pfn, common_ranges

_NEVER_TOLD = frozenset(
    {"name", "uuid", "reason", "inputs", "kernel", "hvm_params", "grants", "event_channels"}
)
_NOT_OF_HVM = frozenset({"vcpus.registers", "vcpus.mtrr", "target_pages", "populate_on_demand"})
"""What is not told of an HVM container besides: a dump of ours has the frames that are to be populated on demand."""
_NOT_DUMPED = (FrameRange(Pfn(0xA0), Pfn(0xC0)), FrameRange(Pfn(0xF0000), Pfn(0x100000)))
"""Frames of an HVM container that stock `xl dump-core` leaves out: it takes them for devices'."""


def recover_core(core: DumpCore) -> BuiltDomain:
    """Return the domain that a dump-core has, as it was built; all of its memory is read, for its digests.

    Raises RefusedError (domain-has-run) for a guest that has run, and FilesError as reading its memory does.
    """
    return _pv(core) if core.is_pv else _hvm(core)


def _around(
    core: DumpCore, reason: str, untold: frozenset[str], frames: tuple[FrameRange, ...] = ()
) -> Around:
    version = core.xen_version
    return Around(
        source=core.source,
        name=stem(core.source),
        uuid=None,
        reason=reason,
        profile="not known" if version is None else f"{version[0]}.{version[1]}",
        untold=_NEVER_TOLD | untold | (frozenset() if version else {"profile"}),
        frames=frames,
    )


def _pv(core: DumpCore) -> BuiltDomain:
    frames = core.machine_frames
    assert frames is not None
    start = find_start(core.source, core.memory, list(core.vcpus), None, frames.pfn_of)
    try:
        view = MachineView(core.memory, frames, start.shape, start.tables.top)
    except TooManyTablesError as error:
        cause = f"it has more than {MOST_TABLES} page tables, and no builder makes so many"
        raise has_run(core.source, cause) from error
    memory = view.with_guest_frames(start.at, start.p2m)
    context = guest_context(start, view.pfn_of)
    found = recover_pv(core.source, memory, start, context, core.shared_info)
    around = _around(core, "it is a PV guest's dump-core", frozenset({"memory_map"}))
    return assemble(Kind.PV, around, found)


def _hvm(core: DumpCore) -> BuiltDomain:
    kind, reason = kind_of(core.memory)
    contexts = [VCPU_GUEST_CONTEXT_X86_64.decode(context) for context in core.vcpus]
    vcpus = tuple(Vcpu(n, HVM_HW_CPU, cpu_record(context)) for n, context in enumerate(contexts))
    found = recover_hvm(core.source, core.memory, kind, vcpus)
    missing = tuple(frames for frames in _NOT_DUMPED if not any(common_ranges(core.memory.populated, frames)))
    return assemble(kind, _around(core, reason, _NOT_OF_HVM, missing), found)
