"""Configurations that are huge, or no files at all: a clear end at once, in little memory."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
import smallprocess
from dice import Dice
from smallprocess import Ended

SIZE = 10 << 20
SMALL = 1 << 20
"""For what takes time and memory in proportion, as others show at full size."""

START = b'name = "g"\ntype = "pvh"\nkernel = "xlbuild:hello-pvh"\nmemory = 16\n'
MOST_MEMORY = 300 << 20
"""Bytes that reading such a file may take, the interpreter's own 50 MiB among them."""

SECONDS = 30
"""Far more than it takes, which is about two seconds: a machine that runs tests is busy."""

LARGE: dict[str, Callable[[], bytes]] = {
    "settings": lambda: (
        START + b"".join(b'key_%d = "a value" # c\n' % number for number in range(SMALL // 32))
    ),
    "keys": lambda: START + b"".join(b"k%d=1\n" % number for number in range(1_000_000)),
    "one key, again and again": lambda: START + b"a=1\n" * (SIZE // 4),
    "elements": lambda: START + b"x = [" + b'"abcdef",' * 1_000_000 + b"]\n",
    "one string": lambda: START + b'x = "' + b"a" * SIZE + b'"\n',
    "escapes": lambda: START + b'x = "' + b"\\n" * (SMALL // 2) + b'"\n',
    "bytes that are no UTF-8": lambda: START + b'x = "' + b"\xff" * SMALL + b'"\n',
    "newlines": lambda: START + b"\n" * SMALL,
    "semicolons": lambda: START + b";" * SMALL,
    "short lists": lambda: START + b"x = [" + b"[1]," * 2_000_000 + b"]\n",
    "settings of short lists": lambda: START + b"a=['x', ]\n" * 100_000,
    "one comment": lambda: START + b"#" * SMALL + b"\n",
}
"""What is a configuration, if a strange one; made when it is needed, for the sake of memory."""

WRONG: dict[str, tuple[Callable[[], bytes], str]] = {
    "random bytes": (lambda: Dice(1).randbytes(SIZE), "the file is no text file"),
    "NUL bytes": (lambda: bytes(SIZE), "the file is no text file"),
    "prose": (
        lambda: b"This is no configuration at all, but prose.\n" * (SIZE // 44),
        "is not in xl's language",
    ),
    "wrong escapes": (
        lambda: START + b'x = "' + b"\\q" * (SIZE // 16) + b'"\n',
        "is no escape that xl knows",
    ),
    "quotes": (lambda: START + b"'" * SIZE, "is where a setting should be"),
    "open brackets": (lambda: START + b"x = " + b"[" * SIZE, "the lists are nested too deeply"),
    "10,000 brackets": (
        lambda: START + b"x = " + b"[" * 10_000 + b"]" * 10_000,
        "the lists are nested too deeply",
    ),
    "a NUL in a string": (lambda: START + b'x = "a\0b"\n', "a string holds a NUL byte"),
    "an endless comment": (lambda: START + b"#" * SIZE, "no newline ends this comment"),
    "carriage returns": (
        lambda: START.replace(b"\n", b"\r\n") * 100_000,
        "a carriage return stands outside a string",
    ),
}
"""What is none, and what the first message says."""


def run(cwd: Path, file: str, *, command: str = "create -n", stdin: str = os.devnull) -> Ended:
    """Give a configuration to xlbuild as a user in bounded memory, in the time that a user would wait."""
    done = smallprocess.run(cwd, *command.split(), file, stdin=stdin, most_data=MOST_MEMORY)
    assert done.seconds < SECONDS
    return done


@pytest.mark.parametrize("data", LARGE.values(), ids=LARGE)
def test_a_large_configuration_is_read(tmp_path: Path, data: Callable[[], bytes]) -> None:
    (tmp_path / "guest.cfg").write_bytes(data())
    done = run(tmp_path, "guest.cfg")
    assert done.returncode == 0, done.stderr[-500:]
    assert len(done.stderr) < 10_000


@pytest.mark.parametrize(("data", "message"), WRONG.values(), ids=WRONG)
def test_what_is_no_configuration_gets_a_clear_error(
    tmp_path: Path, data: Callable[[], bytes], message: str
) -> None:
    (tmp_path / "guest.cfg").write_bytes(data())
    done = run(tmp_path, "guest.cfg")
    assert done.returncode == 1
    assert message in done.stderr.splitlines()[0]
    assert "mend:" in done.stderr
    assert len(done.stderr) < 10_000


def test_a_pipe_that_nobody_writes_to_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "guest.cfg")
    assert_refused(tmp_path, "guest.cfg", "it is a pipe, not a regular file", "`-` to read standard input")


def test_a_socket_is_no_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path has to be short
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind("guest.cfg")
        assert_refused(
            tmp_path, "guest.cfg", "it is a socket, not a regular file", "`-` to read standard input"
        )


def test_an_endless_device_is_no_configuration(tmp_path: Path) -> None:
    assert_refused(tmp_path, "/dev/zero", "it is a device, not a regular file", "`-` to read standard input")


def test_a_directory_is_no_configuration(tmp_path: Path) -> None:
    assert_refused(tmp_path, ".", "it is a directory, not a regular file", "give a regular file")


def test_an_unreadable_file_is_no_configuration(tmp_path: Path) -> None:
    (tmp_path / "guest.cfg").touch(mode=0)
    assert_refused(tmp_path, "guest.cfg", "permission denied", "let the user who builds read it")


def assert_refused(cwd: Path, file: str, cause: str, mend: str) -> None:
    done = run(cwd, file)
    assert done.returncode == 4, done.stderr
    assert f"the configuration {file} cannot be read" in done.stderr
    assert cause in done.stderr
    assert mend in done.stderr


@pytest.mark.parametrize("command", ["check", "create"])
def test_a_configuration_without_end_is_refused(tmp_path: Path, command: str) -> None:
    result = run(tmp_path, "-", command=command, stdin="/dev/zero")
    assert result.returncode == 4
    assert "more than 16 MiB, or does not end" in result.stderr


def test_a_file_of_a_gibibyte_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(1 << 30)
    result = run(tmp_path, "large")
    assert result.returncode == 4
    assert "the configuration large is too large" in result.stderr
