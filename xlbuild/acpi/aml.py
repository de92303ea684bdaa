"""AML, the byte code of ACPI: an encoder for the terms that the DSDT of a PVH guest is made of.

Every function returns one term's bytes; terms nest by being passed on. Encodings are those of the ACPI
specification, chapter "ACPI Machine Language (AML) Specification"; the docstrings cite its production names.
"""

import re
from typing import NewType

Term = NewType("Term", bytes)
"""One encoded term: a piece of data or the definition of an object."""

_SEGMENT = re.compile(r"[A-Z_][A-Z0-9_]{0,3}")
_DUAL_NAME, _MULTI_NAME = b"\x2e", b"\x2f"
_MAX_SEGMENTS = 255

_INTEGER_PREFIXES = ((1, b"\x0a"), (2, b"\x0b"), (4, b"\x0c"), (8, b"\x0e"))


def integer(value: int) -> Term:
    """Return a constant in its shortest form (ComputationalData); ValueError outside 0 .. 2^64 - 1."""
    if value in (0, 1):
        return Term(bytes([value]))  # ZeroOp, OneOp
    for size, prefix in _INTEGER_PREFIXES:
        if 0 <= value < 1 << 8 * size:
            return Term(prefix + value.to_bytes(size, "little"))
    raise ValueError(f"{value} is not an unsigned 64-bit integer")


def string(text: str) -> Term:
    """Return a NUL-terminated constant (String); ValueError unless all characters are ASCII 1 to 127."""
    if not text.isascii() or "\0" in text:
        raise ValueError(f"{text!r} cannot be an AML string")
    return Term(b"\x0d" + text.encode("ascii") + b"\0")


def name(path: str, value: Term) -> Term:
    """Return the definition of a named value (DefName)."""
    return Term(b"\x08" + name_string(path) + value)


def scope(path: str, *terms: Term) -> Term:
    """Return terms that are defined below an existing object (DefScope)."""
    return _package(b"\x10", name_string(path), *terms)


def device(path: str, *terms: Term) -> Term:
    """Return the definition of a device and what belongs to it (DefDevice)."""
    return _package(b"\x5b\x82", name_string(path), *terms)


def name_string(path: str) -> bytes:
    r"""Return a dotted path, absolute with a leading `\` (NameString); ValueError if it is none.

    Segments of fewer than four characters are padded with `_`, as in ASL.
    """
    relative = path.removeprefix("\\")
    root = b"\\" if relative != path else b""
    segments = relative.split(".") if relative else []
    if not path or len(segments) > _MAX_SEGMENTS or not all(map(_SEGMENT.fullmatch, segments)):
        raise ValueError(f"{path!r} is not an ACPI name")
    encoded = b"".join(segment.ljust(4, "_").encode("ascii") for segment in segments)
    match len(segments):
        case 0:
            return root + b"\0"
        case 1:
            return root + encoded
        case 2:
            return root + _DUAL_NAME + encoded
        case count:
            return root + _MULTI_NAME + bytes([count]) + encoded


def package_length(size: int) -> bytes:
    """Return the length, its own bytes included, of a package whose rest is `size` bytes (PkgLength).

    1 to 4 bytes, the fewest that hold it: a single byte has 6 bits of the length; else the first has the
    lowest 4 and, in its top 2 bits, how many bytes of 8 more bits follow. ValueError from 2^28 bytes on.
    """
    if size + 1 < 1 << 6:
        return bytes([size + 1])
    for following in (1, 2, 3):
        length = size + 1 + following
        if length < 1 << 4 + 8 * following:
            return bytes([following << 6 | length & 0xF]) + (length >> 4).to_bytes(following, "little")
    raise ValueError(f"{size} bytes do not fit an AML package")


def _package(opcode: bytes, *parts: bytes) -> Term:
    rest = b"".join(parts)
    return Term(opcode + package_length(len(rest)) + rest)
