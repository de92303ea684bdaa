"""`xlbuild diff` where a side cannot be read, changes meanwhile, or nothing can be written: status 2, and why."""

import os
import shutil
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

import forked
import pytest
import smallprocess
import smallspace
from builtdomains import HELLO, poke, write
from forked import run
from smallspace import inside, mount
from started import Lease, Run, start

import xlbuild

IN_NAMESPACE = pytest.mark.skipif(smallspace.why_none() is not None, reason=str(smallspace.why_none()))


@pytest.fixture
def cwd(tmp_path: Path) -> Path:
    write(HELLO["pv"], tmp_path / "a")
    write(HELLO["pv"], tmp_path / "b", overrides=["memory=20"])
    return tmp_path


def names(directory: Path) -> list[str]:
    return sorted(entry.name for entry in directory.iterdir())


def a_pipe(cwd: Path) -> None:
    shutil.rmtree(cwd / "b")
    os.mkfifo(cwd / "b")


def a_device(cwd: Path) -> None:
    shutil.rmtree(cwd / "b")
    (cwd / "b").symlink_to("/dev/zero")


def an_image_that_is_a_pipe(cwd: Path) -> None:
    (cwd / "b" / "memory.img").unlink()
    os.mkfifo(cwd / "b" / "memory.img")


def an_image_that_is_a_device(cwd: Path) -> None:
    (cwd / "b" / "memory.img").unlink()
    (cwd / "b" / "memory.img").symlink_to("/dev/zero")


def an_image_that_is_cut_off(cwd: Path) -> None:
    os.truncate(cwd / "b" / "memory.img", 4096)


def no_image(cwd: Path) -> None:
    (cwd / "b" / "memory.img").unlink()


def an_image_for_others(cwd: Path) -> None:
    (cwd / "b" / "memory.img").chmod(0)


UNREADABLE: list[tuple[Callable[[Path], None], str]] = [
    (a_pipe, "it is a pipe"),
    (a_device, "it is a device"),
    (an_image_that_is_a_pipe, "it is a pipe"),
    (an_image_that_is_a_device, "it is a device"),
    (an_image_that_is_cut_off, "shorter than the guest's memory"),
    (no_image, "b/memory.img"),
    (an_image_for_others, "permission denied"),
]


@pytest.mark.parametrize(("damage", "message"), UNREADABLE, ids=[d.__name__ for d, _ in UNREADABLE])
def test_a_side_that_cannot_be_read_is_one_error_and_no_page(
    cwd: Path, damage: Callable[[Path], None], message: str
) -> None:
    damage(cwd)
    before = names(cwd)
    for sides in (("a", "b"), ("b", "a")):
        done = smallprocess.run(cwd, "diff", "--html", "page.html", *sides)
        assert (done.returncode, done.stdout, done.stderr.count("error")) == (2, "", 1)
        assert message in done.stderr
    assert names(cwd) == before


def held_up(cwd: Path, *options: str) -> tuple[Run, Lease]:
    """Start a comparison; return as soon as it has read the first side, and waits for the second's image."""
    lease = Lease(cwd / "b" / "memory.img")
    comparing = start(cwd, "diff", *options, "a", "b")
    lease.wait_for_reader(comparing.runs)
    return comparing, lease


def assert_trouble(comparing: Run, message: str) -> None:
    status, output, complaint = comparing.end()
    assert (status, output, complaint.count("error")) == (2, "", 1)
    assert message in complaint


def test_an_image_that_changes_meanwhile_is_an_error(cwd: Path) -> None:
    comparing, lease = held_up(cwd, "--html", "page.html")
    poke(cwd / "a", 0x1000, b"x")
    os.utime(cwd / "a" / "memory.img", ns=(1, 1))  # a file system's clock may be coarse
    lease.give_back()
    assert_trouble(comparing, "a/memory.img has changed while it was read")
    assert names(cwd) == ["a", "b"]


def test_a_directory_that_is_replaced_meanwhile_is_an_error(cwd: Path) -> None:
    comparing, lease = held_up(cwd)
    xlbuild.write(xlbuild.build(HELLO["pv"]), cwd / "b", force=True)
    lease.give_back()
    assert_trouble(comparing, "b has been replaced while it was read")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_comparison_that_is_interrupted_leaves_nothing(cwd: Path, number: signal.Signals) -> None:
    comparing, lease = held_up(cwd, "--html", "page.html")
    comparing.send_signal(number)
    status, output, complaint = comparing.end()
    lease.give_back()
    assert (status, output) == (130, "")
    assert "xlbuild: interrupted" in complaint
    assert names(cwd) == ["a", "b"]


@IN_NAMESPACE
def test_a_page_that_finds_no_room_leaves_the_older_one(cwd: Path) -> None:
    def work() -> tuple[int, str, str, list[str]]:
        mount(cwd / "t", "size=32k")
        (cwd / "t" / "page.html").write_text("older")
        done = run(cwd, "diff", "--html", "t/page.html", "a", "b")
        return done.returncode, done.stdout, done.stderr, names(cwd / "t")

    (cwd / "t").mkdir()
    status, output, complaint, left = inside(work)
    assert (status, output, left) == (2, "", ["page.html"])
    assert "t/page.html cannot be written\n  cause: no space left on device: it takes " in complaint
    assert "with --html" in complaint


def test_a_page_replaces_nothing_but_a_file(cwd: Path) -> None:
    os.mkfifo(cwd / "page")
    (cwd / "link").symlink_to("a")
    for place in ("page", "link", "a", "/dev/null"):
        done = run(cwd, "diff", "--html", place, "a", "b")
        assert (done.returncode, done.stdout) == (2, "")
        assert f"{place} is not replaced" in done.stderr or "cannot be written" in done.stderr
    assert names(cwd) == ["a", "b", "link", "page"]


def run_into(stdout: IO[bytes], cwd: Path, *arguments: str) -> tuple[int, str]:
    """Run xlbuild with a stream as its stdout; return its exit status, and what it says on stderr."""
    with Path(os.devnull).open("rb") as stdin, tempfile.TemporaryFile() as stderr:
        child = os.fork()
        if child == 0:
            forked.become_xlbuild(cwd, arguments, (stdin, stdout, stderr))
        status, _ = forked.wait(child)
        stderr.seek(0)
        return status, stderr.read().decode()


@pytest.mark.parametrize("form", ["--brief", "--stat", "--json", "--all"])
def test_a_reader_that_has_had_enough_does_not_make_another_guest_the_same(cwd: Path, form: str) -> None:
    for sides, status in ((("a", "b"), 1), (("a", "a"), 0)):
        out, into = os.pipe()
        os.close(out)
        with os.fdopen(into, "wb", buffering=0) as stdout:
            assert run_into(stdout, cwd, "diff", form, *sides) == (status, "")


@pytest.mark.parametrize("form", ["--brief", "--json"])
def test_an_output_that_cannot_be_written_is_trouble(cwd: Path, form: str) -> None:
    with Path("/dev/full").open("wb", buffering=0) as stdout:
        status, complaint = run_into(stdout, cwd, "diff", form, "a", "a")
    assert status == 2
    assert "the output cannot be written" in complaint
