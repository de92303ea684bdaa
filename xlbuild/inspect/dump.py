"""Bytes for people: a hex dump."""

from xlbuild.inspect.tree import Branch, hexadecimal

_ROW = 16
_HALF = 8


def dump_rows(data: bytes, address: int) -> list[Branch]:
    """Return rows of 16 bytes each, with their addresses, which start at `address`; equal rows are told once."""
    rows: list[Branch] = []
    previous: bytes | None = None
    repeated = False
    for offset in range(0, len(data), _ROW):
        row = data[offset : offset + _ROW]
        is_last = offset + _ROW >= len(data)
        if row == previous and not is_last:
            if not repeated:
                rows.append({"address": "…", "bytes": "the same", "text": ""})
            repeated = True
            continue
        previous, repeated = row, False
        rows.append({"address": hexadecimal(address + offset), "bytes": _hex(row), "text": _text(row)})
    return rows


def _hex(row: bytes) -> str:
    return "  ".join(part.hex(" ") for part in (row[:_HALF], row[_HALF:]) if part)


def _text(row: bytes) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
