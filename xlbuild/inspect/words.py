"""Small things said in words."""

from collections.abc import Mapping


def flag_names(value: int, names: Mapping[int, str]) -> str:
    """Return the names of the bits that are set, by bit number; a bit without one is `bit N`."""
    bits = [bit for bit in range(value.bit_length()) if value >> bit & 1]
    return ", ".join(names.get(bit, f"bit {bit}") for bit in bits) or "none"


def counted(count: int, noun: str) -> str:
    """Return a number of things: `1 note`, `2 notes`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
