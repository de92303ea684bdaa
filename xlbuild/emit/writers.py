"""Writing a domain in one format or in several: all of them, or none as far as file systems allow."""

import errno
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from xlbuild.built import BuiltDomain
from xlbuild.emit.atomic import CheckPlace, put_in_place, settled
from xlbuild.emit.formats import CORE, DIRECTORY, SAVE, Format, Target
from xlbuild.emit.occupied import check_file
from xlbuild.emit.unwritable import Size, failures_named
from xlbuild.errors import FilesError


class Admit(Protocol):
    """Raises RefusedError for a domain that the format is not for."""

    def __call__(self, built: BuiltDomain, /) -> None:
        """Check."""


class Check(Protocol):
    """Raises FilesError for what is at a place and may not be replaced; `target` is what the user calls the place."""

    def __call__(self, place: Path, target: Path, *, force: bool) -> None:
        """Check."""


class Fill(Protocol):
    """Makes the file or the directory `place`; OSError, and FilesError where the domain cannot be read."""

    def __call__(self, built: BuiltDomain, config: bytes, place: Path, /) -> None:
        """Write a domain; `config` is its configuration (config.json)."""


class Measure(Protocol):
    """Tells how much room that takes."""

    def __call__(self, built: BuiltDomain, config: bytes, /) -> Size:
        """Return it."""


@dataclass(frozen=True, slots=True)
class Writer:
    """What writes a format."""

    admit: Admit
    check: Check
    fill: Fill
    size: Measure


def _admit_all(built: BuiltDomain) -> None:
    """Let every domain through."""


def _directory() -> Writer:
    from xlbuild.emit.directory import check_target, directory_size, fill_directory

    return Writer(_admit_all, check_target, fill_directory, directory_size)


def _save() -> Writer:
    from xlbuild.emit.save.write import SAVE_FILE, fill_save, save_size
    from xlbuild.travel import check_travel

    return Writer(check_travel, partial(check_file, kind=SAVE_FILE), fill_save, save_size)


def _core() -> Writer:
    from xlbuild.emit.core.write import DUMP_CORE, check_core, core_size, fill_core

    return Writer(check_core, partial(check_file, kind=DUMP_CORE), fill_core, core_size)


_WRITERS: Mapping[str, Callable[[], Writer]] = MappingProxyType(
    {DIRECTORY.name: _directory, SAVE.name: _save, CORE.name: _core}
)
"""By the formats' names; what one needs is imported when it is asked for: a directory is written by little."""


def writer_of(wanted: Format) -> Writer:
    """Return what writes a format."""
    return _WRITERS[wanted.name]()


@dataclass(slots=True)
class _Progress:
    """How far the writing is."""

    now: Target
    """What fails if something fails."""
    there: list[Path] = field(default_factory=list)
    """What has its name."""


def check_formats(built: BuiltDomain, targets: Sequence[Target]) -> None:
    """Raise RefusedError for a domain that one of the formats is not for."""
    for target in targets:
        writer_of(target.format).admit(built)


def write_domain(
    built: BuiltDomain, config: bytes, targets: Sequence[Target], *, force: bool, parents: bool = False
) -> None:
    """Write a domain to each of some targets.

    Each is made beside its place before the first gets its name; the names are given in reverse order. `parents`
    makes the directories on the way first, and they stay. Raises RefusedError as `check_formats`, before anything is
    made, and FilesError when a target exists (with `force`: exists, and is not of its kind) or cannot be written.
    """
    check_formats(built, targets)
    progress = _Progress(targets[0])
    try:
        with _failures_named(progress, built, config), ExitStack() as stack:
            places = [
                stack.enter_context(_placed(each, progress, force=force, parents=parents)) for each in targets
            ]
            for progress.now, place in zip(targets, places, strict=True):
                writer_of(progress.now.format).fill(built, config, place)
    except FilesError as error:
        if progress.there:
            error.cause = f"{error.cause}; written is {' and '.join(map(str, progress.there))}"
        raise


@contextmanager
def _failures_named(progress: _Progress, built: BuiltDomain, config: bytes) -> Iterator[None]:
    """Turn what the file system refuses into the error that names the target, once all that is half done is gone."""
    try:
        yield
    except (OSError, ValueError) as error:
        now = progress.now
        with failures_named(now.path, partial(writer_of(now.format).size, built, config)):
            raise error


def _make_parents(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:  # a file is there
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path) from error


@contextmanager
def _placed(target: Target, progress: _Progress, *, force: bool, parents: bool) -> Iterator[Path]:
    """Give a path to make a target at, and move it to its place when all went well."""
    progress.now = target
    if parents:
        _make_parents(target.path)
    check: CheckPlace = partial(writer_of(target.format).check, target=target.path, force=force)
    with put_in_place(settled(target.path), check) as place:
        yield place
        progress.now = target
    progress.there.append(target.path)
