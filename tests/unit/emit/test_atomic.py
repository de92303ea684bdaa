"""Putting things in place: whole or not at all, with whatever the file system has for it, killed at whatever step."""

import errno
import fcntl
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import placing
import pytest
from placing import (
    STRUCK,
    WAYS,
    TakenError,
    content,
    in_child,
    make,
    may_not_replace,
    may_replace,
    names,
    put,
    unknown,
)

from xlbuild.emit import atomic
from xlbuild.emit.atomic import clean_up, put_in_place, settled


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Which functions the system has."""
    if request.param == "rename":
        monkeypatch.setattr(atomic, "_renameat2", unknown)
    return str(request.param)


def test_a_directory_gets_its_name_and_replaces_what_had_it(tmp_path: Path, way: str) -> None:
    for new in ("first", "second", "third"):
        put(tmp_path / "g", new)
        assert content(tmp_path / "g") == new
        assert names(tmp_path) == ["g"]


def test_a_file_gets_its_name_and_replaces_what_had_it(tmp_path: Path, way: str) -> None:
    for new in ("first", "second"):
        with put_in_place(tmp_path / "save", may_replace) as path:
            path.write_text(new)
        assert (tmp_path / "save").read_text() == new
        assert names(tmp_path) == ["save"]
        assert (tmp_path / "save").stat().st_nlink == 1


def test_nothing_is_made_where_something_is(tmp_path: Path, way: str) -> None:
    (tmp_path / "g").mkdir()
    with pytest.raises(TakenError), put_in_place(tmp_path / "g", may_not_replace):
        pytest.fail("went on")
    assert names(tmp_path) == ["g"]


@pytest.mark.parametrize("kind", ["directory", "empty directory", "file", "link"])
def test_what_comes_meanwhile_is_not_replaced(tmp_path: Path, way: str, kind: str) -> None:
    place = tmp_path / "g"
    makers: dict[str, Callable[[], object]] = {
        "directory": lambda: make(place, "other"),
        "empty directory": place.mkdir,
        "file": lambda: place.write_text("other"),
        "link": lambda: place.symlink_to("nowhere"),
    }
    for how in (make, Path.write_text):
        with pytest.raises(TakenError):
            put(place, "new", may_not_replace, makers[kind], how)
        assert names(tmp_path) == ["g"]
        assert kind != "directory" or content(place) == "other"
        shutil.rmtree(place) if kind.endswith("directory") else place.unlink()


def test_what_comes_in_the_last_moment_is_not_replaced(
    tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = os.path.lexists
    place = tmp_path / "g"

    def come_when_looked_for(path: Path) -> bool:
        found = there(path)
        if path == place and not found:
            make(place, "other")
        return found

    with pytest.raises(TakenError):
        put(
            place,
            "new",
            may_not_replace,
            partial(monkeypatch.setattr, os.path, "lexists", come_when_looked_for),
        )
    assert names(tmp_path) == ["g"]
    assert content(place) == "other"


def test_what_goes_in_the_last_moment_need_not_be_replaced(tmp_path: Path, way: str) -> None:
    place = tmp_path / "g"
    make(place, "old")

    def go_when_asked_about(path: Path) -> None:
        if (path.parent / ".go").exists() and path == place:
            shutil.rmtree(place)
            (path.parent / ".go").unlink()

    put(place, "new", go_when_asked_about, (tmp_path / ".go").touch)
    assert names(tmp_path) == ["g"]
    assert content(place) == "new"


def test_what_was_not_asked_about_gets_its_name_back(tmp_path: Path, way: str) -> None:
    place = tmp_path / "g"
    make(place, "old")

    def refuse_elsewhere(path: Path) -> None:
        if path != place:  # where it is after it has been moved
            assert content(path) == "old"
            raise TakenError

    with pytest.raises(TakenError):
        put(place, "new", refuse_elsewhere)
    assert names(tmp_path) == ["g"]
    assert content(place) == "old"


@pytest.mark.parametrize("failure", [OSError(28, "No space"), KeyboardInterrupt(), MemoryError()])
def test_a_failure_leaves_what_was_there(tmp_path: Path, way: str, failure: BaseException) -> None:
    make(tmp_path / "g", "old")

    def fail() -> None:
        raise failure

    with pytest.raises(type(failure)):
        put(tmp_path / "g", "new", meanwhile=fail)
    assert names(tmp_path) == ["g"]
    assert content(tmp_path / "g") == "old"


def test_a_failure_of_the_disk_that_shows_only_at_the_end_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(fd: int) -> None:
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

    monkeypatch.setattr(os, "fsync", fail)
    make(tmp_path / "g", "old")
    with pytest.raises(OSError, match="quota"):
        put(tmp_path / "g", "new")
    assert names(tmp_path) == ["g"]
    assert content(tmp_path / "g") == "old"


def test_everything_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed = set()

    def note(fd: int) -> None:
        assert not (tmp_path / "g").exists()
        flushed.add(Path(f"/proc/self/fd/{fd}").readlink().name)

    monkeypatch.setattr(os, "fsync", note)
    put(tmp_path / "g", "new")
    assert flushed == {"new", "first", "second"}


def test_an_interrupt_while_it_removes_what_it_replaced_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path / "g", "old")
    unlink, interrupts = os.unlink, [KeyboardInterrupt()]

    def interrupt_once(*args: object, **options: object) -> None:
        if interrupts:
            raise interrupts.pop()
        unlink(*args, **options)  # type: ignore[arg-type]  # whatever it was called with

    monkeypatch.setattr(os, "unlink", interrupt_once)
    with pytest.raises(KeyboardInterrupt):
        put(tmp_path / "g", "new")
    assert names(tmp_path) == ["g"]
    assert content(tmp_path / "g") == "new"


def test_a_lock_that_has_a_file_as_long_as_it_is_open_is_removed_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove, close = shutil.rmtree, os.close
    silly = []

    def leave_the_lock(path: Path, **options: bool) -> None:  # as NFS does
        held = (path / "lock").exists()
        remove(path, ignore_errors=True)
        if held:
            path.mkdir()
            silly.append(path / ".nfs0001")
            silly[-1].touch()

    def let_go(fd: int) -> None:
        close(fd)
        for file in silly:
            file.unlink(missing_ok=True)

    monkeypatch.setattr(shutil, "rmtree", leave_the_lock)
    monkeypatch.setattr(os, "close", let_go)
    put(tmp_path / "g", "new")
    assert len(silly) == 1
    assert names(tmp_path) == ["g"]
    killed(lambda path: make(path, "new"), tmp_path / "g")
    clean_up(tmp_path)
    monkeypatch.undo()
    assert len(silly) == 2
    assert names(tmp_path) == ["g"]


@pytest.mark.parametrize(
    "name", ["x" * 255, "ü" * 127, os.fsdecode(b"\xff\x01 odd\n"), ".hidden", "a.partial"]
)
def test_any_name_that_the_file_system_takes_will_do(tmp_path: Path, way: str, name: str) -> None:
    for new in ("first", "second"):
        put(tmp_path / name, new)
        assert content(tmp_path / name) == new
        assert names(tmp_path) == [name]


def test_a_settled_path_has_no_links_but_its_own_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path = tmp_path.resolve()
    (tmp_path / "real" / "inner").mkdir(parents=True)
    (tmp_path / "link").symlink_to("real/inner")
    monkeypatch.chdir(tmp_path / "real")
    assert settled(Path("g")) == tmp_path / "real" / "g"
    assert settled(Path()) == tmp_path / "real"
    assert settled(Path("..")) == tmp_path
    assert settled(Path("../link")) == tmp_path / "link"
    assert settled(Path("../link/../g")) == tmp_path / "real" / "g"
    assert settled(Path("/")) == Path("/")
    (tmp_path / "loop").symlink_to("loop")
    for nowhere in ("no/g", "../loop/g", "../loop/.."):
        with pytest.raises(OSError, match=r"No such file|Too many levels"):
            settled(Path(nowhere))


def killed(work: Callable[[Path], object], place: Path) -> None:
    """Have a build killed while it makes what is new, which `work` does up to there."""

    def build() -> None:
        with put_in_place(place, may_replace) as path:
            work(path)
            os.kill(os.getpid(), signal.SIGKILL)

    assert in_child(build) == -signal.SIGKILL


def test_what_a_killed_build_leaves_is_removed_by_the_next_one_beside_it(tmp_path: Path) -> None:
    for work in (lambda path: make(path, "new"), lambda path: path.write_text("new"), lambda _: None):
        killed(work, tmp_path / "g")
        ((leftover),) = names(tmp_path)
        assert leftover.startswith(".xlbuild-")
    put(tmp_path / "other", "new", may_not_replace)
    assert names(tmp_path) == ["other"]


def test_what_is_left_is_removed_even_if_the_next_build_may_not_go_on(tmp_path: Path) -> None:
    make(tmp_path / "g", "old")
    killed(lambda path: make(path, "new"), tmp_path / "g")
    with pytest.raises(TakenError):
        put(tmp_path / "g", "new", may_not_replace)
    assert names(tmp_path) == ["g"]


def test_a_build_that_goes_on_is_left_alone(tmp_path: Path) -> None:
    with put_in_place(tmp_path / "g", may_replace) as path:
        make(path, "slow")
        assert in_child(lambda: put(tmp_path / "other", "quick")) == 0
        assert content(path) == "slow"
    assert names(tmp_path) == ["g", "other"]


def test_what_is_not_a_builds_own_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = [".g.0123abcd.partial", ".xlbuild-0123abc.partial", ".xlbuild-0123abcd.partial.txt"]
    for name in kept:
        (tmp_path / name).mkdir()
    (tmp_path / ".xlbuild-00000000.partial").write_text("a file")
    (tmp_path / ".xlbuild-00000001.partial").symlink_to(kept[0])
    (tmp_path / ".xlbuild-00000002.partial").mkdir()
    before = names(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    clean_up(tmp_path)
    assert names(tmp_path) == before
    monkeypatch.undo()
    clean_up(tmp_path)
    assert names(tmp_path) == sorted({*before} - {".xlbuild-00000002.partial"})


def test_a_file_system_without_locks_has_builds_and_nothing_is_removed_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(fd: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    killed(lambda path: make(path, "new"), tmp_path / "g")
    put(tmp_path / "g", "newer")
    assert content(tmp_path / "g") == "newer"
    assert len(names(tmp_path)) == 2


def test_a_build_whose_new_directory_another_one_cleans_up_takes_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really_open = atomic._open_lock
    cleaned: list[Path] = []

    def clean_up_before(scratch: Path) -> int:
        if not cleaned:
            cleaned.append(scratch)
            clean_up(tmp_path)
        return really_open(scratch)

    def clean_up_after(scratch: Path) -> int:
        lock = really_open(scratch)
        if len(cleaned) == 1:
            cleaned.append(scratch)
            assert in_child(lambda: clean_up(tmp_path)) == 0
        return lock

    for way in (clean_up_before, clean_up_after):
        monkeypatch.setattr(atomic, "_open_lock", way)
        put(tmp_path / "g", "new")
    assert len(cleaned) == 2
    assert names(tmp_path) == ["g"]


def test_a_new_directory_that_another_build_just_removes_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / ".xlbuild-0123abcd.partial"
    scratch.mkdir()
    rmdir = os.rmdir
    taken: list[int | None] = []

    def take_before(path: Path, **options: int) -> None:
        if not taken:
            taken.append(atomic._taken_lock(scratch))
        rmdir(path, **options)

    monkeypatch.setattr(os, "rmdir", take_before)
    clean_up(tmp_path)
    assert taken == [None]
    assert names(tmp_path) == []


@pytest.mark.parametrize("replaces", [False, True], ids=["free", "replaces"])
def test_of_ten_builds_at_once_all_end_well(tmp_path: Path, way: str, replaces: bool) -> None:
    start, go = os.pipe()
    children = []
    for number in range(10):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                os.close(go)
                os.read(start, 1)
                put(tmp_path / "g", str(number), may_replace if replaces else may_not_replace)
                status = 0
            except TakenError:
                status = 4
            finally:
                os._exit(status)
        children.append(child)
    os.close(start)
    os.close(go)
    ends = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    assert sorted(ends) == [0] * 10 if replaces else [0] + [4] * 9
    assert content(tmp_path / "g") in [str(number) for number in range(10)]
    assert replaces or content(tmp_path / "g") == str(ends.index(0))
    assert names(tmp_path) == ["g"]


def test_the_name_stands_for_something_at_each_moment(tmp_path: Path) -> None:
    make(tmp_path / "g", "0")
    child = os.fork()
    if child == 0:
        for number in range(50):
            put(tmp_path / "g", str(number))
        os._exit(0)
    looks = 0
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        os.close(os.open(tmp_path / "g", os.O_RDONLY))
        looks += 1
    assert looks > 100


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("what", STRUCK)
def test_it_may_be_killed_at_any_step(tmp_path: Path, way: str, what: str) -> None:
    command = [sys.executable, placing.__file__, str(tmp_path), way, what]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
