"""A save file taken apart, by nothing but Xen's public documents: it shares no line with the program.

What the documents fix is checked on the way: a file that breaks one of their rules fails an assertion.
"""

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PAGE = 4096
ZERO_PAGE = bytes(PAGE)
PAGE_DATA, X86_PV_INFO, P2M_FRAMES, VCPU_BASIC, SHARED_INFO, TSC_INFO = 1, 2, 3, 4, 7, 8
HVM_CONTEXT, HVM_PARAMS, STATIC_DATA_END = 9, 0xA, 0x10
NOTAB, XALLOC = 0x0, 0xE

_PRESENT = 1
_FRAME = ((1 << 52) - 1) & ~(PAGE - 1)


@dataclass
class Saved:
    """What is in a save file."""

    config: Any
    """The embedded configuration, as JSON has it."""
    domain_type: int
    xen: tuple[int, int]
    order: list[int] = field(default_factory=list)
    """Types of the libxc records, several PAGE_DATA behind one another as one."""
    bodies: dict[int, bytes] = field(default_factory=dict)
    """Of all records but PAGE_DATA."""
    types: dict[int, int] = field(default_factory=dict)
    """Of each frame, in the order of the file."""
    pages: dict[int, bytes] = field(default_factory=dict)
    """Of each frame that has one."""

    def page(self, pfn: int) -> bytes:
        """Return a frame's contents after the restore has allocated it."""
        assert pfn in self.types, f"frame {pfn:#x} is not there"
        return self.pages.get(pfn, ZERO_PAGE)


def decode(file: Path) -> Saved:
    """Return what is in a save file, all of which is read."""
    data = file.read_bytes()
    head = struct.unpack_from("<32s4I", data)
    assert head[:4] == (b"Xen saved domain, xl format\n \0 \r", 0x01020304, 3, 0)
    (length,) = struct.unpack_from("<I", data, 48)
    assert length == head[4] - 4
    config = data[52 : 52 + length]
    assert config.endswith(b"\n\0")
    at = 52 + length
    assert data[at : at + 16] == b"LibxlFmt" + bytes.fromhex("00000002 00000000")
    assert data[at + 16 : at + 24] == bytes.fromhex("01000000 00000000")  # LIBXC_CONTEXT
    at += 24
    assert data[at : at + 24] == b"\xff" * 8 + b"XENF" + bytes.fromhex("00000003 0000 0000 00000000")
    domain_type, shift, reserved, major, minor = struct.unpack_from("<IHHII", data, at + 24)
    assert (shift, reserved) == (12, 0)
    saved = Saved(json.loads(config[:-1]), domain_type, (major, minor))
    at = _records(data, at + 40, saved)
    assert data[at:] == bytes(8), "libxl's END, and nothing behind it"
    return saved


def _records(data: bytes, at: int, saved: Saved) -> int:
    """Take libxc's records up to its END; return where that ends."""
    while True:
        kind, length = struct.unpack_from("<II", data, at)
        body, end = data[at + 8 : at + 8 + length], at + 8 + (length + 7 & ~7)
        assert not any(data[at + 8 + length : end]), "padding"
        assert len(body) == length
        at = end
        if kind == 0:
            assert not body
            return at
        if kind == PAGE_DATA:
            _pages(body, saved)
        else:
            assert kind not in saved.bodies, f"record {kind:#x} twice"
            saved.bodies[kind] = body
        if saved.order[-1:] != [kind]:
            saved.order.append(kind)


def _pages(body: bytes, saved: Saved) -> None:
    count, reserved = struct.unpack_from("<II", body)
    assert (1 <= count <= 1024, reserved) == (True, 0)
    at = 8 + 8 * count
    for entry in struct.unpack_from(f"<{count}Q", body, 8):
        pfn, kind = entry & ((1 << 52) - 1), entry >> 60
        assert not entry >> 52 & 0xFF
        assert kind in {NOTAB, 1, 2, 3, 4, 0xB, 0xC, XALLOC}
        assert pfn not in saved.types, f"frame {pfn:#x} twice"
        saved.types[pfn] = kind
        if kind != XALLOC:
            saved.pages[pfn] = body[at : at + PAGE]
            at += PAGE
    assert at == len(body)


