"""Files of SMBIOS structures, as `smbios_firmware` takes them: before each, its whole length (u32).

A structure (SMBIOS specification, 6.1): type, length of its fixed part (u8 each), handle (u16); then texts, each
ended by a zero, and another zero.
"""

from __future__ import annotations

import struct

from xlbuild.inspect.problems import Problem
from xlbuild.inspect.tree import Tree, hexadecimal

_ENTRY = struct.Struct("<IBBH")
_SIZE = 4
_SHORTEST = 4
_MOST_STRUCTURES = 256
_LARGEST_STRUCTURE = 1 << 16
_KINDS = {
    0: "BIOS",
    1: "system",
    2: "base board",
    3: "chassis",
    4: "processor",
    7: "cache",
    11: "OEM strings",
    16: "array of memory",
    17: "memory device",
    19: "mapped address of an array",
    20: "mapped address of a device",
    22: "portable battery",
    32: "system boot",
    39: "power supply",
}
_VENDORS = 128


def describe_smbios_file(data: memoryview) -> tuple[list[Tree], tuple[Problem, ...]] | None:
    """Return a file's structures, and what is wrong with them; None: no sound structure is at its start."""
    structures: list[Tree] = []
    offset = 0
    while offset + _ENTRY.size <= len(data) and len(structures) < _MOST_STRUCTURES:
        size, kind, fixed, handle = _ENTRY.unpack_from(data, offset)
        whole = bytes(data[offset + _SIZE : offset + _SIZE + size])
        if not _SHORTEST <= fixed <= size < _LARGEST_STRUCTURE or whole[-2:] != b"\0\0" or len(whole) < size:
            break
        structures.append(
            {
                "offset": hexadecimal(offset + _SIZE),
                "type": kind,
                "what": "a vendor's own" if kind >= _VENDORS else _KINDS.get(kind, "other"),
                "handle": hexadecimal(handle),
                "size": size,
                "texts": whole[fixed:-1].count(b"\0"),
            }
        )
        offset += _SIZE + size
    if not structures:
        return None
    problems = []
    if offset < len(data) and len(structures) < _MOST_STRUCTURES:
        words = "no length of a structure and no sound structure stand there"
        problems.append(Problem(offset, words, "put the length of each structure before it, in four bytes"))
    return structures, tuple(problems)
