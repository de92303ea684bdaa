"""Where a domain cannot be written, or others write there, too: what is said, what is left, and the exit status."""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import faults
import forked
import pytest
import smallprocess
import smallspace
from forked import run
from smallspace import MS_BIND, MS_RDONLY, MS_REMOUNT, inside, mount

CONFIG = 'name = "g"\ntype = "pv"\nkernel = "xlbuild:hello-pv"\nmemory = 16\n'

IN_NAMESPACE = pytest.mark.skipif(smallspace.why_none() is not None, reason=str(smallspace.why_none()))


@pytest.fixture
def cwd(tmp_path: Path) -> Path:
    (tmp_path / "guest.cfg").write_text(CONFIG)
    return tmp_path


def names(directory: Path) -> list[str]:
    return sorted(entry.name for entry in directory.iterdir() if entry.name != "guest.cfg")


def memory_of(domain: Path) -> int:
    """Return how much memory a built domain has, in MiB, by its manifest and by its image."""
    pages = json.loads((domain / "domain.json").read_text())["total_pages"]
    assert (domain / "memory.img").stat().st_size == pages * 4096
    return int(pages) // 256


def test_no_fault_leaves_half_a_domain() -> None:
    tally = faults.main(5, 5, 5, real=False)
    assert tally.trouble == []
    total = {kind: number for (kind, outcome), number in tally.counts.items() if outcome == "in all"}
    assert {"kills": 5, "interrupts": 5, "cuts": 5}.items() <= total.items()


def test_a_real_process_that_is_killed_leaves_no_half_a_domain() -> None:
    assert faults.main(2, 0, 0).trouble == []


def nowhere(cwd: Path) -> None:
    pass


def make_link_to_nowhere(cwd: Path) -> None:
    (cwd / "t").symlink_to("nowhere")


def make_directory_of_files(cwd: Path) -> None:
    (cwd / "t").mkdir()
    (cwd / "t" / "mine").touch()


def make_loop(cwd: Path) -> None:
    (cwd / "loop").symlink_to("loop")


PLACES: dict[str, tuple[Callable[[Path], object], str, str, str]] = {
    "t/out": (nowhere, "cannot be written", "the directory that it would be in does not exist", "make the"),
    "guest.cfg/out": (nowhere, "cannot be written", "a part of the way to it is a file", "another place"),
    "guest.cfg": (nowhere, "exists already", "never overwrites silently", "or remove it"),
    ".": (nowhere, "exists already", "never overwrites silently", "or remove it"),
    "..": (nowhere, "exists already", "never overwrites silently", "or remove it"),
    "/": (nowhere, "exists already", "never overwrites silently", "or remove it"),
    "t/": (make_directory_of_files, "t exists already", "never overwrites silently", "or remove it"),
    "t": (make_link_to_nowhere, "t exists already", "never overwrites silently", "or remove it"),
    "loop/out": (make_loop, "cannot be written", "leads back to itself", "another place"),
    "/proc/out": (nowhere, "cannot be written", "no such file", "another file system"),
    "x" * 256: (nowhere, "cannot be written", "file name too long", "a shorter name"),
}


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place[:16])
@pytest.mark.parametrize("force", [[], ["--force"]], ids=["", "force"])
def test_a_place_that_will_not_do_is_told_with_its_mend(cwd: Path, place: str, force: list[str]) -> None:
    prepare, message, cause, mend = PLACES[place]
    prepare(cwd)
    before = names(cwd)
    done = run(cwd, "create", *force, "-o", place, "guest.cfg")
    assert done.returncode == 4
    if force and message.endswith("exists already"):
        message, cause, mend = "is not replaced, even with --force", "it is ", "remove it yourself"
    for text in (message, cause, mend):
        assert text in done.stderr
    assert names(cwd) == before
    assert (cwd / "guest.cfg").read_text() == CONFIG


@pytest.mark.parametrize(
    "place", ["x" * 255, "ä" * 127, os.fsdecode(b"\xff\n"), "t/", "t/.", "-t", "../{cwd}/t"]
)
def test_a_place_may_have_any_name(cwd: Path, place: str) -> None:
    for force in ([], ["--force"]):
        done = run(cwd, "create", "-q", *force, f"--output={place.format(cwd=cwd.name)}", "guest.cfg")
        assert (done.returncode, done.stderr) == (0, "")
        assert len(names(cwd)) == 1


def test_the_directory_that_one_is_in_can_be_replaced(cwd: Path) -> None:
    assert run(cwd, "create", "guest.cfg").returncode == 0
    done = run(cwd / "g", "create", "--force", "-o", ".", "../guest.cfg", "memory=32")
    assert (done.returncode, done.stderr) == (0, "")
    assert memory_of(cwd / "g") == 32
    assert names(cwd) == ["g"]


def test_a_directory_that_may_not_be_written_to_is_told(cwd: Path) -> None:
    (cwd / "t").mkdir(mode=0o555)
    done = smallprocess.run(cwd, "create", "-o", "t/g", "guest.cfg")
    assert done.returncode == 4
    assert "t/g cannot be written\n  cause: permission denied\n" in done.stderr
    assert "let the user who builds write to the directory" in done.stderr


def test_a_limit_of_files_is_told_with_what_is_needed(cwd: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, before[1]))
    try:
        done = run(cwd, "create", "guest.cfg")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert done.returncode == 4
    assert "g cannot be written\n  cause: file too large: its longest file is 16 MiB long" in done.stderr
    assert "ulimit -f" in done.stderr
    assert names(cwd) == []


