"""Errors and warnings for people, on stderr."""

from typing import TYPE_CHECKING

import click

from xlbuild.cli.text import stderr_has_colour
from xlbuild.errors import (
    ConfigProblemsError,
    ConfigSyntaxError,
    Diagnostic,
    RefusedError,
    StrictError,
    XlbuildError,
)
from xlbuild.rules import Severity, rule_of
from xlbuild.units import bytes_of, human_size
from xlbuild.visible import visible

if TYPE_CHECKING:
    from xlbuild.plan.layout import LayoutError


def complain(error: XlbuildError) -> None:
    """Say what is wrong, where, why, and what to do about it."""
    if isinstance(error, ConfigSyntaxError):
        _say_problems(error)
        return
    if isinstance(error, ConfigProblemsError | StrictError):
        for each in error.errors:
            complain(each)
        return
    _say("error", str(error), error.cause, error.hint)
    if isinstance(error, RefusedError):
        from xlbuild.plan.layout import LayoutError

        if isinstance(error, LayoutError):
            _say_placed(error)


def _say_placed(error: "LayoutError") -> None:
    """Say what had its place before there was none left."""
    if error.so_far:
        click.echo("  placed so far:", err=True)
        for segment in error.so_far:
            place = f"{segment.vstart:#x}..{segment.vend:#x}"
            click.echo(f"    {segment.name:16} {place}  {human_size(bytes_of(segment.pages))}", err=True)


def _say_problems(error: ConfigSyntaxError) -> None:
    """Say every problem on a line of its own, then what to do about them."""
    for problem in error.problems:
        _say("error", f"{problem.where}: {problem.message}", None, problem.hint)
    if error.advice:
        click.echo(f"  {error.advice}", err=True)


def warn(diagnostic: Diagnostic) -> None:
    """Say what a user should know though the build goes on; notes are for `xlbuild check` to tell."""
    if rule_of(diagnostic.code).severity is Severity.NOTE:
        return
    place = f"{diagnostic.where}: " if str(diagnostic.where) else ""
    _say("warning", f"{place}{diagnostic.message}", None, diagnostic.hint)


def say_nothing(diagnostic: Diagnostic) -> None:
    """Keep a warning quiet."""


def _say(kind: str, message: str, cause: str | None, hint: str | None) -> None:
    colour = {"error": "red", "warning": "yellow"}[kind]
    shown = click.style(kind, fg=colour, bold=True) if stderr_has_colour() else kind
    click.echo(f"xlbuild: {shown}: {visible(message)}", err=True)
    for label, text in (("cause", cause), ("mend", hint)):
        if text:
            for index, line in enumerate(text.splitlines()):
                lead = f"{label}:" if index == 0 else ""
                click.echo(f"  {lead:7}{visible(line)}", err=True)
