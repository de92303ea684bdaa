"""Jobs in processes of their own: each comes to its own end, and none outlives the one that asked for it."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from xlbuild.errors import (
    ConfigError,
    ConfigProblemsError,
    ConfigSyntaxError,
    CrashError,
    Diagnostic,
    FilesError,
    RefusedError,
    StrictError,
    UsageError,
    Where,
    XlbuildError,
)
from xlbuild.plan.layout import LayoutError
from xlbuild.plan.model import Segment
from xlbuild.several.processes import side_by_side
from xlbuild.units import Pfn

Job = Callable[[], object]


def ends_of(*jobs: Job, most: int = 2) -> dict[int, object]:
    ends: dict[int, object] = {}
    side_by_side(iter(enumerate(jobs)), most, lambda _: None, ends.__setitem__, lambda: None)
    return ends


def raising(error: BaseException) -> Job:
    def job() -> object:
        raise error

    return job


def killed(number: signal.Signals) -> Job:
    return lambda: os.kill(os.getpid(), number)


def crash(ended: object) -> CrashError:
    assert isinstance(ended, CrashError)
    return ended


def test_what_jobs_return_comes_back_however_long_it_is() -> None:
    ends = ends_of(lambda: b"x" * (8 << 20), os.getpid, lambda: None)
    assert ends[0] == b"x" * (8 << 20)
    assert ends[1] != os.getpid()
    assert ends[2] is None


ERRORS: tuple[XlbuildError, ...] = (
    RefusedError("code", "message", cause="cause", hint="hint", where=Where("file", 3, 4, key="key")),
    FilesError("code", "message"),
    ConfigSyntaxError((Diagnostic("a", "b", Where("c")), Diagnostic("d", "e", Where("f"))), "advice"),
    ConfigProblemsError((ConfigError("a", "b"), ConfigError("c", "d"))),
    StrictError((ConfigError("a", "b"),), RefusedError("c", "d")),
    LayoutError("a", "b", "c", "d", (Segment("kernel", 0, 1, Pfn(0), 1),)),
    UsageError("a", "b"),
)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_comes_back_as_it_was(error: XlbuildError) -> None:
    ended = ends_of(raising(error))[0]
    assert type(ended) is type(error)
    assert isinstance(ended, XlbuildError)
    assert (str(ended), ended.exit_status) == (str(error), error.exit_status)
    for name, value in error.__dict__.items():
        if name != "errors":
            assert getattr(ended, name) == value
    if isinstance(error, ConfigProblemsError | StrictError):
        assert isinstance(ended, ConfigProblemsError | StrictError)
        assert list(map(str, ended.errors)) == list(map(str, error.errors))


@pytest.mark.parametrize(
    ("job", "code", "said"),
    [
        (killed(signal.SIGKILL), "build-killed", "SIGKILL"),
        (killed(signal.SIGUSR1), "build-killed", "SIGUSR1"),
        (killed(signal.SIGTERM), "build-interrupted", "interrupted"),
        (lambda: os._exit(7), "build-died", "status 7"),
        (raising(MemoryError()), "build-out-of-memory", "memory"),
        (raising(ValueError("of ours")), "build-internal-error", "ValueError: of ours"),
        (raising(SystemExit(0)), "build-died", "status 1"),
        (lambda: lambda: None, "build-internal-error", "pickle"),
    ],
)
def test_one_that_comes_to_no_proper_end_stops_no_other(job: Job, code: str, said: str) -> None:
    ends = ends_of(lambda: 1, job, lambda: 2)
    assert (ends[0], ends[2]) == (1, 2)
    error = crash(ends[1])
    assert (error.code, error.exit_status) == (code, 70)
    assert said in error.message


def test_where_no_process_can_be_started_the_job_fails_and_leaves_no_pipe(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_fork() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", no_fork)
    before = sorted(Path("/proc/self/fd").iterdir())
    error = crash(ends_of(lambda: 1)[0])
    assert (error.code, error.cause) == ("build-no-process", "resource temporarily unavailable")
    assert sorted(Path("/proc/self/fd").iterdir()) == before


def test_no_more_run_at_a_time_than_asked_for_and_none_is_fetched_before_it_can_start(tmp_path: Path) -> None:
    running: set[int] = set()
    most_seen = []

    def jobs() -> Iterator[tuple[int, Job]]:
        for number in range(7):
            most_seen.append(len(running))
            yield number, lambda: time.sleep(0.02)

    side_by_side(jobs(), 3, running.add, lambda number, _: running.remove(number), lambda: None)
    assert max(most_seen) == 2
    assert running == set()


def test_jobs_go_on_side_by_side(tmp_path: Path) -> None:
    """Each of two waits for the other."""

    def meet(mine: str, other: str) -> bool:
        (tmp_path / mine).touch()
        deadline = time.monotonic() + 20
        while not (tmp_path / other).exists() and time.monotonic() < deadline:
            time.sleep(0.002)
        return (tmp_path / other).exists()

    assert ends_of(lambda: meet("a", "b"), lambda: meet("b", "a")) == {0: True, 1: True}


@pytest.mark.parametrize("raised", [KeyboardInterrupt, ValueError])
def test_whoever_is_interrupted_interrupts_the_others_and_waits_for_them(
    tmp_path: Path, raised: type[BaseException]
) -> None:
    def job() -> None:
        (tmp_path / f"{os.getpid()}").touch()
        try:
            time.sleep(60)
        finally:
            time.sleep(0.05)  # as long as it takes to clean up
            (tmp_path / f"{os.getpid()}").rename(tmp_path / f"{os.getpid()} has cleaned up")

    def on_wait() -> None:
        if len(list(tmp_path.iterdir())) == 3:
            raise raised

    with pytest.raises(raised):
        side_by_side(((n, job) for n in range(5)), 3, lambda _: None, lambda n, e: None, on_wait)
    left = [entry.name.partition(" ") for entry in tmp_path.iterdir()]
    assert [rest for _, _, rest in left] == ["has cleaned up"] * 3
    for process, _, _ in left:
        with pytest.raises(ProcessLookupError):
            os.kill(int(process), 0)
