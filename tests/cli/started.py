"""Runs of xlbuild that a test talks to while they go on: held up at a file, signalled, seen on a terminal."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from forked import become_xlbuild

DEADLINE = 30.0
"""Seconds after which a run that does not come to an end is a failure."""


class Run:
    """A run of xlbuild that goes on: a child of this process."""

    def __init__(self, pid: int, outputs: Sequence[int] = ()) -> None:
        """Take the child, and where its stdout and stderr can be read."""
        self.returncode: int | None = None
        """Its exit status, once it is known to have ended."""
        self.pid = pid
        self._outputs = outputs

    def poll(self) -> int | None:
        """Return the exit status if it has ended."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def runs(self) -> bool:
        """Return whether it has not come to its end."""
        return self.poll() is None

    def send_signal(self, number: int) -> None:
        """Send it a signal unless it is known to have ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def wait(self) -> int:
        """Wait for its end, and return the exit status."""
        deadline = time.monotonic() + DEADLINE
        while (status := self.poll()) is None:
            assert time.monotonic() < deadline, "does not end"
            time.sleep(0.002)
        return status

    def end(self) -> tuple[int, str, str]:
        """Wait for its end; return the exit status and what it wrote, which is no more than pipes hold."""
        status = self.wait()
        stdout, stderr = (_read_all(output) for output in self._outputs)
        return status, stdout, stderr


def _read_all(fd: int) -> str:
    with os.fdopen(fd, "rb") as stream:
        return stream.read().decode()


def nothing() -> None:
    """Do nothing."""


def start(
    cwd: Path,
    *arguments: str,
    prepare: Callable[[], object] = nothing,
    real: bool = False,
    env: Mapping[str, str] = MappingProxyType({}),
) -> Run:
    """Start xlbuild with pipes as its stdout and stderr, in a fork or (`real`) from the interpreter's start on."""
    pipes = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            prepare()
            with (
                Path(os.devnull).open("rb") as stdin,
                os.fdopen(pipes[0][1], "wb") as stdout,
                os.fdopen(pipes[1][1], "wb") as stderr,
            ):
                become_xlbuild(cwd, arguments, (stdin, stdout, stderr), env=env, real=real)
        finally:
            os._exit(99)
    for _, inside in pipes:
        os.close(inside)
    return Run(pid, (pipes[0][0], pipes[1][0]))


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
        """Let the others have the file; forks have it open, too."""
        fcntl.fcntl(self._fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        os.close(self._fd)


class OnTerminal:
    """A run of xlbuild on a terminal of its own, which is stdin, stdout and stderr alike."""

    def __init__(
        self,
        cwd: Path,
        arguments: Sequence[str],
        columns: int,
        lines: int,
        env: Mapping[str, str] = MappingProxyType({}),
        *,
        real: bool = False,
    ) -> None:
        """Start it; the terminal's size comes from the terminal, not from the environment."""
        self._terminal, inside = pty.openpty()
        fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self._shown = b""
        self._open = True
        pid = os.fork()
        if pid == 0:
            try:
                os.setsid()
                streams = [os.fdopen(inside, "r+b", buffering=0)] * 3
                become_xlbuild(cwd, arguments, streams, env={"TERM": "xterm-256color", **env}, real=real)
            finally:
                os._exit(99)
        self._run = Run(pid)
        os.close(inside)

    def runs(self) -> bool:
        """Return whether it has not come to its end."""
        return self._run.runs()

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
        return self._run.wait(), self._shown.decode().replace("\r\n", "\n")

    def _read(self, patience: float) -> None:
        if select.select([self._terminal], [], [], patience)[0]:
            try:
                data = os.read(self._terminal, 65536)
            except OSError:  # EIO: nobody has the terminal open any more
                data = b""
            self._open = bool(data)
            self._shown += data
