"""Why a result cannot be written, for what a test cannot have happen on every machine."""

import errno
import os
from pathlib import Path

import pytest

from xlbuild.emit.unwritable import Size, failures_named
from xlbuild.errors import FilesError

SIZE = Size(on_disk=3 << 20, files=7, longest=4 << 30)


@pytest.mark.parametrize(
    ("number", "code", "cause", "mend"),
    [
        (errno.EDQUOT, "target-no-space", "quota exceeded: it takes 3 MiB in 7 files, and ", "make room"),
        (errno.ENOSPC, "target-no-space", "no space left on device: it takes 3 MiB in 7", "file system"),
        (errno.EFBIG, "target-unwritable", "its longest file is 4 GiB long", "ulimit -f"),
        (errno.EPERM, "target-unwritable", "operation not permitted", "let the user who builds write"),
        (errno.EIO, "target-unwritable", "input/output error", "another file system perhaps"),
    ],
)
def test_what_the_system_says_is_told_with_its_mend(
    tmp_path: Path, number: int, code: str, cause: str, mend: str
) -> None:
    with pytest.raises(FilesError) as caught, failures_named(tmp_path / "g", lambda: SIZE):
        raise OSError(number, os.strerror(number))
    assert caught.value.message == f"{tmp_path}/g cannot be written"
    assert (caught.value.code, caught.value.exit_status) == (code, 4)
    assert cause in str(caught.value.cause)
    assert mend in str(caught.value.hint)


def test_room_for_one_file_is_told_in_the_singular(tmp_path: Path) -> None:
    with pytest.raises(FilesError) as caught, failures_named(tmp_path / "g", lambda: Size(5, 1, 5)):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert "it takes 5 bytes in 1 file, and " in str(caught.value.cause)


def test_how_much_is_needed_is_found_out_only_when_there_is_too_little(tmp_path: Path) -> None:
    with (
        pytest.raises(FilesError, match="cannot be written"),
        failures_named(tmp_path / "g", lambda: pytest.fail("asked")),
    ):
        raise OSError(errno.EIO, "x")


def test_a_path_with_a_nul_is_told(tmp_path: Path) -> None:
    with (
        pytest.raises(FilesError, match="cannot be written") as caught,
        failures_named(Path("a"), lambda: SIZE),
    ):
        os.mkdir("a\0b")  # noqa: PTH102 (it is the system's own complaint that counts)
    assert caught.value.cause == "embedded null byte"
