"""The command line in a process of its own that need not import anything again: a fork of the tests' process."""

import contextlib
import importlib
import io
import os
import pkgutil
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, NoReturn

import xlbuild.__main__

for _module in pkgutil.walk_packages(xlbuild.__path__, "xlbuild."):
    if not _module.name.endswith("__main__"):
        importlib.import_module(_module.name)

SECONDS = 60


def run(
    cwd: Path,
    *arguments: str,
    stdin: bytes = b"",
    stdout: IO[bytes] | None = None,
    env: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run `xlbuild ARGUMENTS` in a directory, with the environment and what `env` adds, and return how it ends.

    What goes to a `stdout` that is given is not in what is returned.
    """
    with contextlib.ExitStack() as stack:
        streams: list[IO[bytes]] = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(3)]
        streams[0].write(stdin)
        streams[0].seek(0)
        child = os.fork()
        if child == 0:
            become_xlbuild(cwd, arguments, [streams[0], stdout or streams[1], streams[2]], env=env)
        status, _ = wait(child)
        told, stderr = (_read(stream) for stream in streams[1:])
    return subprocess.CompletedProcess(arguments, status, told, stderr)


@contextlib.contextmanager
def closed_pipe() -> Iterator[IO[bytes]]:
    """Give a pipe that nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as stream:
        yield stream


def become_xlbuild(
    cwd: Path,
    arguments: Sequence[str],
    streams: Sequence[IO[bytes]],
    *,
    env: Mapping[str, str] | None = None,
    real: bool = False,
) -> NoReturn:
    """Be `xlbuild ARGUMENTS` in this process, a fork: as it is, or (`real`) from the interpreter's start on."""
    status = 99
    try:
        for number, stream in enumerate(streams):
            os.dup2(stream.fileno(), number)
        os.chdir(cwd)
        os.environ.update(env or {})
        if real:
            os.execv(sys.executable, [sys.executable, "-m", "xlbuild", *arguments])  # noqa: S606 (it is our own)
        sys.stdin, sys.stdout, sys.stderr = (
            io.TextIOWrapper(
                open(number, mode, closefd=False),  # noqa: SIM115 (they are open as long as it lives)
                encoding="utf-8",
                line_buffering=os.isatty(number),
            )
            for number, mode in ((0, "rb"), (1, "wb"), (2, "wb"))
        )
        sys.argv = ["xlbuild", *arguments]
        xlbuild.__main__.main()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def wait(child: int, seconds: float = SECONDS) -> tuple[int, resource.struct_rusage]:
    """Wait for a child's end; return its exit status, negative for a signal, and what it used."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        pid, status, usage = os.wait4(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status), usage
        time.sleep(0.002)
    os.kill(child, 9)
    os.waitpid(child, 0)
    raise TimeoutError(f"xlbuild did not end within {seconds} s")


def _read(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode()
