"""What the library's functions have in common: a release's profile, the host file, and who need not be told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from xlbuild.errors import NOWHERE, UsageError
from xlbuild.profiles import MOST_CONFIG, NEWEST, PROFILES, XC_DOM_DECOMPRESS_MAX, Profile

if TYPE_CHECKING:
    from xlbuild.emit.inputs import InputFile
    from xlbuild.host import Host


def ignore(*what: object) -> None:
    """Take no notice of a stage, a warning or whatever else is told."""


def find_profile(xen: str | None, max_kernel_size: int | None = None) -> Profile:
    """Return a release's profile, the newest for None, with a limit of its own for a kernel's size in bytes.

    Raises UsageError for a release that is not known, and for a limit that is none or above Xen's own.
    """
    for profile in PROFILES:
        if profile.name == (NEWEST.name if xen is None else xen):
            return profile if max_kernel_size is None else limited(profile, max_kernel_size)
    raise unknown_release(str(xen), [profile.name for profile in PROFILES])


def unknown_release(xen: str, known: Sequence[str]) -> UsageError:
    """Return the error for a release that is not among those that are known."""
    return UsageError(
        "profile-unknown",
        f"Xen {xen} is not a release that xlbuild knows",
        cause="each release builds guests its own way, and this one's is not described",
        hint="use one of " + ", ".join(known),
    )


def limited(profile: Profile, max_kernel_size: int) -> Profile:
    """Return a profile with a limit of its own for a kernel's size in bytes; UsageError for one that is none."""
    if not 0 < max_kernel_size <= XC_DOM_DECOMPRESS_MAX:
        raise UsageError(
            "kernel-size-limit",
            f"{max_kernel_size} bytes are no limit for a kernel's size",
            cause=f"Xen's own is {XC_DOM_DECOMPRESS_MAX} bytes, and no release takes more",
            hint="give a number of bytes from 1 to that, or none",
        )
    return replace(profile, kernel_max_size=max_kernel_size)


def not_restorable() -> UsageError:
    """Return the error for a guest that would set its memory map, and is not built for a save file."""
    return UsageError(
        "set-memory-map-not-restorable",
        "--set-memory-map is for save files",
        cause="`xl create` sets the memory map itself; it is `xl restore` that does not",
        hint="leave it out, or build a save file, too: --format save",
    )


def read_host(path: str | Path) -> InputFile:
    """Return a host file as an input of a build; FilesError where it cannot be read."""
    from xlbuild.container.model import Role
    from xlbuild.emit.inputs import InputFile
    from xlbuild.emit.readfile import read_file

    return InputFile(Role.HOST, str(path), read_file(str(path), "host file", NOWHERE, MOST_CONFIG))


def parse_host(file: InputFile | None) -> Host | None:
    """Return what a host file says; ConfigError where it is not right."""
    if file is None:
        return None
    from xlbuild.emit.hostfile import parse_host

    return parse_host(file.data, file.path)
