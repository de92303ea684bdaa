"""Hosts to build guests for: their facts as a line file for the fake hypervisor, and as a host file for xlbuild."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolstack import ROOT

RAM, RESERVED, ACPI, NVS, UNUSABLE = 1, 2, 3, 4, 5


@dataclass(frozen=True)
class HostFacts:
    """A host's memory map (address, size, type), and its reserved device memory (address, size, devices)."""

    memory_map: tuple[tuple[int, int, int], ...]
    reserved: tuple[tuple[int, int, tuple[str, ...]], ...] = ()

    def lines(self) -> str:
        """Return what FAKEXEN_HOST names (fakexen/host.c)."""
        entries = [f"e820 {addr:#x} {size:#x} {kind}" for addr, size, kind in self.memory_map]
        regions = [f"rdm {addr:#x} {size:#x} {' '.join(users)}" for addr, size, users in self.reserved]
        return "\n".join([*entries, *regions, ""])

    def document(self) -> dict[str, Any]:
        """Return what `--host` names."""
        return {
            "schema": "xlbuild.host/1",
            "memory_map": [
                {"addr": f"{addr:#x}", "size": f"{size:#x}", "type": kind}
                for addr, size, kind in self.memory_map
            ],
            "reserved_device_memory": [
                {"addr": f"{addr:#x}", "size": size, "devices": list(users)}
                for addr, size, users in self.reserved
            ],
        }

    @classmethod
    def of(cls, document: dict[str, Any]) -> "HostFacts":
        """Return the facts of a host file whose numbers are all strings."""
        return cls(
            tuple((int(e["addr"], 16), int(e["size"], 16), e["type"]) for e in document["memory_map"]),
            tuple(
                (int(e["addr"], 16), int(e["size"], 16), tuple(e["devices"]))
                for e in document["reserved_device_memory"]
            ),
        )

    def write(self, directory: Path) -> tuple[Path, Path]:
        """Write both files; the fake hypervisor's first."""
        lines, document = directory / "host.lines", directory / "host.json"
        lines.write_text(self.lines())
        document.write_text(json.dumps(self.document()))
        return lines, document


_BIOS = ((0, 0x9FC00, RAM), (0x9FC00, 0x400, RESERVED), (0xF0000, 0x10000, RESERVED))
USB, SECOND_USB, GRAPHICS, FAR = "0000:00:1a.0", "0000:00:1d.0", "0000:00:02.0", "0001:03:00.7"

SMALL = HostFacts(
    (
        *_BIOS,
        (0x100000, 0xBFEF0000, RAM),
        (0xBFFF0000, 0x10000, ACPI),
        (0xFEFFC000, 0x4000, RESERVED),
        (1 << 32, 1 << 30, RAM),
    ),
    ((0xAD000000, 0x10000, (USB,)),),
)
"""A virtual machine's kind of map, with something of 64 KiB for the USB controller's firmware."""

SERVER = HostFacts(
    (
        (0, 0x9B000, RAM),
        (0x9B000, 0x65000, RESERVED),
        (0x100000, 0x78E00000, RAM),
        (0x78F00000, 0x100000, UNUSABLE),
        (0x79000000, 0x1400000, RESERVED),
        (0x7A400000, 0x200000, ACPI),
        (0x7A600000, 0x300000, NVS),
        (0x7A900000, 0x5700000, RESERVED),
        (0x80000000, 0x10000000, RESERVED),
        (0xFD000000, 0x3000000, RESERVED),
        (1 << 32, 0x1F80000000, RAM),
    ),
    (
        (0x79A5C000, 0x2D000, (USB, SECOND_USB)),
        (0x7D000000, 0x2800000, (GRAPHICS,)),
        (0x88123000, 0x5000, (FAR,)),
    ),
)
"""A server of 128 GiB; its RAM below 4 GiB ends below 2 GiB."""

LAPTOP = HostFacts(
    (
        (0, 0x58000, RAM),
        (0x58000, 0x1000, RESERVED),
        (0x59000, 0x47000, RAM),
        (0xA0000, 0x60000, RESERVED),
        (0x100000, 0x3FF00000, RAM),
        (0x40000000, 0x1000, RESERVED),
        (0x40001000, 0x50E6C000, RAM),
        (0x90E6D000, 0x1000, NVS),
        (0x90E6E000, 0x31000, RESERVED),
        (0x90E9F000, 0xA161000, RAM),
        (0x9B000000, 0x1000000, RAM),
        (0x9C000000, 0x4000000, RESERVED),
        (0xE0000000, 0x10000000, RESERVED),
        (1 << 32, 0x35E000000, RAM),
        (0x45E000000, 0x2000000, RESERVED),
    ),
    ((0x9BB30000, 0x20000, (USB,)), (0x9D800000, 0x2800000, (GRAPHICS,))),
)
"""RAM in pieces between what devices have, and something reserved above 4 GiB."""

UNSORTED = HostFacts(
    (
        (0xFEE00000, 0x1000, RESERVED),
        (1 << 32, 0x80000000, RAM),
        (0x20000000, 0x3000, NVS),
        (0x8000000, 0x18000000, RAM),
        (0x100000, 0x7F00000, RAM),
        (0x30000000, 0x1000, 20),
        (0x20003000, 0xFFFD000, RAM),
        (0x20002000, 0x2000, RESERVED),
    ),
    ((0xE0000000, 0x1000, (FAR, USB)), (0x84000000, 0x1000000, (USB,)), (0x84000000, 0x2000, (FAR,))),
)
"""Entries in no order, one of a type of its own, two that overlap; two regions that start at one place."""

HOLES = HostFacts(
    (
        (0, 0xA0000, RAM),
        (0x100000, 0x3F00000, RAM),
        (0x4000400, 0x1FFFC00, RAM),
        (0x8000000, 0, RESERVED),
        (0x10000000, 0x1001, RAM),
        (0x10002001, 0xFFF, UNUSABLE),
        (0x18000000, 0x800, ACPI),
        (0x90000000, 0x30000000, RAM),
    ),
    ((0xA0000000, 0x1000, ()), (1 << 32, 0x100000, (SECOND_USB,)), (0xC0001000, 0x1000, (GRAPHICS,))),
)
"""Gaps between pieces of RAM, sizes that are no pages, one that is zero."""

ALL_RAM = HostFacts(((0x100000, 0x7FF00000, RAM), (1 << 32, 1 << 32, RAM)))
"""Nothing but RAM, and nothing reserved."""

HOSTS = {
    "small": SMALL,
    "server": SERVER,
    "laptop": LAPTOP,
    "unsorted": UNSORTED,
    "holes": HOLES,
    "all-ram": ALL_RAM,
    "example": HostFacts.of(json.loads((ROOT / "docs" / "host-example.json").read_text())),
}
