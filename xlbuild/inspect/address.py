"""How an address is written: a number, decimal or `0x…`, that may say before a colon what it is."""

import re
from collections.abc import Mapping

from xlbuild.errors import UsageError
from xlbuild.visible import visible

_ADDRESS = re.compile(r"(?:([a-z]+):)?(0x[0-9a-f]+|[0-9]+)", re.ASCII | re.IGNORECASE)
_MOST_DIGITS = 24
_MOST_SHOWN = 40
"""Characters of what is no address that its refusal shows."""


def parse_address(text: str, limits: Mapping[str, int], hint: str) -> tuple[str, int]:
    """Return an address's prefix, "" where it has none, and its number; UsageError where it is no address.

    limits  the prefixes that there are, and what each one's numbers are below
    hint    how addresses of the thing that is looked at are written
    """
    found = _ADDRESS.fullmatch(text.strip())
    prefix = (found[1] or "").lower() if found else ""
    if found is not None and prefix in limits and len(found[2]) < _MOST_DIGITS:
        number = int(found[2], 16 if found[2][:2].lower() == "0x" else 10)
        if number < limits[prefix]:
            return prefix, number
    frames = "; a frame is one below 2^52" if "frame" in limits else ""
    raise UsageError(
        "address-unreadable",
        f"{visible(text[:_MOST_SHOWN])} is no address",
        cause=f"an address is a number below 2^64, decimal or 0x…{frames}",
        hint=hint,
    )
