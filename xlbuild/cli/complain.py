"""Errors and warnings for people, on stderr."""

import click

from xlbuild.cli.text import stderr_has_colour
from xlbuild.errors import (
    ConfigProblemsError,
    ConfigSyntaxError,
    Diagnostic,
    StrictError,
    XlbuildError,
)
from xlbuild.rules import OTHER, Severity, rule_of
from xlbuild.visible import visible


def complain(error: XlbuildError) -> None:
    """Say what is wrong, where, why, and what to do about it."""
    if isinstance(error, ConfigSyntaxError):
        _say_problems(error)
        return
    if isinstance(error, ConfigProblemsError | StrictError):
        for each in error.errors:
            complain(each)
        return
    _say("error", error.code, str(error), error.cause, error.hint)


def _say_problems(error: ConfigSyntaxError) -> None:
    """Say every problem on a line of its own, then what to do about them."""
    for problem in error.problems:
        _say("error", problem.code, f"{problem.where}: {problem.message}", None, problem.hint)
    if error.advice:
        click.echo(f"  {error.advice}", err=True)


def warn(diagnostic: Diagnostic) -> None:
    """Say what a user should know though the build goes on; notes are for `xlbuild check` to tell."""
    if rule_of(diagnostic.code).severity is Severity.NOTE:
        return
    place = f"{diagnostic.where}: " if str(diagnostic.where) else ""
    _say("warning", diagnostic.code, f"{place}{diagnostic.message}", None, diagnostic.hint)


def say_nothing(diagnostic: Diagnostic) -> None:
    """Keep a warning quiet."""


def _say(kind: str, code: str, message: str, cause: str | None, hint: str | None) -> None:
    """Say one thing, with the id of its rule if it has one: `xlbuild check --explain` tells more."""
    colour = {"error": "red", "warning": "yellow"}[kind]
    rule = rule_of(code)
    label = kind if rule is OTHER else f"{kind}[{rule.id}]"
    shown = click.style(label, fg=colour, bold=True) if stderr_has_colour() else label
    click.echo(f"xlbuild: {shown}: {visible(message)}", err=True)
    for label, text in (("cause", cause), ("mend", hint)):
        if text:
            for index, line in enumerate(text.splitlines()):
                lead = f"{label}:" if index == 0 else ""
                click.echo(f"  {lead:7}{visible(line)}", err=True)
