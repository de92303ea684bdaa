"""`xlbuild create` of one configuration: a report of what was built, or that it is not what was expected."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from xlbuild import api
from xlbuild.cli.complain import complain, say_nothing, warn
from xlbuild.cli.creating import Asked, Made, begin, made_of, map_of_unplanned, places
from xlbuild.cli.formats import targets_of
from xlbuild.cli.progress import Progress
from xlbuild.cli.report import digest_of, with_targets
from xlbuild.cli.show import plain_text, show
from xlbuild.cli.text import STDIN
from xlbuild.emit.manifest import manifest_text
from xlbuild.errors import ExitStatus, XlbuildError

if TYPE_CHECKING:
    from xlbuild.domain import Domain
    from xlbuild.expected import Expected


def create_one(file: str, asked: Asked) -> ExitStatus:
    """Build and write the domain of a configuration, and report; or say that its digest is not the one expected."""
    expected = None if asked.expect is None else api.expected(asked.expect)
    with Progress(verbose=asked.verbose, quiet=asked.quiet) as progress:
        guest = begin(
            file,
            asked,
            progress,
            say_nothing if asked.quiet else warn,
            lambda unplanned: _write_map(map_of_unplanned(unplanned), asked),
        )
        domain = api.finish(guest)
        made = made_of(domain, file, targets_of(asked.formats, asked.output, domain.container.name))
        unmet = expected is not None and digest_of(made.document) != expected.digest
        if not unmet:
            _write(domain, made, asked, progress)
    if expected is not None and unmet:
        plan_for = domain.plan.request.plan_for
        error = expected.unmet(domain.container.name, digest_of(made.document), plan_for)
        complain(error)
        if not asked.quiet:
            _show_changes(expected, domain, made, " ".join([STDIN if file == "-" else file, *asked.settings]))
        return error.exit_status
    if asked.as_json:
        click.echo(manifest_text(made.document), nl=False)
    elif not asked.quiet:
        show(with_targets(made.report, domain.memory.end, () if asked.dry_run else made.targets))
    return ExitStatus.OK


def _write(domain: Domain, made: Made, asked: Asked, progress: Progress) -> None:
    """Write what is asked for, the domain last: where it is, all else is there, too."""
    _write_map(plain_text(made.report), asked)
    if asked.depfile is not None:
        api.write_depfile(made.rules(asked), asked.depfile)
    if not asked.dry_run:
        progress.stage("emit", places(made.targets))
        parents = len(made.targets) > 1
        api.write_as(domain, made.targets, force=asked.force, parents=parents, document=made.document)


def _write_map(text: str, asked: Asked) -> None:
    if asked.map_file is not None:
        api.write_map(text, asked.map_file)


def _show_changes(expected: Expected, domain: Domain, made: Made, label: str) -> None:
    """Show on stderr what differs from the domain that is expected, where that is known."""
    try:
        for target in made.targets:
            expected = api.known_from(expected, target.path)
        if expected.domain is None:
            return
        comparison = api.compare(expected.domain, api.side_of(domain, label))
    except XlbuildError as trouble:
        complain(trouble)
        return
    if sys.stderr.isatty():
        from xlbuild.cli.render import render_comparison

        render_comparison(comparison, stderr=True)
    else:
        from xlbuild.diff.show.text import plain_text as comparison_text

        click.echo(comparison_text(comparison), nl=False, err=True)
