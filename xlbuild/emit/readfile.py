"""Reading whole files: the configuration, whatever it names, and any file that is to be looked at.

Only regular files are read, as by Xen's toolstack, which maps them (xc_dom_malloc_filemap), and /dev/null, which it
finds empty. Others might never end, or do something when they are opened. What is read is a file's content at one
time: one that changes meanwhile is refused.
"""

import errno
import io
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from xlbuild.errors import NOWHERE, FilesError, RefusedError, Where
from xlbuild.profiles import MOST_CONFIG, XC_DOM_DECOMPRESS_MAX
from xlbuild.units import MIB, human_size

_CHUNK = 4 * MIB
_LEASE_POLL = 0.01
"""Seconds between two looks whether a file server has given back its lease on a file."""

_OPEN = os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK

_COPY = "copy what it gives to a regular file, and name that"

_IRREGULAR: tuple[tuple[Callable[[int], bool], str, str], ...] = (
    (stat.S_ISDIR, "a directory", "name a file, not a directory"),
    (stat.S_ISFIFO, "a pipe", _COPY),
    (stat.S_ISSOCK, "a socket", _COPY),
    (stat.S_ISBLK, "a device", _COPY),
    (stat.S_ISCHR, "a device", _COPY),
)
"""What is not read: how to know it, what it is, and what to do about it."""

_HINTS: tuple[tuple[tuple[int, ...], str], ...] = (
    ((errno.ENOENT,), "check the path; relative paths start where the command runs"),
    ((errno.EACCES, errno.EPERM), "let the user who builds read it"),
    ((errno.ENOTDIR,), "check the path: a part of it that should be a directory is a file"),
    ((errno.ELOOP,), "check the path: a symbolic link on the way leads back to itself"),
    ((errno.EIO, errno.ESTALE), "check the disk or the server that has it, or give a copy"),
)
"""What to do about what the system says; where nothing is known, see `unreadable`."""


@dataclass(frozen=True, slots=True)
class _File:
    """A file that is to be read, and how errors speak of it."""

    path: str
    what: str
    where: Where
    not_regular: str = "file-not-regular"
    """Code of the error for what is not a regular file."""
    instead: str | None = None
    """What to give in its place, where that does not depend on what it is."""

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"the {self.what} {self.path}"


def read_config_file(path: str) -> bytes:
    """Return a configuration file's bytes; FilesError where it cannot be read or is too large."""
    instead = "give a regular file, or `-` to read standard input"
    file = _File(path, "configuration", NOWHERE, "config-not-regular", instead)
    with _opened(file) as fd:
        if os.fstat(fd).st_size > MOST_CONFIG:
            raise _config_too_large(path)
        return _content(file, fd)


def config_data(config: str | os.PathLike[str] | bytes, source: str) -> bytes:
    """Return the bytes of a configuration, a path or itself; FilesError where it is too large."""
    data = config if isinstance(config, bytes) else read_config_file(source)
    if len(data) > MOST_CONFIG:
        raise _config_too_large(source)
    return data


def _config_too_large(source: str) -> FilesError:
    return FilesError(
        "config-too-large",
        f"the configuration {source} is too large",
        cause=f"it has more than {human_size(MOST_CONFIG)}, or does not end",
        hint="give the guest's configuration, a text file",
    )


def read_file(
    path: str, what: str, where: Where, most: int = XC_DOM_DECOMPRESS_MAX, option: str | None = None
) -> bytes:
    """Return a whole file's bytes; `option` is what a user sets `most` with.

    Raises FilesError where it cannot be read, is no regular file or changes meanwhile, and RefusedError where it has
    more than `most` bytes, before it reads any.
    """
    file = _File(path, what, where)
    with _opened(file) as fd:
        size = os.fstat(fd).st_size
        if size > most:
            raise _too_large(file, f"{size:,} bytes", most, option)
        return _content(file, fd)


def read_head(path: str, what: str, where: Where, size: int) -> bytes:
    """Return the first bytes of a file, all of one that has no more; FilesError where it cannot be read."""
    with _opened(_File(path, what, where)) as fd:
        return _read(fd, size)


def open_file(path: str, what: str, where: Where) -> int:
    """Return a descriptor of a regular file, for a caller who reads parts of it; FilesError as `read_file`."""
    with _opened(_File(path, what, where)) as fd:
        return os.dup(fd)


