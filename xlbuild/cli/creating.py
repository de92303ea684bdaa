"""What `xlbuild create` does for each guest: build it, say what came of it, write it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from xlbuild.cli.text import STDIN, standard_input

if TYPE_CHECKING:
    from xlbuild.cli.progress import Progress
    from xlbuild.cli.report import Report
    from xlbuild.domain import Domain, Unplanned
    from xlbuild.emit.depfile import Rule
    from xlbuild.emit.formats import Format, Target
    from xlbuild.pipeline import Guest, OnUnplanned, OnWarning


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks for, of every guest alike."""

    settings: tuple[str, ...]
    formats: tuple[Format, ...]
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
    set_memory_map: bool
    strict: bool
    max_kernel_size: int | None
    quiet: bool
    verbose: bool


@dataclass(frozen=True, slots=True)
class Made:
    """What came of a guest."""

    targets: tuple[Target, ...]
    """Where it is in each format, or would be but for a dry run."""
    document: dict[str, object]
    report: Report
    files: tuple[str, ...]
    """What it was made from."""

    def rules(self, asked: Asked) -> tuple[Rule, ...]:
        """Return its rules for the depfile: of what is written, or where nothing else is of the map."""
        from xlbuild.emit.depfile import Rule

        if asked.dry_run and asked.map_file is not None:
            return (Rule(asked.map_file, self.files),)
        return tuple(Rule(str(target.witness), self.files) for target in self.targets)


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
        restorable=any(each.is_restored for each in asked.formats),
        set_memory_map=asked.set_memory_map,
        max_kernel_size=asked.max_kernel_size,
        strict=asked.strict,
        host=asked.host,
        source=STDIN,
        on_stage=progress.stage,
        on_warning=on_warning,
        on_unplanned=on_unplanned,
    )


def made_of(domain: Domain, file: str, targets: tuple[Target, ...]) -> Made:
    """Return what came of a guest, before anything is written."""
    from xlbuild import api
    from xlbuild.cli.report import report_of

    document = api.manifest(domain)
    files = api.files_read(domain, None if file == "-" else file)
    return Made(targets, document, report_of(domain, document), files)


def map_of_unplanned(unplanned: Unplanned) -> str:
    """Return the map, as far as it got, of a guest that gets no plan."""
    from xlbuild.cli.report import report_of_unplanned
    from xlbuild.cli.show import plain_text

    return plain_text(report_of_unplanned(unplanned))


def places(targets: tuple[Target, ...]) -> str:
    """Return where a domain is, or is to be, in one line."""
    return " ".join(str(target.path) for target in targets)
