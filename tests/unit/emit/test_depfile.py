"""Depfiles, as the real make and the real ninja read them."""

import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from xlbuild.container.model import Role
from xlbuild.emit.depfile import Rule, depfile_text, files_read
from xlbuild.emit.inputs import InputFile
from xlbuild.errors import FilesError

MAKEFILE = "all:\n-include d\n.DEFAULT:\n\t$(file >>read,$@)\n"
"""A file that has no rule is noted, by its name as make understands it."""
NINJA = "rule r\n  command = cp d copy\n  depfile = copy\n  deps = gcc\nbuild out: r\n"

NAMES = (
    "guest.cfg",
    "out/memory=256/guest.cfg",
    "/srv/my guests/a  b.cfg",
    " leading",
    "cost$$ $HOME ${x} $",
    "#1 #",
    "a:b::c d:/e",
    "100%",
    "system\\x2ddev",
    "x@y+z,w!{}[]~_-(1).cfg",
    "wäld/\udcff\udc80",
)
NAMES_OF_MAKE_AND_NEWER_NINJAS = ("it's", "R&D", 'a "b"')
NOT_TO_BE_WRITTEN = (
    *("a\nb", "a\tb", "\x7f", "a*", "a?", "a;b", "a|b", "a<b", "a>b", "a^b", "a`b", "=b", "~/x", "lib(x)"),
    *("a:", "a ", "a\\", "a\\ b", "a\\#", "a\\$", "a\\:b", ""),
)


def read_by_make(directory: Path, target: str) -> list[str]:
    (directory / "Makefile").write_text(MAKEFILE)
    (directory / "read").write_bytes(b"")
    subprocess.run(["make", "-rs", os.fsencode(target)], cwd=directory, check=True, capture_output=True)
    return os.fsdecode((directory / "read").read_bytes()).split("\n")[:-1]


def read_by_ninja(directory: Path, target: str) -> list[str]:
    (directory / "build.ninja").write_text(NINJA.replace("out", target))
    subprocess.run(["ninja"], cwd=directory, check=True, capture_output=True)
    told = subprocess.run(["ninja", "-t", "deps"], cwd=directory, check=True, capture_output=True)
    lines = os.fsdecode(told.stdout).split("\n")
    return [line.removeprefix("    ") for line in lines if line.startswith("    ")]


def written(directory: Path, names: Sequence[str], target: str = "out") -> None:
    rule, *others = depfile_text([Rule(target, tuple(names))]).splitlines(keepends=True)
    assert len(others) == sum("=" not in name for name in names)
    (directory / "d").write_bytes(rule)  # make notes only files that have no rule


@pytest.mark.engines
@pytest.mark.parametrize("read", [read_by_make, read_by_ninja])
def test_make_and_ninja_read_the_names_that_were_written(
    tmp_path: Path, read: Callable[[Path, str], list[str]]
) -> None:
    written(tmp_path, NAMES)
    assert sorted(read(tmp_path, "out")) == sorted(NAMES)


@pytest.mark.engines
def test_make_reads_names_that_only_newer_ninjas_read(tmp_path: Path) -> None:
    written(tmp_path, NAMES_OF_MAKE_AND_NEWER_NINJAS)
    assert read_by_make(tmp_path, "out") == list(NAMES_OF_MAKE_AND_NEWER_NINJAS)


@pytest.mark.engines
def test_a_target_may_have_such_a_name_too(tmp_path: Path) -> None:
    target = "o #1: it$/domain.json"
    written(tmp_path, ["x"], target)
    assert read_by_make(tmp_path, target) == ["x"]
    escaped = target.replace("$", "$$").replace(" ", "$ ").replace(":", "$:")
    assert read_by_ninja(tmp_path, escaped) == ["x"]


@pytest.mark.engines
def test_a_file_that_is_gone_stops_no_make_and_no_ninja(tmp_path: Path) -> None:
    (tmp_path / "d").write_bytes(depfile_text([Rule("out", ("gone", "guest.cfg")), Rule("two", ("gone",))]))
    (tmp_path / "out").write_text("")
    assert read_by_make(tmp_path, "out") == []
    (tmp_path / "build.ninja").write_text(
        "rule r\n  command = touch out two\n  depfile = d\nbuild out two: r\n"
    )
    for _ in range(2):
        done = subprocess.run(["ninja"], cwd=tmp_path, check=True, capture_output=True)
        assert b"touch out two" in done.stdout


@pytest.mark.parametrize("name", NOT_TO_BE_WRITTEN)
def test_a_name_that_one_of_them_would_take_for_another_is_refused(name: str) -> None:
    for rule in (Rule("out", (name,)), Rule(name, ())):
        with pytest.raises(FilesError) as caught:
            depfile_text([rule])
        assert caught.value.code == "depfile-name"


@pytest.mark.parametrize("rule", [Rule("100%", ("a",)), Rule("a=b", ("a",)), Rule("a", ("b=c", "d=e"))])
def test_what_make_takes_for_a_pattern_or_an_assignment_is_refused(rule: Rule) -> None:
    with pytest.raises(FilesError, match="cannot be named in a depfile"):
        depfile_text([rule])


def test_each_file_is_named_once_and_what_is_no_file_not_at_all() -> None:
    inputs = [
        InputFile(Role.KERNEL, "xlbuild:hello-pv", b""),
        InputFile(Role.RAMDISK, "same", b""),
        InputFile(Role.RAMDISK, "same", b""),
        InputFile(Role.HOST, "/dev/null", b""),
    ]
    assert files_read("guest.cfg", inputs) == ("guest.cfg", "same")
    assert files_read(None, inputs) == ("same",)
    text = depfile_text([Rule("a", ("x", "y")), Rule("b", ("x",))])
    assert text == b"a: x y\nb: x\nx:\ny:\n"
