"""Option ROMs of PCI devices (PCI Firmware Specification 3.0, chapter 5).

An image starts with 55 aa and its length in units of 512 bytes; the u16 at 0x18 says where the PCI data structure is,
`PCIR`: vendor and device (u16 each), at 0x0d the class (3 bytes), at 0x10 the image's length, at 0x14 what it is
for, at 0x15 bit 7 for the last image. All bytes of an image for a PC make zero in sum. Cards older than PCI have the
length and the sum alone.
"""

from __future__ import annotations

import struct

from xlbuild.inspect.problems import Problem
from xlbuild.inspect.tree import Tree, hexadecimal

_MAGIC = b"\x55\xaa"
_UNIT = 512
_POINTER = 0x18
_DATA = struct.Struct("<4sHHHHB3sHHBB")
_SIGNATURE = b"PCIR"
_FOR = {0: "PC (BIOS)", 1: "Open Firmware", 2: "HP PA-RISC", 3: "EFI"}
_LAST = 0x80
_MOST_IMAGES = 16


def describe_option_rom(data: memoryview) -> tuple[list[Tree], tuple[Problem, ...]] | None:
    """Return an option ROM's images as a table, and what is wrong with them; None: it is no option ROM."""
    images: list[Tree] = []
    problems: list[Problem] = []
    offset: int | None = 0
    while offset is not None and len(images) < _MOST_IMAGES:
        image = data[offset:]
        facts = _pci_data(image) or _isa_data(image)
        if image[:2] != _MAGIC or facts is None:
            break
        row, size, more = facts
        images.append({"offset": hexadecimal(offset), **row})
        if size > len(image):
            words = f"the image has {size} bytes, and {size - len(image)} of them are missing"
            problems.append(Problem(offset, words, "compare the file with the original"))
        elif row["for"] == _FOR[0] and sum(image[:size]) % 256:
            words = "the bytes of the image do not make zero in sum: a BIOS takes no notice of it"
            problems.append(Problem(offset, words, "compare the file with the original"))
        offset = offset + size if more and size else None
    return (images, tuple(problems)) if images else None


def _pci_data(image: memoryview) -> tuple[dict[str, Tree], int, bool] | None:
    """Return an image's row, its size in bytes, and whether there is one behind it."""
    if len(image) < _POINTER + 2:
        return None
    (start,) = struct.unpack_from("<H", image, _POINTER)
    if start + _DATA.size > len(image):
        return None
    signature, vendor, device, _, _, _, class_code, length, _, code, last = _DATA.unpack_from(image, start)
    if signature != _SIGNATURE:
        return None
    size = length * _UNIT
    row: dict[str, Tree] = {
        "size": size,
        "for": _FOR.get(code, f"number {code}"),
        "vendor": hexadecimal(vendor),
        "device": hexadecimal(device),
        "class": hexadecimal(int.from_bytes(class_code, "little")),
    }
    return row, size, not last & _LAST


def _isa_data(image: memoryview) -> tuple[dict[str, Tree], int, bool] | None:
    """Return the same for an image that is of no PCI device: only its sum tells that it is one."""
    size = image[2] * _UNIT if len(image) > 2 else 0
    if not 0 < size <= len(image) or sum(image[:size]) % 256:
        return None
    row: dict[str, Tree] = {"size": size, "for": _FOR[0], "vendor": None, "device": None, "class": None}
    return row, size, False
