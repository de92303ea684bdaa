"""What goes on, on stderr: a spinner or a bar for people who wait over half a second, a line a stage with `-v`."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

import click

from xlbuild.visible import visible

if TYPE_CHECKING:
    from xlbuild.cli.render import Bar

PATIENCE = 0.5
"""Seconds before anything is shown."""


def _nothing() -> None:
    """Stop no spinner: none was started."""


def _on_stderr(line: str) -> None:
    click.echo(line, err=True)


class Progress:
    """Follows the stages of a build."""

    def __init__(self, *, verbose: bool, quiet: bool, say: Callable[[str], None] = _on_stderr) -> None:
        """Show a spinner only on a terminal, and neither with `quiet`; `say` is where the lines go."""
        self._verbose = verbose
        self._say = say
        self._spins = sys.stderr.isatty() and not verbose and not quiet
        self._started = self._stage_started = time.monotonic()
        self._stage = ""
        self._timer: threading.Timer | None = None
        self._lock = threading.Lock()
        self._stop_spinner: Callable[[], None] = _nothing

    def __enter__(self) -> Progress:
        """Start to count the time."""
        if self._spins:
            self._timer = threading.Timer(PATIENCE, self._spin)
            self._timer.daemon = True
            self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the spinner away; with `-v`, say how long it all took."""
        if self._timer is not None:
            self._timer.cancel()
        with self._lock:
            self._spins = False
            self._stop_spinner()
        if self._verbose and error is None:
            self.finish_stage()
            self._say(f"total      {time.monotonic() - self._started:.3f} s")

    def stage(self, name: str, detail: str) -> None:
        """Note that a stage starts."""
        if self._verbose:
            self.finish_stage()
            self._say(f"{name:10} {detail}")
        self._stage = name
        self._stage_started = time.monotonic()

    def finish_stage(self) -> None:
        """Note that a stage is over, and no other starts yet."""
        if self._verbose and self._stage:
            self._say(f"{'':10} {time.monotonic() - self._stage_started:.3f} s")
        self._stage = ""

    def _spin(self) -> None:
        with self._lock:
            if self._spins:
                from xlbuild.cli.render import start_spinner

                self._stop_spinner = start_spinner(lambda: f"xlbuild: {self._stage or 'config'} …")


class GuestsProgress:
    """Shows how many of several guests are done, and which are being built."""

    def __init__(self, total: int, *, shown: bool) -> None:
        """Show a bar only on a terminal."""
        self._total = total
        self._shown = shown and sys.stderr.isatty()
        self._started = time.monotonic()
        self._done = 0
        self._names: dict[int, str] = {}
        self._bar: Bar | None = None

    def __enter__(self) -> GuestsProgress:
        """Start to count the time."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bar away."""
        self.hide()

    def start(self, number: int, name: str) -> None:
        """Note that a guest is being built."""
        self._names[number] = name

    def end(self, number: int) -> None:
        """Note that a guest is done."""
        self._names.pop(number, None)
        self._done += 1

    def go_on(self) -> None:
        """Show where things are."""
        if self._shown and self._bar is None and time.monotonic() - self._started > PATIENCE:
            from xlbuild.cli.render import bar_of_guests

            self._bar = bar_of_guests(self._total)
            self._shown = self._bar is not None
        if self._bar is not None and self._done < self._total:
            self._bar.show(self._done, ", ".join(map(visible, self._names.values())))

    def hide(self) -> None:
        """Take the bar away before something else is printed; `go_on` shows it again."""
        if self._bar is not None:
            self._bar.hide()
