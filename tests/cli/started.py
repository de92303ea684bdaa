"""Runs of xlbuild that a test talks to while they go on: held up at a file, signalled, seen on a terminal."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

DEADLINE = 30.0
"""Seconds after which a run that does not come to an end is a failure."""

_COMMAND = (sys.executable, "-m", "xlbuild")


def start(
    cwd: Path, *arguments: str, preexec: Callable[[], object] | None = None, **env: str
) -> subprocess.Popen[str]:
    """Start xlbuild with stdout and stderr in pipes."""
    return subprocess.Popen(
        [*_COMMAND, *arguments],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **env},
        preexec_fn=preexec,
    )


class Lease:
    """A lease on a file, as a file server takes it: whoever opens the file waits until it is given back."""

    def __init__(self, path: Path) -> None:
        """Take it; the kernel takes it away 45 seconds after the first who wants the file."""
        self._fd = os.open(path, os.O_RDWR)
        fcntl.fcntl(self._fd, fcntl.F_SETSIG, signal.SIGURG)  # which nobody minds, as SIGIO would be
        fcntl.fcntl(self._fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)

    def wait_for_reader(self, still_runs: Callable[[], bool]) -> None:
        """Wait until a process wants the file; fail when it ends instead."""
        while fcntl.fcntl(self._fd, fcntl.F_GETLEASE) == fcntl.F_WRLCK:
            assert still_runs(), "the reader has ended"
            time.sleep(0.01)

    def give_back(self) -> None:
        """Let the others have the file."""
        os.close(self._fd)


class OnTerminal:
    """A run of xlbuild on a terminal of its own, which is stdin, stdout and stderr alike."""

    def __init__(
        self, cwd: Path, arguments: Sequence[str], columns: int, lines: int, env: Mapping[str, str]
    ) -> None:
        """Start it; the terminal's size comes from the terminal, not from the environment."""
        self._terminal, inside = pty.openpty()
        fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self._shown = b""
        self._open = True
        self._child = subprocess.Popen(
            [*_COMMAND, *arguments],
            cwd=cwd,
            stdin=inside,
            stdout=inside,
            stderr=inside,
            start_new_session=True,
            env={"TERM": "xterm-256color", **os.environ, **env},
        )
        os.close(inside)

    def runs(self) -> bool:
        """Return whether it has not come to its end."""
        return self._child.poll() is None

    def wait_for(self, pattern: re.Pattern[str]) -> None:
        """Wait until the terminal shows a text."""
        deadline = time.monotonic() + DEADLINE
        while not pattern.search(self._shown.decode(errors="replace")):
            assert self._open, f"ended without {pattern}: {self._shown!r}"
            assert time.monotonic() < deadline, f"no {pattern} in {self._shown!r}"
            self._read(0.1)

    def end(self) -> tuple[int, str]:
        """Return the exit status and everything that was shown, line ends as `\\n`."""
        deadline = time.monotonic() + DEADLINE
        while self._open:
            assert time.monotonic() < deadline, f"does not end: {self._shown!r}"
            self._read(0.1)
        os.close(self._terminal)
        return self._child.wait(timeout=DEADLINE), self._shown.decode().replace("\r\n", "\n")

    def _read(self, patience: float) -> None:
        if select.select([self._terminal], [], [], patience)[0]:
            try:
                data = os.read(self._terminal, 65536)
            except OSError:  # EIO: nobody has the terminal open any more
                data = b""
            self._open = bool(data)
            self._shown += data
