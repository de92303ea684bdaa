"""What is going on, on stderr: a spinner for people who wait over half a second, a line a stage with `-v`."""

import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType

import click

PATIENCE = 0.5
"""Seconds before anything is shown."""


def _nothing() -> None:
    """Stop no spinner: none was started."""


class Progress:
    """Follows the stages of a build."""

    def __init__(self, *, verbose: bool, quiet: bool) -> None:
        """Show a spinner only on a terminal, and neither with `quiet`."""
        self._verbose = verbose
        self._spins = sys.stderr.isatty() and not verbose and not quiet
        self._started = self._stage_started = time.monotonic()
        self._stage = ""
        self._timer: threading.Timer | None = None
        self._lock = threading.Lock()
        self._stop_spinner: Callable[[], None] = _nothing

    def __enter__(self) -> "Progress":
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
            self._finish_stage()
            click.echo(f"total      {time.monotonic() - self._started:.3f} s", err=True)

    def stage(self, name: str, detail: str) -> None:
        """Note that a stage starts."""
        if self._verbose:
            self._finish_stage()
            click.echo(f"{name:10} {detail}", err=True)
        self._stage = name
        self._stage_started = time.monotonic()

    def _finish_stage(self) -> None:
        if self._stage:
            click.echo(f"{'':10} {time.monotonic() - self._stage_started:.3f} s", err=True)

    def _spin(self) -> None:
        with self._lock:
            if self._spins:
                from xlbuild.cli.render import start_spinner

                self._stop_spinner = start_spinner(lambda: f"xlbuild: {self._stage or 'config'} …")
