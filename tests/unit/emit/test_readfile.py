"""Reading whole files: regular ones as they are at one time, and a clear error for all else."""

import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import smallprocess

from xlbuild.emit import readfile
from xlbuild.emit.readfile import read_config_file, read_file, read_stream
from xlbuild.errors import NOWHERE, FilesError, RefusedError, Where, XlbuildError
from xlbuild.profiles import XC_DOM_DECOMPRESS_MAX

SECONDS = 10
"""After which a read is taken to wait for ever."""


@pytest.fixture(autouse=True)
def _deadline() -> Iterator[None]:
    signal.alarm(SECONDS)
    yield
    signal.alarm(0)


def refused(path: Path | str, what: str = "kernel", most: int = XC_DOM_DECOMPRESS_MAX) -> XlbuildError:
    with pytest.raises((FilesError, RefusedError)) as caught:
        read_file(str(path), what, Where("guest.cfg", 3), most)
    error = caught.value
    assert f"the {what} {path}" in error.message
    assert error.where == Where("guest.cfg", 3)
    assert error.cause
    assert error.hint
    return error


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    before = Path.cwd()
    os.chdir(path.parent)  # a socket's path has to be short
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(path.name)
    os.chdir(before)


def make_loop(path: Path) -> None:
    path.symlink_to(path)


def make_dangling_link(path: Path) -> None:
    path.symlink_to(path.with_name("nowhere"))


def make_link_to_fifo(path: Path) -> None:
    os.mkfifo(path.with_name("fifo"))
    path.symlink_to("fifo")


def make_link_to_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


ODD: dict[str, tuple[Callable[[Path], None], str, str, str]] = {
    "pipe": (make_fifo, "file-not-regular", "it is a pipe", "copy what it gives"),
    "link to a pipe": (make_link_to_fifo, "file-not-regular", "it is a pipe", "copy what it gives"),
    "socket": (make_socket, "file-not-regular", "it is a socket", "copy what it gives"),
    "device": (make_link_to_device, "file-not-regular", "it is a device", "copy what it gives"),
    "directory": (Path.mkdir, "file-not-regular", "it is a directory", "name a file"),
    "loop of links": (make_loop, "file-unreadable", "too many levels", "leads back to itself"),
    "link to nowhere": (make_dangling_link, "file-missing", "no such file", "check the path"),
    "nothing": (lambda _: None, "file-missing", "no such file", "check the path"),
}


@pytest.mark.parametrize("kind", ODD)
def test_what_is_no_regular_file_is_refused_and_not_waited_for(tmp_path: Path, kind: str) -> None:
    make, code, cause, mend = ODD[kind]
    make(tmp_path / "kernel")
    error = refused(tmp_path / "kernel")
    assert error.code == code
    assert cause in str(error.cause)
    assert mend in str(error.hint)


def test_a_device_is_not_even_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readfile, "_open", lambda path: pytest.fail("opened"))  # a watchdog would start
    assert refused("/dev/zero").code == "file-not-regular"


def test_a_file_that_becomes_a_pipe_when_it_is_opened_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel = tmp_path / "kernel"
    kernel.write_bytes(b"kernel")
    really_open = readfile._open

    def swap_and_open(path: str) -> int:
        kernel.unlink()
        os.mkfifo(kernel)
        return really_open(path)

    monkeypatch.setattr(readfile, "_open", swap_and_open)
    assert refused(kernel).code == "file-not-regular"


@pytest.mark.parametrize("path", ["file/", "file/part"])
def test_a_file_in_the_place_of_a_directory_is_told(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").write_bytes(b"x")
    error = refused(f"{tmp_path}/{path}")
    assert (error.code, error.cause) == ("file-unreadable", "not a directory")
    assert "a part of it that should be a directory is a file" in str(error.hint)


def test_a_name_that_is_too_long_is_told(tmp_path: Path) -> None:
    assert refused(tmp_path / ("x" * 300)).cause == "file name too long"


def test_a_path_with_a_nul_is_unreadable() -> None:
    assert refused("a\0b").code == "file-unreadable"


def test_a_file_of_the_kernels_that_says_it_is_empty_is_refused() -> None:
    error = refused("/proc/self/status")
    assert error.code == "file-not-regular"
    assert "says that it has 0 bytes, and holds more" in str(error.cause)


def test_a_null_device_is_an_empty_file() -> None:
    assert read_file(os.devnull, "ramdisk", NOWHERE) == b""
    assert read_config_file(os.devnull) == b""


def test_a_file_that_is_too_large_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "kernel").open("wb") as file:
        file.truncate(XC_DOM_DECOMPRESS_MAX + 1)
    monkeypatch.setattr(readfile, "_read", lambda fd, most: pytest.fail("read"))
    error = refused(tmp_path / "kernel")
    assert (error.code, error.exit_status) == ("file-too-large", 3)
    assert "the most that Xen's toolstack reads" in str(error.cause)


