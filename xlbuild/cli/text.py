"""Text on its way to people."""

import os
import sys
import unicodedata


def visible(text: str) -> str:
    """Return text with control characters as escapes: what a guest's files say must not drive the terminal."""
    return "".join(f"\\x{ord(c):02x}" if unicodedata.category(c) == "Cc" else c for c in text)


def stderr_has_colour() -> bool:
    """Return whether stderr is a terminal that wants colour (NO_COLOR and TERM=dumb do not)."""
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
