"""A PVH or HVM guest that has not run yet, read back from its memory and vCPU 0's registers."""

from collections.abc import Iterator
from dataclasses import dataclass

from xlbuild.abi.e820 import E820_MAX, E820_RAM
from xlbuild.abi.hvm_info import HVM_INFO_OFFSET, HVM_INFO_PFN, HVM_INFO_TABLE
from xlbuild.abi.hvm_start_info import (
    HVM_MEMMAP_TABLE_ENTRY,
    HVM_MODLIST_ENTRY,
    HVM_START_INFO,
    XEN_HVM_START_MAGIC_VALUE,
)
from xlbuild.abi.layout import Fields
from xlbuild.acpi.build import ACPI_INFO_ADDRESS, ACPI_TABLES_ADDRESS, RSDP_SIZE, Table
from xlbuild.built import (
    ACPI_INFO_FILE,
    HVM_INFO_FILE,
    RSDP_FILE,
    START_INFO_FILE,
    AcpiPlaces,
    MemoryReader,
    Placed,
    acpi_table_file,
)
from xlbuild.container.model import SYSTEM_FIRMWARE_MODULE, Kind
from xlbuild.hooks.start_stub import kernel_entry, stub_entry
from xlbuild.image.model import GuestType
from xlbuild.inspect.memory.acpi import find_tables
from xlbuild.inspect.memory.room import exists, has_frames, room_at
from xlbuild.plan.memmap import IOREQ_SERVER_FIRST, NR_IOREQ_SERVER_PAGES, SPECIAL_PAGES, special_frames
from xlbuild.plan.model import MemoryMapEntry, ModuleEntry, PlanFor, Segment, StartInfo, Vcpu
from xlbuild.recovery.found import Found
from xlbuild.recovery.kernel import kernel_frames
from xlbuild.recovery.refusal import has_run
from xlbuild.recovery.words import number
from xlbuild.units import (
    MIB,
    PAGE_SIZE,
    UINT32,
    FrameRange,
    Pfn,
    PhysAddr,
    bytes_of,
    common_ranges,
    paddr_of,
    page_offset,
    pages_for,
    pfn_of,
)
from xlbuild.x86 import CR0_PG

_HVM_INFO_ADDRESS = PhysAddr(paddr_of(HVM_INFO_PFN) + HVM_INFO_OFFSET)
_SIGNATURE = b"HVM INFO"
_MOST_MODULES = 64
_MOST_TEXT = MIB
"""Bytes of a command line that are read."""
_MODULE_TEXT = 1024
_SPECIAL_TABLES = {"fadt_rev_1": Table.FADT_1.value, "fadt_rev_5": Table.FADT_5.value}


def kind_of(memory: MemoryReader) -> tuple[Kind, str]:
    """Return whether a guest in an HVM container has a device model, and what says so."""
    if memory.read(_HVM_INFO_ADDRESS, len(_SIGNATURE)) == _SIGNATURE:
        return Kind.HVM, f"the table for hvmloader is at {_HVM_INFO_ADDRESS:#x}"
    return Kind.PVH, f"it is in an HVM container, without a table for hvmloader at {_HVM_INFO_ADDRESS:#x}"


def recover_hvm(source: str, memory: MemoryReader, kind: Kind, vcpus: tuple[Vcpu, ...]) -> Found:
    """Return what a guest's structures tell; RefusedError (domain-has-run) where it does not start at a start info.

    vcpus  vCPU 0 is among them, and no other has registers
    """
    registers = _registers(source, vcpus)
    reader = _Reader(source, memory, kind, PhysAddr(number(registers, "rbx")))
    info = reader.start_info()
    memory_map = reader.memory_map(info.fields)
    hvm_info = reader.hvm_info()
    acpi = reader.acpi(PhysAddr(number(info.fields, "rsdp_paddr")), memory_map)
    segments, firmware = reader.segments(info, acpi)
    special = reader.special_pages()
    entry = number(registers, "rip")
    behind_stub = reader.entry_behind_stub(entry, special, memory_map)
    return Found(
        memory=memory,
        structures=reader.structures(segments[-1], hvm_info, acpi),
        guest_type=GuestType.HVM,
        entry=entry if behind_stub is None else behind_stub,
        command_line=info.command_line,
        total_pages=_total_pages(kind, memory_map),
        segments=segments,
        firmware_modules=firmware,
        special_pages=special,
        ioreq_server=reader.ioreq_server(),
        start_info=info,
        vcpus=vcpus,
        plan_for=PlanFor.CREATE if behind_stub is None else PlanFor.RESTORE,
        hvm_info=hvm_info,
        hvm_info_fields=HVM_INFO_TABLE.decode(memory.read(hvm_info.address, hvm_info.size))
        if hvm_info
        else None,
        acpi=acpi,
        memory_map=memory_map,
        untold=frozenset(_untold(kind, info, special, acpi, memory_map, memory)),
    )


