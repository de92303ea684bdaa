"""Directories that are put in place, and builds that are killed while they do it; see test_atomic.py.

`placing.py DIRECTORY WAY WHAT` kills one at each of its steps in turn, and fails with a traceback where what it
leaves is not as it should be. There are many steps, and it is a small process that is quickly forked.
"""

import errno
import os
import shutil
import signal
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from xlbuild.emit import atomic
from xlbuild.emit.atomic import clean_up, put_in_place

if TYPE_CHECKING:
    from _typeshed import TraceFunction

WAYS = ("renameat2", "rename")
"""Which function the system has to give a name."""


class TakenError(Exception):
    """What is there may not be replaced."""


def may_replace(place: Path) -> None:
    """Let whatever is there be replaced."""


def may_not_replace(place: Path) -> None:
    """Let nothing be replaced."""
    if os.path.lexists(place):
        raise TakenError


def unknown(source: Path, target: Path, flags: int) -> None:
    """Be a function that the system does not have."""
    raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))


def make(path: Path, content: str) -> None:
    """Make a directory with two files of a content."""
    path.mkdir()
    (path / "first").write_text(content)
    (path / "second").write_text(content)


def content(path: Path) -> str | None:
    """Return what a directory holds, None where nothing is; fail for what is only half there."""
    if not os.path.lexists(path):
        return None
    assert sorted(entry.name for entry in path.iterdir()) == ["first", "second"]
    (held,) = {entry.read_text() for entry in path.iterdir()}
    return held


def nothing() -> None:
    """Do nothing."""


def put(
    place: Path,
    new: str,
    check: Callable[[Path], None] = may_replace,
    meanwhile: Callable[[], object] = nothing,
    how: Callable[[Path, str], object] = make,
) -> None:
    """Put something in place; `meanwhile` happens before it gets its name."""
    with put_in_place(place, check) as path:
        how(path, new)
        meanwhile()


def names(directory: Path) -> list[str]:
    """Return what is in a directory."""
    return sorted(entry.name for entry in directory.iterdir())


def in_child(work: Callable[[], object]) -> int:
    """Run something in a process of its own; return its exit status, negative for a signal."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        except TakenError:
            status = 4
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def killed_at_step(number: int, work: Callable[[], object]) -> bool:
    """Do something in a process that is killed at its number-th step; return whether it was.

    A step is a line of the module, or the removal of a file or directory.
    """
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1
        if steps == number:
            os.kill(os.getpid(), signal.SIGKILL)

    def trace(frame: FrameType, event: str, arg: Any) -> "TraceFunction | None":
        if frame.f_code.co_filename != atomic.__file__:
            return None
        if event == "line":
            step()
        return trace

    def traced() -> None:
        sys.addaudithook(lambda event, _: step() if event in ("os.remove", "os.rmdir") else None)
        sys.settrace(trace)
        work()

    status = in_child(traced)
    assert status in (0, -signal.SIGKILL)
    return status != 0


def kill_builds(directory: Path, way: str, old: str | None) -> None:
    """Have builds killed, which find something old or nothing: the name stands for that or for all that is new."""
    place, number, seen = directory / "g", 0, set()
    going_on = True
    while going_on:
        number += 1
        if old is not None:
            make(place, old)
        going_on = killed_at_step(number, lambda: put(place, "new"))
        found = content(place)
        seen.add(found)
        clean_up(directory)
        after = content(place)
        assert after == (old if found is None else found), number
        assert names(directory) == (["g"] if after else []), number
        shutil.rmtree(place, ignore_errors=True)
    assert number > 60
    assert seen == {old, "new"} | ({None} if way == "rename" else set())


def kill_cleanings(directory: Path, way: str) -> None:
    """Have killed what puts the old thing back and removes the rest, as the next build does."""
    place, number = directory / "g", 0
    going_on = True
    while going_on:
        number += 1
        leftover = directory / ".xlbuild-0123abcd.partial"
        (leftover / "old").mkdir(parents=True)
        make(leftover / "old" / "g", "old")
        make(leftover / "new", "new")
        going_on = killed_at_step(number, lambda: clean_up(directory))
        assert content(place) in (None, "old"), number
        clean_up(directory)
        assert content(place) == "old", number
        assert names(directory) == ["g"], number
        shutil.rmtree(place)
    assert number > 20


STRUCK: Mapping[str, Callable[[Path, str], None]] = {
    "build": partial(kill_builds, old=None),
    "replacement": partial(kill_builds, old="old"),
    "cleaning": kill_cleanings,
}
"""What is killed."""


def main(directory: str, way: str, what: str) -> None:
    """Kill it at each of its steps."""
    if way == "rename":
        atomic._renameat2 = unknown
    STRUCK[what](Path(directory), way)


if __name__ == "__main__":
    main(*sys.argv[1:])
