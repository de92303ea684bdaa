"""`xlbuild create` of several configurations: side by side, and each comes to its own end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xlbuild import api
from xlbuild.cli import output_failed
from xlbuild.cli.complain import complain
from xlbuild.cli.creating import Asked, begin, made_of, map_of_unplanned, places
from xlbuild.cli.formats import targets_of_one_of_several
from xlbuild.cli.outcomes import Built, Outcome, as_json, line_of, say_messages, summary
from xlbuild.cli.progress import GuestsProgress, Progress
from xlbuild.cli.report import digest_of
from xlbuild.cli.show import plain_text
from xlbuild.cli.text import STDIN
from xlbuild.errors import Diagnostic, UsageError, XlbuildError
from xlbuild.visible import visible

if TYPE_CHECKING:
    from xlbuild.domain import Domain, Unplanned
    from xlbuild.emit.formats import Target
    from xlbuild.pipeline import Guest


@dataclass(slots=True)
class _Begun:
    """A configuration, and what it has come to so far; its process has a copy of its own."""

    file: str
    """As the command line has it."""
    progress: Progress
    messages: list[Diagnostic | str]
    map: str | None = None
    """The guest's, once there is one."""
    guest: Guest | None = None
    targets: tuple[Target, ...] = ()
    error: XlbuildError | None = None

    @property
    def name(self) -> str:
        """The guest's, once its configuration has been read."""
        return "" if self.guest is None else self.guest.container.name

    def outcome(self, error: XlbuildError | None, built: Built | None = None) -> Outcome:
        """Return what has come of it."""
        file = STDIN if self.file == "-" else self.file
        return Outcome(file, tuple(self.messages), error, built, self.map)


class _Printer:
    """Prints as long as somebody reads; the guests are built all the same."""

    def __init__(self) -> None:
        self.failed: OSError | None = None

    def print(self, say: Callable[[], None]) -> None:
        if self.failed is None:
            try:
                say()
            except OSError as error:
                self.failed = error


def create_several(files: Sequence[str], asked: Asked) -> int:
    """Build the guests of several configurations, and return the highest of their exit statuses.

    Nothing is built when two of them would go to one place (UsageError).
    """
    begun = [_begin(file, asked) for file in files]
    _refuse_equal_names(begun)
    api.load_writers(asked.formats)
    stdout, stderr = _Printer(), _Printer()
    with GuestsProgress(len(begun), shown=not (asked.quiet or asked.verbose)) as progress:
        outcomes = _build(begun, asked, progress, stdout, stderr)
    statuses = [outcome.status for outcome in outcomes]
    for write in (_write_map, _write_depfile):
        try:
            write(outcomes, asked)
        except XlbuildError as error:
            stderr.print(partial(complain, error))
            statuses.append(error.exit_status)
    if asked.as_json:
        stdout.print(lambda: click.echo(as_json(outcomes, asked), nl=False))
    elif not asked.quiet:
        stdout.print(lambda: click.echo(summary(outcomes, asked)))
    if stdout.failed is not None:
        statuses.append(output_failed(stdout.failed))
    return max(statuses)


def _begin(file: str, asked: Asked) -> _Begun:
    messages: list[Diagnostic | str] = []
    begun = _Begun(file, Progress(verbose=asked.verbose, quiet=asked.quiet, say=messages.append), messages)

    def keep_map(unplanned: Unplanned) -> None:
        begun.map = map_of_unplanned(unplanned)

    try:
        begun.guest = begin(file, asked, begun.progress, messages.append, keep_map)
        begun.progress.finish_stage()
        name = begun.guest.container.name
        begun.targets = targets_of_one_of_several(asked.formats, asked.output, name)
    except XlbuildError as error:
        begun.error = error
    return begun


def _refuse_equal_names(begun: Sequence[_Begun]) -> None:
    files: dict[Path, list[_Begun]] = {}
    for each in begun:
        for target in each.targets:
            files.setdefault(target.path, []).append(each)
    equal = {target: named for target, named in files.items() if len(named) > 1}
    if equal:
        raise UsageError(
            "names-equal",
            "several guests would go to one place",
            cause="\n".join(_same_place(target, named) for target, named in equal.items()),
            hint="give each guest a name of its own, or build them apart, each with its own -o DIR",
        )


def _same_place(target: Path, named: Sequence[_Begun]) -> str:
    files = " and ".join(each.file for each in named)
    names = list(dict.fromkeys(each.name for each in named))
    return f"{files} name their guest{'s' if names[1:] else ''} {' and '.join(names)}: {target}"


def _build(
    begun: Sequence[_Begun], asked: Asked, progress: GuestsProgress, stdout: _Printer, stderr: _Printer
) -> list[Outcome]:
    """Build all guests that can be, and tell of each once all before it have been told of."""
    outcomes: dict[int, Outcome] = {}
    told: list[Outcome] = []

    def tell(outcome: Outcome) -> None:
        told.append(outcome)
        progress.hide()
        stderr.print(lambda: say_messages(outcome, asked))
        if not (asked.quiet or asked.as_json):
            stdout.print(lambda: click.echo(visible(line_of(outcome, asked))))

    def end(number: int, outcome: Outcome) -> None:
        progress.end(number)
        outcomes[number] = outcome
        while len(told) in outcomes:
            tell(outcomes.pop(len(told)))

    for number, each in enumerate(begun):
        if each.error is not None:
            end(number, each.outcome(each.error))
    numbers = [number for number, each in enumerate(begun) if each.error is None]

    def crashed_or_not(index: int, came: Outcome | XlbuildError) -> None:
        number = numbers[index]
        end(number, begun[number].outcome(came) if isinstance(came, XlbuildError) else came)

    api.build_each(
        [each.guest for each in begun if each.error is None and each.guest is not None],
        lambda index, build: _create(begun[numbers[index]], build, asked),
        jobs=asked.jobs,
        on_start=lambda index: progress.start(numbers[index], begun[numbers[index]].name),
        on_end=crashed_or_not,
        on_wait=progress.go_on,
    )
    return told


def _create(begun: _Begun, build: Callable[[], Domain], asked: Asked) -> Outcome:
    """Build and write one guest, in its own process."""
    try:
        domain = build()
        made = made_of(domain, begun.file, begun.targets)
        if asked.map_file is not None:
            begun.map = plain_text(made.report)
        if not asked.dry_run:
            begun.progress.stage("emit", places(made.targets))
            api.write_as(domain, made.targets, force=asked.force, parents=True, document=made.document)
    except XlbuildError as error:
        return begun.outcome(error)
    begun.progress.finish_stage()
    manifest = made.document if asked.as_json else None
    return begun.outcome(None, Built(made.targets, digest_of(made.document), made.rules(asked), manifest))


def _write_map(outcomes: Sequence[Outcome], asked: Asked) -> None:
    maps = [outcome.map for outcome in outcomes if outcome.map is not None]
    if asked.map_file is not None and maps:
        api.write_map("\n".join(maps), asked.map_file)


def _write_depfile(outcomes: Sequence[Outcome], asked: Asked) -> None:
    """Write what the guests were made from, unless one failed: it would look up to date, as made from nothing."""
    built = [outcome.built for outcome in outcomes if outcome.built is not None]
    if asked.depfile is not None and len(built) == len(outcomes):
        api.write_depfile([rule for each in built for rule in each.rules], asked.depfile)