@dataclass(frozen=True)
class Vcpu:
    """What of a PV guest's vCPU 0 a restore looks at."""

    top_table: int
    start_info: int
    """What rdx (edx) holds."""


def vcpu_of(saved: Saved) -> Vcpu:
    """Return vCPU 0 by the offsets of the public headers (struct vcpu_guest_context)."""
    body = saved.bodies[VCPU_BASIC]
    assert body[:8] == bytes(8)
    context = body[8:]
    width, levels = saved.bodies[X86_PV_INFO][:2]
    if (width, levels) == (8, 4):
        assert len(context) == 5168
        return Vcpu(
            struct.unpack_from("<Q", context, 5008)[0] // PAGE, struct.unpack_from("<Q", context, 616)[0]
        )
    assert (width, levels, len(context)) == (4, 3, 2800)
    (cr3,) = struct.unpack_from("<I", context, 2728)
    return Vcpu(cr3 >> 12 | (cr3 & PAGE - 1) << 20, struct.unpack_from("<I", context, 524)[0])


def tables_of(saved: Saved) -> dict[int, int]:
    """Return the level of each page table that cr3 leads to."""
    levels = saved.bodies[X86_PV_INFO][1]
    found: dict[int, int] = {}
    _walk(saved, vcpu_of(saved).top_table, levels, found)
    return found


def _walk(saved: Saved, pfn: int, level: int, found: dict[int, int]) -> None:
    if pfn in found:
        assert found[pfn] == level
        return
    found[pfn] = level
    if level > 1:
        for entry in _entries(saved, pfn):
            if entry & _PRESENT:
                _walk(saved, (entry & _FRAME) // PAGE, level - 1, found)


def _entries(saved: Saved, pfn: int) -> Iterator[int]:
    yield from struct.unpack("<512Q", saved.page(pfn))


def frame_at(saved: Saved, address: int) -> int:
    """Return the frame that a virtual address leads to."""
    levels = saved.bodies[X86_PV_INFO][1]
    pfn = vcpu_of(saved).top_table
    for level in range(levels, 0, -1):
        (entry,) = struct.unpack_from("<Q", saved.page(pfn), 8 * (address >> (12 + 9 * (level - 1)) & 511))
        assert entry & _PRESENT, f"{address:#x} is not mapped"
        pfn = (entry & _FRAME) // PAGE
    return pfn


@dataclass(frozen=True)
class StartInfo:
    """The words of a PV guest's start_info page up to its command line (struct start_info)."""

    nr_pages: int
    shared_info: int
    flags: int
    store_mfn: int
    store_evtchn: int
    console_mfn: int
    console_evtchn: int
    pt_base: int
    nr_pt_frames: int
    mfn_list: int
    mod_start: int
    mod_len: int


def start_info_of(saved: Saved) -> StartInfo:
    """Return the page that rdx (edx) names, which is a start_info page."""
    pfn = vcpu_of(saved).start_info
    page = saved.page(pfn)
    assert saved.types[pfn] == NOTAB
    assert page.startswith(b"xen-3.0-x86_")
    words = "<2QI4xQI4xQI4x5Q" if saved.bodies[X86_PV_INFO][0] == 8 else "<12I"
    return StartInfo(*struct.unpack_from(words, page, 32))


def p2m_of(saved: Saved) -> tuple[int, ...]:
    """Return the frames of a PV guest's p2m list; none for other guests."""
    body = saved.bodies.get(P2M_FRAMES, bytes(8))
    return struct.unpack_from(f"<{len(body) // 8 - 1}Q", body, 8)


def hvm_params_of(saved: Saved) -> list[tuple[int, int]]:
    """Return the HVM parameters, index and value, in the order of the file."""
    body = saved.bodies[HVM_PARAMS]
    count, reserved = struct.unpack_from("<II", body)
    assert (reserved, len(body)) == (0, 8 + 16 * count)
    return list(struct.iter_unpack("<QQ", body[8:]))