def _registers(source: str, vcpus: tuple[Vcpu, ...]) -> Fields:
    started = [vcpu for vcpu in vcpus if vcpu.registers is not None]
    if len(started) != 1 or started[0].id != 0 or started[0].registers is None:
        raise has_run(
            source, f"{len(started)} of its vCPUs have been started, and a builder starts the first alone"
        )
    registers = started[0].registers
    if number(registers, "cr0") & CR0_PG:
        raise has_run(
            source, f"its cr0 is {number(registers, 'cr0'):#x}: paging is on, and it starts with paging off"
        )
    return registers


def _total_pages(kind: Kind, memory_map: tuple[MemoryMapEntry, ...]) -> int:
    """Return the frames of RAM; an HVM guest's first MiB is not in its map."""
    ram = sum(entry.size for entry in memory_map if entry.type == E820_RAM)
    return pages_for(ram + (MIB if kind is Kind.HVM else 0))


def _lacks_ram(memory: MemoryReader, memory_map: tuple[MemoryMapEntry, ...]) -> bool:
    """Return whether some RAM above the first MiB does not exist: it is to be populated on demand."""
    for entry in memory_map:
        if entry.type == E820_RAM and entry.addr + entry.size > MIB:
            frames = FrameRange(
                pfn_of(PhysAddr(max(entry.addr, MIB))), Pfn(pages_for(entry.addr + entry.size))
            )
            if sum(there.pages for there in common_ranges(memory.populated, frames)) < frames.pages:
                return True
    return False


