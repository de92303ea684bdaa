"""Reading whole files: the configuration, and whatever it names."""

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

from xlbuild.errors import NOWHERE, FilesError, RefusedError, Where
from xlbuild.profiles import MOST_CONFIG, XC_DOM_DECOMPRESS_MAX
from xlbuild.units import MIB, human_size

_CHUNK = 4 * MIB


def read_config_file(path: str) -> bytes:
    """Return a configuration file's bytes; as for xl it must be a regular file, or /dev/null."""
    kind = _irregular(path)
    if kind is not None:
        raise FilesError(
            "config-not-regular",
            f"the configuration {path} cannot be read",
            cause=f"it is {kind}, not a regular file",
            hint="give a regular file, or `-` to read standard input",
        )
    return read_file(path, "configuration", NOWHERE, MOST_CONFIG + 1)


def config_data(config: str | os.PathLike[str] | bytes, source: str) -> bytes:
    """Return the bytes of a configuration, a path or itself; FilesError where it is too large."""
    data = config if isinstance(config, bytes) else read_config_file(source)
    if len(data) > MOST_CONFIG:
        raise FilesError(
            "config-too-large",
            f"the configuration {source} is too large",
            cause=f"it has more than {human_size(MOST_CONFIG)}, or does not end",
            hint="give the guest's configuration, a text file",
        )
    return data


_IRREGULAR: tuple[tuple[Callable[[int], bool], str], ...] = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISCHR, "a device"),
)


def _irregular(path: str) -> str | None:
    """Return what a file is that might never end; None for others, /dev/null, and where there is none."""
    try:
        mode = Path(path).stat().st_mode
    except (OSError, ValueError):
        return None
    return next((kind for test, kind in _IRREGULAR if test(mode) and path != os.devnull), None)


def read_file(path: str, what: str, where: Where, most: int | None = None) -> bytes:
    """Return a whole file, or its first `most` bytes; FilesError, RefusedError above XC_DOM_DECOMPRESS_MAX."""
    try:
        with Path(path).open("rb") as file:
            if stat.S_ISDIR(os.fstat(file.fileno()).st_mode):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
            if most is not None:
                return file.read(most)
            return _read_all(file.fileno(), path, what, where)
    except OSError as error:
        raise unreadable(path, what, error, where) from error
    except ValueError as error:  # a NUL byte in the path
        raise unreadable(path, what, OSError(errno.EINVAL, str(error)), where) from error


def _read_all(fd: int, path: str, what: str, where: Where) -> bytes:
    chunks, size = [], 0
    while chunk := os.read(fd, _CHUNK):
        chunks.append(chunk)
        size += len(chunk)
        if size > XC_DOM_DECOMPRESS_MAX:
            raise RefusedError(
                "file-too-large",
                f"the {what} {path} is too large",
                cause=f"it has more than {human_size(XC_DOM_DECOMPRESS_MAX)}, the most that Xen's toolstack reads",
                hint="use a smaller file",
                where=where,
            )
    return b"".join(chunks)


def unreadable(path: str, what: str, error: OSError, where: Where) -> FilesError:
    """Return the error for a file that cannot be read."""
    reason = (error.strerror or str(error)).lower()
    if isinstance(error, FileNotFoundError):
        code, hint = "file-missing", "check the path; relative paths start where the command runs"
    elif isinstance(error, PermissionError):
        code, hint = "file-unreadable", "let the user who builds read it"
    else:
        code, hint = "file-unreadable", "give a readable regular file"
    return FilesError(code, f"the {what} {path} cannot be read", cause=reason, hint=hint, where=where)
