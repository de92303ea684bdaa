"""What the recipes of scripts/recipes are run with: `xlbuild` as a command, which writes down how it is called.

It is a small program that has a server become xlbuild in its place, with its streams: a fork of the tests' process,
which need not import anything again.
"""

import json
import os
import socket
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import toolstack
from forked import become_xlbuild

RECIPES = toolstack.ROOT / "scripts" / "recipes"
_CLIENT = """#!{python} -SI
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    asked = json.dumps([os.getcwd(), dict(os.environ), sys.argv[1:]]).encode()
    socket.send_fds(server, [len(asked).to_bytes(4, "little")], [0, 1, 2])
    server.sendall(asked)
    sys.exit(int(server.recv(16)))
"""


class Command:
    """How `xlbuild` is called by others."""

    def __init__(self, directory: Path) -> None:
        """Have it in a directory."""
        self._log = directory / "log"
        self.path = f"{directory}:{os.environ['PATH']}"
        """A PATH that has it first."""

    def calls(self) -> list[list[str]]:
        """Return the arguments of each call since this was last asked."""
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        self._log.write_text("")
        return [json.loads(line) for line in lines]


@contextmanager
def xlbuild_command(directory: Path) -> Iterator[Command]:
    """Make a directory with the command `xlbuild` in it, which is there until the end of the block."""
    directory.mkdir()
    address = str(directory / "socket")
    program = directory / "xlbuild"
    program.write_text(_CLIENT.format(python=sys.executable, address=address))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen()
        server = os.fork()
        if server == 0:
            try:
                _serve(listening, directory / "log")
            finally:
                os._exit(1)
    try:
        yield Command(directory)
    finally:
        os.kill(server, 9)
        os.waitpid(server, 0)


def _serve(listening: socket.socket, log: Path) -> None:
    while True:
        client, _ = listening.accept()
        if os.fork() == 0:
            _answer(client, log)
            os._exit(0)
        client.close()


def _answer(client: socket.socket, log: Path) -> None:
    """Have a child become xlbuild, and tell its client how it ended."""
    size, streams, _, _ = socket.recv_fds(client, 4, 3)
    cwd, environment, arguments = json.loads(client.recv(int.from_bytes(size, "little"), socket.MSG_WAITALL))
    with log.open("a") as file:
        file.write(json.dumps(arguments) + "\n")
    child = os.fork()
    if child == 0:
        os.environ.clear()
        become_xlbuild(Path(cwd), arguments, [os.fdopen(fd, "rb") for fd in streams], env=environment)
    _, status = os.waitpid(child, 0)
    client.sendall(str(os.waitstatus_to_exitcode(status)).encode())
