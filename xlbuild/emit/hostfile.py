"""Reading a host file: what `--host` names (docs/host.md, host.schema.json)."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn, TypeVar

from xlbuild.abi.e820 import E820_MAX
from xlbuild.errors import ConfigError, Where
from xlbuild.host import Host, HostRegion, PciAddress, ReservedRegion
from xlbuild.units import page_offset

SCHEMA = "xlbuild.host/1"

_HIGHEST_ADDRESS = 1 << 52
"""What x86 processors can address at most, in bytes."""
_MOST_DEVICES = 1 << 16
_MOST_DIGITS = 1000
_HEX = re.compile("0[xX][0-9a-fA-F]+")
_PCI_ADDRESS = re.compile("([0-9a-fA-F]{4}):([0-9a-fA-F]{2}):([01][0-9a-fA-F])\\.([0-7])")
_HOW_TO = "docs/host.md describes the file; scripts/host-facts writes it on a host"

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class _Place:
    """A value of the document, and where it stands."""

    value: object
    file: str
    path: str = ""

    def member(self, name: str) -> "_Place | None":
        """Return an object's member; None: there is none."""
        assert isinstance(self.value, dict)
        if name not in self.value:
            return None
        return _Place(self.value[name], self.file, f"{self.path}.{name}".lstrip("."))

    def required(self, name: str) -> "_Place":
        """Return an object's member that has to be there."""
        member = self.member(name)
        if member is None:
            self.wrong(f"it has no member {name!r}")
        return member

    def check_object(self, *members: str) -> None:
        """Refuse what is no object, or has other members."""
        if not isinstance(self.value, dict):
            self.wrong(f"{_shown(self.value)} is no object")
        for name in self.value:
            if name not in members:
                self.wrong(f"{_shown(name)} is none of its members, which are {', '.join(members)}")

    def each(self, read: "Callable[[_Place], _Value]", least: int, most: int) -> tuple[_Value, ...]:
        """Return an array's elements, each read by `read`."""
        if not isinstance(self.value, list):
            self.wrong(f"{_shown(self.value)} is no array")
        if not least <= len(self.value) <= most:
            self.wrong(f"it has {len(self.value)} elements, and can have {least} to {most}")
        places = (_Place(value, self.file, f"{self.path}[{n}]") for n, value in enumerate(self.value))
        return tuple(read(place) for place in places)

    def number(self, least: int, most: int) -> int:
        """Return an integer, given as one or as "0x…"."""
        value = self.value
        if isinstance(value, str) and _HEX.fullmatch(value):
            value = int(value, 16)
        if not isinstance(value, int) or isinstance(value, bool):
            self.wrong(f'{_shown(self.value)} is neither an integer nor a string like "0x1000"')
        if not least <= value <= most:
            self.wrong(f"{_shown(self.value)} is not within {least:#x} to {most:#x}")
        return value

    def wrong(self, cause: str) -> NoReturn:
        """Raise the error for this value."""
        raise ConfigError(
            "host-file-invalid",
            "the host file is wrong",
            cause=cause,
            hint=_HOW_TO,
            where=Where(self.file, key=self.path or None),
        )


def parse_host(data: bytes, file: str) -> Host:
    """Return what a host file says; ConfigError with the place of what is wrong in it."""
    top = _Place(_json(data, file), file)
    top.check_object("schema", "comment", "memory_map", "reserved_device_memory")
    schema = top.required("schema")
    if schema.value != SCHEMA:
        schema.wrong(f"{_shown(schema.value)} is not {SCHEMA!r}, the version that is known")
    memory_map, reserved = top.member("memory_map"), top.member("reserved_device_memory")
    return Host(
        memory_map.each(_region, 1, E820_MAX) if memory_map else None,
        reserved.each(_reserved, 0, E820_MAX) if reserved else None,
    )


def _json(data: bytes, file: str) -> object:
    try:
        return json.loads(data, object_pairs_hook=_members, parse_int=_integer)
    except json.JSONDecodeError as error:
        where, cause = Where(file, error.lineno, error.colno), error.msg.lower()
    except RecursionError:
        where, cause = Where(file), "its arrays and objects are nested too deeply"
    except ValueError as error:  # bytes that are no text, and what the functions below refuse
        where, cause = Where(file), str(error)
    raise ConfigError("host-file-syntax", "the host file is no JSON", cause=cause, hint=_HOW_TO, where=where)


def _integer(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ValueError(f"a number in it has {len(digits)} digits")
    return int(digits)


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return an object's members; ValueError where one stands twice, of which json would take the last."""
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"an object has the member {_shown(twice)} twice")
    return members


def _extent(place: _Place) -> tuple[int, int]:
    """Return start and end of what has an address and a size."""
    addr = place.required("addr").number(0, _HIGHEST_ADDRESS)
    size = place.required("size").number(0, _HIGHEST_ADDRESS - addr)
    return addr, addr + size


def _region(place: _Place) -> HostRegion:
    place.check_object("addr", "size", "type")
    return HostRegion(*_extent(place), place.required("type").number(1, 0xFFFFFFFF))


def _reserved(place: _Place) -> ReservedRegion:
    place.check_object("addr", "size", "devices")
    start, end = _extent(place)
    if page_offset(start) or page_offset(end) or start == end:
        place.wrong(f"{start:#x}..{end:#x} is not one or more whole pages of 0x1000 bytes")
    return ReservedRegion(start, end, place.required("devices").each(_pci_address, 0, _MOST_DEVICES))


def _pci_address(place: _Place) -> PciAddress:
    match = _PCI_ADDRESS.fullmatch(place.value) if isinstance(place.value, str) else None
    if match is None:
        place.wrong(f'{_shown(place.value)} is no PCI address like "0000:00:1a.0"')
    return PciAddress(*(int(part, 16) for part in match.groups()))


def _shown(value: object) -> str:
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "an array"
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:59] + "…"
