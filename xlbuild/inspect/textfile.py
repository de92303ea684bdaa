"""Text files: configurations of xl told from scripts, documents and everything else that is text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from xlbuild.config.keys import BY_NAME
from xlbuild.image.recognise import FileKind
from xlbuild.units import KIB

_SAMPLE = 64 * KIB
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_SETTING = re.compile(rb"^[ \t]*([a-z][a-z0-9_.]*)[ \t]*\+?=(?!=)(?![^\[\n]*,[ \t]*$)", re.MULTILINE)
"""A line that sets something; what ends with a comma is an argument of a Python function, unless a list starts."""
_LINES = re.compile(rb"^[ \t]*[^\s#'\"\[\](),;0-9]", re.MULTILINE)
"""A line that is no comment and does not go on with a list."""
_TELLING = frozenset(
    ("kernel", "ramdisk", "bootloader", "builder", "memory", "maxmem", "vcpus", "disk", "vif")
)
"""Keys of which a configuration has one at least."""
_NOT_ASCII = bytes(range(0x80, 0x100))
_MOST_FOREIGN = 2
"""So much of a text may be other letters than ASCII's: one byte in so many."""
_DOCUMENTS = (
    (re.compile(rb'"schema"\s*:\s*"xlbuild\.domain/'), "the domain.json of a built domain"),
    (re.compile(rb'"schema"\s*:\s*"xlbuild\.'), "a document of xlbuild"),
    (re.compile(rb'"c_info"\s*:'), "libxl's JSON of a guest (xl -N create)"),
)


@dataclass(frozen=True, slots=True)
class TextFile:
    """What a text is."""

    kind: FileKind
    what: str
    why: str


def recognise_text(data: memoryview) -> TextFile | None:
    """Return what a text is, by its first 64 KiB; None: it is no text."""
    sample = bytes(data[:_SAMPLE]).removeprefix(b"\xef\xbb\xbf")
    if sample.startswith(b"#!") and b"xl" not in sample.partition(b"\n")[0]:
        return TextFile(FileKind.SCRIPT, "a script", "23 21 (#!) at 0x0")
    foreign = len(sample) - len(sample.translate(None, _NOT_ASCII))
    if not sample.strip() or _CONTROL.search(sample) or foreign > len(sample) // _MOST_FOREIGN:
        return None
    if sample.lstrip().startswith(b"{"):
        for pattern, what in _DOCUMENTS:
            if match := pattern.search(sample):
                return TextFile(FileKind.DOCUMENT, what, f"{match[0].decode()} at {match.start():#x}")
    return _config(sample) or TextFile(FileKind.TEXT, "a text", "it has no byte that is none of a text's")


def _config(sample: bytes) -> TextFile | None:
    """Return what a text is that sets keys of xl, as most of its lines do."""
    settings = _SETTING.findall(sample)
    names = [name.decode() for name in dict.fromkeys(settings)]
    known = [name for name in names if name in BY_NAME]
    telling = [name for name in known if name in _TELLING]
    prose = len(_LINES.findall(sample)) - len(settings)
    if not telling or 2 * len(known) < len(names) or prose > len(settings):
        return None
    why = f"it sets {', '.join(telling[:3])}: {len(known)} of {len(names)} names that it sets are keys of xl"
    return TextFile(FileKind.CONFIG, "a configuration of xl", why)
