"""The frame in which every public structure is declared: name, header, fields, and both directions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from construct import (
    Array,
    Bytes,
    Int8ul,
    Int16ub,
    Int16ul,
    Int32ub,
    Int32ul,
    Int64ub,
    Int64ul,
    Renamed,
    Struct,
)

FieldValue: TypeAlias = "int | bytes | Sequence[int]"
Fields: TypeAlias = Mapping[str, FieldValue]
"""A structure's values by field name; what is not named is zero."""

u8, u16, u32, u64 = Int8ul, Int16ul, Int32ul, Int64ul
u16be, u32be, u64be = Int16ub, Int32ub, Int64ub
"""Big-endian: the streams of a save file begin so."""


def array(count: int, element: object) -> object:
    """Return the type of `count` elements in a row."""
    return Array(count, element)


def raw(size: int) -> object:
    """Return the type of `size` bytes that are not looked into."""
    return Bytes(size)


@dataclass(frozen=True, slots=True)
class Layout:
    """One structure of a public header. Fields whose names start with `_` are padding."""

    name: str
    """The C name, with the header's path: `xen.h struct start_info`."""
    declaration: Struct

    @classmethod
    def of(cls, name: str, *fields: tuple[str, object]) -> "Layout":
        """Declare a structure from its fields in order; padding is explicit."""
        return cls(name, Struct(*(Renamed(kind, field) for field, kind in fields)))

    @property
    def size(self) -> int:
        """Size in bytes."""
        return int(self.declaration.sizeof())

    @property
    def field_names(self) -> tuple[str, ...]:
        """The fields in order, without padding."""
        return tuple(c.name for c in self.declaration.subcons if not c.name.startswith("_"))

    def offset_of(self, field: str) -> int:
        """Return a field's offset in bytes; KeyError for a field that the structure does not have."""
        offset = 0
        for subcon in self.declaration.subcons:
            if subcon.name == field:
                return offset
            offset += int(subcon.sizeof())
        raise KeyError(field)

    def size_of(self, field: str) -> int:
        """Return a field's size in bytes; KeyError for a field that the structure does not have."""
        for subcon in self.declaration.subcons:
            if subcon.name == field:
                return int(subcon.sizeof())
        raise KeyError(field)

    def field_sizes(self) -> dict[str, int]:
        """Return every field's size in bytes, padding's too."""
        return {c.name: int(c.sizeof()) for c in self.declaration.subcons}

    def encode(self, fields: Fields) -> bytes:
        """Return the structure's bytes; KeyError for a field it does not have."""
        unknown = set(fields) - set(self.field_names)
        if unknown:
            raise KeyError(f"{self.name} has no {', '.join(sorted(unknown))}")
        values = dict(self.declaration.parse(bytes(self.size)))
        values.update(fields)
        return bytes(self.declaration.build(values))

    def decode(self, data: bytes | memoryview) -> dict[str, FieldValue]:
        """Return the values of a structure at the start of `data`, padding left out."""
        values = self.declaration.parse(bytes(data[: self.size]))
        return {name: _plain(values[name]) for name in self.field_names}

    def numbers(self, data: bytes | memoryview) -> dict[str, int]:
        """Return those values of a structure at the start of `data` that are one number each."""
        return {name: value for name, value in self.decode(data).items() if isinstance(value, int)}

    def is_number(self, field: str) -> bool:
        """Return whether a field's value is one integer."""
        return not field.startswith("_") and isinstance(self.decode(bytes(self.size))[field], int)

    def field_at(self, offset: int) -> tuple[str, int] | None:
        """Return the field that holds a byte and the byte's offset in it; None behind the structure's end."""
        for subcon in self.declaration.subcons:
            size = int(subcon.sizeof())
            if 0 <= offset < size:
                return str(subcon.name), offset
            offset -= size
        return None


def _plain(value: object) -> FieldValue:
    if isinstance(value, int | bytes):
        return value
    assert isinstance(value, Sequence)
    return [int(element) for element in value]
