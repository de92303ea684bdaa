"""Finding and reading what a build is made from: kernels, ramdisks and firmware."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from xlbuild.container import FileRequest, Role
from xlbuild.emit.readfile import read_file
from xlbuild.errors import FilesError, Where
from xlbuild.hello import HELLO_KERNELS
from xlbuild.image.firmware import FIRMWARE, FIRMWARE_DIRECTORIES
from xlbuild.profiles import PROFILES, XC_DOM_DECOMPRESS_MAX, Profile

BUILT_IN_SCHEME = "xlbuild:"
"""Prefix of the names of images that are part of this program."""

_KERNELS = frozenset({Role.KERNEL, Role.SHIM, Role.HVMLOADER, Role.PVGRUB})
"""What the limit of a kernel's size is for."""


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
            return InputFile(request.role, request.path, built_in(request.path, request.where))
        path = request.path if request.firmware is None else self._find(request, request.firmware)
        assert path is not None
        limit = self._profile.kernel_max_size if request.role in _KERNELS else XC_DOM_DECOMPRESS_MAX
        data = read_file(path, request.role, request.where, limit, "--max-kernel-size")
        return InputFile(request.role, path, data)

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
            "firmware-missing" if request.path is None else "firmware-path-missing",
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


def built_in(path: str, where: Where) -> bytes:
    """Return an image that is part of this program; FilesError for a name that none has."""
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
