"""Small save files, put together by hand from Xen's public documents: what readers are tried with.

A file is a list of pieces, headers and records in order, which tests leave out, change, and put elsewhere.
"""

import json
import struct
from collections.abc import Iterable, Sequence

NOTAB, L1, L2, L3, L4_PINNED, BROKEN, XALLOC, XTAB = 0, 1, 2, 3, 0xC, 0xD, 0xE, 0xF
PAGE = 4096

END = 0
PAGE_DATA, PV_INFO, P2M_FRAMES, VCPU_BASIC, SHARED_INFO = 1, 2, 3, 4, 7
TSC_INFO, HVM_CONTEXT, HVM_PARAMS, STATIC_DATA_END, CPUID_POLICY = 8, 9, 0xA, 0x10, 0x11
LIBXC_CONTEXT, EMULATOR_CONTEXT = 1, 3

VIRTUAL_BASE = 0xFFFF_FFFF_8000_0000
PV_FRAMES = 16
TOP_TABLE = 9
"""Of the PV guest: its L4; L3, L2 and L1 follow."""

CONFIG = {
    "b_info": {"max_vcpus": 2, "max_memkb": 65536, "target_memkb": 65536, "kernel": "/boot/k", "type.pv": {}},
    "disks": [{"vdev": "xvda"}],
}


def page(byte: int) -> bytes:
    """Return a page of one byte's repetitions."""
    return bytes([byte]) * PAGE


def record(kind: int, body: bytes = b"") -> bytes:
    """Return a record of either stream."""
    return struct.pack("<II", kind, len(body)) + body + bytes(-len(body) % 8)


def page_data(entries: Sequence[tuple[int, int]], pages: Iterable[bytes] = ()) -> bytes:
    """Return a PAGE_DATA record: frames with their types, and the pages of those that have data."""
    numbers = [kind << 60 | pfn for kind, pfn in entries]
    head = struct.pack(f"<II{len(numbers)}Q", len(numbers), 0, *numbers)
    return record(PAGE_DATA, head + b"".join(pages))


def xl_header(config: bytes | None, flags: int = 3) -> bytes:
    """Return xl's header with a configuration."""
    data = b"" if config is None else struct.pack("<I", len(config) + 1) + config + b"\0"
    return b"Xen saved domain, xl format\n \0 \r" + struct.pack("<4I", 0x01020304, flags, 0, len(data)) + data


def libxl_header(version: int = 2, options: int = 0) -> bytes:
    """Return the header of libxl's stream."""
    return struct.pack(">8sII", b"LibxlFmt", version, options)


def libxc_headers(kind: int, version: int = 3, options: int = 0) -> bytes:
    """Return the headers of libxc's stream: 1 for a PV guest, 2 for others."""
    image = struct.pack(">QIIH6x", (1 << 64) - 1, 0x58454E46, version, options)
    return image + struct.pack("<IHHII", kind, 12, 0, 4, 17)


def config_text(kind: str = "pv") -> bytes:
    """Return the configuration that the files have."""
    info = {"type": kind, "name": "saved", "uuid": "12345678-1234-5678-1234-567812345678"}
    return json.dumps({"c_info": info, **CONFIG}, indent=4).encode() + b"\n"


def pv_context(rip: int = VIRTUAL_BASE + 0x100, rdx: int = 0) -> bytes:
    """Return a 64-bit vcpu_guest_context with cr3 and a few registers set."""
    context = bytearray(5168)
    struct.pack_into("<Q", context, 512, 4)
    struct.pack_into("<Q", context, 520 + 12 * 8, rdx)
    struct.pack_into("<Q", context, 648, rip)
    struct.pack_into("<Q", context, 5008, TOP_TABLE * PAGE)
    return bytes(context)


def pv_tables() -> list[bytes]:
    """Return the PV guest's page tables, the top one first: they map all frames from VIRTUAL_BASE on."""
    up = 0x67
    l4 = _entries({511: (TOP_TABLE + 1) * PAGE | up})
    l3 = _entries({510: (TOP_TABLE + 2) * PAGE | up})
    l2 = _entries({0: (TOP_TABLE + 3) * PAGE | up})
    return [l4, l3, l2, _entries({frame: frame * PAGE | 0x25 for frame in range(PV_FRAMES)})]


