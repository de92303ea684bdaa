"""A PV guest that has not run yet, read back from its memory and vCPU 0's context."""

from collections.abc import Callable
from dataclasses import dataclass

from xlbuild.abi.layout import Fields, FieldValue
from xlbuild.abi.limits import MAX_GUEST_CMDLINE
from xlbuild.abi.start_info import SIF_MOD_START_PFN
from xlbuild.built import (
    SHARED_INFO_FILE,
    START_INFO_FILE,
    VCPU_CONTEXT_FILE,
    HypercallPage,
    MemoryReader,
)
from xlbuild.inspect.memory.paging import PageTables, translate
from xlbuild.inspect.memory.room import exists, has_frames
from xlbuild.plan.model import PlanFor, Segment, StartInfo, Vcpu
from xlbuild.recovery.found import Found
from xlbuild.recovery.kernel import kernel_frames
from xlbuild.recovery.pvshape import RINGS, SHAPES, PvShape
from xlbuild.recovery.refusal import has_run
from xlbuild.recovery.words import number
from xlbuild.units import (
    PAGE_SIZE,
    FrameRange,
    Mfn,
    Pfn,
    bytes_of,
    paddr_of,
    page_offset,
    pages_for,
    pfn_of,
)

MfnToPfn = Callable[[Mfn], Pfn | None]


@dataclass(frozen=True, slots=True)
class PvStart:
    """Where a PV guest starts: what its vCPU's context and page tables lead to."""

    shape: PvShape
    context: bytes
    tables: PageTables
    at: Pfn
    """The start_info page's frame."""
    fields: Fields
    """start_info as it stands in memory."""
    p2m: FrameRange
    """The p2m list's frames, less the tables that map it."""

    def number(self, name: str) -> int:
        """Return a field of start_info."""
        return number(self.fields, name)

    def pfn_at(self, virt: int) -> Pfn | None:
        """Return the frame that a virtual address leads to; None where it is not mapped."""
        address = translate(self.tables, virt).address
        return None if address is None else pfn_of(address)


def find_start(
    source: str, memory: MemoryReader, contexts: list[bytes], width: int | None, mfn_to_pfn: MfnToPfn
) -> PvStart:
    """Return where a PV guest starts; RefusedError (domain-has-run) where its vCPU does not lead to a start_info.

    contexts  struct vcpu_guest_context of each vCPU that has been started
    width     bytes of the guest's words, where that is known
    """
    if len(contexts) != 1:
        raise has_run(source, f"{len(contexts)} of its vCPUs have been started, and a builder starts one")
    why = "its vCPU's context is of no known size"
    for shape in SHAPES:
        if width not in (None, shape.word_size) or len(contexts[0]) < shape.context.size:
            continue
        found = _start_of(shape, memory, contexts[0], mfn_to_pfn)
        if isinstance(found, PvStart):
            return found
        why = found if shape is SHAPES[0] or width is not None else why
    raise has_run(source, why)


def _start_of(shape: PvShape, memory: MemoryReader, context: bytes, mfn_to_pfn: MfnToPfn) -> PvStart | str:
    """Return where a guest of a type starts, or why it does not."""
    registers = shape.context.decode(context)
    control = registers["ctrlreg"]
    assert not isinstance(control, int | bytes)
    top = shape.mfn_of_cr3(control[3])
    if (pfn := mfn_to_pfn(top)) is None or not exists(memory, paddr_of(pfn)):
        return f"its cr3 names frame {top:#x}, which the guest has not"
    tables = PageTables(memory, top, shape.paging, mfn_to_pfn)
    virt = number(registers, shape.start_info_register)
    address = translate(tables, virt).address
    if address is None or page_offset(address):
        return f"{shape.start_info_register} is {virt:#x}, and no page begins there, as its start_info would"
    fields = shape.start_info.decode(memory.read(address, shape.start_info.size))
    magic = fields["magic"]
    assert isinstance(magic, bytes)
    if magic.rstrip(b"\0") != shape.guest_type.value.encode():
        return f"{shape.start_info_register} leads to {address:#x}, and no start_info is there"
    words = pages_for(number(fields, "nr_pages") * shape.word_size)
    first = translate(tables, number(fields, "mfn_list")).address
    if first is None or page_offset(first):
        return "the p2m list that its start_info names is not mapped"
    p2m = FrameRange.of(pfn_of(first), words)
    if not has_frames(memory, p2m):
        return f"its start_info names {number(fields, 'nr_pages')} pages, and there is no room for their p2m list"
    return PvStart(shape, context, tables, pfn_of(address), fields, p2m)


