"""What came of each of several configurations: a line, messages, a summary, a JSON document (docs/create.md)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from xlbuild.cli.complain import Problem, complain, problems_of, warn
from xlbuild.cli.creating import Asked, places
from xlbuild.emit.formats import DIRECTORY
from xlbuild.errors import Diagnostic, ExitStatus, Where, XlbuildError
from xlbuild.rules import OTHER, Severity, rule_of
from xlbuild.visible import visible

if TYPE_CHECKING:
    from xlbuild.emit.depfile import Rule
    from xlbuild.emit.formats import Target

SCHEMA = "xlbuild.create/1"
"""What the JSON document calls itself; its schema is xlbuild/emit/create.schema.json."""


@dataclass(frozen=True, slots=True)
class Built:
    """A guest that was built: what is told of it, so that of very many little has to be kept."""

    targets: tuple[Target, ...]
    """Where it is in each format, or would be but for a dry run."""
    digest: str
    rules: tuple[Rule, ...]
    """For the depfile."""
    manifest: Mapping[str, object] | None
    """Only where it is asked for."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one configuration."""

    file: str
    """What messages call it."""
    messages: tuple[Diagnostic | str, ...]
    """Warnings and lines of progress, in the order in which they came."""
    error: XlbuildError | None
    built: Built | None
    """Set unless there is an error."""
    map: str | None
    """Only where it is asked for."""

    @property
    def status(self) -> ExitStatus:
        """What `create` of it alone would exit with."""
        return ExitStatus.OK if self.error is None else self.error.exit_status


def say_messages(outcome: Outcome, asked: Asked) -> None:
    """Say on stderr what came up while a guest was built, and why it was not, each message with its configuration."""
    for message in outcome.messages:
        if isinstance(message, str):
            click.echo(f"{visible(outcome.file)}: {visible(message)}", err=True)
        elif not asked.quiet:
            warn(message, outcome.file)
    if outcome.error is not None:
        complain(outcome.error, outcome.file)


def line_of(outcome: Outcome, asked: Asked) -> str:
    """Return the one line that says what came of a configuration."""
    if outcome.built is None:
        code = outcome.error.code if outcome.error is not None else ""
        return f"{outcome.file}: failed {outcome.status:d} {code}"
    word = "dry-run" if asked.dry_run else "built"
    return f"{outcome.file}: {word} {outcome.built.digest} {places(outcome.built.targets)}"


def summary(outcomes: Sequence[Outcome], asked: Asked) -> str:
    """Return how many were built, and how many failed if any did."""
    failed = sum(outcome.built is None for outcome in outcomes)
    done = f"{len(outcomes) - failed} {'would be built' if asked.dry_run else 'built'}"
    return f"{done}, {failed} failed" if failed else done


def as_json(outcomes: Sequence[Outcome], asked: Asked) -> str:
    """Return the document that says what came of each configuration: indented JSON, ASCII only, a final newline."""
    document = {
        "schema": SCHEMA,
        "dry_run": asked.dry_run,
        "guests": [_guest_member(outcome) for outcome in outcomes],
    }
    return json.dumps(document, indent=2) + "\n"


def _guest_member(outcome: Outcome) -> dict[str, object]:
    targets = () if outcome.built is None else outcome.built.targets
    written = {target.format.name: visible(str(target.path)) for target in targets}
    return {
        "file": visible(outcome.file),
        "status": int(outcome.status),
        "errors": [_problem_member(problem) for problem in _problems(outcome)],
        "warnings": [_problem_member(warning) for warning in _warnings(outcome)],
        "directory": written.get(DIRECTORY.name),
        "formats": None if outcome.built is None else written,
        "manifest": None if outcome.built is None else outcome.built.manifest,
    }


def _problems(outcome: Outcome) -> Iterator[Problem]:
    if outcome.error is not None:
        yield from problems_of(outcome.error)


def _warnings(outcome: Outcome) -> Iterator[Problem]:
    for warning in outcome.messages:
        if isinstance(warning, Diagnostic) and rule_of(warning.code).severity is not Severity.NOTE:
            yield Problem(warning.code, warning.where, warning.message, None, warning.hint)


def _problem_member(problem: Problem) -> dict[str, object]:
    rule = rule_of(problem.code)
    return {
        "rule": None if rule is OTHER else rule.id,
        "code": problem.code,
        "message": _clean(problem.message),
        "cause": _clean(problem.cause),
        "mend": _clean(problem.hint),
        "where": _place_member(problem.where),
    }


def _place_member(where: Where) -> dict[str, object]:
    return {
        "file": _clean(where.file),
        "line": where.line,
        "column": where.column,
        "offset": where.offset,
        "note": where.note,
        "key": _clean(where.key),
    }


def _clean(text: str | None) -> str | None:
    """Return text without what is no character; line ends stay."""
    return None if text is None else "\n".join(visible(line) for line in text.split("\n"))
