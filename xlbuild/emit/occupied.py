"""Whether a file that is written may take the place of what is there."""

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from xlbuild.emit.readfile import read_head
from xlbuild.errors import NOWHERE, FilesError


@dataclass(frozen=True, slots=True)
class FileKind:
    """The files that `--force` replaces by one of the same kind."""

    what: str
    head: int
    """Bytes by which one is known."""
    begins: Callable[[bytes], bool]
    """Whether a file that begins like this is one."""


ANY_FILE = FileKind("regular file", 0, lambda _: True)


@dataclass(frozen=True, slots=True)
class _Obstacle:
    """Why what is there is not replaced."""

    code: str
    cause: str
    mend: str = "remove it yourself, or give another place with -o FILE"


_DIRECTORY = _Obstacle("target-not-a-file", "it is a directory", "name a file in it with -o DIR/FILE")
_IRREGULAR = _Obstacle("target-not-a-file", "it is no regular file", "give another place with -o FILE")


def check_file(place: Path, target: Path, kind: FileKind, *, force: bool) -> None:
    """Raise FilesError unless `place` is free, or with `force` a regular file of a kind, or an empty one.

    `target` is what the user calls it. A link is no regular file.
    """
    try:
        status = place.lstat()
    except FileNotFoundError:
        return
    obstacle = _obstacle(place, status, kind)
    if not force:
        raise FilesError(
            "target-exists",
            f"{target} exists already",
            cause="nothing is overwritten silently",
            hint=_REPLACE if obstacle is None else obstacle.mend,
        )
    if obstacle is not None:
        raise FilesError(
            obstacle.code,
            f"{target} is not replaced, even with --force",
            cause=obstacle.cause,
            hint=obstacle.mend,
        )


_REPLACE = "give another place with -o FILE, or replace it with --force"


def _obstacle(place: Path, status: os.stat_result, kind: FileKind) -> _Obstacle | None:
    if stat.S_ISDIR(status.st_mode):
        return _DIRECTORY
    if not stat.S_ISREG(status.st_mode):
        return _IRREGULAR
    if status.st_size == 0 or kind is ANY_FILE:
        return None
    try:
        head = read_head(str(place), kind.what, NOWHERE, kind.head)
    except FilesError as error:
        return _Obstacle("target-other-file", f"whether it is a {kind.what} cannot be told: {error.cause}")
    return None if kind.begins(head) else _Obstacle("target-other-file", f"it is no {kind.what}")
