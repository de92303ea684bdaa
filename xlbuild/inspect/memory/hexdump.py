"""Bytes as rows of sixteen: where they are, their digits, and the characters that can be shown."""

from xlbuild.inspect.tree import Branch, hexadecimal
from xlbuild.units import KIB

ROW = 16
DUMP_LENGTH = 256
"""Bytes that are shown at an address, if nobody asks for more or less."""
MOST_DUMPED = 64 * KIB


def describe_bytes(data: bytes, address: int) -> list[Branch]:
    """Return rows of `at`, `bytes` and `text`, the first at an address."""
    return [
        {"at": hexadecimal(address + at), "bytes": row.hex(" "), "text": _shown(row)}
        for at in range(0, len(data), ROW)
        for row in [data[at : at + ROW]]
    ]


def _shown(row: bytes) -> str:
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
