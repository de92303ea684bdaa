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
    check_target(target, force=force)
    with _written_beside(target, force=force) as directory:
        write_memory_image(domain.memory, directory / MEMORY_IMAGE)
        for name, content in structure_files(domain).items():
            (directory / name).write_bytes(content)
        (directory / MANIFEST).write_text(manifest_text(document))


def check_target(target: Path, *, force: bool) -> None:
    """Raise FilesError unless `target` is free, or with `force` a domain that this program built."""
    if not target.is_symlink() and not target.exists():
        return
    if not force:
        raise FilesError(
            "target-exists",
            f"{target} exists already",
            cause="a build never overwrites silently",
            hint="give another place with -o DIR, or replace it with --force",
        )
    if not _is_built_domain(target):
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
def _written_beside(target: Path, *, force: bool) -> Iterator[Path]:
    """Give a fresh directory beside `target` to write into, and move it there when all went well."""
    partial = target.parent / f".{target.name}.{token_hex(4)}.partial"
    try:
        partial.mkdir()
        try:
            yield partial
            _move_into_place(partial, target, force=force)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        raise FilesError(
            "target-unwritable",
            f"{target} cannot be written: {(error.strerror or str(error)).lower()}",
            cause=str(error),
            hint="give a directory that can be written, with room for the image, with -o DIR",
        ) from error


def _move_into_place(partial: Path, target: Path, *, force: bool) -> None:
    check_target(target, force=force)
    if not target.exists():
        partial.rename(target)
        return
    old = partial.with_suffix(".old")
    target.rename(old)
    try:
        partial.rename(target)
    except BaseException:
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _is_built_domain(target: Path) -> bool:
    try:
        document = json.loads((target / MANIFEST).read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return not target.is_symlink() and isinstance(document, dict) and document.get("schema") == SCHEMA