def _untold(
    kind: Kind,
    info: StartInfo,
    special: dict[str, Pfn],
    acpi: AcpiPlaces | None,
    memory_map: tuple[MemoryMapEntry, ...],
    memory: MemoryReader,
) -> Iterator[str]:
    yield "segments.vend"
    if kind is Kind.HVM:
        yield from ("command_line", "firmware_modules", "vnuma")
    if not special:
        yield "special_pages"
    if acpi is None and info.fields["rsdp_paddr"]:
        yield "acpi"
    if _lacks_ram(memory, memory_map):
        yield from ("target_pages", "populate_on_demand")


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads what a builder has left in memory, which may hold anything."""

    source: str
    memory: MemoryReader
    kind: Kind
    at: PhysAddr
    """What rbx points at."""

    def start_info(self) -> StartInfo:
        """Return the start info and its modules."""
        fields = HVM_START_INFO.decode(self.memory.read(self.at, HVM_START_INFO.size))
        if not exists(self.memory, self.at) or fields["magic"] != XEN_HVM_START_MAGIC_VALUE:
            raise has_run(self.source, f"ebx is {self.at:#x}, and no start info is there")
        at, modules = number(fields, "cmdline_paddr"), tuple(self._modules(fields))
        return StartInfo(self.at, fields, self._text(at, _MOST_TEXT) if at else None, modules)

    def _modules(self, fields: Fields) -> Iterator[ModuleEntry]:
        count, at = number(fields, "nr_modules"), number(fields, "modlist_paddr")
        if count > _MOST_MODULES:
            raise has_run(self.source, f"its start info would have {count} modules")
        for index in range(count):
            address = PhysAddr(at + index * HVM_MODLIST_ENTRY.size)
            entry = HVM_MODLIST_ENTRY.decode(self.memory.read(address, HVM_MODLIST_ENTRY.size))
            text_at = number(entry, "cmdline_paddr")
            yield ModuleEntry(
                PhysAddr(number(entry, "paddr")),
                number(entry, "size"),
                PhysAddr(text_at) if text_at else None,
                self._text(text_at, _MODULE_TEXT) if text_at else None,
            )

    def _text(self, at: int, most: int) -> str:
        size = min(most, room_at(self.memory, PhysAddr(at)))
        data = self.memory.read(PhysAddr(at), size).split(b"\0", 1)[0]
        return data.decode(errors="surrogateescape")

    def memory_map(self, fields: Fields) -> tuple[MemoryMapEntry, ...]:
        """Return the memory map that the start info leads to."""
        count, at = number(fields, "memmap_entries"), number(fields, "memmap_paddr")
        if not 0 < count <= E820_MAX or not exists(self.memory, at):
            raise has_run(
                self.source, f"its start info would have a memory map of {count} entries at {at:#x}"
            )
        size = HVM_MEMMAP_TABLE_ENTRY.size
        data = self.memory.read(PhysAddr(at), count * size)
        entries = (HVM_MEMMAP_TABLE_ENTRY.decode(data[index * size :]) for index in range(count))
        return tuple(
            MemoryMapEntry(PhysAddr(number(e, "addr")), number(e, "size"), number(e, "type")) for e in entries
        )

    def segments(
        self, info: StartInfo, acpi: AcpiPlaces | None
    ) -> tuple[tuple[Segment, ...], tuple[Segment, ...]]:
        """Return the segments and HVM's firmware modules; the kernel is what lies below all others."""
        map_at, entries = number(info.fields, "memmap_paddr"), number(info.fields, "memmap_entries")
        end = max(self.at + HVM_START_INFO.size, map_at + entries * HVM_MEMMAP_TABLE_ENTRY.size)
        start_info = self._segment("HVM start info", self.at, end - self.at)
        names = (SYSTEM_FIRMWARE_MODULE,) if self.kind is Kind.HVM else ("module0", "module1")
        modules = [
            self._segment(name, module.paddr, module.size)
            for name, module in zip(names, info.modules, strict=False)
            if module.size
        ]
        lowest = min(segment.pfn for segment in (start_info, *modules))
        frames = kernel_frames(self.memory, lowest, self._of_no_kernel(acpi))
        kernel = Segment("kernel", bytes_of(frames.first), bytes_of(frames.end), frames.first, frames.pages)
        if self.kind is Kind.HVM:
            return (kernel, start_info), tuple(modules)
        return (kernel, *modules, start_info), ()

    def _of_no_kernel(self, acpi: AcpiPlaces | None) -> list[Pfn]:
        """Return frames that hold something else, wherever the kernel is."""
        blobs = acpi.blobs if acpi is not None else ()
        return [*([HVM_INFO_PFN] if self.kind is Kind.HVM else []), *(pfn_of(blob.address) for blob in blobs)]

    def _segment(self, name: str, address: PhysAddr, size: int) -> Segment:
        segment = Segment(name, address, address + size, pfn_of(address), pages_for(size))
        if page_offset(address) or not has_frames(self.memory, segment.frames):
            raise has_run(
                self.source, f"its start info places {name} at {address:#x}, where the guest has no memory"
            )
        return segment

    def special_pages(self) -> dict[str, Pfn]:
        """Return the special pages; none where the file does not have them."""
        frames = special_frames()
        if not has_frames(self.memory, frames):
            return {}
        return {name: Pfn(frames.first + index) for index, name in enumerate(SPECIAL_PAGES)}

    def entry_behind_stub(
        self, entry: int, special: dict[str, Pfn], memory_map: tuple[MemoryMapEntry, ...]
    ) -> int | None:
        """Return where the kernel is entered behind the stub that sets the memory map; None where it has none."""
        if self.kind is not Kind.PVH or not special:
            return None
        at = paddr_of(special["paging"])
        if entry != stub_entry(at):
            return None
        return kernel_entry(self.memory.read(at, PAGE_SIZE), at, self.at, memory_map)

    def ioreq_server(self) -> FrameRange | None:
        """Return an HVM guest's pages of ioreq servers, if they are there."""
        frames = FrameRange.of(IOREQ_SERVER_FIRST, NR_IOREQ_SERVER_PAGES)
        return frames if self.kind is Kind.HVM and has_frames(self.memory, frames) else None

    def hvm_info(self) -> Placed | None:
        """Return where hvmloader's table is, if it is there."""
        if self.kind is not Kind.HVM or kind_of(self.memory)[0] is not Kind.HVM:
            return None
        return Placed("hvm_info_table", _HVM_INFO_ADDRESS, HVM_INFO_TABLE.size)

    def acpi(self, rsdp: PhysAddr, memory_map: tuple[MemoryMapEntry, ...]) -> AcpiPlaces | None:
        """Return where ACPI is, in the pieces that the builder is given; None where it is not all there."""
        area = next((entry.size for entry in memory_map if entry.addr == ACPI_TABLES_ADDRESS), 0)
        blobs = (
            Placed("RSDP", rsdp, RSDP_SIZE),
            Placed("ACPI info", ACPI_INFO_ADDRESS, PAGE_SIZE),
            Placed("ACPI tables", ACPI_TABLES_ADDRESS, area),
        )
        if not rsdp or not area or not all(self._has_bytes(blob) for blob in blobs):
            return None
        tables = tuple(
            Placed(_SPECIAL_TABLES.get(table.name, table.name.upper()), table.address, len(table.data))
            for table in find_tables(self.memory, rsdp)
            if table.data
        )
        return AcpiPlaces(blobs, tables)

    def structures(
        self, start_info: Segment, hvm_info: Placed | None, acpi: AcpiPlaces | None
    ) -> dict[str, bytes]:
        """Return the structures that are in memory, by the names of a directory's files."""
        places = {START_INFO_FILE: Placed("start_info", self.at, start_info.vend - start_info.vstart)}
        if hvm_info is not None:
            places[HVM_INFO_FILE] = hvm_info
        if acpi is not None:
            places |= {RSDP_FILE: acpi.blobs[0], ACPI_INFO_FILE: acpi.blobs[1]}
            places |= {acpi_table_file(table.name): table for table in acpi.tables}
        return {name: self.memory.read(placed.address, placed.size) for name, placed in places.items()}

    def _has_bytes(self, placed: Placed) -> bool:
        if placed.end > 1 << 52 or placed.size > UINT32:
            return False
        return has_frames(self.memory, FrameRange(pfn_of(placed.address), Pfn(pages_for(placed.end))))
