"""Output for people on a terminal. The only module that imports rich, which honours TERM by itself."""

import os
import threading
from collections.abc import Callable

from rich.console import Console, JustifyMethod
from rich.padding import Padding
from rich.status import Status
from rich.table import Table as RichTable
from rich.text import Text

from xlbuild.cli.report import Report, Table
from xlbuild.cli.tree import Grid, blocks, fitting
from xlbuild.inspect.tree import Branch

_INDENT = 2
_ANSWERS = {"yes": "green", "depends": "yellow", "no": "dim"}
"""Colours of what is answered in a word: what boots is seen at once."""


def render(report: Report) -> None:
    """Print a report as tables on stdout."""
    console = _console(stderr=False)
    console.print(_pairs(report.facts))
    for table in report.tables:
        console.print(_table(table))
    console.print(_pairs(report.closing))


def render_tree(tree: Branch) -> None:
    """Print a description on stdout: titles in bold, tables that fit the terminal."""
    console = _console(stderr=False)
    for block in (part for whole in blocks(tree) for part in fitting(whole, console.width)):
        if isinstance(block, Grid):
            console.print(Padding(_grid(block), (0, 0, 0, _INDENT * block.depth)))
        elif block.text is None:
            console.print(Padding(Text(block.label, style="bold"), (0, 0, 0, _INDENT * block.depth)))
        else:
            line = RichTable.grid(padding=(0, 1))
            line.add_column(style="bold", no_wrap=True)
            line.add_column(overflow="fold")
            line.add_row(f"{block.label}:" if block.label else "", Text(block.text))
            console.print(Padding(line, (0, 0, 0, _INDENT * block.depth)))


def start_spinner(text: Callable[[], str]) -> Callable[[], None]:
    """Show a spinner on stderr with a text that may change; return what takes it away."""
    status = Status(text(), console=_console(stderr=True))
    status.start()
    done = threading.Event()

    def follow() -> None:
        while not done.wait(0.1):
            status.update(text())

    follower = threading.Thread(target=follow, daemon=True)
    follower.start()

    def stop() -> None:
        done.set()
        follower.join()
        status.stop()

    return stop


def _console(*, stderr: bool) -> Console:
    """Return a console; with NO_COLOR one without any style, bold included."""
    return Console(stderr=stderr, color_system=None if os.environ.get("NO_COLOR") else "auto")


def _pairs(pairs: tuple[tuple[str, str], ...]) -> RichTable:
    grid = RichTable.grid(padding=(0, 2))
    grid.add_column(style="bold")
    grid.add_column(overflow="fold")
    for label, value in pairs:
        grid.add_row(label, Text(value))
    return grid


def _grid(grid: Grid) -> RichTable:
    shown = RichTable(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for column in grid.columns:
        shown.add_column(column, header_style="dim", overflow="fold")
    for row in grid.rows:
        shown.add_row(*(Text(cell, style=_ANSWERS.get(cell, "")) for cell in row))
    return shown


def _table(table: Table) -> RichTable:
    shown = RichTable(title=table.title, title_justify="left", title_style="bold", box=None, padding=(0, 2))
    for column in table.columns:
        justify: JustifyMethod = "right" if column == "size" else "left"
        shown.add_column(column, header_style="dim", justify=justify, overflow="fold")
    for row in table.rows:
        shown.add_row(*(Text(cell) for cell in row))
    return shown
