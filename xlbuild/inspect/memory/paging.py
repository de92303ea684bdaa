"""A PV guest's page tables, read back: what one virtual address leads to.

The memory may hold anything.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from xlbuild.built import MemoryReader
from xlbuild.image.model import GuestType
from xlbuild.inspect.memory.room import exists
from xlbuild.plan.pagetables import (
    ENTRIES,
    PAGE_ACCESSED,
    PAGE_DIRTY,
    PAGE_PRESENT,
    PAGE_RW,
    PAGE_USER,
    X86_32_PAE,
    X86_64,
    Paging,
    span_of_entry,
)
from xlbuild.units import (
    PAGE_SIZE,
    UINT64,
    MachineAddr,
    Mfn,
    Pfn,
    PhysAddr,
    mfn_of,
    mfn_of_extended_cr3,
    paddr_of,
    whole_pages,
)

# Bits of an entry that the builder never sets (Intel SDM volume 3, 4.5).
PAGE_LARGE = 1 << 7
PAGE_NX = 1 << 63
PAGE_ADDRESS = (1 << 52) - PAGE_SIZE
"""The bits that hold the frame."""
FLAG_NAMES = (
    (PAGE_PRESENT, "PRESENT"),
    (PAGE_RW, "RW"),
    (PAGE_USER, "USER"),
    (1 << 3, "PWT"),
    (1 << 4, "PCD"),
    (PAGE_ACCESSED, "ACCESSED"),
    (PAGE_DIRTY, "DIRTY"),
    (PAGE_LARGE, "PS"),
    (1 << 8, "GLOBAL"),
    (PAGE_NX, "NX"),
)


PV_PAGING: Mapping[GuestType, tuple[Paging, Callable[[int], Mfn]]] = MappingProxyType(
    {
        GuestType.PV64: (X86_64, lambda cr3: mfn_of(MachineAddr(cr3))),
        GuestType.PV32PAE: (X86_32_PAE, mfn_of_extended_cr3),
    }
)
"""How a PV guest's processor translates, and which frame its cr3 names."""


def identity(mfn: Mfn) -> Pfn | None:
    """Return the guest frame of a machine frame in an image that xlbuild built: the same number."""
    return Pfn(mfn)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a table."""

    level: int
    table: Pfn
    index: int
    value: int

    @property
    def present(self) -> bool:
        """Whether it leads anywhere."""
        return bool(self.value & PAGE_PRESENT)

    @property
    def is_large(self) -> bool:
        """Whether it would map a large page; in a top-level table it cannot."""
        return self.level > 1 and bool(self.value & PAGE_LARGE)

    @property
    def mfn(self) -> Mfn:
        """The machine frame it holds."""
        return Mfn(whole_pages(self.value & PAGE_ADDRESS))

    @property
    def flags(self) -> str:
        """The names of its flags."""
        return ", ".join(name for bit, name in FLAG_NAMES if self.value & bit) or "none"

    def __str__(self) -> str:
        """Return it as messages name it."""
        return f"L{self.level}[{self.index}] of frame {self.table:#x}: {self.value:#x}"


@dataclass(frozen=True, slots=True)
class PageTables:
    """A guest's page tables, where they lie."""

    memory: MemoryReader
    top: Mfn
    """The frame that cr3 names."""
    paging: Paging
    mfn_to_pfn: Callable[[Mfn], Pfn | None] = identity
    """Return the guest frame behind a machine frame; None for one that is not the guest's."""

    def canonical(self, address: int) -> int:
        """Return an address of `address_bits` as the processor has it: with its top bit repeated (x86_64)."""
        masked = address & self.paging.address_mask
        if self.paging is X86_64 and masked >> self.paging.address_bits - 1:
            return masked | ~self.paging.address_mask & UINT64 - 1
        return masked

    def maps_memory(self, entry: Entry) -> bool:
        """Return whether a present entry maps memory and leads to no table."""
        return entry.level == 1 or (entry.is_large and entry.level < self.paging.levels)

    def frame_of(self, entry: Entry) -> Mfn:
        """Return the first machine frame that an entry maps, or the table's that it leads to."""
        span = span_of_entry(entry.level) if self.maps_memory(entry) else PAGE_SIZE
        return Mfn(entry.mfn & -whole_pages(span))


@dataclass(frozen=True, slots=True)
class Access:
    """What a mapping allows: the least that any of its entries does."""

    writable: bool
    user: bool
    executable: bool

    @classmethod
    def of(cls, allowed: int) -> "Access":
        """Return what entries allow together, whose bits `allowed_by` has joined."""
        return cls(bool(allowed & PAGE_RW), bool(allowed & PAGE_USER), bool(allowed & PAGE_NX))

    def __str__(self) -> str:
        """Return it in words."""
        return "writable" if self.writable else "read-only"


def allowed_by(values: Iterable[int]) -> int:
    """Return what all of some entries allow, as the bits RW and USER, and NX for what may be executed."""
    allowed = PAGE_RW | PAGE_USER | PAGE_NX
    for value in values:
        allowed &= value ^ PAGE_NX
    return allowed


@dataclass(frozen=True, slots=True)
class Translation:
    """Where an address leads."""

    path: tuple[Entry, ...]
    """From the top level down, to the entry that maps it or the one that leads nowhere."""
    address: PhysAddr | None
    access: Access
    problem: str | None
    """Why it is not mapped."""


def translate(tables: PageTables, virt: int) -> Translation:
    """Return where a virtual address leads, as the processor finds it."""
    paging = tables.paging
    virt &= paging.address_mask
    mfn = tables.top
    path: list[Entry] = []
    for level in range(paging.levels, 0, -1):
        pfn = tables.mfn_to_pfn(mfn)
        if pfn is None or not exists(tables.memory, paddr_of(pfn)):
            return _nowhere(path, f"the L{level} table would be in frame {mfn:#x}, which the guest has not")
        index = virt // span_of_entry(level) % ENTRIES
        value = int.from_bytes(tables.memory.read(PhysAddr(paddr_of(pfn) + 8 * index), 8), "little")
        entry = Entry(level, pfn, index, value)
        path.append(entry)
        if not entry.present:
            return _nowhere(path, f"not present: {entry}")
        if tables.maps_memory(entry):
            return _found(tables, virt, path)
        mfn = entry.mfn
    raise AssertionError("a level-1 entry is a leaf")


def _found(tables: PageTables, virt: int, path: list[Entry]) -> Translation:
    leaf = path[-1]
    first = tables.mfn_to_pfn(tables.frame_of(leaf))
    if first is None:
        return _nowhere(path, f"it maps machine frame {leaf.mfn:#x}, which is not the guest's: {leaf}")
    address = PhysAddr(paddr_of(first) + virt % span_of_entry(leaf.level))
    return Translation(tuple(path), address, Access.of(allowed_by(entry.value for entry in path)), None)


def _nowhere(path: Sequence[Entry], problem: str) -> Translation:
    return Translation(tuple(path), None, Access(writable=False, user=False, executable=False), problem)
