"""Directories to build in while things go wrong, and what is found in them afterwards."""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import forked
from compare import compare_images

GUESTS: Mapping[str, str] = {
    "pv": 'name = "g"\ntype = "pv"\nkernel = "xlbuild:hello-pv"\n',
    "pvh": 'name = "g"\ntype = "pvh"\nkernel = "xlbuild:hello-pvh"\n',
}
OLD, NEW = "memory=1000", "memory=1500"
"""The settings that the old domain, where there is one, and the new one differ in."""

CONFIG = "guest.cfg"
TARGET = "g"
NOTHING = "nothing"

Prepare = Callable[[], object]
"""What a process does before it becomes xlbuild."""


def nothing() -> None:
    """Do nothing."""


@dataclass(frozen=True)
class Build:
    """A process that builds."""

    pid: int
    stderr: int
    """A pipe that its stderr is in."""

    def has_ended(self) -> bool:
        """Return whether it has come to an end."""
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def end(self) -> tuple[int, str]:
        """Wait for its end; return its exit status, negative for a signal, and what it said."""
        with os.fdopen(self.stderr, "rb") as said:
            text = said.read().decode()
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1]), text


@dataclass(frozen=True)
class Workshop:
    """A directory whose parent has the configuration; builds start in it, and the domain's place is in it, too."""

    place: Path
    known: Path
    """Where the whole domains are that a build may leave: `pv-old`, `pv-new`, `pvh-old`, `pvh-new`."""
    guest: str
    replaces: bool
    """Whether there is an older domain, which a build replaces with --force."""

    def __str__(self) -> str:
        """Return what is built."""
        return f"{self.guest}{' --force' if self.replaces else ''}"

    @property
    def before(self) -> str:
        """What the name stands for before the build."""
        return "old" if self.replaces else NOTHING

    @property
    def arguments(self) -> tuple[str, ...]:
        """The command line of the build that goes wrong."""
        return ("create", "-q", *(["--force"] if self.replaces else []), f"../{CONFIG}", NEW)

    def furnish(self) -> None:
        """Start afresh, with the configuration and, if one is to be replaced, the older domain."""
        self.place.mkdir(parents=True, exist_ok=True)
        (self.place.parent / CONFIG).write_text(GUESTS[self.guest])
        for entry in self.place.iterdir():
            shutil.rmtree(entry)
        if self.replaces:
            old = self.known / f"{self.guest}-old"
            subprocess.run(["cp", "-r", "--sparse=always", old, self.place / TARGET], check=True)

    def found(self) -> str:
        """Return what the domain's name stands for: NOTHING, `old`, `new`, or what is wrong with it."""
        target = self.place / TARGET
        if not os.path.lexists(target):
            return NOTHING
        against = {age: difference(target, self.known / f"{self.guest}-{age}") for age in ("old", "new")}
        same = [age for age, different in against.items() if different is None]
        return same[0] if same else f"half a domain, or a wrong one: {against}"

    def others(self) -> list[str]:
        """Return what else is there."""
        return sorted(entry.name for entry in self.place.iterdir() if entry.name != TARGET)

    def trouble_with_the_next_build(self) -> list[str]:
        """Build what is new once more, in peace, and return what is wrong with that."""
        again = forked.run(self.place, "create", "-q", "--force", f"../{CONFIG}", NEW)
        trouble = [] if again.returncode == 0 else [f"the next build fails: {again.stderr}"]
        if self.found() != "new":
            trouble.append(f"after the next build the name has {self.found()}")
        if self.others():
            trouble.append(f"the next build leaves {self.others()}")
        return trouble


def know(known: Path) -> Path:
    """Build the whole domains that are compared with into a new directory, and return it."""
    (known / "place").mkdir(parents=True)
    for guest, config in GUESTS.items():
        (known / CONFIG).write_text(config)
        for age, setting in (("old", OLD), ("new", NEW)):
            done = forked.run(known / "place", "create", "-q", f"../{CONFIG}", setting)
            assert done.returncode == 0, done.stderr
            (known / "place" / TARGET).rename(known / f"{guest}-{age}")
    return known


def difference(found: Path, good: Path) -> str | None:
    """Return a difference between a domain and a good one, by all their files and bytes; None when there is none."""
    if found.is_symlink() or not found.is_dir():
        return "no directory"
    names = [sorted(entry.name for entry in directory.iterdir()) for directory in (found, good)]
    if names[0] != names[1]:
        return f"it has {names[0]}"
    for name in names[0]:
        if name == "memory.img":
            if differences := compare_images(found / name, good / name).differences:
                return differences[0]
        elif (found / name).read_bytes() != (good / name).read_bytes():
            return f"{name} differs"
    return None


def start(shop: Workshop, prepare: Prepare = nothing, *, real: bool) -> Build:
    """Start to build: a program of its own (`real`), or a fork of this one, which need not import anything."""
    out, into = os.pipe()
    pid = os.fork()
    if pid == 0:
        with (
            Path(os.devnull).open("r+b", buffering=0) as nowhere,
            os.fdopen(into, "wb", buffering=0) as stderr,
        ):
            prepare()
            forked.become_xlbuild(shop.place, shop.arguments, (nowhere, nowhere, stderr), real=real)
    os.close(into)
    return Build(pid, out)
