"""What `xlbuild create` does for each guest: build it, say what came of it, write it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xlbuild.cli.text import STDIN, standard_input
from xlbuild.errors import ConfigError

if TYPE_CHECKING:
    from xlbuild.cli.progress import Progress
    from xlbuild.cli.report import Report
    from xlbuild.domain import Domain, Unplanned
    from xlbuild.emit.depfile import Rule
    from xlbuild.pipeline import Guest, OnUnplanned, OnWarning


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks for, of every guest alike."""

    settings: tuple[str, ...]
    output: str | None
    jobs: int | None
    force: bool
    xen: str | None
    dry_run: bool
    as_json: bool
    map_file: str | None
    depfile: str | None
    expect: str | None
    firmware_dirs: tuple[str, ...]
    host: str | None
    hypercall_page: bool
    strict: bool
    max_kernel_size: int | None
    quiet: bool
    verbose: bool


@dataclass(frozen=True, slots=True)
class Made:
    """What came of a guest."""

    target: Path
    """Where it is, or would be but for a dry run."""
    document: dict[str, object]
    report: Report
    files: tuple[str, ...]
    """What it was made from."""

    def rule(self, asked: Asked) -> Rule:
        """Return its rule for the depfile: of its manifest, or where nothing else is written of the map."""
        from xlbuild.emit.depfile import Rule

        only_map = asked.dry_run and asked.map_file is not None
        return Rule(str(asked.map_file if only_map else self.target / "domain.json"), self.files)


def begin(
    file: str, asked: Asked, progress: Progress, on_warning: OnWarning, on_unplanned: OnUnplanned
) -> Guest:
    """Read a configuration, and choose its guest's container."""
    from xlbuild import api

    return api.begin(
        standard_input() if file == "-" else file,
        overrides=asked.settings,
        xen=asked.xen,
        firmware_dirs=asked.firmware_dirs,
        hypercall_page=asked.hypercall_page,
        max_kernel_size=asked.max_kernel_size,
        strict=asked.strict,
        host=asked.host,
        source=STDIN,
        on_stage=progress.stage,
        on_warning=on_warning,
        on_unplanned=on_unplanned,
    )


def made_of(domain: Domain, file: str, target: Path) -> Made:
    """Return what came of a guest, before anything is written."""
    from xlbuild import api
    from xlbuild.cli.report import report_of

    document = api.manifest(domain)
    files = api.files_read(domain, None if file == "-" else file)
    return Made(target, document, report_of(domain, document), files)


def map_of_unplanned(unplanned: Unplanned) -> str:
    """Return the map, as far as it got, of a guest that gets no plan."""
    from xlbuild.cli.report import report_of_unplanned
    from xlbuild.cli.show import plain_text

    return plain_text(report_of_unplanned(unplanned))


def target_directory(output: str | None, name: str) -> Path:
    """Return where a domain goes: `-o`, or `./NAME`; ConfigError for a name that is no file name."""
    if output is None:
        return Path(_file_name(name, "say where to write the domain with -o DIR"))
    return Path(output)


def target_of_one_of_several(output: str | None, name: str) -> Path:
    """Return where one of several domains goes: into `-o`, or `.`; ConfigError for a name that is no file name."""
    return Path(output or ".", _file_name(name, "give it another name, or build it alone with -o DIR"))


def _file_name(name: str, hint: str) -> str:
    if "/" in name or "\0" in name or name in ("", ".", ".."):
        raise ConfigError(
            "name-no-file-name",
            f"the domain's name {name!r} cannot name a directory",
            cause="it is empty, a dot, or has a slash in it",
            hint=hint,
        )
    return name
