"""Output for people on a terminal. The only module that imports rich, which honours TERM by itself."""

import os
import threading
from collections.abc import Callable, Iterable

from rich.console import Console, JustifyMethod
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.status import Status
from rich.table import Column
from rich.table import Table as RichTable
from rich.text import Text

from xlbuild.cli.report import Report, Table
from xlbuild.cli.tree import Grid, blocks, fitting
from xlbuild.diff.model import Comparison
from xlbuild.diff.show.lines import Line, Tone
from xlbuild.diff.show.stat import stat_lines
from xlbuild.diff.show.text import comparison_lines
from xlbuild.inspect.tree import Branch

_INDENT = 2
_ANSWERS = {"yes": "green", "depends": "yellow", "no": "dim"}
"""Colours of what is answered in a word: what boots is seen at once."""
_TONES = {
    Tone.SUMMARY: "bold",
    Tone.TITLE: "bold",
    Tone.NAME: "",
    Tone.OLD: "red",
    Tone.NEW: "green",
    Tone.CHANGED: "yellow",
    Tone.SHIFTED: "cyan",
    Tone.QUIET: "dim",
    Tone.PLAIN: "",
}
"""Colours of comparisons: what was is red, what is to be is green, what only lies elsewhere is neither."""


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


def render_comparison(comparison: Comparison, *, everything: bool = False, stderr: bool = False) -> None:
    """Print a comparison in colours, made for the terminal's width."""
    console = _console(stderr=stderr)
    _print_lines(console, comparison_lines(comparison, width=console.width, everything=everything))


def render_stat(comparison: Comparison) -> None:
    """Print on stdout how much differs where, in colours."""
    _print_lines(_console(stderr=False), stat_lines(comparison))


def _print_lines(console: Console, lines: Iterable[Line]) -> None:
    """Print lines; one that is too long goes on below its own start."""
    for line in lines:
        text = Text.assemble(*((word.text, _TONES[word.tone]) for word in line.words))
        text.rstrip()
        console.print(Padding(text, (0, 0, 0, _INDENT * line.depth), expand=False) if text else "")


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


class Bar:
    """A bar on stderr, with the names of what is in the making behind it; it goes away when it is hidden."""

    def __init__(self, console: Console, total: int) -> None:
        """Show nothing yet."""
        names = TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, ratio=1))
        self._progress = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            names,
            console=console,
            auto_refresh=False,  # which would take a thread, and there are forks
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            expand=True,
        )
        self._task = self._progress.add_task("", total=total)
        self._shown: tuple[int, str] | None = None

    def show(self, done: int, names: str) -> None:
        """Show it as it is now."""
        if self._shown != (done, names):
            self._progress.start()
            self._progress.update(self._task, completed=done, description=names, refresh=True)
            self._shown = (done, names)

    def hide(self) -> None:
        """Take it away, until it is shown again."""
        if self._shown is not None:
            self._progress.stop()
            self._shown = None


def bar_of_guests(total: int) -> Bar | None:
    """Return a bar for so many guests; None on a terminal that cannot take it away again."""
    console = _console(stderr=True)
    return Bar(console, total) if console.is_interactive else None


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
