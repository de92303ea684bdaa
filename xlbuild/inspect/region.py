"""A place in guest-physical memory that has a name: a segment, a special page, a table, a structure."""

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

    @property
    def size(self) -> int:
        """Size in bytes."""
        return self.end - self.first

    def holds(self, address: int) -> bool:
        """Return whether an address lies in it."""
        return self.first <= address < self.end
