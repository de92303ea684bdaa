"""Compares a domain that xlbuild built with the one that Xen's own toolstack built from the same configuration.

`expected_document` says in xlbuild's terms what the toolstack did; everything in it must stand in xlbuild's
domain.json too (which may say more). Then every page of the two memory images, where holes are zeros, and the
structures' own files. What is not compared:

* the end of an INIT_P2M list's segment, which the toolstack does not keep;
* the bytes of PVH's DSDT (xlbuild has its own): the caller is told how many differ;
* the hypercall page, which a hypervisor fills: compare builds made with `--no-hypercall-page`.
"""

import hashlib
import json
import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

Document: TypeAlias = dict[str, Any]
"""A JSON object."""

PAGE = 4096
_CHUNK = 256 * PAGE
_ACPI_TABLES = 0xFC00_1000
"""Where libxl puts PVH's tables."""

_SHOWN = 10
_SAVE_TYPES = {2: "CPU", 14: "MTRR"}
"""HVM context records that are compared: type codes of xen/hvm/save.h."""

XENMEMF_POPULATE_ON_DEMAND = 1 << 16
"""Public xen/memory.h."""

_NOT_REGISTERS = {"vcpu", "bits", "record", "typecode", "instance", "length"}
_NOT_START_INFO = {"sizeof", "last_nonzero_byte", "memmap"}


@dataclass(frozen=True)
class Comparison:
    """What a comparison found."""

    differences: list[str]
    """One readable line each; none when the domains are the same."""
    pages: int
    """Pages compared that hold anything in either image."""
    dsdt_bytes_differing: int | None
    """PVH: bytes inside the DSDT's reserved range that differ; not a difference."""

    def __str__(self) -> str:
        """Return the differences, or that there are none."""
        return "\n".join(self.differences) or "the same"


def compare_directories(ours: Path, reference: Path) -> Comparison:
    """Compare a directory of `xlbuild create --xen 4.17 --no-hypercall-page` with one of xlcreate or xcbuild."""
    document, theirs = read_document(ours), read_document(reference)
    masks = dsdt_ranges(theirs, reference / "memory.img")
    images = compare_images(ours / "memory.img", reference / "memory.img", masks, page_names(theirs))
    differences = [
        *compare_documents(document, expected_document(theirs)),
        *compare_values("vnuma", document["vnuma"], theirs["vnuma"]),
        *images.differences,
        *_compare_files(ours, reference, theirs),
    ]
    if "pod_target" not in theirs:
        differences += compare_values("populate_on_demand", document["populate_on_demand"], None)
    if not masks:
        digest = memory_digest(reference / "memory.img")
        differences += compare_values("digests/memory", document["digests"]["memory"], digest)
    return Comparison(differences, images.pages, images.dsdt_bytes_differing)


def read_document(directory: Path) -> Document:
    document: Document = json.loads((directory / "domain.json").read_text())
    return document


# Documents


def expected_document(reference: Document) -> Document:
    """Return the toolstack's record of a domain, by xlbuild's names: the part that both must have.

    An entry that is None may be null or absent in xlbuild's document, and nothing else.
    """
    return {
        "container": reference["type"],
        "guest_type": reference["guest_type"],
        "command_line": reference["cmdline"],
        "total_pages": reference["total_pages"],
        **_populate_on_demand(reference),
        "populated": reference["populated"],
        "segments": [_segment(segment, reference) for segment in reference["segments"]],
        "special_pages": reference["special_pages"],
        "start_info": _without(reference["start_info"], _NOT_START_INFO),
        "hvm_info_table": reference.get("hvm_info_table"),
        "vcpus": _vcpus(reference),
        "hvm_params": reference["hvm_params"],
        "memory_map": reference["e820"],
        "hypercall_page": _hypercall_page(reference),
        "grants": reference["grant_table"],
        "event_channels": reference["event_channels"],
    }


