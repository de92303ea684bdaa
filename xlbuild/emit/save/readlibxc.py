"""libxc's stream (public document libxc-migration-stream, versions 2 and 3): its headers and records."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from xlbuild.abi.layout import Layout
from xlbuild.abi.save_file import (
    CPUID_LEAF_SIZE,
    DOMAIN_HEADER,
    DOMAIN_X86_HVM,
    DOMAIN_X86_PV,
    HVM_CONTEXT,
    HVM_PARAM_ENTRY,
    HVM_PARAMS,
    HVM_PARAMS_HEADER,
    LIBXC_END,
    LIBXC_HEADER,
    LIBXC_ID,
    LIBXC_MARKER,
    LIBXC_OPTION_BIG_ENDIAN,
    LIBXC_RECORD_NAMES,
    LIBXC_VERSION,
    MSR_ENTRY_SIZE,
    P2M_FRAMES_HEADER,
    PAGE_DATA,
    PV_INFO,
    SHARED_INFO,
    STATIC_DATA_END,
    TSC_INFO,
    VCPU_HEADER,
    X86_CPUID_POLICY,
    X86_MSR_POLICY,
    X86_PV_INFO,
    X86_PV_P2M_FRAMES,
    X86_PV_VCPU_BASIC,
    X86_PV_VCPU_EXTENDED,
    X86_PV_VCPU_MSRS,
    X86_PV_VCPU_XSAVE,
    X86_TSC_INFO,
)
from xlbuild.captured.model import PvP2m, SavedVcpu, StreamRecord, TscInfo
from xlbuild.emit.save.cursor import Cursor, RecordHead
from xlbuild.emit.save.readpages import PageIndex
from xlbuild.errors import RefusedError
from xlbuild.units import PAGE_SHIFT, PAGE_SIZE, Pfn

_OLDEST = 2
"""Of libxc's stream; 3 added STATIC_DATA_END and the policies."""
_CHECKPOINT = 0x0E
_MOST_VCPUS = 8192
_WIDTHS_AND_LEVELS = ((8, 4), (4, 3))
_UPGRADE = "save the guest again on a host with Xen 4.6 or later, on x86"


@dataclass(slots=True)
class LibxcStream:
    """What a stream says, as it is read."""

    version: int
    is_pv: bool
    xen_version: tuple[int, int]
    records: list[StreamRecord] = field(default_factory=list)
    index: PageIndex = field(default_factory=PageIndex)
    pv_width: int | None = None
    pv_levels: int | None = None
    p2m: PvP2m | None = None
    shared_info: bytes | None = None
    vcpus: dict[int, dict[str, bytes]] = field(default_factory=dict)
    """By number: the members of SavedVcpu that there are."""
    hvm_context: bytes | None = None
    hvm_params: list[tuple[int, int]] = field(default_factory=list)
    tsc: TscInfo | None = None
    cpuid_leaves: int = 0
    msrs: int = 0

    def pv_vcpus(self) -> tuple[SavedVcpu, ...]:
        """Return the vCPUs that have a context, by number."""
        return tuple(
            SavedVcpu(
                number, states["basic"], states.get("extended"), states.get("xsave"), states.get("msrs")
            )
            for number, states in sorted(self.vcpus.items())
            if "basic" in states
        )


@dataclass(frozen=True, slots=True)
class _Body:
    """A record that is decoded."""

    cursor: Cursor
    head: RecordHead
    data: bytes

    def wrong(self, cause: str) -> RefusedError:
        """Return the error for a record that breaks a rule."""
        return self.cursor.invalid(self.head.what, self.head.offset, cause)

    def numbers(self, at: int = 0) -> list[int]:
        """Return the u64 numbers from an offset on; the rest is a multiple of their size."""
        return array("Q", self.data[at:]).tolist()

    def check_size(self, size: int) -> None:
        """Refuse a body of another size."""
        if len(self.data) != size:
            raise self.wrong(f"it has {len(self.data)} bytes, and not {size}")

    def check_reserved(self, layout: Layout) -> None:
        """Refuse reserved fields that are not zero in the structure at the start."""
        self.cursor.check_reserved(layout, self.data, self.head)

    def check_entries(self, header: int, size: int, least: int = 1) -> int:
        """Return how many entries of a size follow a header; refuse fewer, and what is no whole number of them."""
        count, rest = divmod(len(self.data) - header, size)
        if rest or count < least:
            raise self.wrong(f"it has {len(self.data)} bytes: no header of {header} and entries of {size}")
        return count


