"""A save file on disk, with holes for runs of zeros."""

import os
from pathlib import Path

from xlbuild.abi.save_file import XL_MAGIC
from xlbuild.built import BuiltDomain
from xlbuild.emit.occupied import FileKind
from xlbuild.emit.save.stream import save_stream
from xlbuild.emit.unwritable import Size
from xlbuild.units import MIB

SAVE_FILE = FileKind("save file", len(XL_MAGIC), lambda head: head == XL_MAGIC)

_ZEROS = bytes(4 * MIB)


def fill_save(built: BuiltDomain, config: bytes, place: Path) -> None:
    """Make the file `place` of a domain that can travel; OSError, and what `save_stream` raises."""
    with place.open("wb") as file:
        for piece in save_stream(built, config):
            if _is_zero(piece):
                file.seek(len(piece), os.SEEK_CUR)
            else:
                file.write(piece)
        file.truncate(file.tell())


def save_size(built: BuiltDomain, config: bytes) -> Size:
    """Return how much room the file takes."""
    written, length = 0, 0
    for piece in save_stream(built, config):
        length += len(piece)
        written += 0 if _is_zero(piece) else len(piece)
    return Size(written, 1, length)


def _is_zero(piece: bytes) -> bool:
    return piece == _ZEROS[: len(piece)]
