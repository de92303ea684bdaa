"""A domain as a directory: memory.img, domain.json and one .bin for each start-of-day structure."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

from xlbuild.built import CONFIG_FILE, BuiltDomain, MemoryReader
from xlbuild.emit.formats import MANIFEST
from xlbuild.emit.manifest import SCHEMA, manifest_text
from xlbuild.emit.readfile import read_file
from xlbuild.emit.unwritable import Size
from xlbuild.errors import NOWHERE, FilesError, XlbuildError
from xlbuild.units import MIB, PAGE_SIZE, Pfn, bytes_of, page_up

MEMORY_IMAGE = "memory.img"
MOST_MANIFEST = 64 * MIB
"""Bytes of a manifest that is read back."""

_BATCH_PAGES = 4 * MIB // PAGE_SIZE


def fill_directory(built: BuiltDomain, config: bytes, place: Path) -> None:
    """Write a domain as the directory `place`, which is not there yet; OSError.

    `config` is its configuration (config.json).
    """
    place.mkdir()
    write_memory_image(built.memory, place / MEMORY_IMAGE)
    for name, content in _small_files(built, config).items():
        (place / name).write_bytes(content)


def directory_size(built: BuiltDomain, config: bytes) -> Size:
    """Return how much room the directory takes."""
    image = bytes_of(sum(1 for _ in built.memory.pages()))
    others = [page_up(len(content)) for content in _small_files(built, config).values()]
    directory_and_image = 2
    return Size(image + sum(others), len(others) + directory_and_image, bytes_of(built.memory.end))


def _small_files(built: BuiltDomain, config: bytes) -> dict[str, bytes]:
    """Return the contents of all files but the image, by name."""
    return {**built.structures, CONFIG_FILE: config, MANIFEST: manifest_text(built.document).encode()}


def check_target(place: Path, target: Path, *, force: bool) -> None:
    """Raise FilesError unless `place` is free, or with `force` a domain that this program built, or empty.

    `target` is what the user calls it.
    """
    if not os.path.lexists(place):
        return
    is_link = place.is_symlink()
    is_domain = not is_link and _holds_domain(place)
    if not force:
        raise FilesError(
            "target-exists",
            f"{target} exists already",
            cause="a build never overwrites silently",
            hint=f"give another place with -o DIR, or {'replace it with --force' if is_domain else 'remove it'}",
        )
    if not is_domain:
        raise FilesError(
            "target-not-a-domain",
            f"{target} is not replaced, even with --force",
            cause="it is a symbolic link" if is_link else f"it is no directory with a {MANIFEST} of {SCHEMA}",
            hint="remove it yourself, or give another place with -o DIR",
        )


def _holds_domain(place: Path) -> bool:
    """Return whether a built domain is there, or nothing (any more); another build may replace it meanwhile.

    An empty directory is nothing: engines make the directories in which they expect a file.
    """
    while True:
        before = _identity(place)
        if before is None or _is_built_domain(place) or _is_empty(place):
            return True
        if _identity(place) == before:
            return False


def _identity(place: Path) -> tuple[int, int] | None:
    try:
        status = place.lstat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def _is_empty(place: Path) -> bool:
    try:
        return next(place.iterdir(), None) is None
    except OSError:  # it is no directory, or none that may be read
        return False


def _is_built_domain(place: Path) -> bool:
    try:
        document = json.loads(read_file(str(place / MANIFEST), "manifest", NOWHERE, MOST_MANIFEST))
    except (XlbuildError, ValueError, RecursionError):
        return False
    return isinstance(document, dict) and document.get("schema") == SCHEMA


def write_memory_image(memory: MemoryReader, path: Path) -> None:
    """Write the sparse image: offset = frame × 4096, as long as the highest frame that exists."""
    with path.open("wb") as file:
        os.truncate(file.fileno(), bytes_of(memory.end))
        for first, pages in page_batches(memory):
            data = memoryview(b"".join(pages))
            offset = bytes_of(first)
            while data:
                written = os.pwrite(file.fileno(), data, offset)
                data, offset = data[written:], offset + written


def page_batches(memory: MemoryReader) -> Iterator[tuple[Pfn, list[bytes]]]:
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