Take = Callable[[LibxcStream, _Body], None]


def read_libxc(cursor: Cursor) -> LibxcStream:
    """Return a stream up to its END record, which is read, too; RefusedError for one that is not right."""
    stream = _begin(cursor)
    while True:
        head = cursor.next_record(LIBXC_RECORD_NAMES, "libxc")
        if head.type == PAGE_DATA:
            stream.index.read(cursor, head)
            stream.records.append(head.record())
            continue
        body = cursor.body(head)
        if head.type == _CHECKPOINT:
            raise _checkpointed(cursor, head)
        stream.records.append(head.record(body))
        take = _TAKES.get(head.type)
        if take is not None:
            take(stream, _Body(cursor, head, body))
        if head.type == LIBXC_END:
            stream.index.runs.settle()
            return stream


def _begin(cursor: Cursor) -> LibxcStream:
    begin, what = cursor.at, "libxc's image header"
    fields = cursor.header(LIBXC_HEADER, what)
    if (fields["marker"], fields["id"]) != (LIBXC_MARKER, LIBXC_ID):
        raise cursor.invalid(what, begin, "it does not begin with ff ff ff ff ff ff ff ff 58 45 4e 46")
    version, options = fields["version"], fields["options"]
    if not _OLDEST <= version <= LIBXC_VERSION:
        cause = (
            f"its libxc stream is of version {version}, and {_OLDEST} to {LIBXC_VERSION} are what is known"
        )
        raise cursor.unsupported(cause, _UPGRADE, begin)
    if options == LIBXC_OPTION_BIG_ENDIAN:
        raise cursor.unsupported("its libxc stream is big-endian, and x86 writes none", _UPGRADE, begin)
    if options:
        raise cursor.invalid(what, begin, f"options {options:#x} are not known")
    return _domain_header(cursor, version)


def _domain_header(cursor: Cursor, version: int) -> LibxcStream:
    begin, what = cursor.at, "libxc's domain header"
    fields = cursor.header(DOMAIN_HEADER, what)
    kind = fields["type"]
    if kind not in (DOMAIN_X86_PV, DOMAIN_X86_HVM):
        raise cursor.unsupported(
            f"its guest is of type {kind}, which is not x86's PV or HVM", _UPGRADE, begin
        )
    if fields["page_shift"] != PAGE_SHIFT:
        raise cursor.invalid(what, begin, f"the page shift is {fields['page_shift']}, and not {PAGE_SHIFT}")
    return LibxcStream(version, kind == DOMAIN_X86_PV, (fields["xen_major"], fields["xen_minor"]))


def _checkpointed(cursor: Cursor, head: RecordHead) -> RefusedError:
    return cursor.unsupported(
        "it is a stream with checkpoints (Remus or COLO), which has the guest's memory in parts",
        "save the guest with `xl save`",
        head.offset,
    )


def _end(stream: LibxcStream, body: _Body) -> None:
    body.check_size(0)


def _static_data_end(stream: LibxcStream, body: _Body) -> None:
    if stream.version < LIBXC_VERSION:
        raise body.wrong(f"a stream of version {stream.version} has none")
    body.check_size(0)


def _pv_info(stream: LibxcStream, body: _Body) -> None:
    body.check_size(PV_INFO.size)
    body.check_reserved(PV_INFO)
    width, levels = body.data[0], body.data[1]
    if (width, levels) not in _WIDTHS_AND_LEVELS:
        raise body.wrong(f"no guest has words of {width} bytes and {levels} levels of page tables")
    stream.pv_width, stream.pv_levels = width, levels