def read_stream(fd: int, name: str, what: str, most: int = XC_DOM_DECOMPRESS_MAX) -> bytes:
    """Return all that comes out of a descriptor, standard input say: FilesError, and RefusedError above `most`."""
    file = _File(name, what, NOWHERE)
    try:
        data = _read(fd, most + 1)
    except OSError as error:
        raise unreadable(name, what, error, NOWHERE) from error
    if len(data) > most:
        raise _too_large(file, "more, or does not end", most)
    return data


def check_size(data: bytes, name: str, what: str, most: int) -> None:
    """Refuse what has been read already, as standard input is, where it has more than `most` bytes (RefusedError)."""
    if len(data) > most:
        raise _too_large(_File(name, what, NOWHERE), f"{len(data):,} bytes", most)


def _too_large(file: _File, has: str, most: int, option: str | None = None) -> RefusedError:
    limit = (
        "the most that Xen's toolstack reads" if most == XC_DOM_DECOMPRESS_MAX else "the most that is read"
    )
    hint = "use a smaller file"
    if option is not None and most != XC_DOM_DECOMPRESS_MAX:
        limit, hint = f"the most that {option} allows", f"{hint}, or allow more with {option}"
    return RefusedError(
        "file-too-large",
        f"{file.name} is too large",
        cause=f"it has {has}; {human_size(most)} is {limit}",
        hint=hint,
        where=file.where,
    )


@contextmanager
def _opened(file: _File) -> Iterator[int]:
    """Give a descriptor of a regular file, or of /dev/null, and turn what the system says into a FilesError."""
    fd = None
    try:
        _check_regular(file, os.stat(file.path).st_mode)  # noqa: PTH116 (a Path drops a slash at the end)
        fd = _open(file.path)
        _check_regular(file, os.fstat(fd).st_mode)  # whatever has the name by now
        yield fd
    except OSError as error:
        raise unreadable(file.path, file.what, error, file.where) from error
    except ValueError as error:  # a NUL byte in the path
        raise unreadable(file.path, file.what, OSError(errno.EINVAL, str(error)), file.where) from error
    finally:
        if fd is not None:
            os.close(fd)


def _check_regular(file: _File, mode: int) -> None:
    for test, kind, hint in _IRREGULAR:
        if test(mode) and file.path != os.devnull:
            raise _not_regular(file, f"it is {kind}, not a regular file", hint)


def _not_regular(file: _File, cause: str, hint: str) -> FilesError:
    return FilesError(
        file.not_regular,
        f"{file.name} cannot be read",
        cause=cause,
        hint=file.instead or hint,
        where=file.where,
    )


def _open(path: str) -> int:
    """Open a file without waiting for a pipe's other end, but for a lease that a file server has on it."""
    while True:
        try:
            return os.open(path, _OPEN)
        except BlockingIOError:
            time.sleep(
                _LEASE_POLL
            )  # the kernel has asked for it back, and takes it in the end (lease-break-time)


def _content(file: _File, fd: int) -> bytes:
    """Return a regular file's bytes as they were at one time."""
    before = os.fstat(fd)
    data = _read(fd, before.st_size + 1)
    after = os.fstat(fd)
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise FilesError(
            "file-changed",
            f"{file.name} does not stay the same",
            cause=_change(before.st_size, after.st_size),
            hint="wait until it is complete, then start again",
            where=file.where,
        )
    if len(data) != before.st_size and file.path != os.devnull:
        holds = "more" if len(data) > before.st_size else human_size(len(data))
        says = f"it says that it has {human_size(before.st_size)}, and holds {holds}"
        raise _not_regular(file, f"{says}: it is the kernel's, and none on a disk", _COPY)
    return data


def _change(before: int, after: int) -> str:
    if before == after:
        return "it was written to while it was read"
    return f"it {'grew' if before < after else 'shrank'} from {before} to {after} bytes while it was read"


def _read(fd: int, most: int) -> bytes:
    """Return what a descriptor gives, up to `most` bytes; in pieces, so that an interrupt need not wait long."""
    buffer = io.BytesIO()
    while (room := most - buffer.tell()) > 0 and (chunk := os.read(fd, min(room, _CHUNK))):
        buffer.write(chunk)
    return buffer.getvalue()


def unreadable(path: str, what: str, error: OSError, where: Where) -> FilesError:
    """Return the error for a file that cannot be read."""
    reason = (error.strerror or str(error)).lower()
    code = "file-missing" if error.errno == errno.ENOENT else "file-unreadable"
    hint = next((hint for numbers, hint in _HINTS if error.errno in numbers), "give a readable regular file")
    return FilesError(code, f"the {what} {path} cannot be read", cause=reason, hint=hint, where=where)
