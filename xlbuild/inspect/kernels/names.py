"""Names of a kernel's addresses: the section and the symbol that each is in."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from functools import cached_property
from typing import NamedTuple

from xlbuild.image.elf import ADDRESS_MASK, ElfFile, SectionHeader
from xlbuild.image.parameters import load_range
from xlbuild.inspect.kernels.elf import SHF_ALLOC, section_name
from xlbuild.inspect.kernels.symbols import STT_FUNC, STT_OBJECT, SymbolNames, symbols


class Distance(NamedTuple):
    """A section or symbol, and how far behind its start an address is."""

    name: str
    bytes: int

    def __str__(self) -> str:
        """Return it as people read it: `startup_64 + 0x10`."""
        return f"{self.name} + {self.bytes:#x}" if self.bytes else self.name


class SymbolPlaces:
    """A file's symbols by their addresses."""

    def __init__(self, elf: ElfFile) -> None:
        """Read the symbols, but no names yet: of several at one address functions and objects, then the first."""
        ranks: list[int] = []
        name_offsets = array("I")
        for symbol in symbols(elf):
            ranks.append(symbol.value << 1 | (symbol.kind not in (STT_FUNC, STT_OBJECT)))
            name_offsets.append(symbol.name_offset)
        self._addresses, self._name_offsets = array("Q"), array("I")
        for number in sorted(range(len(ranks)), key=ranks.__getitem__):
            address = ranks[number] >> 1
            if not self._addresses or address != self._addresses[-1]:
                self._addresses.append(address)
                self._name_offsets.append(name_offsets[number])
        self._names = SymbolNames(elf)

    def at(self, address: int, lowest: int = 0) -> Distance | None:
        """Return the symbol that an address lies in or behind; None where there is none from `lowest` on."""
        index = bisect_right(self._addresses, address) - 1
        if index < 0 or self._addresses[index] < lowest:
            return None
        name = self._names.read(self._name_offsets[index])
        return None if name is None else Distance(name, address - self._addresses[index])


class KernelNames:
    """What a kernel's addresses are called: `.text + 0x10 (startup_64 + 0x10)`."""

    def __init__(self, elf: ElfFile) -> None:
        """Take a kernel; its tables are read when they are first needed."""
        self._elf = elf

    def of(self, address: int) -> str | None:
        """Return the name of a virtual or else a physical address; None where the kernel has nothing with a name."""
        virtual = self.virtual(address)
        return None if virtual is None else self._name(virtual)

    def of_offset(self, offset: int) -> str | None:
        """Return the name of a byte of the kernel's segment in a guest, counted from its first."""
        start, _ = load_range(self._elf)
        virtual = self._of_physical((start + offset) & ADDRESS_MASK)
        return None if virtual is None else self._name(virtual)

    def virtual(self, address: int) -> int | None:
        """Return the virtual address (p_vaddr) that an address is, or that its physical address (p_paddr) has."""
        if any((address - s.vaddr) & ADDRESS_MASK < s.memsz for s in self._elf.loadable):
            return address
        return self._of_physical(address)

    def _of_physical(self, address: int) -> int | None:
        for segment in self._elf.loadable:
            distance = (address - segment.paddr) & ADDRESS_MASK
            if distance < segment.memsz:
                return (segment.vaddr + distance) & ADDRESS_MASK
        return None

    def _name(self, virtual: int) -> str | None:
        section, symbol = self.section_at(virtual), self.symbol_at(virtual)
        if section is None:
            return None if symbol is None else str(symbol)
        return str(section) if symbol is None else f"{section} ({symbol})"

    def section_at(self, virtual: int) -> Distance | None:
        """Return the section that a virtual address lies in."""
        section = self._section(virtual)
        if section is None:
            return None
        return Distance(section_name(self._elf, section) or "section without a name", virtual - section.addr)

    def symbol_at(self, virtual: int) -> Distance | None:
        """Return the nearest symbol at or below a virtual address, where that lies in a section one of the same."""
        section = self._section(virtual)
        return self._symbols.at(virtual, 0 if section is None else section.addr)

    def _section(self, virtual: int) -> SectionHeader | None:
        index = bisect_right(self._sections, virtual, key=lambda section: section.addr) - 1
        if index < 0 or virtual >= self._sections[index].addr + self._sections[index].size:
            return None
        return self._sections[index]

    @cached_property
    def _sections(self) -> list[SectionHeader]:
        """The sections that are in memory, by address."""
        loaded = (s for s in self._elf.section_headers() if s.flags & SHF_ALLOC and s.size)
        return sorted(loaded, key=lambda section: section.addr)

    @cached_property
    def _symbols(self) -> SymbolPlaces:
        return SymbolPlaces(self._elf)
