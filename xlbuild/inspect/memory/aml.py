"""What a block of AML declares: the names of its devices, methods and values, as far as they stand in its open.

Code is not followed, only skipped by its length; the walk ends at the first term that has none. Encodings are those
of the ACPI specification, chapter "ACPI Machine Language (AML) Specification".
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from xlbuild.inspect.tree import Branch, Tree, hexadecimal

_MAX_TERMS = 8192
_MAX_DEPTH = 16
"""Devices within devices; deeper than any that firmware has."""
_MAX_SEGMENTS = 16
"""Of one name."""


class _UnknownError(Exception):
    """Here is a term that cannot be skipped, or the end of the data within one."""


@dataclass(frozen=True, slots=True)
class _Package:
    """A term with a length: what it declares, the bytes of fixed fields behind its name, whether terms follow."""

    kind: str
    fixed: int = 0
    holds_terms: bool = False


# By opcode; those of two bytes begin with 0x5b.
_PACKAGES: Mapping[int, _Package] = {
    0x10: _Package("Scope", holds_terms=True),
    0x14: _Package("Method"),
    0x5B81: _Package("Field"),
    0x5B82: _Package("Device", holds_terms=True),
    0x5B83: _Package("Processor", fixed=6, holds_terms=True),
    0x5B84: _Package("PowerResource", fixed=3, holds_terms=True),
    0x5B85: _Package("ThermalZone", holds_terms=True),
    0x5B86: _Package("IndexField"),
    0x5B87: _Package("BankField"),
}
_NAMELESS: Mapping[int, str] = {0xA0: "If", 0xA1: "Else"}
"""Code with a length and without a name."""
_PLAIN: Mapping[int, tuple[str, int]] = {0x15: ("External", 2), 0x5B01: ("Mutex", 1), 0x5B02: ("Event", 0)}
"""Terms without a length: what they declare, and how many bytes follow the name."""
_BUFFER_FIELDS: Mapping[int, int] = {0x8A: 2, 0x8B: 2, 0x8C: 2, 0x8D: 2, 0x8F: 2, 0x5B13: 3}
"""Terms that name a part of a buffer, and how many arguments come before the name."""
_NAME, _ALIAS, _REGION = 0x08, 0x06, 0x5B80
_EXTENDED = 0x5B

_INTEGERS = {0x0A: 1, 0x0B: 2, 0x0C: 4, 0x0E: 8}
_CONSTANTS = {0x00: 0, 0x01: 1, 0xFF: (1 << 64) - 1}
_STRING = 0x0D
_DATA_PACKAGES = {0x11: "buffer", 0x12: "package", 0x13: "package"}
_OPERATIONS = {0x72: "+", 0x74: "-"}
_EISA_NAMES = ("_HID", "_CID")


@dataclass(slots=True)
class _Cursor:
    """A place in the AML; every step stays before `end`."""

    aml: bytes
    at: int
    end: int

    def take(self, size: int) -> bytes:
        if size > self.end - self.at:
            raise _UnknownError
        self.at += size
        return self.aml[self.at - size : self.at]

    def byte(self) -> int:
        return self.take(1)[0]

    def opcode(self) -> int:
        first = self.byte()
        return first << 8 | self.byte() if first == _EXTENDED else first

    def package_end(self) -> int:
        """Return where the package ends whose length is here (PkgLength)."""
        start = self.at
        first = self.byte()
        following = first >> 6
        length = first & 0x3F
        if following:
            length = first & 0xF | int.from_bytes(self.take(following), "little") << 4
        if not self.at <= start + length <= self.end:
            raise _UnknownError
        return start + length

    def name(self, scope: tuple[str, ...]) -> tuple[str, ...]:
        """Return the absolute path of the name that is here (NameString)."""
        lead = self.byte()
        if lead == ord("\\"):
            scope, lead = (), self.byte()
        while lead == ord("^"):
            scope, lead = scope[:-1], self.byte()
        if lead == 0:
            return scope
        if lead in (0x2E, 0x2F):
            count = 2 if lead == 0x2E else self.byte()
        else:
            count, self.at = 1, self.at - 1
        if count > _MAX_SEGMENTS:
            raise _UnknownError
        segments = tuple(self.take(4).decode("ascii", errors="replace") for _ in range(count))
        if not all(_is_segment(segment) for segment in segments):
            raise _UnknownError
        return (*scope, *segments)


def _is_segment(text: str) -> bool:
    return (
        text.isascii() and text.replace("_", "A").isalnum() and text == text.upper() and not text[0].isdigit()
    )


@dataclass(slots=True)
class _Walk:
    """A walk on its way: where it is, inside of what, and what it has found."""

    cursor: _Cursor
    objects: list[Branch] = field(default_factory=list)
    outer: list[tuple[int, tuple[str, ...]]] = field(default_factory=list)
    """Where each package that the cursor is in ends, and the scope that goes on behind it."""


def describe_aml(aml: bytes) -> Branch:
    r"""Return what a table's AML declares: rows of `path`, `kind` and `value`, and how far it was understood.

    `declares` counts them by kind.
    At most 8192 terms are looked at. `value` is null for what is not a plain value.
    """
    walk = _Walk(_Cursor(aml, 0, len(aml)))
    understood = _run(walk)
    kinds = Counter(str(row["kind"]) for row in walk.objects)
    declares = ", ".join(f"{count} {kind}" for kind, count in kinds.items()) or "nothing"
    return {"size": len(aml), "understood": understood, "declares": declares, "objects": walk.objects}


def _run(walk: _Walk) -> str:
    """Walk; return how far it went, in words."""
    cursor, size = walk.cursor, len(walk.cursor.aml)
    scope: tuple[str, ...] = ()
    start = 0
    try:
        for _ in range(_MAX_TERMS):
            while walk.outer and cursor.at == cursor.end:
                cursor.end, scope = walk.outer.pop()
            start = cursor.at
            if start == size:
                return "all of it"
            scope = _term(walk, scope)
    except _UnknownError:
        return f"{start} of {size} bytes: 0x{cursor.aml[start : start + 2].hex()} is not followed"
    return f"{start} of {size} bytes: there are more terms than {_MAX_TERMS}"


def _term(walk: _Walk, scope: tuple[str, ...]) -> tuple[str, ...]:
    """Take one term; return the scope of what follows."""
    cursor = walk.cursor
    opcode = cursor.opcode()
    if package := _PACKAGES.get(opcode):
        return _package(walk, package, scope)
    value: Tree = None
    if opcode in _NAMELESS:
        cursor.at = cursor.package_end()
        return scope
    if opcode == _NAME:
        kind, path = "Name", cursor.name(scope)
        value = _data(cursor, is_id=bool(path) and path[-1] in _EISA_NAMES)
    elif opcode == _ALIAS:
        value, kind, path = _text(cursor.name(scope)), "Alias", cursor.name(scope)
    elif opcode == _REGION:
        kind, path, value = "OperationRegion", cursor.name(scope), _region(cursor)
    elif opcode in _PLAIN:
        kind, fixed = _PLAIN[opcode]
        path = cursor.name(scope)
        cursor.take(fixed)
    elif opcode in _BUFFER_FIELDS:
        value = " ".join(_sum(cursor) for _ in range(_BUFFER_FIELDS[opcode]))
        kind, path = "BufferField", cursor.name(scope)
    else:
        raise _UnknownError
    walk.objects.append({"path": _text(path), "kind": kind, "value": value})
    return scope


def _package(walk: _Walk, package: _Package, scope: tuple[str, ...]) -> tuple[str, ...]:
    """Take a term that has a length: go into it if it holds terms, else behind it."""
    cursor = walk.cursor
    end, outer = cursor.package_end(), cursor.end
    cursor.end = end
    path = cursor.name(scope)
    cursor.take(package.fixed)
    walk.objects.append({"path": _text(path), "kind": package.kind, "value": None})
    if not package.holds_terms:
        cursor.at, cursor.end = end, outer
        return scope
    if len(walk.outer) == _MAX_DEPTH:
        raise _UnknownError
    walk.outer.append((outer, scope))
    return path


def _data(cursor: _Cursor, *, is_id: bool = False) -> Tree:
    """Take a value (DataRefObject) and return it: integers in hex, strings as they are."""
    lead = cursor.byte()
    if lead == _STRING:
        end = cursor.aml.find(b"\0", cursor.at, cursor.end)
        if end < 0:
            raise _UnknownError
        text = cursor.take(end - cursor.at).decode("ascii", errors="backslashreplace")
        cursor.take(1)
        return text
    if lead in _DATA_PACKAGES:
        start = cursor.at
        cursor.at = cursor.package_end()
        return f"{_DATA_PACKAGES[lead]} ({cursor.at - start} bytes of AML)"
    if lead in _CONSTANTS:
        return hexadecimal(_CONSTANTS[lead])
    if lead in _INTEGERS:
        number = int.from_bytes(cursor.take(_INTEGERS[lead]), "little")
        return _eisa_id(number) if is_id and lead == 0x0C else hexadecimal(number)
    raise _UnknownError


def _region(cursor: _Cursor) -> str:
    """Take what follows an operation region's name: its space, offset and length."""
    space = cursor.byte()
    offset, length = _sum(cursor), _sum(cursor)
    return f"address space {space:#x} from {offset}, {length} bytes"


