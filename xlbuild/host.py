"""What a build may have to know of the host: its memory map, its reserved device memory and who uses that.

Values only, for every stage. They come from a file that the user gives (`--host`, docs/host.md): nothing here asks
the machine the program runs on.
"""

from dataclasses import dataclass
from typing import NamedTuple


class PciAddress(NamedTuple):
    """A PCI device's address: SSSS:BB:DD.F."""

    segment: int
    bus: int
    device: int
    function: int

    def __str__(self) -> str:
        """Return it as everybody writes it."""
        return f"{self.segment:04x}:{self.bus:02x}:{self.device:02x}.{self.function:x}"


@dataclass(frozen=True, slots=True)
class HostRegion:
    """An entry of the host's memory map: bytes `[start, end)` and a type of `abi.e820`."""

    start: int
    end: int
    type: int


@dataclass(frozen=True, slots=True)
class ReservedRegion:
    """Reserved device memory (an RMRR or its like): whole pages `[start, end)`, and the devices that use them."""

    start: int
    end: int
    devices: tuple[PciAddress, ...]


@dataclass(frozen=True, slots=True)
class Host:
    """The host's facts, in the order in which its hypervisor tells them; None: not known."""

    memory_map: tuple[HostRegion, ...] | None
    reserved_device_memory: tuple[ReservedRegion, ...] | None


@dataclass(frozen=True, slots=True)
class HostTopology:
    """The host's CPUs, and which of them belong to each of its NUMA nodes."""

    cpus: int
    nodes: tuple[range, ...]
    is_stand_in: bool = False
    """It stands for a host that is not known: what it lacks may be there."""


STAND_IN_TOPOLOGY = HostTopology(128, (range(128),), is_stand_in=True)
"""The host where none is described: 128 CPUs, as many as an HVM guest can have, in one NUMA node."""

LARGEST_TOPOLOGY = HostTopology(4095, (range(4095),) * 64)
"""A host as large as Xen takes, whose nodes may have any CPU: what is not here is on no host."""
