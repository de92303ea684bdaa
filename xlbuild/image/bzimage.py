"""Linux bzImages: a real-mode header, and a payload that is unpacked here (xg_dom_bzimageloader upstream).

Header fields: Linux's x86 boot protocol, 2.08 or later.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

from xlbuild.errors import Where
from xlbuild.image import elfkernel
from xlbuild.image.blob import Blob
from xlbuild.image.codecerror import CodecError
from xlbuild.image.codecs import CODECS, Codec
from xlbuild.image.elf import MAGIC
from xlbuild.image.verdict import Candidate, Match, Reject

NAME = "Linux bzImage"

_SETUP_SECTS = 0x1F1
_MAGIC_OFFSET, _MAGIC = 0x202, b"HdrS"
_VERSION = 0x206
_PAYLOAD_OFFSET = 0x248
_HEADER_END = 0x250
OLDEST_VERSION = 0x0208
"""Boot protocol that says where the payload is: 2.08."""
_SECTOR = 512


_PACKING_MEND = (
    "build the kernel with CONFIG_KERNEL_GZIP, or give the vmlinux that is in the bzImage; "
    "if it was packed in a way that Xen knows, the file is damaged"
)


def probe(candidate: Candidate) -> Match | Reject:
    """Take a bzImage whose payload is an ELF kernel; one that is not leaves its payload to the next loader."""
    found = find_payload(candidate.blob)
    if isinstance(found, Reject):
        return found
    payload = found.blob
    inner = replace(candidate, blob=payload, packing=(*candidate.packing, "bzImage"))
    codec = codec_of(payload)
    if codec is None:
        start = payload.data[:4].tobytes().hex(" ")
        names = ", ".join(codec.name for codec in CODECS)
        return Reject(
            f"its payload starts with {start or 'nothing'}: none of {names}",
            None if payload.starts_with(MAGIC) else _PACKING_MEND,
            where=Where(offset=found.offset),
            leaves=inner,
        )
    try:
        unpacked = candidate.unpack(codec, payload, candidate.profile)
    except CodecError as error:
        return Reject(
            f"its {codec.name} payload cannot be unpacked: {error}",
            error.hint,
            Where(offset=found.offset),
            inner,
        )
    inner = replace(inner, blob=unpacked, packing=(*inner.packing, codec.name))
    answer = elfkernel.probe_as(inner, NAME)
    if isinstance(answer, Reject):
        return Reject("what its payload unpacks to is no Xen kernel (the next loader says why)", leaves=inner)
    return answer


@dataclass(frozen=True, slots=True)
class Payload:
    """What a bzImage carries, as it is packed."""

    offset: int
    """Where in the file it starts, in bytes."""
    blob: Blob


def codec_of(payload: Blob) -> Codec | None:
    """Return the compression that a payload starts with; None for one that is not known, or not packed."""
    return next((codec for codec in CODECS if payload.starts_with(codec.magic)), None)


def is_bzimage(blob: Blob) -> bool:
    """Return whether a file has the magic of Linux's boot protocol."""
    return blob.holds(_MAGIC_OFFSET, len(_MAGIC)) and blob.read(_MAGIC_OFFSET, len(_MAGIC)) == _MAGIC


def protocol_version(blob: Blob) -> int:
    """Return the boot protocol's version, major above minor byte; the caller has checked the magic."""
    return int.from_bytes(blob.read(_VERSION, 2), "little")


def protocol_text(version: int) -> str:
    """Return a boot protocol's version for people: `2.08`."""
    return f"{version >> 8}.{version & 0xFF:02}"


def find_payload(blob: Blob) -> Payload | Reject:
    """Return a bzImage's payload, or why the file has none that Xen would find."""
    if blob.size < _HEADER_END or not is_bzimage(blob):
        return Reject(f"it has no `HdrS` at {_MAGIC_OFFSET:#x}")
    version = protocol_version(blob)
    if version < OLDEST_VERSION:
        return Reject(
            f"its boot protocol is {protocol_text(version)}, too old to say where the payload is (2.08)",
            where=Where(offset=_VERSION),
        )
    offset, length = struct.unpack("<II", blob.read(_PAYLOAD_OFFSET, 8))
    offset += (blob.read(_SETUP_SECTS, 1)[0] + 1) * _SECTOR
    if offset >= blob.size or not blob.holds(offset, length):
        return Reject(
            f"its payload ({length} bytes at {offset:#x}) does not fit into the file's {blob.size} bytes",
            "the file seems to be cut short: compare its size and checksum with the original",
            Where(offset=_PAYLOAD_OFFSET),
        )
    return Payload(offset, blob.part(offset, length))
