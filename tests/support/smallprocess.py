"""xlbuild in processes that are as small as an interpreter of their own: forks of one that has imported it alone.

The kernel measures what such a process takes; a fork of the tests' own process would begin with all that they have.
Running this file is being that process: it reads requests from its stdin, and answers them on its stdout.
"""

import atexit
import gc
import json
import os
import resource
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import forked
from unprivileged import give_up_overrides


@dataclass(frozen=True)
class Ended:
    """How a run of xlbuild ended, and what it took."""

    returncode: int
    stdout: str
    stderr: str
    peak_memory: int
    """Bytes that were resident at its peak."""
    seconds: float
    """Processor time."""


@dataclass(frozen=True)
class _Request:
    cwd: str
    arguments: tuple[str, ...]
    streams: tuple[str, str, str]
    """The files that are stdin, stdout and stderr."""
    most_data: int | None


def run(cwd: Path, *arguments: str, stdin: str = os.devnull, most_data: int | None = None) -> Ended:
    """Run `xlbuild ARGUMENTS` in a directory without root's rights, its data segment limited to some bytes."""
    with tempfile.TemporaryDirectory() as scratch:
        outputs = Path(scratch, "stdout"), Path(scratch, "stderr")
        for output in outputs:
            output.touch()
        request = _Request(str(cwd), arguments, (stdin, str(outputs[0]), str(outputs[1])), most_data)
        answer = _ask(request)
        stdout, stderr = (output.read_text(errors="replace") for output in outputs)
    return Ended(answer["returncode"], stdout, stderr, answer["peak_memory"], answer["seconds"])


def _ask(request: _Request) -> dict[str, Any]:
    server = _server()
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(json.dumps(asdict(request)) + "\n")
    server.stdin.flush()
    line = server.stdout.readline()
    assert line, f"{request.arguments} did not end"
    answer: dict[str, Any] = json.loads(line)
    return answer


@cache
def _server() -> subprocess.Popen[str]:
    server = subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    atexit.register(server.communicate)  # its stdin ends, and so does it
    return server


def serve() -> None:
    """Answer requests until there are no more."""
    gc.freeze()
    while line := sys.stdin.readline():
        print(json.dumps(_answer(_Request(**json.loads(line)))), flush=True)


def _answer(request: _Request) -> dict[str, Any]:
    child = os.fork()
    if child == 0:
        try:
            _become(request)
        finally:
            os._exit(99)
    status, usage = forked.wait(child)
    return {
        "returncode": status,
        "peak_memory": usage.ru_maxrss * 1024,
        "seconds": usage.ru_utime + usage.ru_stime,
    }


def _become(request: _Request) -> None:
    stdin, stdout, stderr = map(Path, request.streams)
    with stdin.open("rb") as given, stdout.open("r+b") as said, stderr.open("r+b") as complained:
        if request.most_data is not None:
            resource.setrlimit(resource.RLIMIT_DATA, (request.most_data, request.most_data))
        give_up_overrides()
        forked.become_xlbuild(Path(request.cwd), request.arguments, (given, said, complained))


if __name__ == "__main__":
    serve()
