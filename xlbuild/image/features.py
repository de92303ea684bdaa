"""Feature names in FEATURES strings, the bits they stand for (xen/features.h), and which ones a guest can have."""

from __future__ import annotations

from xlbuild.errors import RefusedError, Where
from xlbuild.image.verdict import Candidate

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


def requested_features(text: str) -> int:
    """Read the builder's own string of features into a bitmap: `!` means nothing there, nor do unknown names."""
    requested = 0
    for name in _names_in(text):
        requested |= FEATURE_NAMES.get(name.removeprefix("!"), 0)
    return requested


def active_features(candidate: Candidate, supported: int, required: int, *, pvh: bool = False) -> int:
    """Return the features that are requested or that the kernel requires; `pvh` says that it could be a PVH kernel.

    Raises RefusedError (kernel-features) for those that the kernel does not support or that no guest gets.
    """
    active = candidate.features | required
    message = "the kernel requires features that the guest would not have"
    if required & DOM0:
        wrong = "it requires the feature `dom0`: it can only be the host's own kernel"
        hint = "give a kernel that is built to run as a guest"
    elif active & ~supported:
        message = "the guest is to have features that its kernel does not support"
        wrong = f"requested: {_named(active & ~supported)}; supported: {_named(supported)}"
        hint = "request none but those that it supports"
    elif active & AUTO_TRANSLATED_PHYSMAP and not candidate.hvm_container:
        verb = "requires" if required & AUTO_TRANSLATED_PHYSMAP else "is to have"
        wrong = f"it {verb} the feature `auto_translated_physmap`, which no PV guest gets"
        hint = (
            'set type="pvh": it has the note PHYS32_ENTRY'
            if pvh
            else "give a kernel that can be a PV guest's"
        )
    else:
        return active
    where = Where(candidate.name, note="FEATURES")
    raise RefusedError("kernel-features", message, cause=wrong, hint=hint, where=where)


def _named(features: int) -> str:
    names = [f"`{name}`" for name, bit in FEATURE_NAMES.items() if features & bit]
    return ", ".join(names) or "none"


def _names_in(text: str) -> list[str]:
    return [
        name[start : start + _LONGEST_NAME]
        for name in text.split("|")
        for start in range(0, len(name), _LONGEST_NAME)
    ]
