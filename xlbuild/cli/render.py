"""Output for people on a terminal. The only module that imports rich, which honours TERM by itself."""

import os
import threading
from collections.abc import Callable

from rich.console import Console, JustifyMethod
from rich.status import Status
from rich.table import Table as RichTable
from rich.text import Text

from xlbuild.cli.report import Report, Table


def render(report: Report) -> None:
    """Print a report as tables on stdout."""
    console = _console(stderr=False)
    console.print(_pairs(report.facts))
    for table in report.tables:
        console.print(_table(table))
    console.print(_pairs(report.closing))


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


def _table(table: Table) -> RichTable:
    shown = RichTable(title=table.title, title_justify="left", title_style="bold", box=None, padding=(0, 2))
    for column in table.columns:
        justify: JustifyMethod = "right" if column == "size" else "left"
        shown.add_column(column, header_style="dim", justify=justify, overflow="fold")
    for row in table.rows:
        shown.add_row(*(Text(cell) for cell in row))
    return shown
