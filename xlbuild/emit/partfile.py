"""A part of a file as a file of its own."""

import os
from functools import partial
from pathlib import Path

from xlbuild.emit.atomic import put_in_place, settled
from xlbuild.emit.occupied import ANY_FILE, check_file
from xlbuild.emit.unwritable import Size, failures_named
from xlbuild.inspect.tree import Part


def write_part(part: Part, target: Path, *, force: bool) -> None:
    """Write a part as the file `target`, all or nothing; runs of zeros become holes.

    Raises FilesError when the target exists (with `force`: exists and is no regular file) or cannot be written.
    """
    size = Size(part.size, 1, part.size)
    check = partial(check_file, target=target, kind=ANY_FILE, force=force)
    with (
        failures_named(target, lambda: size),
        put_in_place(settled(target), check) as place,
        place.open("wb") as file,
    ):
        for piece in part.read():
            if _is_zero(piece):
                file.seek(len(piece), os.SEEK_CUR)
            else:
                file.write(piece)
        file.truncate(part.size)


def _is_zero(piece: bytes | memoryview) -> bool:
    return bytes(piece[:1]) == b"\0" and piece[1:] == piece[:-1]
