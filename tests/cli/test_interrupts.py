"""Builds that are interrupted: exit status 130, and nothing left behind, whenever the signal comes."""

import signal
import subprocess
import time
from pathlib import Path

import pytest
from started import DEADLINE, Lease, start

SIGNALS = pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name
)

LARGE = 'name = "g"\ntype = "pv"\nkernel = "xlbuild:hello-pv"\nmemory = 60000\n'
"""A guest with a p2m list of 117 MiB: writing it takes long enough to be interrupted."""


@pytest.fixture
def large(tmp_path: Path) -> Path:
    (tmp_path / "guest.cfg").write_text(LARGE)
    return tmp_path


def writing(cwd: Path, *options: str) -> subprocess.Popen[str]:
    """Start to build the large guest; return as soon as its image is being written."""
    child = start(cwd, "create", *options, "guest.cfg")
    while not any(cwd.glob(".xlbuild-*.partial/new/*")):
        assert child.poll() is None, "the build ended before it could be interrupted"
        time.sleep(0.002)
    return child


def assert_interrupted(child: subprocess.Popen[str]) -> None:
    output, complaint = child.communicate(timeout=DEADLINE)
    assert (child.returncode, output) == (130, "")
    assert "xlbuild: interrupted" in complaint
    assert "Traceback" not in complaint


def left_behind(directory: Path) -> list[str]:
    return sorted(entry.name for entry in directory.iterdir() if entry.name != "guest.cfg")


@SIGNALS
def test_a_build_interrupted_while_it_waits_for_its_ramdisk_leaves_nothing(
    tmp_path: Path, number: signal.Signals
) -> None:
    (tmp_path / "ramdisk").write_bytes(b"ramdisk")
    lease = Lease(tmp_path / "ramdisk")
    (tmp_path / "guest.cfg").write_text('name = "g"\nkernel = "xlbuild:hello-pv"\nramdisk = "ramdisk"\n')
    child = start(tmp_path, "create", "guest.cfg")
    lease.wait_for_reader(lambda: child.poll() is None)
    child.send_signal(number)
    assert_interrupted(child)
    lease.give_back()
    assert left_behind(tmp_path) == ["ramdisk"]


@SIGNALS
def test_a_build_interrupted_while_it_writes_leaves_nothing(large: Path, number: signal.Signals) -> None:
    child = writing(large)
    child.send_signal(number)
    assert_interrupted(child)
    assert left_behind(large) == []


@pytest.mark.parametrize("milliseconds", [0, 2, 5, 10])
def test_a_second_signal_while_it_cleans_up_leaves_nothing_either(large: Path, milliseconds: int) -> None:
    child = writing(large)
    child.send_signal(signal.SIGINT)
    time.sleep(milliseconds / 1000)
    child.send_signal(signal.SIGTERM)
    assert_interrupted(child)
    assert left_behind(large) == []


def test_an_impatient_user_leaves_nothing_either(large: Path) -> None:
    child = writing(large)
    while child.poll() is None:
        child.send_signal(signal.SIGINT)
        time.sleep(0.001)
    assert_interrupted(child)
    assert left_behind(large) == []


@SIGNALS
def test_an_interrupted_replacement_keeps_the_domain_that_is_there(
    large: Path, number: signal.Signals
) -> None:
    first = start(large, "create", "-q", "guest.cfg", "memory=16")
    assert first.wait(timeout=DEADLINE) == 0
    before = {entry.name: entry.read_bytes() for entry in (large / "g").iterdir() if entry.suffix != ".img"}
    size = (large / "g" / "memory.img").stat().st_size
    child = writing(large, "--force")
    child.send_signal(number)
    assert_interrupted(child)
    assert left_behind(large) == ["g"]
    assert before.items() <= {e.name: e.read_bytes() for e in (large / "g").iterdir()}.items()
    assert (large / "g" / "memory.img").stat().st_size == size == 16 << 20


def test_a_build_under_nohup_outlives_its_terminal(large: Path) -> None:
    child = start(large, "create", "-q", "guest.cfg", preexec=_ignore_hangup)
    while not any(large.glob(".xlbuild-*.partial/new/*")):
        assert child.poll() is None
        time.sleep(0.002)
    child.send_signal(signal.SIGHUP)
    assert child.wait(timeout=DEADLINE) == 0
    assert left_behind(large) == ["g"]


def _ignore_hangup() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
