"""Builds that are interrupted: exit status 130, and nothing left behind, whenever the signal comes."""

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from started import Lease, Run, nothing, start

SIGNALS = pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name
)

LARGE = 'name = "g"\ntype = "pv"\nkernel = "xlbuild:hello-pv"\nmemory = 30000\n'
"""A guest with a p2m list of 58 MiB: writing it takes long enough to be interrupted."""


@pytest.fixture
def large(tmp_path: Path) -> Path:
    (tmp_path / "guest.cfg").write_text(LARGE)
    return tmp_path


def writing(cwd: Path, *options: str, prepare: Callable[[], object] = nothing, real: bool = False) -> Run:
    """Start to build the large guest; return as soon as its image is being written."""
    run = start(cwd, "create", *options, "guest.cfg", prepare=prepare, real=real)
    while not any(cwd.glob(".xlbuild-*.partial/new/*")):
        assert run.runs(), "the build ended before it could be interrupted"
        time.sleep(0.002)
    return run


def assert_interrupted(run: Run) -> None:
    status, output, complaint = run.end()
    assert (status, output) == (130, "")
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
    run = start(tmp_path, "create", "guest.cfg", real=True)
    lease.wait_for_reader(run.runs)
    run.send_signal(number)
    assert_interrupted(run)
    lease.give_back()
    assert left_behind(tmp_path) == ["ramdisk"]


@SIGNALS
def test_a_build_interrupted_while_it_writes_leaves_nothing(large: Path, number: signal.Signals) -> None:
    run = writing(large)
    run.send_signal(number)
    assert_interrupted(run)
    assert left_behind(large) == []


@pytest.mark.parametrize("milliseconds", [0, 5])
def test_a_second_signal_while_it_cleans_up_leaves_nothing_either(large: Path, milliseconds: int) -> None:
    run = writing(large)
    run.send_signal(signal.SIGINT)
    time.sleep(milliseconds / 1000)
    run.send_signal(signal.SIGTERM)
    assert_interrupted(run)
    assert left_behind(large) == []


def test_an_impatient_user_leaves_nothing_either(large: Path) -> None:
    run = writing(large, real=True)  # with an interpreter that ends, too
    while run.runs():
        run.send_signal(signal.SIGINT)
        time.sleep(0.001)
    assert_interrupted(run)
    assert left_behind(large) == []


def test_an_interrupted_replacement_keeps_the_domain_that_is_there(large: Path) -> None:
    assert start(large, "create", "-q", "guest.cfg", "memory=16").wait() == 0
    before = {entry.name: entry.read_bytes() for entry in (large / "g").iterdir() if entry.suffix != ".img"}
    size = (large / "g" / "memory.img").stat().st_size
    run = writing(large, "--force")
    run.send_signal(signal.SIGTERM)
    assert_interrupted(run)
    assert left_behind(large) == ["g"]
    assert before.items() <= {e.name: e.read_bytes() for e in (large / "g").iterdir()}.items()
    assert (large / "g" / "memory.img").stat().st_size == size == 16 << 20


def test_a_build_under_nohup_outlives_its_terminal(large: Path) -> None:
    run = writing(large, "-q", prepare=_ignore_hangup)
    run.send_signal(signal.SIGHUP)
    assert run.wait() == 0
    assert left_behind(large) == ["g"]


def _ignore_hangup() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
