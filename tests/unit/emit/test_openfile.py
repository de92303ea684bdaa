"""A file of which parts are read: on disk or in memory, and closed when nobody uses it any more."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from xlbuild.emit.core.read import read_core_data
from xlbuild.emit.openfile import OpenFile
from xlbuild.emit.save.read import read_save_data
from xlbuild.errors import FilesError, RefusedError
from xlbuild.units import Pfn

PAGE = 4096
CONTENT = b"head" + bytes(PAGE) + b"x".ljust(PAGE, b"\0") + bytes(70 * PAGE) + b"y" * PAGE


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 (Path.iterdir opens another)


@pytest.fixture(params=["on disk", "in memory"])
def file(request: pytest.FixtureRequest, tmp_path: Path) -> OpenFile:
    if request.param == "in memory":
        return OpenFile.of(CONTENT, "-", "thing")
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    return OpenFile.at(path, "thing")


def test_pages_anywhere_in_a_file_are_found_that_hold_something(file: OpenFile) -> None:
    assert file.size == len(CONTENT)
    assert file.read(0, 4) == b"head"
    found = list(file.pages(Pfn(10), 73, 4))
    assert found == [(11, b"x".ljust(PAGE, b"\0")), (82, b"y" * PAGE)]
    file.check_unchanged()


def test_what_is_behind_the_end_is_missing(file: OpenFile) -> None:
    with pytest.raises(FilesError) as caught:
        file.read(len(CONTENT) - 4, 8)
    assert caught.value.code == "file-changed"


def test_a_change_has_the_code_that_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    file = OpenFile.at(path, "thing", "thing-changed")
    path.write_bytes(CONTENT + b"more")
    with pytest.raises(FilesError, match="has changed while it was read") as caught:
        file.check_unchanged()
    assert caught.value.code == "thing-changed"


@pytest.mark.parametrize("read", [read_save_data, read_core_data])
def test_nothing_stays_open_of_what_is_refused(read: Callable[[bytes, str], object]) -> None:
    before = descriptors()
    with pytest.raises(RefusedError) as kept:
        read(b"neither", "-")
    assert descriptors() == before
    assert kept.value.where.file == "-"


def test_a_file_that_nobody_uses_is_closed() -> None:
    before = descriptors()
    file = OpenFile.of(CONTENT, "-", "thing")
    assert descriptors() == before + 1
    del file
    assert descriptors() == before
