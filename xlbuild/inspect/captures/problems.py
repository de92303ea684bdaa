"""What a restore would not take of a save file, or would do without, in words."""

from collections.abc import Callable, Iterator
from itertools import islice

from xlbuild.abi.save_file import (
    HVM_CONTEXT,
    HVM_PARAMS,
    LIBXC_RECORD_NAMES,
    LIBXC_VERSION,
    LIBXL_EMULATOR_CONTEXT,
    LIBXL_RECORD_NAMES,
    OPTIONAL_RECORD,
    PAGE_DATA,
    RECORD_HEADER,
    SHARED_INFO,
    STATIC_DATA_END,
    X86_PV_INFO,
    X86_PV_P2M_FRAMES,
    X86_PV_VCPU_BASIC,
)
from xlbuild.captured.model import PageType, SaveFile, StreamRecord
from xlbuild.inspect.captures.config import saved_type
from xlbuild.inspect.captures.pvproblems import pv_problems
from xlbuild.inspect.captures.records import record_name
from xlbuild.inspect.captures.vcpus import vcpu_problems
from xlbuild.inspect.words import counted

_MOST = 64

_NEEDED = {
    True: (X86_PV_INFO, X86_PV_P2M_FRAMES, PAGE_DATA, SHARED_INFO, X86_PV_VCPU_BASIC),
    False: (PAGE_DATA, HVM_PARAMS, HVM_CONTEXT),
}
"""Records that a restore does not do without, of a PV guest and of others."""

_BEFORE = (
    (X86_PV_INFO, X86_PV_P2M_FRAMES),
    (X86_PV_INFO, PAGE_DATA),
    (STATIC_DATA_END, X86_PV_P2M_FRAMES),
    (STATIC_DATA_END, PAGE_DATA),
    (X86_PV_P2M_FRAMES, PAGE_DATA),
)
"""Pairs of which the first comes first (public document libxc-migration-stream)."""


def save_problems(save: SaveFile) -> list[str]:
    """Return a sentence for each thing that is wrong, 64 at most; none for a file that a host can restore."""
    return list(islice((problem for look in _LOOKS for problem in look(save)), _MOST))


def _config(save: SaveFile) -> Iterator[str]:
    if save.config is None:
        yield "it has no configuration: xl restore is to be given one, before the file"
        return
    if save.config.is_json and save.config.document() is None:
        yield "its configuration says that it is JSON, and is none"
    kind = saved_type(save)
    if kind is not None and (kind == "pv") != save.is_pv:
        yield f"its configuration is of type {kind}, and its stream {'is' if save.is_pv else 'is not'} a PV guest's"


def _unknown(save: SaveFile) -> Iterator[str]:
    for stream, records, names in (
        ("libxl", save.libxl_records, LIBXL_RECORD_NAMES),
        ("libxc", save.records, LIBXC_RECORD_NAMES),
    ):
        for record in records:
            if record.type & ~OPTIONAL_RECORD not in names and not record.type & OPTIONAL_RECORD:
                yield f"a restore stops at {_named(record)}, a record of {stream}'s that is not known"


def _missing(save: SaveFile) -> Iterator[str]:
    there = {record.type for record in save.records}
    for kind in _NEEDED[save.is_pv]:
        if kind not in there:
            yield f"there is no {LIBXC_RECORD_NAMES[kind]} record"
    if save.stream_version >= LIBXC_VERSION and STATIC_DATA_END not in there:
        yield f"there is no {LIBXC_RECORD_NAMES[STATIC_DATA_END]} record"
    if not save.libxl_records:
        yield "there is no stream of libxl's around it: xl restore does not take it"
    if saved_type(save) == "hvm" and LIBXL_EMULATOR_CONTEXT not in {
        record.type for record in save.libxl_records
    }:
        yield "there is no EMULATOR_CONTEXT record: an HVM guest cannot go on without its device model's state"


def _order(save: SaveFile) -> Iterator[str]:
    first: dict[int, StreamRecord] = {}
    for record in save.records:
        first.setdefault(record.type, record)
    for before, after in _BEFORE:
        if before in first and after in first and first[before].offset > first[after].offset:
            yield f"{_named(first[before])} comes behind {_named(first[after])}"


def _of_another_kind(save: SaveFile) -> Iterator[str]:
    others = {*_NEEDED[not save.is_pv]} - {*_NEEDED[save.is_pv]}
    for record in save.records:
        if record.type in others:
            yield f"{_named(record)} belongs to {'an HVM' if save.is_pv else 'a PV'} guest"


def _pages(save: SaveFile) -> Iterator[str]:
    broken = save.pages.by_type.get(PageType.BROKEN, 0)
    if broken:
        yield f"{counted(broken, 'page')} could not be read when the guest was saved: zeros stand for them here"


def _behind(save: SaveFile) -> Iterator[str]:
    last = (save.libxl_records or save.records)[-1]
    behind = save.size - last.offset - RECORD_HEADER.size
    if behind:
        yield f"{counted(behind, 'byte')} behind the last record belong to nothing"


def _named(record: StreamRecord) -> str:
    return f"{record_name(record, LIBXC_RECORD_NAMES)} at {record.offset:#x}"


_LOOKS: tuple[Callable[[SaveFile], Iterator[str]], ...] = (
    _config,
    _unknown,
    _missing,
    _order,
    _of_another_kind,
    vcpu_problems,
    pv_problems,
    _pages,
    _behind,
)
