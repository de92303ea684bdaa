"""The keys of xl.cfg as one table: it types the reading, and the documentation of keys is made from it.

It holds every key that the xl of any release in `profiles` reads, and of older ones those that this program knows to
say something about. A key that is not here is unknown to xl, which carries on without a word.
"""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from xlbuild.config.keys import arm, device_model, devices, guest, older, platform
from xlbuild.config.keys.model import Effect, Form, Key, Section
from xlbuild.profiles import in_releases

__all__ = ["BY_NAME", "KEYS", "SECTIONS", "Effect", "Form", "Key", "Section", "known_in"]

SECTIONS: tuple[Section, ...] = (
    *guest.SECTIONS,
    *platform.SECTIONS,
    *devices.SECTIONS,
    *device_model.SECTIONS,
    *arm.SECTIONS,
    *older.SECTIONS,
)
"""The table, in the order of the documentation."""

KEYS: tuple[Key, ...] = tuple(key for section in SECTIONS for key in section.keys)
"""Every key, in the order of the documentation."""

BY_NAME: Mapping[str, Key] = MappingProxyType({key.name: key for key in KEYS})
"""Every key by its name."""


@cache
def known_in(release: str) -> Mapping[str, Key]:
    """Return the keys that a release's xl reads, by name."""
    known = {key.name: key for key in KEYS if in_releases(release, key.since, key.until)}
    return MappingProxyType(known)
