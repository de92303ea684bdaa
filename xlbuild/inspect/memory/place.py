"""What an address means that somebody asks for: virtual, physical or a frame.

ADDR is a number, decimal or `0x…`, that may say what it is: `virt:`, `phys:`, or `frame:` (`pfn:` is the same). One
that does not is, in a PV guest, a virtual address where the page tables map it; else, in any guest, a physical
address where there is memory; else a frame where there is one. If it is nothing of all this, it counts as virtual in
a PV guest and as physical in the others. A guest in an HVM container starts without paging: its virtual addresses
are physical ones.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from xlbuild.built import MemoryReader
from xlbuild.inspect.address import parse_address
from xlbuild.inspect.memory.paging import PageTables, Translation, translate
from xlbuild.inspect.memory.region import Region, region_at
from xlbuild.inspect.memory.room import exists
from xlbuild.plan.pagetables import X86_64
from xlbuild.units import UINT64, Pfn, PhysAddr, bytes_of, merge_ranges, paddr_of, pfn_of, whole_pages


class Space(Enum):
    """What a number may be."""

    VIRTUAL = "virt"
    PHYSICAL = "phys"
    FRAME = "frame"


_SPACES = {"virt": Space.VIRTUAL, "phys": Space.PHYSICAL, "frame": Space.FRAME, "pfn": Space.FRAME}
_FRAMES = whole_pages(UINT64)
_LIMITS = {"": UINT64, "virt": UINT64, "phys": UINT64, "frame": _FRAMES, "pfn": _FRAMES}
_HINT = "write 0x1f3000, phys:0x1f3000, virt:0xffffffff81000000 or frame:0x1f3"
_WORDS = {
    Space.VIRTUAL: "a virtual address",
    Space.PHYSICAL: "a physical address",
    Space.FRAME: "a frame",
}


@dataclass(frozen=True, slots=True)
class AddressSpace:
    """A guest's memory, what lies in it, and how it is mapped."""

    memory: MemoryReader
    regions: tuple[Region, ...]
    """By address, those inside another one behind it."""
    page_tables: PageTables | None = None
    """A PV guest's."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an address leads."""

    asked: str
    understood: str
    """What the number was taken for and why, in words."""
    also: tuple[str, ...]
    """What else it might mean, each with how to ask for it."""
    virtual: int | None
    """The virtual address that was asked for, if it was one."""
    translation: Translation | None
    """What the page tables make of that."""
    physical: PhysAddr | None
    """None: a virtual address that is not mapped."""
    problem: str | None
    """Why there is no physical address."""


def find_place(space: AddressSpace, text: str) -> Place:
    """Return where an address leads that is written as ADDR; UsageError where it is none."""
    prefix, number = parse_address(text, _LIMITS, _HINT)
    named = _SPACES.get(prefix)
    kind, why = (named, "the prefix says so") if named else _guess(space, number)
    also = () if named else tuple(_other_meanings(space, number, kind))
    understood = f"{_WORDS[kind]}: {why}"
    if kind is not Space.VIRTUAL:
        address = paddr_of(Pfn(number)) if kind is Space.FRAME else PhysAddr(number)
        return Place(text, understood, also, None, None, address, None)
    if space.page_tables is None:
        understood += "; the guest starts without paging, so it is a physical one, too"
        return Place(text, understood, also, None, None, PhysAddr(number), None)
    problem = not_an_address(space.page_tables, number)
    if problem is not None:
        return Place(text, understood, also, number, None, None, problem)
    found = translate(space.page_tables, number)
    return Place(text, understood, also, number, found, found.address, found.problem)


def why_nothing(memory: MemoryReader, address: int) -> str:
    """Return why there is no memory at a physical address, in words."""
    ranges = merge_ranges(memory.populated)
    pfn = pfn_of(PhysAddr(address))
    at = bisect_right(ranges, pfn, key=lambda frames: frames.first)
    if not ranges:
        return "the guest has no memory at all"
    if at == 0:
        return f"below the guest's memory, which starts at {paddr_of(ranges[0].first):#x}"
    if at == len(ranges):
        return f"beyond the guest's memory, which ends at {paddr_of(ranges[-1].end):#x}"
    return f"a hole between {paddr_of(ranges[at - 1].end):#x} and {paddr_of(ranges[at].first):#x}"


def _guess(space: AddressSpace, number: int) -> tuple[Space, str]:
    """Return what a bare number is taken for, and why."""
    tables = space.page_tables
    if tables is not None and _is_mapped(tables, number):
        return Space.VIRTUAL, "the page tables map it"
    virtual = "it is not mapped as a virtual one, and " if tables is not None else ""
    if exists(space.memory, number):
        return Space.PHYSICAL, f"{virtual}the guest has memory there"
    if exists(space.memory, bytes_of(number)):
        return Space.FRAME, f"{virtual}the guest has this frame, and no memory at this address"
    if tables is None:
        return Space.PHYSICAL, "the guest has neither memory there nor a frame of this number"
    return (
        Space.VIRTUAL,
        "nothing is mapped there, and it is no address or frame of the guest's memory either",
    )


def _other_meanings(space: AddressSpace, number: int, taken: Space) -> Iterator[str]:
    """Yield what else a bare number might be, where there is something."""
    tables = space.page_tables
    if taken is not Space.VIRTUAL and tables is not None and _is_mapped(tables, number):
        yield f"virt:{number:#x}"
    here = translate(tables, number).address if taken is Space.VIRTUAL and tables is not None else None
    for kind, address in ((Space.PHYSICAL, number), (Space.FRAME, bytes_of(number))):
        if kind is not taken and address != here and exists(space.memory, address):
            yield f"{kind.value}:{number:#x} ({_owner(space, address)})"


def _owner(space: AddressSpace, address: int) -> str:
    region = region_at(space.regions, address)
    return region.name_of(address) if region else "memory in which nothing was placed"


def _is_mapped(tables: PageTables, number: int) -> bool:
    return not_an_address(tables, number) is None and translate(tables, number).address is not None


def not_an_address(tables: PageTables, number: int) -> str | None:
    """Return why the processor would take a number for no virtual address at all."""
    if tables.canonical(number) == number:
        return None
    if tables.paging is X86_64:
        return "it is not canonical: bits 48 to 63 of an address are as bit 47 is"
    return f"addresses of this guest have {tables.paging.address_bits} bits"
