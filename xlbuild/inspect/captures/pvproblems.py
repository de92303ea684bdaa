"""What a restore of a PV guest looks for in its memory: start info, page tables, the p2m list."""

from collections.abc import Iterator

from xlbuild.abi.layout import Fields
from xlbuild.built import START_INFO_LAYOUTS, SUSPEND_RECORDS
from xlbuild.captured.model import PageType, SaveFile
from xlbuild.inspect.captures.vcpus import first_registers, guest_type_of, page_tables_of
from xlbuild.inspect.memory.room import exists
from xlbuild.units import Pfn, paddr_of


def pv_problems(save: SaveFile) -> Iterator[str]:
    """Yield what a restore would not find, in words; nothing for other guests."""
    registers = first_registers(save) if save.is_pv else None
    if registers is None:
        return
    yield from _start_info(save, registers)
    yield from _top_table(save)
    yield from _p2m(save)


def _start_info(save: SaveFile, registers: Fields) -> Iterator[str]:
    """Look at what is found by vCPU 0's rdx (edx), and at the frames in it."""
    guest_type = guest_type_of(save)
    name = SUSPEND_RECORDS[guest_type]
    frame = registers[name]
    assert isinstance(frame, int)
    if not exists(save.memory, paddr_of(Pfn(frame))):
        yield f"vCPU 0's {name} is {frame:#x}, which is no frame of the guest's: a restore finds start_info by it"
        return
    layout = START_INFO_LAYOUTS[guest_type]
    fields = layout.decode(save.memory.read(paddr_of(Pfn(frame)), layout.size))
    for field in ("store_mfn", "console_mfn"):
        value = fields[field]
        assert isinstance(value, int)
        if not exists(save.memory, paddr_of(Pfn(value))):
            yield f"start_info.{field} is {value:#x}: a suspended guest has a frame of its own there"


def _top_table(save: SaveFile) -> Iterator[str]:
    tables = page_tables_of(save)
    if tables is None or save.pv_levels is None:
        return
    kind = save.page_types.get(Pfn(tables.top), PageType.NOTAB)
    if kind.level != save.pv_levels:
        yield f"vCPU 0's cr3 names frame {tables.top:#x}, which is no L{save.pv_levels} page table by its type"


def _p2m(save: SaveFile) -> Iterator[str]:
    for number, frame in enumerate(save.p2m.frames if save.p2m is not None else ()):
        if not exists(save.memory, paddr_of(frame)):
            yield f"page {number} of the p2m list is to be in frame {frame:#x}, which the guest has not"
            return
