"""Shows a report: as rich tables on a terminal, as plain stable text in a pipe."""

import sys

import click

from xlbuild.cli.report import Report, Table


def show(report: Report) -> None:
    """Print a report on stdout."""
    if sys.stdout.isatty():
        from xlbuild.cli.render import render

        render(report)
    else:
        click.echo(plain_text(report), nl=False)


def plain_text(report: Report) -> str:
    """Return a report as lines that scripts may rely on: `label: value`, then tables indented by two blanks."""
    lines = [f"{label}: {value}" for label, value in report.facts]
    for table in report.tables:
        lines.append(f"{table.title}:")
        lines += _plain_rows(table)
    lines += [f"{label}: {value}" for label, value in report.closing]
    return "\n".join(lines) + "\n"


def _plain_rows(table: Table) -> list[str]:
    widths = [max(len(row[column]) for row in table.rows) for column in range(len(table.columns))]
    return [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table.rows
    ]
