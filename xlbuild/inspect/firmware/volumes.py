"""UEFI firmware volumes, as EDK II builds them (UEFI Platform Initialization specification, volume 3).

A header is 16 bytes of zeros (or a reset vector), a GUID, the length (u64), `_FVH`, attributes (u32), the header's
length and its checksum (u16 each): all u16 of the header make zero in sum.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from itertools import islice

NVRAM = "fff12b8d-7696-4c8b-a985-2747075b4f50"
"""What tells a volume of variables (EFI_SYSTEM_NV_DATA_FV_GUID)."""

_KINDS = {
    NVRAM: "variables",
    "8c8ce578-8a3d-4f1c-9935-896185c32dd3": "firmware files (FFS 2)",
    "5473c07a-3dcb-4dca-bd6f-1e9689e7349a": "firmware files (FFS 3)",
}
_SIGNATURE, _SIGNATURE_OFFSET = re.compile(b"_FVH"), 40
_HEADER = struct.Struct("<16s16sQ4sIHHHBB")
_LONGEST_HEADER = 4096
_MOST_VOLUMES = 64
_ALIGNMENT = 8
_MOST_SIGNATURES = 1024
"""So many signatures are looked at: code that looks for volumes has a few that start none."""


@dataclass(frozen=True, slots=True)
class Volume:
    """A firmware volume."""

    offset: int
    size: int
    """Bytes, as its header has it."""
    guid: str
    """Of the format of what is in it."""

    @property
    def what(self) -> str:
        """What is in it, in words."""
        return _KINDS.get(self.guid, "of a format that is not known")


def read_volumes(data: memoryview) -> tuple[Volume, ...]:
    """Return the volumes of an image, in order; none is within another."""
    volumes: list[Volume] = []
    end = 0
    for match in islice(_SIGNATURE.finditer(data), _MOST_SIGNATURES):
        start = match.start() - _SIGNATURE_OFFSET
        if start < end or start % _ALIGNMENT or len(volumes) == _MOST_VOLUMES:
            continue
        if volume := _volume(data, start):
            volumes.append(volume)
            end = start + volume.size
    return tuple(volumes)


def _volume(data: memoryview, start: int) -> Volume | None:
    if start + _HEADER.size > len(data):
        return None
    _, guid, size, _, _, length, *_ = _HEADER.unpack_from(data, start)
    if not _HEADER.size <= length <= min(_LONGEST_HEADER, size) or length % 2:
        return None
    header = data[start : start + length]
    if len(header) < length or sum(struct.unpack(f"<{length // 2}H", header)) % (1 << 16):
        return None
    return Volume(start, size, guid_text(guid))


def guid_text(guid: bytes) -> str:
    """Return a GUID of 16 bytes as text; its first three numbers are little-endian."""
    first, second, third = struct.unpack("<IHH", guid[:8])
    return f"{first:08x}-{second:04x}-{third:04x}-{guid[8:10].hex()}-{guid[10:].hex()}"
