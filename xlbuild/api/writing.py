"""Writing what was built, and what is to be said of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xlbuild.built import BuiltDomain
    from xlbuild.domain import Domain
    from xlbuild.emit.depfile import Rule
    from xlbuild.emit.formats import Format, Target
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
    from xlbuild.emit.formats import DIRECTORY, Target

    write_as(domain, [Target(DIRECTORY, Path(target))], force=force, parents=parents, document=document)


def write_save(
    domain: Domain | BuiltDomain,
    target: str | Path,
    *,
    force: bool = False,
    document: dict[str, object] | None = None,
) -> None:
    """Write a domain as a save file, which `xl restore` starts, all or nothing.

    domain      what `build` returned, of a PV guest with `restorable`; or a directory's, which `open_domain` returned
    document    of a domain that was built: saves making its manifest again

    Raises RefusedError for a domain that cannot travel as a save file, and FilesError when the target exists, or with
    `force` when it is no save file.
    """
    from xlbuild.emit.formats import SAVE, Target

    write_as(domain, [Target(SAVE, Path(target))], force=force, document=document)


def write_core(
    domain: Domain | BuiltDomain,
    target: str | Path,
    *,
    force: bool = False,
    document: dict[str, object] | None = None,
) -> None:
    """Write a domain as a dump-core, all or nothing; arguments are those of `write_save`.

    Raises RefusedError for a manifest alone, and FilesError when the target exists, or with `force` when it is no
    dump-core.
    """
    from xlbuild.emit.formats import CORE, Target

    write_as(domain, [Target(CORE, Path(target))], force=force, document=document)


def write_as(
    domain: Domain | BuiltDomain,
    targets: Sequence[Target],
    *,
    force: bool = False,
    parents: bool = False,
    document: dict[str, object] | None = None,
    config: bytes | None = None,
) -> None:
    """Write a domain in some formats, each to its place: all of them, or none as far as file systems allow.

    config      what a save file carries, libxl_domain_config in JSON (default: the domain's own)

    Other arguments and the errors are those of `write`, `write_save` and `write_core`.
    """
    from xlbuild.emit.writers import check_formats, write_domain

    built = _built(domain, document)
    check_formats(built, targets)  # before a configuration is looked for, which only a directory has
    if config is None:
        config = _config(domain, targets)
    write_domain(built, config, targets, force=force, parents=parents)


def load_writers(formats: Sequence[Format]) -> None:
    """Import what writes some formats: once, before processes are forked that write them."""
    from xlbuild.emit.writers import writer_of

    for each in formats:
        writer_of(each)


def _built(domain: Domain | BuiltDomain, document: dict[str, object] | None) -> BuiltDomain:
    from xlbuild.domain import Domain
    from xlbuild.emit.readback import in_memory

    return in_memory(domain, domain.container.name, document) if isinstance(domain, Domain) else domain


def _config(domain: Domain | BuiltDomain, targets: Sequence[Target]) -> bytes:
    """Return a domain's configuration; of a directory's only where a format has it, as older ones have none."""
    from xlbuild.domain import Domain
    from xlbuild.emit.save.config import read_config
    from xlbuild.emit.structures import config_json

    if isinstance(domain, Domain):
        return config_json(domain)
    return read_config(domain) if any(target.format.is_restored for target in targets) else b""


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
