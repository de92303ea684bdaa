"""Several builds that are interrupted, or lose one of their processes: nothing half done, and no process, is left."""

import os
import re
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from started import DEADLINE, Lease, OnTerminal, Run, start

LARGE = 'name = "{}"\ntype = "pv"\nkernel = "xlbuild:hello-pv"\nmemory = 60000\n'
"""A guest with a p2m list of 117 MiB: writing it takes long enough to be interrupted."""
WAITS = 'name = "{}"\nkernel = "xlbuild:hello-pv"\nmemory = 16\nramdisk = "ramdisk"\n'
SMALL = 'name = "{}"\nkernel = "xlbuild:hello-pv"\nmemory = 16\n'


def write_configs(cwd: Path, **configs: str) -> list[str]:
    for name, text in configs.items():
        (cwd / f"{name}.cfg").write_text(text.format(name))
    return [f"{name}.cfg" for name in configs]


def wait_until(true: Callable[[], object], run: Run) -> None:
    deadline = time.monotonic() + DEADLINE
    while not true():
        assert run.runs(), "it has ended"
        assert time.monotonic() < deadline
        time.sleep(0.002)


def children(run: Run) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()]


def is_there(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize(
    ("number", "whom"),
    [(signal.SIGTERM, "the program alone"), (signal.SIGINT, "its processes, too")],
)
def test_an_interrupt_ends_all_and_leaves_nothing_half_done(
    tmp_path: Path, number: signal.Signals, whom: str
) -> None:
    configs = write_configs(tmp_path, a=LARGE, b=LARGE, c=LARGE, d=LARGE)
    run = start(tmp_path, "create", "-j", "2", "-o", "out", *configs)
    wait_until(lambda: any(tmp_path.glob("out/.xlbuild-*.partial/new/memory.img")), run)
    processes = children(run)
    for process in processes if "too" in whom else ():  # as a terminal does
        with suppress(ProcessLookupError):
            os.kill(process, number)
    run.send_signal(number)
    status, stdout, stderr = run.end()
    assert status == 130
    assert stderr.endswith("xlbuild: interrupted\n")
    done = [line.split()[-1] for line in stdout.splitlines()]
    assert len(done) < len(configs)
    assert set(done) <= {str(entry.relative_to(tmp_path)) for entry in (tmp_path / "out").iterdir()}
    assert not any((tmp_path / "out").glob(".*"))
    assert processes
    assert not any(map(is_there, processes))


def test_guests_that_are_done_stay_when_others_are_interrupted(tmp_path: Path) -> None:
    (tmp_path / "ramdisk").write_bytes(b"ramdisk")
    lease = Lease(tmp_path / "ramdisk")
    run = start(tmp_path, "create", "-j", "2", *write_configs(tmp_path, small=SMALL, waits=WAITS))
    lease.wait_for_reader(run.runs)
    wait_until((tmp_path / "small" / "domain.json").exists, run)
    wait_until(lambda: len(children(run)) == 1, run)
    run.send_signal(signal.SIGINT)
    status, _, _ = run.end()
    lease.give_back()
    assert status == 130
    assert not (tmp_path / "waits").exists()
    assert (tmp_path / "small" / "memory.img").exists()


def test_a_process_that_is_killed_costs_its_own_guest_alone(tmp_path: Path) -> None:
    (tmp_path / "ramdisk").write_bytes(b"ramdisk")
    lease = Lease(tmp_path / "ramdisk")
    configs = write_configs(tmp_path, waits=WAITS, first=SMALL, last=SMALL)
    run = start(tmp_path, "create", "-j", "1", *configs)
    lease.wait_for_reader(run.runs)
    (process,) = children(run)
    os.kill(process, signal.SIGKILL)
    status, stdout, stderr = run.end()
    lease.give_back()
    assert status == 70
    assert [line.split()[:2] for line in stdout.splitlines()] == [
        ["waits.cfg:", "failed"],
        ["first.cfg:", "built"],
        ["last.cfg:", "built"],
        ["2", "built,"],
    ]
    assert "waits.cfg: error: the process that built it was killed by SIGKILL" in stderr


def test_who_waits_on_a_terminal_sees_a_bar_with_what_is_being_built_that_goes_away(tmp_path: Path) -> None:
    (tmp_path / "ramdisk").write_bytes(b"ramdisk")
    lease = Lease(tmp_path / "ramdisk")
    configs = write_configs(tmp_path, small=SMALL, waits=WAITS, wrong="type = 'x'\n")
    run = OnTerminal(tmp_path, ["create", "-n", *configs], 100, 24)
    lease.wait_for_reader(run.runs)
    run.wait_for(re.compile("2/3.* waits"))
    lease.give_back()
    status, shown = run.end()
    assert status == 1
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h") > 0  # the cursor, hidden and back
    behind = shown.rpartition("\x1b[2K")[2]
    assert "waits.cfg: dry-run " in behind
    assert "2 would be built, 1 failed" in behind
    assert "/3" not in behind


@pytest.mark.parametrize("options", [["-q"], ["-v"]])
def test_with_these_options_there_is_no_bar(tmp_path: Path, options: list[str]) -> None:
    (tmp_path / "ramdisk").write_bytes(b"ramdisk")
    lease = Lease(tmp_path / "ramdisk")
    configs = write_configs(tmp_path, small=SMALL, waits=WAITS)
    run = OnTerminal(tmp_path, ["create", "-n", *options, *configs], 100, 24)
    lease.wait_for_reader(run.runs)
    time.sleep(0.9)
    lease.give_back()
    status, shown = run.end()
    assert status == 0
    assert "/2" not in shown
    assert "\x1b[?25l" not in shown
