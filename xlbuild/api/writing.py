"""Writing what was built, and what is to be said of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from xlbuild.api.building import manifest

if TYPE_CHECKING:
    from xlbuild.domain import Domain
    from xlbuild.emit.depfile import Rule
    from xlbuild.inspect.tree import Part


def write(
    domain: Domain,
    target: str | Path,
    *,
    force: bool = False,
    parents: bool = False,
    document: dict[str, object] | None = None,
) -> None:
    """Write a domain as a directory, all or nothing; `document` saves making its manifest again.

    `parents` makes the directories that it goes into, too. Raises FilesError when the target exists, or with `force`
    when it is no domain that this program built.
    """
    from xlbuild.emit.directory import write_directory

    if document is None:
        document = manifest(domain)
    write_directory(domain, document, Path(target), force=force, parents=parents)


def write_part(part: Part, target: str | Path, *, force: bool = False) -> None:
    """Write a part of what was examined as a file, all or nothing; FilesError when the target exists."""
    from xlbuild.emit.partfile import write_part as write

    write(part, Path(target), force=force)


def write_depfile(rules: Sequence[Rule], target: str | Path) -> None:
    """Write what domains are made from, in place of what there was, as make and ninja read it.

    Raises FilesError for a name that neither can write, and when the file cannot be written.
    """
    from xlbuild.emit.depfile import depfile_text
    from xlbuild.emit.textfile import write_text

    write_text(depfile_text(rules), Path(target), "--depfile")


def write_map(text: str, target: str | Path) -> None:
    """Write a map, in place of what there was; FilesError when it cannot be written."""
    from xlbuild.emit.textfile import write_text

    write_text(text.encode(), Path(target), "--map")


def write_page(page: str, target: str | Path) -> None:
    """Write a comparison's page, in place of what there was; FilesError when it cannot be written."""
    from xlbuild.emit.textfile import write_text

    write_text(page.encode(errors="backslashreplace"), Path(target), "--html")
