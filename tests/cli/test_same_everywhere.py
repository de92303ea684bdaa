"""The same inputs make the same domain: in any directory, time zone and locale, for any user and any hash seed."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import forked  # noqa: F401 (it imports all of xlbuild, whose files another user may not be able to read)
import pytest
from builtdomains import HELLO
from compare import compare_images

from xlbuild.cli import run
from xlbuild.hello import HELLO_KERNELS

_PROGRAM = (
    "import os, sys\n"
    "from xlbuild.cli import run\n"
    "os.umask(int(sys.argv[1], 8))\n"
    "sys.exit(max(run(['create', '-q', config]) for config in sys.argv[2:]))\n"
)
_GUESTS = ("hvm", "pv", "pvh")
_CONFIGS = tuple(f"{kind}.cfg" for kind in _GUESTS)
_NOBODY = 65534
_NO_UNICODE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
"""A locale that knows no other letters than ASCII's, though the command line has some."""


@pytest.fixture
def lay_out(small_hvm: str, tmp_path: Path) -> Callable[[Path], None]:
    """Return what puts guests of each container into a directory, none of which has a uuid, and their files."""

    def lay_out(place: Path) -> None:
        shutil.copytree(tmp_path, place)
        texts = {kind: config.decode() for kind, config in HELLO.items()} | {"hvm": small_hvm}
        for kind, text in texts.items():
            changes = {
                'name="g"': f'name="{kind}"',
                "xlbuild:": f"{place}/",
                str(tmp_path): str(place),
                "=hello": "=héllo",
            }
            for old, new in changes.items():
                text = text.replace(old, new)
            (place / f"{kind}.cfg").write_text(text, encoding="utf-8")
        for name, kernel in HELLO_KERNELS.items():
            (place / name).write_bytes(kernel())

    return lay_out


def build(place: Path, umask: str, **environment: str) -> None:
    """Build all of them, in one process."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, umask, *_CONFIGS],
        cwd=place,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def build_as(user: int, place: Path) -> None:
    """Build all of them as another user, in a fork: an interpreter that root installed may not be theirs to start."""
    os.chown(place, user, user)
    child = os.fork()
    if child == 0:
        status = 99
        try:
            os.chdir(place)
            os.setgroups([])
            os.setgid(user)
            os.setuid(user)
            status = max(run(["create", "-q", config]) for config in _CONFIGS)
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def check_same(ours: Path, others: Path) -> None:
    """Check that the domains are the same to the byte, apart from where they were built."""
    for kind in _GUESTS:
        image, other = ours / kind / "memory.img", others / kind / "memory.img"
        assert compare_images(image, other).differences == [], kind
        assert run(["diff", "--brief", str(ours / kind), str(others / kind)]) == 0, kind
        files = sorted(file.name for file in (ours / kind).iterdir())
        assert files == sorted(file.name for file in (others / kind).iterdir())
        for name in files:
            if name != "memory.img":
                data = (others / kind / name).read_bytes()
                assert data.replace(bytes(others), bytes(ours)) == (ours / kind / name).read_bytes(), name
        assert '"uuid": null' in (ours / kind / "domain.json").read_text()


@pytest.fixture
def places() -> Iterator[Path]:
    """A directory that anybody may go through, as pytest's own are not."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        place.chmod(0o755)
        yield place


def test_surroundings_make_no_difference(places: Path, lay_out: Callable[[Path], None]) -> None:
    ours, others = places / "ours", places / "another place, further away"
    lay_out(ours)
    build(ours, "022", PYTHONHASHSEED="1")
    lay_out(others)
    os.utime(others / "hello-pv", (0, 0))
    build(others, "077", TZ="Pacific/Kiritimati", PYTHONHASHSEED="4711", **_NO_UNICODE)
    assert (others / "pv" / "memory.img").stat().st_mode & 0o777 == 0o600
    check_same(ours, others)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_the_user_makes_no_difference(places: Path, lay_out: Callable[[Path], None]) -> None:
    ours, others = places / "ours", places / "others"
    for place, user in ((ours, 0), (others, _NOBODY)):
        lay_out(place)
        build_as(user, place)
        assert (place / "pv" / "domain.json").stat().st_uid == user
    check_same(ours, others)
