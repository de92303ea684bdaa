"""Unsigned numbers at the start of a text, as C's strtoul reads them."""

from xlbuild.config.devices.fields import leading_number, unsigned_long


def strtoul(text: str, base: int) -> tuple[int, str] | None:
    """Return the number, in 64 bits, and the rest; None without a number."""
    number, end = leading_number(text, base)
    return (unsigned_long(number), text[end:]) if end else None
