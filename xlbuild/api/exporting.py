"""Making of a built domain's directory what a host starts, or what other programs read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from xlbuild.api.looking import xl_json
from xlbuild.api.options import ignore
from xlbuild.api.writing import write_as
from xlbuild.errors import Diagnostic, FilesError, UsageError

if TYPE_CHECKING:
    from xlbuild.built import BuiltDomain
    from xlbuild.emit.formats import Target
    from xlbuild.pipeline import OnWarning


def export(
    directory: str | Path,
    targets: Mapping[str, str | Path],
    *,
    force: bool = False,
    config: str | Path | None = None,
    as_is: bool = False,
    on_warning: OnWarning = ignore,
) -> None:
    """Write a built domain's directory in other formats: all of them, or none as far as file systems allow.

    targets     where each format goes: `save`, `core`
    force       replace what is there, if it is of the same kind
    config      an xl configuration that a save file is to carry (default: what the domain was built of)
    as_is       take a directory that is not what was built any more

    Raises FilesError for a directory that cannot be read or is damaged, and as `write_save`; RefusedError for a PV
    guest that is laid out for `xl create` and cannot travel; ConfigError for a configuration that is wrong, or of
    another guest; UsageError for what is no directory, or no format that can be exported.
    """
    from xlbuild.emit.formats import Target, exported

    wanted = [Target(exported(name), Path(path)) for name, path in targets.items()]
    built = open_directory(directory)
    export_domain(built, wanted, force=force, config=config, as_is=as_is, on_warning=on_warning)


def open_directory(directory: str | Path) -> BuiltDomain:
    """Return the domain of a directory; UsageError for a file, and what reading a directory does."""
    from xlbuild.emit.readback import read_directory

    try:
        return read_directory(directory)
    except FilesError as error:
        if error.code != "domain-not-a-directory":
            raise
        raise UsageError(
            "export-no-directory",
            f"{directory} is no built domain's directory",
            cause="what is exported is a domain that `xlbuild create` has built into one",
            hint=_instead(Path(directory)),
        ) from error


def _instead(file: Path) -> str:
    """Return what is to be done with a file that was given for a directory."""
    from xlbuild.emit.formats import MANIFEST
    from xlbuild.opening import captured

    if file.name == MANIFEST:
        return f"give the directory that it is in: {file.parent}"
    if (origin := captured(str(file))) is not None:
        return (
            f"a {origin.value} stays what it is; `xlbuild create --format` makes others of the configuration"
        )
    return "of a configuration, `xlbuild create --format save` makes a save file at once"


def export_domain(
    built: BuiltDomain,
    targets: Sequence[Target],
    *,
    parents: bool = False,
    force: bool = False,
    config: str | Path | None = None,
    as_is: bool = False,
    on_warning: OnWarning = ignore,
) -> str:
    """Do what `export` does with a directory's domain, and return its digest; all of its memory is read for that."""
    from xlbuild.emit.readback import identify
    from xlbuild.emit.whole import check_complete, check_whole
    from xlbuild.emit.writers import check_formats

    check_formats(built, targets)
    check_complete(built)
    given = None if config is None else _config_of(built, config, on_warning)
    identity = identify(built)
    try:
        check_whole(identity)
    except FilesError as error:
        if not as_is:
            raise
        what = "; ".join((error.cause or "").splitlines())
        on_warning(Diagnostic(error.code, f"{error.message}: {what}", error.where))
    write_as(built, targets, force=force, parents=parents, config=given)
    return identity.digests.domain


def _config_of(built: BuiltDomain, config: str | Path, on_warning: OnWarning) -> bytes:
    """Return a configuration as a save file carries it; ConfigError for that of another guest."""
    from xlbuild.emit.save.config import check_config_of

    text = xl_json(config, xen=built.profile, on_warning=on_warning)
    data = text.encode(errors="surrogateescape") + b"\n"
    check_config_of(built, data, str(config))
    return data
