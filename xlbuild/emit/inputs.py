"""Reading what a build is made from: the configuration, kernels, ramdisks and firmware."""

import errno
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from xlbuild.container import FileRequest, Role
from xlbuild.errors import NOWHERE, FilesError, RefusedError, Where
from xlbuild.hello import HELLO_KERNELS
from xlbuild.image.firmware import FIRMWARE, FIRMWARE_DIRECTORIES
from xlbuild.profiles import PROFILES, XC_DOM_DECOMPRESS_MAX, Profile
from xlbuild.units import MIB, human_size

BUILT_IN_SCHEME = "xlbuild:"
"""Prefix of the names of images that are part of this program."""

_CHUNK = 4 * MIB


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file that went into a build."""

    role: Role
    path: str
    """As the configuration has it, or where the search found it."""
    data: bytes


class HostFiles:
    """Finds and reads files on this machine."""

    def __init__(self, profile: Profile, firmware_directories: Sequence[str] = ()) -> None:
        """Search `firmware_directories` (flat, or root trees) before the distributions' own places."""
        self._profile = profile
        self._directories = tuple(firmware_directories)

    def read(self, request: FileRequest) -> InputFile:
        """Return a requested file; FilesError says what was tried, RefusedError that it is too large."""
        if request.path is not None and request.path.startswith(BUILT_IN_SCHEME):
            return InputFile(request.role, request.path, _built_in(request.path, request.where))
        path = request.path if request.firmware is None else self._find(request, request.firmware)
        assert path is not None
        return InputFile(request.role, path, read_file(path, request.role, request.where))

    def _find(self, request: FileRequest, firmware: str) -> str:
        if request.path is not None and request.path.startswith("/"):
            return request.path
        tried = list(self._places(request, firmware))
        for place in tried:
            if _is_file(place):
                return place
        known = FIRMWARE[firmware]
        install = f"install {known.package}, or " if known.may_be(request.path) else ""
        raise FilesError(
            "firmware-missing",
            f"{request.path or known.title} was not found",
            cause="tried " + ", ".join(tried),
            hint=f"{install}name the directory that has it with --firmware-dir DIR (or XLBUILD_FIRMWARE_PATH)",
            where=request.where,
        )

    def _places(self, request: FileRequest, firmware: str) -> Iterator[str]:
        others = tuple(p.name for p in reversed(PROFILES) if p is not self._profile)
        if request.path is None:
            paths = FIRMWARE[firmware].paths(self._profile.name, others)
        else:
            releases = (self._profile.name, *others)
            paths = tuple(
                dict.fromkeys(
                    f"{directory.format(release=release)}/{request.path}"
                    for release in releases
                    for directory in FIRMWARE_DIRECTORIES
                )
            )
        for directory in self._directories:
            yield from dict.fromkeys(f"{directory}/{request.path or Path(path).name}" for path in paths)
            yield from (f"{directory}{path}" for path in paths)
        yield from paths


def _is_file(place: str) -> bool:
    """Return whether a file is there; a place that may not be searched counts as one that has none."""
    try:
        return Path(place).is_file()
    except (OSError, ValueError):
        return False


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
    return read_file(path, "configuration", NOWHERE)


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


def read_file(path: str, what: str, where: Where) -> bytes:
    """Return a whole file, at most XC_DOM_DECOMPRESS_MAX bytes of it; FilesError, RefusedError."""
    try:
        with Path(path).open("rb") as file:
            if stat.S_ISDIR(os.fstat(file.fileno()).st_mode):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
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


def _built_in(path: str, where: Where) -> bytes:
    name = path.removeprefix(BUILT_IN_SCHEME)
    if name not in HELLO_KERNELS:
        raise FilesError(
            "built-in-unknown",
            f"{path} is not an image that this program has built in",
            cause=f"there is no {name!r}",
            hint="use " + " or ".join(f"{BUILT_IN_SCHEME}{known}" for known in HELLO_KERNELS),
            where=where,
        )
    return HELLO_KERNELS[name]()
