"""A domain as a directory: memory.img, domain.json and one .bin for each start-of-day structure.

Everything is written beside the target and renamed into place in one step: the target's name never stands for
half a domain, and a build that is interrupted leaves nothing.
"""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

from xlbuild.domain import Domain
from xlbuild.emit.manifest import SCHEMA, manifest_text
from xlbuild.emit.structures import structure_files
from xlbuild.errors import FilesError
from xlbuild.memory import GuestMemory
from xlbuild.units import MIB, PAGE_SIZE, Pfn, bytes_of

MEMORY_IMAGE = "memory.img"
MANIFEST = "domain.json"

_BATCH_PAGES = 4 * MIB // PAGE_SIZE


def write_directory(domain: Domain, document: Mapping[str, object], target: Path, *, force: bool) -> None:
    """Write a domain, with its manifest's document, as the directory `target`.

    Raises FilesError when the target exists (with `force`: exists and is no built domain) or cannot be written.
    """
    with _failures_named(target):
        place = _settled(target)
        check_target(place, target, force=force)
        with _written_beside(place, target, force=force) as directory:
            write_memory_image(domain.memory, directory / MEMORY_IMAGE)
            for name, content in structure_files(domain).items():
                (directory / name).write_bytes(content)
            (directory / MANIFEST).write_text(manifest_text(document))


def _settled(target: Path) -> Path:
    """Return the target without `..` and links on the way to it, which may lead elsewhere once it is renamed."""
    if target.name in ("", ".."):
        return target.resolve()
    return target.parent.resolve(strict=True) / target.name


@contextmanager
def _failures_named(target: Path) -> Iterator[None]:
    """Turn what the file system refuses into the error that names the target as the user does."""
    try:
        yield
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        if isinstance(error, FileNotFoundError):
            reason = "the directory that it would be in does not exist"
        raise FilesError(
            "target-unwritable",
            f"{target} cannot be written",
            cause=reason,
            hint="give a directory that can be written, with room for the image, with -o DIR",
        ) from error


def check_target(place: Path, target: Path, *, force: bool) -> None:
    """Raise FilesError unless `place` is free, or with `force` a domain that this program built.

    `target` is what the user calls it.
    """
    if not os.path.lexists(place):
        return
    if not force:
        raise FilesError(
            "target-exists",
            f"{target} exists already",
            cause="a build never overwrites silently",
            hint="give another place with -o DIR, or replace it with --force",
        )
    if not _is_built_domain(place):
        raise FilesError(
            "target-not-a-domain",
            f"{target} is not replaced, even with --force",
            cause=f"it is not a directory with a {MANIFEST} of {SCHEMA}",
            hint="remove it yourself, or give another place with -o DIR",
        )


def write_memory_image(memory: GuestMemory, path: Path) -> None:
    """Write the sparse image: offset = frame × 4096, as long as the highest frame that exists."""
    with path.open("wb") as file:
        os.truncate(file.fileno(), bytes_of(memory.end))
        for first, pages in _batches(memory):
            data = memoryview(b"".join(pages))
            offset = bytes_of(first)
            while data:
                written = os.pwrite(file.fileno(), data, offset)
                data, offset = data[written:], offset + written


def _batches(memory: GuestMemory) -> Iterator[tuple[Pfn, list[bytes]]]:
    """Yield runs of consecutive non-zero pages, a few MiB at most."""
    first = Pfn(0)
    pages: list[bytes] = []
    for pfn, page in memory.pages():
        if pages and (pfn != first + len(pages) or len(pages) == _BATCH_PAGES):
            yield first, pages
            pages = []
        if not pages:
            first = pfn
        pages.append(page)
    if pages:
        yield first, pages


@contextmanager
def _written_beside(place: Path, target: Path, *, force: bool) -> Iterator[Path]:
    """Give a fresh directory beside `place` to write into, and move it there when all went well."""
    partial = place.parent / f".{place.name[:64]}.{token_hex(4)}.partial"
    try:
        partial.mkdir()
        yield partial
        check_target(place, target, force=force)
        _move_into_place(partial, place)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _move_into_place(partial: Path, place: Path) -> None:
    """Rename the new domain to its place; an old one is set aside before, and put back if that fails."""
    old = partial.with_suffix(".old")
    try:
        if place.exists():
            place.rename(old)
        partial.rename(place)
    except BaseException:
        if old.exists() and not place.exists():
            old.rename(place)
        raise
    finally:
        if place.exists():
            shutil.rmtree(old, ignore_errors=True)


def _is_built_domain(target: Path) -> bool:
    try:
        document = json.loads((target / MANIFEST).read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return not target.is_symlink() and isinstance(document, dict) and document.get("schema") == SCHEMA
