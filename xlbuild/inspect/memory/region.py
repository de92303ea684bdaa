"""A place in guest-physical memory that has a name: a segment, a special page, a table, a structure."""

from collections.abc import Sequence
from dataclasses import dataclass

from xlbuild.abi.layout import Layout
from xlbuild.units import PhysAddr


@dataclass(frozen=True, slots=True)
class Region:
    """A half-open range of addresses and what lies there."""

    name: str
    """Xen's name, or a table's: `kernel`, `start_info`, `madt`."""
    first: PhysAddr
    end: PhysAddr
    title: str
    """What it is, in words."""
    layout: Layout | None = None
    """The structure at its start, whose fields are to be named."""
    count: int = 1
    """How many of these structures follow one another."""

    @property
    def size(self) -> int:
        """Size in bytes."""
        return self.end - self.first

    def holds(self, address: int) -> bool:
        """Return whether an address lies in it."""
        return self.first <= address < self.end

    def name_of(self, address: int) -> str:
        """Return the name of an address in it: `start_info.cmd_line + 5`, `modlist[1].size`, `kernel + 0x2f000`."""
        offset = address - self.first
        name, size = self.name, self.layout.size if self.layout else 0
        if self.layout is not None and offset < size * self.count:
            field = self.layout.field_at(offset % size)
            assert field is not None
            index = f"[{offset // size}]" if self.count > 1 else ""
            name += index + (f".{field[0]}" if not field[0].startswith("_") else ": padding")
            offset = field[1]
        return f"{name} + {offset if offset < 10 else hex(offset)}" if offset else name


def region_at(regions: Sequence[Region], address: int) -> Region | None:
    """Return the innermost region that holds an address; `regions` by address, those inside another one behind it."""
    return next((region for region in reversed(regions) if region.holds(address)), None)
