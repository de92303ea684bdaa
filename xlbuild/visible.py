"""Text that others wrote, on its way to a terminal or into a log."""

import re

_HIDDEN = re.compile("[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, those that end lines or turn the direction of text around, and bytes that are no characters."""


def visible(text: str) -> str:
    """Return text with what drives a terminal, or shows a text as another one, as escapes.

    These are control characters, line and paragraph separators, marks of direction, and bytes that are no characters.
    """
    return _HIDDEN.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\u{code:04x}" if 0xFF < code < 0xD800 else f"\\x{code & 0xFF:02x}"
