"""Modules, ramdisks above all: what of a file goes into guest memory, and how long the guest is told it is."""

from __future__ import annotations

from dataclasses import dataclass

from xlbuild.errors import RefusedError, Where
from xlbuild.image.blob import Blob
from xlbuild.image.gunzip import gunzip, too_large, unpacked_room
from xlbuild.image.model import Buffer
from xlbuild.profiles import XC_DOM_DECOMPRESS_MAX, Profile


@dataclass(frozen=True, slots=True)
class PreparedModule:
    """A module as it goes into guest memory."""

    data: Buffer
    """Its first bytes; the rest of its segment is zero."""
    length: int
    """Bytes of its segment, and what the guest is told."""
    unzipped: bool
    """Whether the toolstack unpacked it."""


def prepare_module(
    data: bytes, profile: Profile, *, name: str | None = None, what: str = "module"
) -> PreparedModule:
    """Prepare a module. Raises RefusedError if it is empty or over 1 GiB.

    `name` is the file's, and `what` the file is to the user (a ramdisk, say): both for messages.

    Until Xen 4.20 a gzip file is unpacked. Its segment then has room for the file itself and for 16 bytes more than
    it claims to unpack to, zeros included, and holds the file as it is when the stream cannot be unpacked.
    """
    if not data:
        raise RefusedError(
            "module-empty",
            f"the {what} {name} is empty" if name else f"the {what} is empty",
            cause="the file has no bytes, and Xen loads no empty module",
            hint=f"give another file, or remove the {what} from the configuration",
            where=Where(name),
        )
    if len(data) > XC_DOM_DECOMPRESS_MAX:
        raise too_large("module-too-large", what, name, len(data))
    blob = Blob.of(data)
    room = unpacked_room(blob) if profile.unzips_ramdisk else None
    if room is None or room > XC_DOM_DECOMPRESS_MAX:
        return PreparedModule(blob.data, len(data), unzipped=False)
    unpacked = gunzip(blob, room)
    content = blob.data if unpacked is None else memoryview(unpacked)
    return PreparedModule(content, max(room, len(data)), unzipped=unpacked is not None)
