"""The records of a save file's streams, and the pages in them, in short."""

from collections.abc import Iterable, Mapping

from xlbuild.abi.save_file import (
    LIBXC_RECORD_NAMES,
    LIBXL_RECORD_NAMES,
    OPTIONAL_RECORD,
    XL_MANDATORY_JSON,
    XL_MANDATORY_STREAM_V2,
)
from xlbuild.captured.model import PageType, SaveFile, StreamRecord
from xlbuild.inspect.captures.memory import describe_populated
from xlbuild.inspect.tree import Branch, Tree, hexadecimal
from xlbuild.inspect.words import flag_names
from xlbuild.units import bytes_of

_MOST_TYPES = 256
"""Types of records that are listed."""

_FLAG_NAMES = {
    XL_MANDATORY_JSON.bit_length() - 1: "the configuration is JSON",
    XL_MANDATORY_STREAM_V2.bit_length() - 1: "libxl's stream is of version 2",
}

_TYPES: dict[PageType, str] = {
    PageType.NOTAB: "pages with data",
    PageType.L1TAB: "L1 page tables",
    PageType.L2TAB: "L2 page tables",
    PageType.L3TAB: "L3 page tables",
    PageType.L4TAB: "L4 page tables",
    PageType.L1TAB_PINNED: "L1 page tables, pinned",
    PageType.L2TAB_PINNED: "L2 page tables, pinned",
    PageType.L3TAB_PINNED: "L3 page tables, pinned",
    PageType.L4TAB_PINNED: "L4 page tables, pinned",
    PageType.BROKEN: "broken pages, without data",
    PageType.XALLOC: "pages to be allocated, all zero",
    PageType.XTAB: "frames that are not there",
}


def describe_header(save: SaveFile) -> Branch:
    """Return what the headers say, of xl, libxl and libxc."""
    flags = save.mandatory_flags
    return {
        "mandatory_flags": hexadecimal(flags),
        "mandatory_flags_means": flag_names(flags, _FLAG_NAMES) if flags else "there is no header of xl's",
        "stream_version": save.stream_version,
        "stream_version_means": "of libxc's stream",
        "guest": "PV" if save.is_pv else "in an HVM container: HVM or PVH",
        "xen_version": ".".join(str(part) for part in save.xen_version),
        "xen_version_means": "of the Xen that wrote it",
    }


def describe_records(save: SaveFile) -> list[Tree]:
    """Return the records of both streams by their types, in the order in which each type comes first."""
    return [
        *_rows("libxl", save.libxl_records, LIBXL_RECORD_NAMES),
        *_rows("libxc", save.records, LIBXC_RECORD_NAMES),
    ]


def record_name(record: StreamRecord, names: Mapping[int, str]) -> str:
    """Return a record's name; one that is not known is called by its type."""
    kind = record.type & ~OPTIONAL_RECORD
    return names.get(kind, f"unknown ({kind:#x})")


def _rows(stream: str, records: Iterable[StreamRecord], names: Mapping[int, str]) -> list[Tree]:
    by_type: dict[int, list[StreamRecord]] = {}
    for record in records:
        by_type.setdefault(record.type, []).append(record)
    return [
        {
            "stream": stream,
            "record": record_name(same[0], names),
            "optional": bool(kind & OPTIONAL_RECORD),
            "count": len(same),
            "size": sum(record.size for record in same),
            "first_offset": hexadecimal(same[0].offset),
        }
        for kind, same in list(by_type.items())[:_MOST_TYPES]
    ]


def describe_pages(save: SaveFile) -> Branch:
    """Return what the PAGE_DATA records hold, and which frames there are."""
    pages = save.pages
    frames = sum(item.pages for item in save.memory.populated)
    in_file = sum(count for kind, count in pages.by_type.items() if PageType(kind).has_data)
    return {
        "frames": frames,
        "total_size": bytes_of(frames),
        "entries": pages.entries,
        "entries_with_data": in_file,
        "repeated": pages.repeated,
        "repeated_means": "entries for frames that had one before; the last one counts",
        "types": [
            {"type": hexadecimal(kind), "means": _TYPES[PageType(kind)], "entries": count}
            for kind, count in pages.by_type.items()
        ],
        **describe_populated(save.memory),
    }
