"""Errors and warnings for people, on stderr."""

from collections.abc import Iterator
from dataclasses import dataclass

import click

from xlbuild.cli.text import stderr_has_colour
from xlbuild.errors import (
    ConfigProblemsError,
    ConfigSyntaxError,
    Diagnostic,
    StrictError,
    Where,
    XlbuildError,
)
from xlbuild.rules import OTHER, Severity, rule_of
from xlbuild.visible import visible


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong."""

    code: str
    where: Where
    message: str
    cause: str | None
    hint: str | None

    @property
    def sentence(self) -> str:
        """What is wrong, and where."""
        return f"{self.where}: {self.message}" if str(self.where) else self.message


def problems_of(error: XlbuildError) -> Iterator[Problem]:
    """Yield each thing that an error says is wrong."""
    if isinstance(error, ConfigSyntaxError):
        for problem in error.problems:
            yield Problem(problem.code, problem.where, problem.message, None, problem.hint)
    elif isinstance(error, ConfigProblemsError | StrictError):
        for each in error.errors:
            yield from problems_of(each)
    else:
        yield Problem(error.code, error.where, error.message, error.cause, error.hint)


def complain(error: XlbuildError, about: str | None = None) -> None:
    """Say what is wrong, where, why, and what to do about it; of several configurations, `about` says which it is."""
    if isinstance(error, ConfigProblemsError | StrictError):
        for each in error.errors:
            complain(each, about)
        return
    for problem in problems_of(error):
        _say("error", problem.code, problem.sentence, problem.cause, problem.hint, about)
    if isinstance(error, ConfigSyntaxError) and error.advice:
        click.echo(f"  {error.advice}", err=True)


def warn(diagnostic: Diagnostic, about: str | None = None) -> None:
    """Say what a user should know though the build goes on; notes are for `xlbuild check` to tell."""
    if rule_of(diagnostic.code).severity is Severity.NOTE:
        return
    place = f"{diagnostic.where}: " if str(diagnostic.where) else ""
    _say("warning", diagnostic.code, f"{place}{diagnostic.message}", None, diagnostic.hint, about)


def say_nothing(diagnostic: Diagnostic) -> None:
    """Keep a warning quiet."""


def _say(kind: str, code: str, message: str, cause: str | None, hint: str | None, about: str | None) -> None:
    """Say one thing, with the id of its rule if it has one: `xlbuild check --explain` tells more."""
    colour = {"error": "red", "warning": "yellow"}[kind]
    rule = rule_of(code)
    label = kind if rule is OTHER else f"{kind}[{rule.id}]"
    shown = click.style(label, fg=colour, bold=True) if stderr_has_colour() else label
    lead = "xlbuild" if about is None else f"xlbuild: {visible(about)}"
    click.echo(f"{lead}: {shown}: {visible(message)}", err=True)
    for label, text in (("cause", cause), ("mend", hint)):
        if text:
            for index, line in enumerate(text.splitlines()):
                lead = f"{label}:" if index == 0 else ""
                click.echo(f"  {lead:7}{visible(line)}", err=True)