def create_in(cwd: Path, options: str, *arguments: str, flags: int = 0) -> tuple[int, str, list[str]]:
    """Build into a file system of its own, `t`; return status and complaint, and what is left there."""

    def work() -> tuple[int, str, list[str]]:
        mount(cwd / "t", options)
        if flags:
            mount(cwd / "t", options, flags | MS_REMOUNT)
        done = run(cwd, "create", "-q", *arguments, "-o", "t/g", "guest.cfg")
        return done.returncode, done.stderr, names(cwd / "t")

    (cwd / "t").mkdir()
    return inside(work)


@IN_NAMESPACE
def test_a_full_disk_is_told_with_what_is_needed_and_what_there_is(cwd: Path) -> None:
    status, complaint, left = create_in(cwd, "size=64k")
    assert (status, left) == (4, [])
    assert "t/g cannot be written\n  cause: no space left on device: it takes " in complaint
    assert "64 KiB are free\n  mend:  make room" in complaint
    needed = int(complaint.partition("it takes ")[2].split()[0])
    (cwd / "t").rmdir()
    assert create_in(cwd, f"size={needed}k") == (0, "", ["g"])


@IN_NAMESPACE
def test_a_disk_that_takes_no_more_files_is_told(cwd: Path) -> None:
    status, complaint, left = create_in(cwd, "nr_inodes=6")
    assert (status, left) == (4, [])
    assert "in 7 files, and 5 files are free" in complaint
    (cwd / "t").rmdir()
    assert create_in(cwd, "nr_inodes=10") == (0, "", ["g"])


@IN_NAMESPACE
def test_a_file_system_that_is_read_only_is_told(cwd: Path) -> None:
    status, complaint, left = create_in(cwd, "", flags=MS_RDONLY)
    assert (status, left) == (4, [])
    assert "cause: read-only file system" in complaint
    assert "another file system" in complaint


@IN_NAMESPACE
def test_what_is_mounted_is_not_replaced(cwd: Path) -> None:
    def work() -> tuple[int, str]:
        mount(cwd / "g", flags=MS_BIND, source=cwd / "g")
        done = run(cwd, "create", "-q", "--force", "guest.cfg", "memory=32")
        return done.returncode, done.stderr

    assert run(cwd, "create", "guest.cfg").returncode == 0
    status, complaint = inside(work)
    assert status == 4
    assert "something is mounted there" in complaint
    assert "unmount it" in complaint
    assert memory_of(cwd / "g") == 16
    assert names(cwd) == ["g"]


@IN_NAMESPACE
def test_a_domain_of_a_containers_image_is_not_replaced(cwd: Path) -> None:
    def work() -> tuple[int, str, list[str], int]:
        mount(cwd / "space")
        layers = [cwd / "image", cwd / "space" / "upper", cwd / "space" / "work"]
        for layer in layers[1:]:
            layer.mkdir()
        options = "userxattr,lowerdir={},upperdir={},workdir={}".format(*layers)
        try:
            mount(cwd / "merged", options, kind="overlay")
        except OSError as error:
            return -1, str(error), [], 0
        done = run(cwd / "merged", "create", "-q", "--force", "../guest.cfg", "memory=32")
        assert run(cwd / "merged", "create", "../guest.cfg", "-o", "other").returncode == 0
        return done.returncode, done.stderr, names(cwd / "merged"), memory_of(cwd / "merged" / "g")

    for directory in ("image", "space", "merged"):
        (cwd / directory).mkdir()
    assert run(cwd / "image", "create", "../guest.cfg").returncode == 0
    status, complaint, left, memory = inside(work)
    if status < 0:
        pytest.skip(f"there is no overlayfs here: {complaint}")
    assert (status, left, memory) == (4, ["g", "other"], 16)
    assert "in a lower layer of the file system" in complaint
    assert "remove it yourself" in complaint


@IN_NAMESPACE
def test_a_domain_may_be_on_another_file_system_than_all_else(cwd: Path) -> None:
    assert create_in(cwd, "") == (0, "", ["g"])


@pytest.mark.parametrize("force", [False, True], ids=["", "force"])
def test_of_ten_builds_at_once_each_ends_as_documented(cwd: Path, force: bool) -> None:
    (cwd / "free").mkdir()
    start, go = os.pipe()
    children = []
    for number in range(10):
        child = os.fork()
        if child == 0:
            os.close(go)
            os.read(start, 1)
            option = ["--force"] if force else []
            done = forked.run(cwd, "create", *option, "-o", "free/g", "guest.cfg", f"memory={16 + number}")
            os._exit(done.returncode if done.returncode != 4 or "exists already" in done.stderr else 99)
        children.append(child)
    os.close(start)
    os.close(go)
    ends = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    assert sorted(ends) == ([0] * 10 if force else [0, *[4] * 9])
    assert ends[memory_of(cwd / "free" / "g") - 16] == 0
    assert names(cwd / "free") == ["g"]


def test_a_report_that_cannot_be_written_leaves_the_domain(cwd: Path) -> None:
    shell = f"{sys.executable} -m xlbuild create guest.cfg > /dev/full"
    done = subprocess.run(["bash", "-c", shell], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert "the output cannot be written" in done.stderr
    assert memory_of(cwd / "g") == 16
    assert names(cwd) == ["g"]
