"""Text that others wrote, on its way to a terminal or into a log."""

import unicodedata


def visible(text: str) -> str:
    """Return text with control characters, and bytes that are no characters, as escapes: it drives no terminal."""
    return "".join(map(_visible, text))


def _visible(character: str) -> str:
    if unicodedata.category(character) in ("Cc", "Cs"):
        return f"\\x{ord(character) & 0xFF:02x}"
    return character