def _p2m_frames(stream: LibxcStream, body: _Body) -> None:
    body.check_entries(P2M_FRAMES_HEADER.size, 8)
    if stream.pv_width is None:
        raise body.wrong("no X86_PV_INFO record comes before it")
    first, last = (int.from_bytes(body.data[at : at + 4], "little") for at in (0, 4))
    frames = body.numbers(P2M_FRAMES_HEADER.size)
    entries = PAGE_SIZE // stream.pv_width
    if first > last:
        raise body.wrong(f"it is about the entries {first:#x} to {last:#x}, of which the second comes first")
    needed = last // entries - first // entries + 1
    if len(frames) != needed:
        raise body.wrong(
            f"it has {len(frames)} frames for the entries {first:#x} to {last:#x}, and not {needed}"
        )
    stream.p2m = PvP2m(Pfn(first), Pfn(last), tuple(Pfn(frame) for frame in frames))


def _vcpu(member: str) -> Take:
    """Return what takes one of a vCPU's records, as a member of SavedVcpu."""

    def take(stream: LibxcStream, body: _Body) -> None:
        if len(body.data) < VCPU_HEADER.size:
            raise body.wrong(f"it has {len(body.data)} bytes, too few for its header")
        body.check_reserved(VCPU_HEADER)
        number = int.from_bytes(body.data[:4], "little")
        if number >= _MOST_VCPUS:
            raise body.wrong(f"no guest has a vCPU {number}")
        stream.vcpus.setdefault(number, {})[member] = body.data[VCPU_HEADER.size :]

    return take


def _shared_info(stream: LibxcStream, body: _Body) -> None:
    body.check_size(PAGE_SIZE)
    stream.shared_info = body.data


def _tsc_info(stream: LibxcStream, body: _Body) -> None:
    body.check_size(TSC_INFO.size)
    body.check_reserved(TSC_INFO)
    stream.tsc = TscInfo(**TSC_INFO.numbers(body.data))


def _hvm_context(stream: LibxcStream, body: _Body) -> None:
    if not body.data:
        raise body.wrong("it is empty")
    stream.hvm_context = body.data


def _hvm_params(stream: LibxcStream, body: _Body) -> None:
    count = body.check_entries(HVM_PARAMS_HEADER.size, HVM_PARAM_ENTRY.size, least=0)
    body.check_reserved(HVM_PARAMS_HEADER)
    told = int.from_bytes(body.data[:4], "little")
    if told != count:
        raise body.wrong(f"it says that it has {told} parameters, and has {count}")
    numbers = body.numbers(HVM_PARAMS_HEADER.size)
    stream.hvm_params += zip(numbers[::2], numbers[1::2], strict=True)


def _cpuid_policy(stream: LibxcStream, body: _Body) -> None:
    stream.cpuid_leaves += body.check_entries(0, CPUID_LEAF_SIZE)


def _msr_policy(stream: LibxcStream, body: _Body) -> None:
    stream.msrs += body.check_entries(0, MSR_ENTRY_SIZE)


_TAKES: Mapping[int, Take] = {
    LIBXC_END: _end,
    X86_PV_INFO: _pv_info,
    X86_PV_P2M_FRAMES: _p2m_frames,
    X86_PV_VCPU_BASIC: _vcpu("basic"),
    X86_PV_VCPU_EXTENDED: _vcpu("extended"),
    X86_PV_VCPU_XSAVE: _vcpu("xsave"),
    X86_PV_VCPU_MSRS: _vcpu("msrs"),
    SHARED_INFO: _shared_info,
    X86_TSC_INFO: _tsc_info,
    HVM_CONTEXT: _hvm_context,
    HVM_PARAMS: _hvm_params,
    STATIC_DATA_END: _static_data_end,
    X86_CPUID_POLICY: _cpuid_policy,
    X86_MSR_POLICY: _msr_policy,
}
"""Who takes each record; what is not here is kept as it is."""