def _entries(entries: dict[int, int]) -> bytes:
    return struct.pack("<512Q", *(entries.get(index, 0) for index in range(512)))


def pv_pieces(vcpus: int = 2) -> list[bytes]:
    """Return a 64-bit PV guest's save file: 16 frames, page tables from frame 9 on, two pages of data."""
    tables = zip((L4_PINNED, L3, L2, L1), range(TOP_TABLE, TOP_TABLE + 4), strict=True)
    return [
        xl_header(config_text()),
        libxl_header(),
        record(LIBXC_CONTEXT),
        libxc_headers(1),
        record(PV_INFO, struct.pack("<BB6x", 8, 4)),
        record(CPUID_POLICY, struct.pack("<6I", 0, 0xFFFFFFFF, 13, 0, 0, 0)),
        record(STATIC_DATA_END),
        record(P2M_FRAMES, struct.pack("<IIQ", 0, PV_FRAMES - 1, 8)),
        page_data(
            [(NOTAB, 0), (NOTAB, 1), *((XALLOC, frame) for frame in range(2, TOP_TABLE))], [page(1), page(2)]
        ),
        page_data(list(tables), pv_tables()),
        page_data([(XALLOC, frame) for frame in range(TOP_TABLE + 4, PV_FRAMES)]),
        record(TSC_INFO, struct.pack("<IIQII", 0, 2_000_000, 5, 1, 0)),
        record(SHARED_INFO, bytes(PAGE)),
        *(record(VCPU_BASIC, struct.pack("<II", vcpu, 0) + pv_context()) for vcpu in range(vcpus)),
        record(END),
        record(END),
    ]


def hvm_record(kind: int, instance: int, body: bytes = b"") -> bytes:
    """Return a record of an HVM context."""
    return struct.pack("<HHI", kind, instance, len(body)) + body


def hvm_context(vcpus: int = 1) -> bytes:
    """Return an HVM context: header, vCPUs with paging off, rbx set, their MTRRs, and an end."""
    cpu = bytearray(1032)
    struct.pack_into("<Q", cpu, 512 + 8, 0x5000)
    struct.pack_into("<Q", cpu, 512 + 16 * 8, 0x100000)
    struct.pack_into("<Q", cpu, 512 + 18 * 8, 0x11)
    records = [hvm_record(1, 0, struct.pack("<IIQII", 0x54381286, 1, 0, 0, 0))]
    records += [hvm_record(2, vcpu, bytes(cpu)) for vcpu in range(vcpus)]
    records += [hvm_record(14, vcpu, bytes(240)) for vcpu in range(vcpus)]
    return b"".join([*records, hvm_record(0, 0)])


def pvh_pieces(vcpus: int = 1) -> list[bytes]:
    """Return a PVH guest's save file: 16 frames and one high up, of which two have data."""
    return [
        xl_header(config_text("pvh")),
        libxl_header(),
        record(LIBXC_CONTEXT),
        libxc_headers(2),
        record(STATIC_DATA_END),
        page_data([(XALLOC, frame) for frame in range(5)]),
        page_data([(NOTAB, 5), (XALLOC, 6), (NOTAB, 7), (XTAB, 99)], [page(5), page(7)]),
        page_data([(XALLOC, frame) for frame in (*range(8, 16), 0xFEFFC)]),
        record(HVM_CONTEXT, hvm_context(vcpus)),
        record(HVM_PARAMS, struct.pack("<IIQQQQ", 2, 0, 1, 0xFEFFC, 17, 15)),
        record(END),
        record(END),
    ]


def with_device_model() -> list[bytes]:
    """Return the same as of an HVM guest, with what its device model saved."""
    state = record(EMULATOR_CONTEXT, struct.pack("<II", 2, 0) + b"QEVM")
    return [xl_header(config_text("hvm")), *pvh_pieces()[1:-1], state, record(END)]


def save_file(pieces: Iterable[bytes]) -> bytes:
    """Return the file that pieces make."""
    return b"".join(pieces)
