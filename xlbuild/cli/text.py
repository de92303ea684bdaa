"""Text on its way to people."""

import os
import sys

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
    if sys.stdin is None:
        raise FilesError(
            "stdin-closed",
            "the configuration cannot be read: standard input is closed",
            hint="redirect a file to it, or name the file",
        )
    return sys.stdin.buffer.read(MOST_CONFIG + 1)
