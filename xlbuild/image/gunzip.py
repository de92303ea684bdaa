"""Whole files packed with gzip, kernels and modules alike (xc_dom_check_gzip, xc_dom_do_gunzip upstream)."""

from __future__ import annotations

import zlib

from xlbuild.errors import RefusedError, Where
from xlbuild.image.blob import Blob
from xlbuild.profiles import XC_DOM_DECOMPRESS_MAX
from xlbuild.units import human_size

_MAGIC = b"\x1f\x8b"
_SHORTEST = 6
PADDING = 16
"""Bytes that the output buffer is longer than the claimed size."""
_TRAILER = 8
"""Bytes of check and size behind the deflate stream."""
_GZIP_WINDOW = 31
"""zlib's wbits for a gzip stream."""


def unpacked_room(blob: Blob) -> int | None:
    """Return the size of the buffer that a gzip file is unpacked into; None when it is left as it is.

    Its last four bytes are taken for its unpacked size, whatever they are; over 1 GiB means "left as it is".
    """
    if blob.size < _SHORTEST or not blob.starts_with(_MAGIC):
        return None
    claimed = blob.last_u32()
    return None if claimed > XC_DOM_DECOMPRESS_MAX else claimed + PADDING


def gunzip(blob: Blob, room: int) -> bytes | None:
    """Inflate a file's first member; None when the stream is broken, cut short, or larger than `room` bytes."""
    inflater = zlib.decompressobj(wbits=_GZIP_WINDOW)
    try:
        # One byte more than there is room for, so that a stream that does not end there is told from one that does.
        data = inflater.decompress(_stream(blob), room + 1)
    except zlib.error:
        return None
    return data if inflater.eof and len(data) <= room else None


def _stream(blob: Blob) -> memoryview | bytes:
    """Return a stream's bytes; of the zeros behind the stored ones as many as its last fields can use."""
    if len(blob.data) == blob.size:
        return blob.data
    return blob.read(0, min(blob.size, len(blob.data) + _TRAILER))


def too_large(
    code: str,
    what: str,
    name: str | None,
    size: int,
    *,
    claimed: bool = False,
    limit: int = XC_DOM_DECOMPRESS_MAX,
) -> RefusedError:
    """Return the error of a code for a file over the limit, or one that claims to unpack to more."""
    says = f"it has {human_size(size)}"
    if claimed:
        says = f"it needs room for {size:,} bytes, {PADDING} more than the gzip stream claims to unpack to"
    hint = (
        "its last four bytes say so: if that is wrong, unpack the file with gunzip and give the result"
        if claimed
        else f"give a smaller {what}: strip debug symbols, leave out what is not needed"
    )
    return RefusedError(
        code,
        f"the {what} is too large",
        cause=f"{says}; {limit_text(limit)}",
        hint=f"{hint}{or_raise_it(limit)}",
        where=Where(name),
    )


def limit_text(limit: int) -> str:
    """Say what the limit of a kernel's size is, and whose."""
    owner = "" if limit == XC_DOM_DECOMPRESS_MAX else ", as --max-kernel-size says"
    return f"the limit is {human_size(limit)}{owner}"


def or_raise_it(limit: int) -> str:
    """Return the end of a mend for what is over the limit of a kernel's size, where a user has set that."""
    return "" if limit == XC_DOM_DECOMPRESS_MAX else "; or allow more with --max-kernel-size"
