"""Start-of-day states made by hand, as small as they can be: what a builder would leave of a hello guest."""

import io
import struct
from collections.abc import Iterator

from elftools.elf.elffile import ELFFile
from hello_machine import PAGE_SIZE, BuiltGuest

from xlbuild.abi.hvm_start_info import HVM_START_INFO
from xlbuild.abi.layout import FieldValue
from xlbuild.abi.start_info import START_INFO_X86_64
from xlbuild.hello import hello_kernel

ENTRY = 0x10_0000
HYPERCALL_PAGE = 0x10_1000

PV_PAGES = 1024
PV_FIRST_MFN = 0x800
"""Machine frame of pfn 0: frames and machine frames differ, so that mixing them up shows."""
PV_P2M_PFN = 0x110
PV_START_INFO_PFN = 0x114
PV_CONSOLE_PFN = 0x115
PV_PAGE_TABLES_PFN = 0x116
PV_STACK_PFN = 0x11C

PVH_START_INFO = 0x10_3000
PVH_COMMAND_LINE = 0x10_4000
PVH_CONSOLE_PFN = 0xFEFFF


def _loaded(kernel: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield physical address and bytes of each loadable segment, page by page."""
    for segment in ELFFile(io.BytesIO(kernel)).iter_segments("PT_LOAD"):
        data = segment.data()
        for offset in range(0, len(data), PAGE_SIZE):
            yield int(segment["p_paddr"]) + offset, data[offset : offset + PAGE_SIZE]


def _pv_machine(pfn: int) -> int:
    return (PV_FIRST_MFN + pfn) * PAGE_SIZE


def _pv_page_tables() -> dict[int, bytes]:
    """Map virtual page n to machine frame PV_FIRST_MFN + n: one table a level, two of them at the lowest."""
    l4, l3, l2, *l1 = range(PV_PAGE_TABLES_PFN, PV_PAGE_TABLES_PFN + 5)
    entries = {l4: [l3], l3: [l2], l2: l1, l1[0]: [*range(512)], l1[1]: [*range(512, 1024)]}
    return {
        _pv_machine(table): struct.pack(f"<{len(pfns)}Q", *(_pv_machine(pfn) | 7 for pfn in pfns))
        for table, pfns in entries.items()
    }


def pv_guest(
    command_line: bytes = b"greeting=hello", console_mfn: int | None = None, ring_index: int = 0
) -> BuiltGuest:
    """Return the PV guest with 4 MiB; the console ring is empty, its indexes at `ring_index`."""
    start_info: dict[str, FieldValue] = {
        "magic": b"xen-3.0-x86_64".ljust(32, b"\0"),
        "nr_pages": PV_PAGES,
        "console_mfn": PV_FIRST_MFN + PV_CONSOLE_PFN if console_mfn is None else console_mfn,
        "console_evtchn": 2,
        "mfn_list": PV_P2M_PFN * PAGE_SIZE,
        "cmd_line": command_line.ljust(1024, b"\0"),
    }
    p2m = struct.pack(f"<{PV_PAGES}Q", *range(PV_FIRST_MFN, PV_FIRST_MFN + PV_PAGES))
    contents = {_pv_machine(0) + address: data for address, data in _loaded(hello_kernel("pv"))}
    contents |= _pv_page_tables()
    contents[_pv_machine(PV_P2M_PFN)] = p2m
    contents[_pv_machine(PV_START_INFO_PFN)] = START_INFO_X86_64.encode(start_info)
    contents[_pv_machine(PV_CONSOLE_PFN)] = _empty_ring(ring_index)
    return BuiltGuest(
        ram=((_pv_machine(0), _pv_machine(PV_PAGES)),),
        contents=contents,
        registers={
            "rip": ENTRY,
            "rsi": PV_START_INFO_PFN * PAGE_SIZE,
            "rsp": (PV_STACK_PFN + 1) * PAGE_SIZE,
        },
        page_table=_pv_machine(PV_PAGE_TABLES_PFN),
        hypercall_page=_pv_machine(0) + HYPERCALL_PAGE,
        console_ring=_pv_machine(PV_CONSOLE_PFN),
    )


def pvh_guest(command_line: bytes | None = b"greeting=hello", ring_index: int = 0) -> BuiltGuest:
    """Return the PVH guest with 2 MiB and a console page; without a command line its address is 0."""
    start_info: dict[str, FieldValue] = {
        "magic": 0x336EC578,
        "version": 1,
        "cmdline_paddr": 0 if command_line is None else PVH_COMMAND_LINE,
        "memmap_entries": 5,
    }
    contents = dict(_loaded(hello_kernel("pvh")))
    contents[PVH_START_INFO] = HVM_START_INFO.encode(start_info)
    contents[PVH_COMMAND_LINE] = (command_line or b"") + b"\0"
    contents[PVH_CONSOLE_PFN * PAGE_SIZE] = _empty_ring(ring_index)
    return BuiltGuest(
        ram=((0, 0x20_0000), (PVH_CONSOLE_PFN * PAGE_SIZE, (PVH_CONSOLE_PFN + 1) * PAGE_SIZE)),
        contents=contents,
        registers={"eip": ENTRY, "ebx": PVH_START_INFO},
        page_table=None,
        hypercall_page=None,
        console_ring=PVH_CONSOLE_PFN * PAGE_SIZE,
    )


def _empty_ring(index: int) -> bytes:
    """Return a console page (struct xencons_interface) whose out_cons and out_prod stand at `index`."""
    return bytes(3080) + struct.pack("<II", index, index)
