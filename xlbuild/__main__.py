"""The program's start: `xlbuild`, `python -m xlbuild`.

Signals are taken care of before anything slow is imported.
"""

import os
import signal
import sys
from typing import NoReturn

from xlbuild.interrupts import INTERRUPTS, heed_interrupts

_INTERRUPTED = 130


def _hear_no_more() -> None:
    """Let no signal through any more: the interpreter takes away its handlers as it ends."""
    signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTS)


def main() -> NoReturn:
    """Run the command line; every end has its exit status, and no end a traceback."""
    heed_interrupts()
    try:
        from xlbuild.cli import run

        status = run(sys.argv[1:])
        _hear_no_more()  # in here: one that comes just now is an interrupt yet
    except KeyboardInterrupt:
        _hear_no_more()
        if sys.stderr is not None:
            sys.stderr.write("xlbuild: interrupted\n")
        status = _INTERRUPTED
    if status == _INTERRUPTED:
        # An interrupt that went through an import makes the interpreter end itself by SIGINT, whatever sys.exit says.
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        os._exit(status)
    sys.exit(status)


if __name__ == "__main__":
    main()