def _sum(cursor: _Cursor) -> str:
    """Take a constant, a name, or two of them that are added or subtracted; anything else is not followed."""
    operation = _OPERATIONS.get(cursor.aml[cursor.at]) if cursor.at < cursor.end else None
    if operation is None:
        return str(_constant_or_name(cursor))
    cursor.take(1)
    first, second = _constant_or_name(cursor), _constant_or_name(cursor)
    cursor.name(())  # where the result goes: nowhere is the empty name
    return f"{first} {operation} {second}"


def _constant_or_name(cursor: _Cursor) -> Tree:
    lead = cursor.aml[cursor.at : cursor.at + 1]
    if lead.isupper() or lead in (b"_", b"\\", b"^"):
        return ".".join(cursor.name(()))
    return _data(cursor)


def _eisa_id(number: int) -> str:
    """Return a compressed EISA id in its plain form: three letters, four digits (EISAID of ASL)."""
    value = int.from_bytes(number.to_bytes(4, "little"), "big")
    letters = "".join(chr(0x40 + (value >> shift & 0x1F)) for shift in (26, 21, 16))
    return f"{letters}{value & 0xFFFF:04X}"


def _text(path: tuple[str, ...]) -> str:
    r"""Return a path as ASL has it, without the padding of short names: `\_SB.C000`."""
    return "\\" + ".".join(segment.rstrip("_") if segment.strip("_") else segment for segment in path)
