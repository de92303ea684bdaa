"""UUIDs, as libxl reads them (upstream: libxl_uuid_from_string, which is libuuid's uuid_parse)."""

import re

_UUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}")

NIL_UUID = "00000000-0000-0000-0000-000000000000"
"""The UUID that libxl takes for none."""


def uuid_of(text: str) -> str | None:
    """Return a UUID in lower case; None for what is none."""
    text = text.lower()
    return text if _UUID.fullmatch(text) else None