def recover_pv(
    source: str, memory: MemoryReader, start: PvStart, context: Fields, shared_info: bytes | None
) -> Found:
    """Return what a PV guest's structures tell.

    memory   with guest frames in it
    context  vCPU 0's, the same

    Raises RefusedError (domain-has-run) where they do not fit each other.
    """
    shape = start.shape
    page = memory.read(paddr_of(start.at), PAGE_SIZE)
    fields = shape.start_info.decode(page)
    base = number(context, shape.start_info_register) - bytes_of(start.at)
    places = _Places(source, memory, start, fields, base)
    stack = start.pfn_at(number(context, shape.stack) - 1)
    special = {
        "start_info": start.at,
        "xenstore": places.ring("store_mfn"),
        "console": places.ring("console_mfn"),
    }
    if stack is not None:
        special["boot_stack"] = stack
    segments = places.segments()
    command_line = _text(fields["cmd_line"])
    registers = {name: value for name, value in context.items() if not isinstance(value, bytes)}
    # Xen's own tools set that register in every guest that they save.
    is_for_restore = number(context, shape.suspend_record) == start.at
    has_unmapped_modules = number(fields, "flags") & SIF_MOD_START_PFN
    structures = {START_INFO_FILE: page, VCPU_CONTEXT_FILE: shape.context.encode(context)}
    if shared_info is not None:
        structures[SHARED_INFO_FILE] = shared_info
    return Found(
        memory=memory,
        structures=structures,
        guest_type=shape.guest_type,
        entry=number(context, shape.entry),
        command_line=command_line,
        total_pages=number(fields, "nr_pages"),
        segments=segments,
        special_pages=special,
        start_info=StartInfo(paddr_of(start.at), fields, command_line),
        vcpus=(Vcpu(0, shape.context, registers),),
        plan_for=PlanFor.RESTORE if is_for_restore and not has_unmapped_modules else PlanFor.CREATE,
        hypercall_page=_hypercall_page(memory, segments[0].frames, shape.hypercall_page()),
        untold=frozenset({"segments.vend"}),
    )


@dataclass(frozen=True, slots=True)
class _Places:
    """Works out where the builder has placed things."""

    source: str
    memory: MemoryReader
    start: PvStart
    fields: Fields
    """start_info with guest frames."""
    base: int
    """Address of frame 0."""

    def ring(self, field: str) -> Pfn:
        """Return the frame of a backend's ring.

        Where that is no frame of the guest's (a machine frame in a save file, which knows none), it is the one that
        the builder takes.
        """
        frame = self._number(field)
        pfn = Pfn(frame if exists(self.memory, bytes_of(frame)) else self.start.at + RINGS[field])
        if not exists(self.memory, paddr_of(pfn)):
            raise has_run(self.source, f"its start_info's {field} is {frame:#x}, which the guest has not")
        return pfn

    def segments(self) -> tuple[Segment, ...]:
        """Return the segments in the builder's order; the kernel is what lies below all others."""
        others = [*self._modules(), self._p2m(), self._page_tables()]
        for segment in others:
            if not has_frames(self.memory, segment.frames):
                raise has_run(
                    self.source, f"its start_info places {segment.name} where the guest has no memory"
                )
        end = min(self.start.at, *(segment.pfn for segment in others))
        frames = kernel_frames(self.memory, end)
        at = self._address(frames.first)
        return (Segment("kernel", at, at + bytes_of(frames.pages), frames.first, frames.pages), *others)

    def _address(self, pfn: int) -> int:
        return self.base + bytes_of(pfn) & (1 << 8 * self.start.shape.word_size) - 1

    def _number(self, name: str) -> int:
        return number(self.fields, name)

    def _modules(self) -> list[Segment]:
        at, size = self._number("mod_start"), self._number("mod_len")
        if size == 0:
            return []
        if self._number("flags") & SIF_MOD_START_PFN:
            return [Segment("module0", self._address(at), self._address(at) + size, Pfn(at), pages_for(size))]
        return [self._mapped("module0", at, size)]

    def _p2m(self) -> Segment:
        at, pages = self._number("mfn_list"), self._number("nr_p2m_frames")
        if pages:
            return Segment("phys2mach", at, at + bytes_of(pages), Pfn(self._number("first_p2m_pfn")), pages)
        frames = self.start.p2m
        return Segment("phys2mach", at, at + bytes_of(frames.pages), frames.first, frames.pages)

    def _page_tables(self) -> Segment:
        return self._mapped("page tables", self._number("pt_base"), bytes_of(self._number("nr_pt_frames")))

    def _mapped(self, name: str, at: int, size: int) -> Segment:
        pfn = self.start.pfn_at(at)
        if pfn is None or page_offset(at):
            raise has_run(self.source, f"its start_info places {name} at {at:#x}, where nothing is mapped")
        return Segment(name, at, at + size, pfn, pages_for(size))


def guest_context(start: PvStart, pfn_of_mfn: Callable[[int], int]) -> dict[str, FieldValue]:
    """Return vCPU 0's context with guest frames in place of machine frames."""
    shape = start.shape
    context = shape.context.decode(start.context)
    control, frames = context["ctrlreg"], context["gdt_frames"]
    assert not isinstance(control, int | bytes)
    assert not isinstance(frames, int | bytes)
    record = number(context, shape.suspend_record)
    if record and pfn_of_mfn(record) == start.at:
        context[shape.suspend_record] = start.at
    changed = list(control)
    changed[3] = shape.cr3_of(Mfn(pfn_of_mfn(shape.mfn_of_cr3(control[3]))))
    context["ctrlreg"] = changed
    context["gdt_frames"] = [frame and pfn_of_mfn(frame) for frame in frames]
    return context


def _hypercall_page(memory: MemoryReader, frames: FrameRange, filled: bytes) -> HypercallPage | None:
    """Return the page of a kernel that the hypervisor has filled; one that it has not cannot be told."""
    for pfn, page in memory.pages_in(frames):
        if page == filled:
            return HypercallPage(pfn, filled=True)
    return None


def _text(value: FieldValue) -> str | None:
    """Return a command line; an empty one is none."""
    assert isinstance(value, bytes)
    return value[:MAX_GUEST_CMDLINE].split(b"\0", 1)[0].decode(errors="surrogateescape") or None
