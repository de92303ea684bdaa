"""Feature names in kernels' FEATURES strings, and the bits they stand for (xen/features.h)."""

from __future__ import annotations

WRITABLE_PAGE_TABLES = 1 << 0
WRITABLE_DESCRIPTOR_TABLES = 1 << 1
AUTO_TRANSLATED_PHYSMAP = 1 << 2
SUPERVISOR_MODE_KERNEL = 1 << 3
PAE_PGDIR_ABOVE_4GB = 1 << 4
HVM_CALLBACK_VECTOR = 1 << 8
DOM0 = 1 << 11

FEATURE_NAMES: dict[str, int] = {
    "writable_page_tables": WRITABLE_PAGE_TABLES,
    "writable_descriptor_tables": WRITABLE_DESCRIPTOR_TABLES,
    "auto_translated_physmap": AUTO_TRANSLATED_PHYSMAP,
    "supervisor_mode_kernel": SUPERVISOR_MODE_KERNEL,
    "pae_pgdir_above_4gb": PAE_PGDIR_ABOVE_4GB,
    "hvm_callback_vector": HVM_CALLBACK_VECTOR,
    "dom0": DOM0,
}
"""The names that Xen's builder knows; the other XENFEAT_* have a bit but no name in strings."""

_LONGEST_NAME = 63
"""A longer name is read as several, cut every 63 characters."""


def parse_features(text: str) -> tuple[int, int, str | None]:
    """Read a FEATURES string into bitmaps (supported, required), up to its first unknown required name.

    Names are joined by `|`; `!name` is required, and supported too. An unknown supported name means nothing;
    an unknown required one ends the reading and is returned: a note's caller refuses it, a `__xen_guest`
    string just ends there.
    """
    supported = required = 0
    for name in _names_in(text):
        needed = name.startswith("!")
        bit = FEATURE_NAMES.get(name.removeprefix("!"))
        if bit is None and needed:
            return supported, required, name.removeprefix("!")
        supported |= bit or 0
        required |= (bit or 0) if needed else 0
    return supported, required, None


def _names_in(text: str) -> list[str]:
    return [
        name[start : start + _LONGEST_NAME]
        for name in text.split("|")
        for start in range(0, len(name), _LONGEST_NAME)
    ]
