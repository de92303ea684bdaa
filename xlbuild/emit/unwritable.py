"""Why a result cannot be written: the system's reason, what was needed, and the mend."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from xlbuild.errors import FilesError
from xlbuild.units import human_size

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
_FILES_MEANWHILE = 2
"""Files and directories that there are besides while a result is made (`emit.atomic`)."""

_ELSEWHERE = "give another place with {option}"


@dataclass(frozen=True, slots=True)
class Size:
    """How much room a result takes."""

    on_disk: int
    """Bytes of what is written; the holes of sparse files do not count."""
    files: int
    """How many files and directories they are."""
    longest: int
    """Length in bytes of the longest file, with its holes."""


_REASONS: tuple[tuple[tuple[int, ...], str, str], ...] = (
    (
        (errno.ENOENT,),
        "the directory that it would be in does not exist",
        f"make the directory, or {_ELSEWHERE}",
    ),
    (
        (errno.ENOTDIR,),
        "{reason}: a part of the way to it is a file",
        _ELSEWHERE,
    ),
    (
        (errno.EACCES, errno.EPERM),
        "{reason}",
        f"let the user who builds write to the directory that it is in, or {_ELSEWHERE}",
    ),
    (
        _NO_SPACE,
        "{reason}: it takes {on_disk} in {files}, and {free} are free",
        f"make room, or {_ELSEWHERE}, on another file system",
    ),
    (
        (errno.EFBIG,),
        "{reason}: its longest file is {longest} long, holes included, and none may be so long there",
        f"raise the limit (ulimit -f), or {_ELSEWHERE}, on a file system that has longer files",
    ),
    (
        (errno.EBUSY,),
        "{reason}: something is mounted there",
        f"unmount it, or {_ELSEWHERE}",
    ),
    (
        (errno.EXDEV,),
        "{reason}: what is there is in a lower layer of the file system, a container's image say",
        f"remove it yourself, or {_ELSEWHERE}",
    ),
    (
        (errno.ELOOP,),
        "{reason}: a symbolic link on the way to it leads back to itself",
        _ELSEWHERE,
    ),
    (
        (errno.ENAMETOOLONG,),
        "{reason}",
        "give a shorter name with {option}",
    ),
)
"""For each kind of failure: the cause, in which `reason` is the system's word for it, and the mend; `option` is what
the user named the target with."""

_OTHER = ("{reason}", f"{_ELSEWHERE}, on another file system perhaps")


@contextmanager
def failures_named(target: Path, size: Callable[[], Size], option: str = "-o") -> Iterator[None]:
    """Turn what the file system refuses into the error that names the target as the user does, with `option`.

    `size` is asked how much room the result takes when there is none.
    """
    try:
        yield
    except OSError as error:
        raise unwritable(target, error, size, option) from error
    except ValueError as error:  # a NUL byte in the path
        raise unwritable(target, OSError(errno.EINVAL, str(error)), size, option) from error


def unwritable(target: Path, error: OSError, size: Callable[[], Size], option: str = "-o") -> FilesError:
    """Return the error for a result that cannot be written."""
    known = (reason[1:] for reason in _REASONS if error.errno in reason[0])
    cause, hint = next(known, _OTHER)
    if error.errno == errno.ENOENT and target.parent.is_dir():  # of /proc, say
        cause, hint = _OTHER
    facts = {"reason": (error.strerror or str(error)).lower()}
    if error.errno in _NO_SPACE or error.errno == errno.EFBIG:
        facts |= _sizes(size(), target)
    return FilesError(
        "target-no-space" if error.errno in _NO_SPACE else "target-unwritable",
        f"{target} cannot be written",
        cause=cause.format(**facts),
        hint=hint.format(option=option),
    )


def _sizes(needed: Size, target: Path) -> dict[str, str]:
    """Return how much room a result takes, and how much is left where it would be."""
    free = "an unknown number of bytes"
    with suppress(OSError):
        left = os.statvfs(target.parent)
        few_files = left.f_files and left.f_favail < needed.files + _FILES_MEANWHILE
        free = f"{left.f_favail} files" if few_files else human_size(left.f_bavail * left.f_frsize)
    return {
        "on_disk": human_size(needed.on_disk),
        "files": f"{needed.files} file{'' if needed.files == 1 else 's'}",
        "longest": human_size(needed.longest),
        "free": free,
    }