def _populate_on_demand(reference: Document) -> Document:
    if "pod_target" not in reference:
        return {}
    calls = (call for call in reference["populate_calls"] if call["memflags"] & XENMEMF_POPULATE_ON_DEMAND)
    ranges = _merged([(number(call["gfn"]), number(call["gfn"]) + call["pages"]) for call in calls])
    on_demand = {
        "target": reference["pod_target"],
        "populated": [[f"{pfn:#x}" for pfn in frames] for frames in ranges],
    }
    return {"target_pages": reference["target_pages"], "populate_on_demand": on_demand}


def _segment(segment: Document, reference: Document) -> Document:
    stale = segment["name"] == "phys2mach" and number(reference["start_info"]["nr_p2m_frames"]) != 0
    return _without(segment, {"vend"} if stale else set())


def _vcpus(reference: Document) -> list[Document]:
    if reference["container"] == "pv":
        return [
            {"id": context["vcpu"], "registers": _registers(context), "mtrr": None}
            for context in reference["vcpu_contexts"]
        ]
    vcpus: dict[int, Document] = {}
    for record in (record for context in reference["hvm_contexts"] for record in context):
        member = {"CPU": "registers", "MTRR": "mtrr"}.get(record["record"])
        if member:
            entry = {"id": record["instance"], "registers": None, "mtrr": None}
            vcpus.setdefault(record["instance"], entry)[member] = _registers(record)
    return [vcpus[instance] for instance in sorted(vcpus)]


def _registers(record: Document) -> Document:
    flags = {name for name in record if name.endswith("_all_zero")}  # the .bin files show these
    return _without(record, _NOT_REGISTERS | flags)


def _hypercall_page(reference: Document) -> Document | None:
    gmfn = reference.get("hypercall_page_gmfn")  # a PV guest's is a machine frame
    if gmfn is None:
        return None
    pfn = number(gmfn) - number(reference["mfn_base"])
    return {"pfn": f"{pfn:#x}", "filled": reference["hypercall_page_filled"]}


def _without(document: Document, names: set[str]) -> Document:
    return {name: value for name, value in document.items() if name not in names}


def compare_documents(ours: Document, expected: Document) -> Iterator[str]:
    """Compare xlbuild's domain.json with an `expected_document`."""
    for name, value in expected.items():
        yield from compare_values(name, ours.get(name), value)


def compare_values(where: str, ours: Any, expected: Any) -> Iterator[str]:
    """Compare two JSON values; numbers are compared as integers, whichever form they have."""
    if isinstance(expected, dict) and isinstance(ours, dict):
        for name, value in expected.items():
            yield from compare_values(f"{where}/{name}", ours.get(name), value)
    elif isinstance(expected, list) and isinstance(ours, list):
        if len(ours) != len(expected):
            yield f"{where}: {len(ours)} entries, the reference has {len(expected)}"
        for index, (one, other) in enumerate(zip(ours, expected, strict=False)):
            label = other.get("name", index) if isinstance(other, dict) else index
            yield from compare_values(f"{where}/{label}", one, other)
    elif _normal(ours, "utf-8") != _normal(expected, "latin-1"):  # the reference writes a byte as a character
        yield f"{where}: {_shown(ours)}, the reference has {_shown(expected)}"


def number(value: str | int) -> int:
    """Return a number of a document: an integer, or a string like "0x1f"."""
    return value if isinstance(value, int) else int(value, 16)


def _normal(value: Any, encoding: str) -> Any:
    if isinstance(value, str):
        return int(value, 16) if value.startswith("0x") else value.encode(encoding, "surrogateescape")
    return value


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 100 else text[:97] + "…"


# Memory images