def test_a_limit_of_ones_own_counts_to_the_byte(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    assert read_file(str(tmp_path / "file"), "file", NOWHERE, most=5) == b"12345"
    assert refused(tmp_path / "file", most=4).cause == "it has 5 bytes; 4 bytes is the most that is read"


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def write_over(path: Path) -> None:
    before = path.stat().st_mtime_ns
    with path.open("r+b") as file:
        file.write(b"K")
    while path.stat().st_mtime_ns == before:  # its clock may have ticked too slowly
        os.utime(path)


CHANGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "grows": (append, "it grew from 6 to 10 bytes while it was read"),
    "shrinks": (lambda path: os.truncate(path, 2), "it shrank from 6 to 2 bytes while it was read"),
    "is written to": (write_over, "it was written to while it was read"),
}


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str, moment: str
) -> None:
    kernel, (make_change, cause) = tmp_path / "kernel", CHANGES[change]
    kernel.write_bytes(b"kernel")
    really_read = readfile._read

    def read_and_change(fd: int, most: int) -> bytes:
        if moment == "before":
            make_change(kernel)
        data = really_read(fd, most)
        if moment == "after":
            make_change(kernel)
        return data

    monkeypatch.setattr(readfile, "_read", read_and_change)
    error = refused(kernel)
    assert (error.code, error.cause) == ("file-changed", cause)
    assert "start again" in str(error.hint)


def test_a_file_that_is_replaced_while_it_is_read_is_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel = tmp_path / "kernel"
    kernel.write_bytes(b"old")
    (tmp_path / "new").write_bytes(b"new one")
    really_read = readfile._read

    def replace_and_read(fd: int, most: int) -> bytes:
        (tmp_path / "new").rename(kernel)
        return really_read(fd, most)

    monkeypatch.setattr(readfile, "_read", replace_and_read)
    assert read_file(str(kernel), "kernel", NOWHERE) == b"old"


def test_a_file_without_permission_is_told_with_its_mend(tmp_path: Path) -> None:
    (tmp_path / "guest.cfg").write_text('name = "g"\nkernel = "kernel"\nmemory = 16\n')
    (tmp_path / "kernel").touch(mode=0)
    done = smallprocess.run(tmp_path, "create", "guest.cfg")
    assert done.returncode == 4
    assert "guest.cfg:2:10, key kernel: the kernel kernel cannot be read" in done.stderr
    assert "cause: permission denied" in done.stderr
    assert "mend:  let the user who builds read it" in done.stderr


def test_a_stream_is_read_to_its_end_and_not_beyond_its_limit() -> None:
    for size, most, fits in ((100_000, 100_000, True), (5, 4, False)):
        out, into = os.pipe()
        if os.fork() == 0:
            os.close(out)
            os.write(into, b"x" * size)
            os._exit(0)
        os.close(into)
        if fits:
            assert read_stream(out, "<stdin>", "file", most) == b"x" * size
        else:
            with pytest.raises(RefusedError, match="the file <stdin> is too large") as caught:
                read_stream(out, "<stdin>", "file", most)
            assert "does not end" in str(caught.value.cause)
        os.close(out)
        os.wait()


def test_a_stream_that_cannot_be_read_is_told() -> None:
    fd = os.open("/", os.O_RDONLY)
    with pytest.raises(FilesError, match="the file <stdin> cannot be read") as caught:
        read_stream(fd, "<stdin>", "file")
    assert caught.value.cause == "is a directory"
    os.close(fd)
