"""Reading a host file: what `--host` names (docs/host.md, host.schema.json)."""

import re

from xlbuild.abi.e820 import E820_MAX
from xlbuild.emit.jsonplace import DocumentKind, Place, parse_document, shown
from xlbuild.errors import ConfigError
from xlbuild.host import Host, HostRegion, PciAddress, ReservedRegion
from xlbuild.units import page_offset

SCHEMA = "xlbuild.host/1"

_HIGHEST_ADDRESS = 1 << 52
"""What x86 processors can address at most, in bytes."""
_MOST_DEVICES = 1 << 16
_PCI_ADDRESS = re.compile("([0-9a-fA-F]{4}):([0-9a-fA-F]{2}):([01][0-9a-fA-F])\\.([0-7])")

_KIND = DocumentKind(
    "host file",
    ConfigError,
    no_json="host-file-syntax",
    invalid="host-file-invalid",
    hint="docs/host.md describes the file; scripts/host-facts writes it on a host",
)


def parse_host(data: bytes, file: str) -> Host:
    """Return what a host file says; ConfigError with the place of what is wrong in it."""
    top = parse_document(data, _KIND, file)
    top.check_object("schema", "comment", "memory_map", "reserved_device_memory")
    schema = top.required("schema")
    if schema.value != SCHEMA:
        schema.wrong(f"{shown(schema.value)} is not {SCHEMA!r}, the version that is known")
    memory_map, reserved = top.member("memory_map"), top.member("reserved_device_memory")
    return Host(
        memory_map.each(_region, 1, E820_MAX) if memory_map else None,
        reserved.each(_reserved, 0, E820_MAX) if reserved else None,
    )


def _extent(place: Place) -> tuple[int, int]:
    """Return start and end of what has an address and a size."""
    addr = place.required("addr").number(0, _HIGHEST_ADDRESS)
    size = place.required("size").number(0, _HIGHEST_ADDRESS - addr)
    return addr, addr + size


def _region(place: Place) -> HostRegion:
    place.check_object("addr", "size", "type")
    return HostRegion(*_extent(place), place.required("type").number(1, 0xFFFFFFFF))


def _reserved(place: Place) -> ReservedRegion:
    place.check_object("addr", "size", "devices")
    start, end = _extent(place)
    if page_offset(start) or page_offset(end) or start == end:
        place.wrong(f"{start:#x}..{end:#x} is not one or more whole pages of 0x1000 bytes")
    return ReservedRegion(start, end, place.required("devices").each(_pci_address, 0, _MOST_DEVICES))


def _pci_address(place: Place) -> PciAddress:
    match = _PCI_ADDRESS.fullmatch(place.value) if isinstance(place.value, str) else None
    if match is None:
        place.wrong(f'{shown(place.value)} is no PCI address like "0000:00:1a.0"')
    return PciAddress(*(int(part, 16) for part in match.groups()))
