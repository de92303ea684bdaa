"""Small things said in words."""

from collections.abc import Mapping


def flag_names(value: int, names: Mapping[int, str]) -> str:
    """Return the names of the bits that are set, by bit number; a bit without one is `bit N`."""
    return ", ".join(names.get(bit, f"bit {bit}") for bit in set_bits(value)) or "none"


def set_bits(value: int) -> list[int]:
    """Return the numbers of the bits that are set, ascending."""
    return [bit for bit in range(value.bit_length()) if value >> bit & 1]


def checksum_verdict(data: bytes, at: int) -> str:
    """Return whether bytes add up to 0 modulo 256, in words; `at` is the checksum's offset in them."""
    total = sum(data) & 0xFF
    if total == 0:
        return "ok"
    return f"wrong: it is {data[at]:#x}, would have to be {(data[at] - total) & 0xFF:#x}"


def counted(count: int, noun: str) -> str:
    """Return a number of things: `1 note`, `2 notes`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