def extents(fd: int) -> Iterator[tuple[int, int]]:
    """Yield the byte ranges of a file that are not holes, widened to whole pages."""
    size, at = os.fstat(fd).st_size, 0
    while at < size:
        try:
            start = os.lseek(fd, at, os.SEEK_DATA)
        except OSError:
            return
        at = os.lseek(fd, start, os.SEEK_HOLE)
        yield start & -PAGE, -(-at // PAGE) * PAGE


def nonzero_pages(path: Path, masks: Sequence[range] = ()) -> Iterator[tuple[int, bytes]]:
    """Yield number and bytes of each page of an image that holds anything; masked bytes count as zero."""
    fd = os.open(path, os.O_RDONLY)
    try:
        for start, end in extents(fd):
            for at in range(start, end, PAGE):
                page = _masked(os.pread(fd, PAGE, at), at, masks)
                if page.count(0) != len(page):
                    yield at // PAGE, page.ljust(PAGE, b"\0")
    finally:
        os.close(fd)


def memory_digest(path: Path, masks: Sequence[range] = ()) -> str:
    """Return the memory digest of an image, from its definition: an implementation that shares nothing with ours."""
    digest = hashlib.sha256(b"xlbuild.memory/1\0")
    for pfn, page in nonzero_pages(path, masks):
        digest.update(struct.pack("<Q", pfn) + page)
    return digest.hexdigest()


def compare_images(
    ours: Path, reference: Path, masks: Sequence[range] = (), names: Sequence[tuple[range, str]] = ()
) -> Comparison:
    """Compare two memory images, holes being zeros; `names` says what page ranges hold."""
    differing: list[int] = []
    pages = masked = 0
    files = [os.open(path, os.O_RDONLY) for path in (ours, reference)]
    try:
        sizes = [os.fstat(fd).st_size for fd in files]
        for start, end in _merged([extent for fd in files for extent in extents(fd)]):
            for at in range(start, end, _CHUNK):
                one, other = (os.pread(fd, min(_CHUNK, end - at), at) for fd in files)
                pages += _used_pages(one, other)
                masked += _differing_in(one, other, at, masks)
                if one.rstrip(b"\0") != other.rstrip(b"\0"):
                    differing += _differing_pages(_masked(one, at, masks), _masked(other, at, masks), at)
    finally:
        for fd in files:
            os.close(fd)
    differences = [] if sizes[0] == sizes[1] else [f"memory.img: {sizes[0]} bytes, not {sizes[1]}"]
    differences += _describe_pages(ours, reference, differing, names)
    return Comparison(differences, pages, masked if masks else None)


def _merged(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _used_pages(one: bytes, other: bytes) -> int:
    zero = bytes(PAGE)
    size = max(len(one), len(other))
    return sum(one[at : at + PAGE] != zero or other[at : at + PAGE] != zero for at in range(0, size, PAGE))


def _masked(data: bytes, at: int, masks: Sequence[range]) -> bytes:
    for mask in masks:
        start, end = max(mask.start - at, 0), min(mask.stop - at, len(data))
        if start < end:
            data = data[:start] + bytes(end - start) + data[end:]
    return data


def _differing_in(one: bytes, other: bytes, at: int, masks: Sequence[range]) -> int:
    count = 0
    for mask in masks:
        start, end = max(mask.start - at, 0), max(mask.stop - at, 0)
        count += sum(x != y for x, y in zip(one[start:end], other[start:end], strict=False))
    return count


def _differing_pages(one: bytes, other: bytes, at: int) -> Iterator[int]:
    size = max(len(one), len(other))
    one, other = one.ljust(size, b"\0"), other.ljust(size, b"\0")
    for offset in range(0, size, PAGE):
        if one[offset : offset + PAGE] != other[offset : offset + PAGE]:
            yield (at + offset) // PAGE


def _describe_pages(
    ours: Path, reference: Path, differing: list[int], names: Sequence[tuple[range, str]]
) -> Iterator[str]:
    runs: list[range] = []
    for pfn in differing:
        if runs and runs[-1].stop == pfn:
            runs[-1] = range(runs[-1].start, pfn + 1)
        else:
            runs.append(range(pfn, pfn + 1))
    for run in runs[:_SHOWN]:
        one, other = (read_at(path, run.start * PAGE, PAGE) for path in (ours, reference))
        offset = next((i for i, (x, y) in enumerate(zip(one, other, strict=True)) if x != y), 0)
        owner = next((f" ({name})" for pages, name in names if run.start in pages), "")
        yield (
            f"memory.img: pages {run.start:#x}..{run.stop:#x}{owner} differ, first at {run.start:#x}+{offset:#x}: "
            f"{one[offset : offset + 16].hex()}, the reference has {other[offset : offset + 16].hex()}"
        )
    if len(runs) > _SHOWN:
        yield f"memory.img: {len(runs) - _SHOWN} more ranges of pages differ"


def read_at(path: Path, offset: int, size: int) -> bytes:
    """Return bytes of an image; beyond its end there are zeros."""
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(size).ljust(size, b"\0")


def page_names(reference: Document) -> list[tuple[range, str]]:
    """Return what is known of the domain's pages: special pages first, then segments."""
    special = [
        (range(number(pfn), number(pfn) + 1), name)
        for name, pfn in reference["special_pages"].items()
        if name != "ioreq_server_pages"
    ]
    segments = [
        (range(number(segment["pfn"]), number(segment["pfn"]) + segment["pages"]), segment["name"])
        for segment in reference["segments"]
    ]
    return special + segments


def dsdt_ranges(reference: Document, image: Path) -> list[range]:
    """Return where PVH's DSDT lies, the first large one of the tables; nothing for other guests."""
    if reference["type"] != "pvh" or not number(reference["start_info"]["rsdp_paddr"]):
        return []
    tables = read_at(image, _ACPI_TABLES, PAGE)
    offset = tables.index(b"DSDT")
    (size,) = struct.unpack_from("<I", tables, offset + 4)
    return [range(_ACPI_TABLES + offset, _ACPI_TABLES + offset + size)]


# The structures' own files


def _compare_files(ours: Path, reference: Path, document: Document) -> Iterator[str]:
    for name, expected in _expected_files(reference, document).items():
        if not (ours / name).exists():
            yield f"{name}: missing"
        elif (ours / name).read_bytes() != expected:
            yield f"{name}: differs from the reference's"
    if document["type"] != "pv":
        mine = _save_records((ours / "hvm_context.bin").read_bytes())
        theirs = _save_records((reference / "hvm_contexts.bin").read_bytes())
        for key in sorted(mine.keys() | theirs.keys()):
            if mine.get(key) != theirs.get(key):
                yield f"hvm_context.bin: record {_SAVE_TYPES[key[0]]} {key[1]} differs from the reference's"


def _expected_files(reference: Path, document: Document) -> dict[str, bytes]:
    image = reference / "memory.img"
    if document["type"] == "pv":
        shared_info = bytes.fromhex(document["shared_info_page"]["trailing_zero_trimmed"])
        start_info = number(document["special_pages"]["start_info"])
        return {
            "start_info.bin": read_at(image, start_info * PAGE, PAGE),
            "shared_info.bin": shared_info.ljust(PAGE, b"\0"),
            "vcpu_context.bin": (reference / "vcpu_contexts.bin").read_bytes(),
        }
    segment = next(s for s in document["segments"] if s["name"] == "HVM start info")
    start = number(segment["vstart"])
    files = {"start_info.bin": read_at(image, start, number(segment["vend"]) - start)}
    table = document["hvm_info_table"]
    if table:
        files["hvm_info_table.bin"] = read_at(image, number(table["paddr"]), table["length"])
    return files


def _save_records(stream: bytes) -> dict[tuple[int, int], bytes]:
    """Return the compared records of an HVM context, or of several one behind the other."""
    records, at = {}, 0
    while at < len(stream):
        typecode, instance, length = struct.unpack_from("<HHI", stream, at)
        at += 8
        if typecode in _SAVE_TYPES:
            records[typecode, instance] = stream[at : at + length]
        at += length
    return records
