"""What is told beside a domain, its map say, as a file of its own."""

import os
from functools import partial
from pathlib import Path

from xlbuild.emit.atomic import put_in_place, settled
from xlbuild.emit.unwritable import Size, failures_named
from xlbuild.errors import FilesError


def write_text(text: bytes, target: Path, option: str) -> None:
    """Write a file, all or nothing, in place of what there was; `option` is what the user named it with.

    Raises FilesError when something is there that is no regular file, or it cannot be written.
    """
    size = Size(len(text), 1, len(text))
    with (
        failures_named(target, lambda: size, option),
        put_in_place(settled(target), partial(_check, target=target, option=option)) as place,
    ):
        place.write_bytes(text)


def _check(place: Path, target: Path, option: str) -> None:
    if os.path.lexists(place) and (place.is_symlink() or not place.is_file()):
        raise FilesError(
            "target-not-a-file",
            f"{target} is not replaced",
            cause="it is no regular file",
            hint=f"remove it yourself, or give another place with {option}",
        )
