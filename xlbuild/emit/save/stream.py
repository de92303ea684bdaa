"""A built domain as a save file, piece by piece, in one pass.

What a file of `xl save` has besides is the host's to decide when it is left out: without policies of CPUID and MSRs
the guest gets the host's own, without X86_TSC_INFO the configuration's tsc_mode.
"""

from array import array
from collections.abc import Iterator

from xlbuild.abi.layout import Layout
from xlbuild.abi.params import HVM_PARAMS
from xlbuild.abi.save_file import (
    DOMAIN_X86_HVM,
    DOMAIN_X86_PV,
    HVM_CONTEXT,
    HVM_PARAM_ENTRY,
    HVM_PARAMS_HEADER,
    LIBXC_END,
    LIBXL_END,
    P2M_FRAMES_HEADER,
    PV_INFO,
    SHARED_INFO,
    STATIC_DATA_END,
    VCPU_HEADER,
    X86_PV_INFO,
    X86_PV_P2M_FRAMES,
    X86_PV_VCPU_BASIC,
)
from xlbuild.abi.save_file import HVM_PARAMS as HVM_PARAMS_RECORD
from xlbuild.built import (
    HVM_CONTEXT_FILE,
    SHARED_INFO_FILE,
    SUSPEND_RECORDS,
    VCPU_CONTEXT_FILE,
    WORD_SIZES,
    BuiltDomain,
)
from xlbuild.emit.save.pagedata import Pages
from xlbuild.emit.save.pagetypes import page_types
from xlbuild.emit.save.records import head, record
from xlbuild.emit.structures import structure_of
from xlbuild.inspect.domains.subject import page_tables_of
from xlbuild.units import PAGE_SIZE, FrameRange, Pfn, pages_for, pfn_of

_PARAMS_THAT_TRAVEL = (
    *("STORE_PFN", "IOREQ_PFN", "BUFIOREQ_PFN"),
    *("PAGING_RING_PFN", "MONITOR_RING_PFN", "SHARING_RING_PFN"),
    *("CONSOLE_PFN", "IDENT_PT"),
)
"""In the order of a file of `xl save`; a restore makes the event channels, libxl sets what the configuration says."""

_NO_FRAMES = FrameRange(Pfn(0), Pfn(0))


def save_stream(built: BuiltDomain, config: bytes) -> Iterator[bytes]:
    """Yield a save file in pieces of 4 MiB at most; it is a domain that `travel.check_travel` lets through.

    `config` is libxl_domain_config in JSON, with a final newline. Raises FilesError as `structure_of`
    and as reading the memory does, and RefusedError as `page_types`.
    """
    yield head(config, DOMAIN_X86_PV if built.is_pv else DOMAIN_X86_HVM, built.profile)
    yield from _pv_records(built) if built.is_pv else _pvh_records(built)
    yield record(LIBXC_END)
    yield record(LIBXL_END)


def _pv_records(built: BuiltDomain) -> Iterator[bytes]:
    width, tables = WORD_SIZES[built.guest_type], page_tables_of(built)
    assert tables is not None
    p2m = _p2m_frames(built, width)
    yield record(X86_PV_INFO, PV_INFO.encode({"guest_width": width, "pt_levels": tables.paging.levels}))
    yield record(STATIC_DATA_END)
    entries = P2M_FRAMES_HEADER.encode({"p2m_start_pfn": 0, "p2m_end_pfn": built.total_pages - 1})
    yield record(X86_PV_P2M_FRAMES, entries + array("Q", range(p2m.first, p2m.end)).tobytes())
    yield from Pages(built.memory, page_types(built), p2m).records()
    yield record(SHARED_INFO, structure_of(built, SHARED_INFO_FILE, PAGE_SIZE))
    yield record(X86_PV_VCPU_BASIC, VCPU_HEADER.encode({"vcpu_id": 0}) + _vcpu_context(built))


def _pvh_records(built: BuiltDomain) -> Iterator[bytes]:
    yield record(STATIC_DATA_END)
    yield from Pages(built.memory, {}, _NO_FRAMES).records()
    yield record(HVM_CONTEXT, structure_of(built, HVM_CONTEXT_FILE))
    values = {param.name: param.value for param in built.hvm_params}
    params = [
        HVM_PARAM_ENTRY.encode({"index": HVM_PARAMS[name], "value": values[name]})
        for name in _PARAMS_THAT_TRAVEL
        if values.get(name)
    ]
    yield record(HVM_PARAMS_RECORD, b"".join((HVM_PARAMS_HEADER.encode({"count": len(params)}), *params)))


def _p2m_frames(built: BuiltDomain, width: int) -> FrameRange:
    """Return the frames that hold the p2m list; behind it, in the same segment, may lie the tables that map it."""
    segment = built.segment("phys2mach")
    assert segment is not None
    return FrameRange.of(segment.pfn, pages_for(built.total_pages * width))


def _vcpu_context(built: BuiltDomain) -> bytes:
    """Return vCPU 0's context, with start_info's frame where a restore looks for it."""
    layout: Layout = built.vcpus[0].layout
    register = SUSPEND_RECORDS[built.guest_type]
    context = bytearray(structure_of(built, VCPU_CONTEXT_FILE, layout.size))
    at, size = layout.offset_of(register), layout.size_of(register)
    context[at : at + size] = pfn_of(built.start_info.address).to_bytes(size, "little")
    return bytes(context)
