"""Text on its way to people."""

import os
import sys
from typing import BinaryIO

from xlbuild.errors import FilesError
from xlbuild.profiles import MOST_CONFIG

STDIN = "<stdin>"
"""What messages call the standard input."""


def stderr_has_colour() -> bool:
    """Return whether stderr is a terminal that wants colour (NO_COLOR and TERM=dumb do not)."""
    return sys.stderr.isatty() and _wants_colour()


def stdout_has_colour() -> bool:
    """Return the same of stdout."""
    return sys.stdout.isatty() and _wants_colour()


def _wants_colour() -> bool:
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def standard_input() -> bytes:
    """Return the standard input, or so much of it that it is too much; FilesError when it is closed."""
    return open_stdin("configuration").read(MOST_CONFIG + 1)


def open_stdin(what: str) -> BinaryIO:
    """Return standard input to read bytes from; FilesError when it is closed. `what` is what is to come out of it."""
    if sys.stdin is None:
        raise FilesError(
            "stdin-closed",
            f"the {what} cannot be read: standard input is closed",
            hint="redirect a file to it, or name the file",
        )
    return sys.stdin.buffer
