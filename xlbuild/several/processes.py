"""Work done side by side in processes: forks of this one, which have all that it has made before.

One that fails, crashes or is killed takes no other with it. When this process is interrupted it interrupts the rest,
and waits until they have cleaned up.
"""

from __future__ import annotations

import os
import pickle
import select
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import NoReturn, TypeAlias, TypeVar

from xlbuild.errors import CrashError, ExitStatus, XlbuildError
from xlbuild.interrupts import INTERRUPTS, heed_interrupts

T = TypeVar("T")

Job: TypeAlias = tuple[int, Callable[[], T]]
"""A number, and what is to be done: it returns what can be pickled."""

_TICK = 0.1
"""Seconds between two calls of `on_wait`."""
_CHUNK = 1 << 20


@dataclass(slots=True)
class _Child:
    """A process that does a job."""

    number: int
    pid: int
    said: bytearray = field(default_factory=bytearray)
    """What has come out of its pipe."""


def side_by_side(
    jobs: Iterator[Job[T]],
    most: int,
    on_start: Callable[[int], None],
    on_end: Callable[[int, T | XlbuildError], None],
    on_wait: Callable[[], None],
) -> None:
    """Do jobs, so many at a time; `on_end` is called with what comes of each, `on_wait` every now and then.

    A job is asked for only when it can start. One that raises an XlbuildError comes to that; one that raises anything
    else, or whose process is killed, to a CrashError. Whatever is raised in this process ends the others first.
    """
    running: dict[int, _Child] = {}
    try:
        while True:
            job = next(jobs, None) if len(running) < most else None
            if job is not None:
                on_start(job[0])
                try:
                    _start(job, running)
                except OSError as error:
                    on_end(job[0], _no_process(error))
                del job  # what it has to work on may be large
            elif running:
                for number, outcome in _ended(running):
                    on_end(number, outcome)
                on_wait()
            else:
                return
    finally:
        _end(running)


def _start(job: Job[T], running: dict[int, _Child]) -> None:
    number, work = job
    out, into = os.pipe()
    try:
        with _signals_held():  # so that none comes between a process's start and its being known
            pid = os.fork()
            if pid == 0:
                _be_child(work, into)
            running[out] = _Child(number, pid)
    except OSError:
        os.close(out)
        raise
    finally:
        os.close(into)


@contextmanager
def _signals_held() -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _be_child(work: Callable[[], T], into: int) -> NoReturn:
    """Do the work, and put what comes of it into the pipe: it is whole where the exit status is 0."""
    status = 1
    try:
        heed_interrupts()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, INTERRUPTS)
        with os.fdopen(into, "wb") as stream:
            stream.write(_outcome(work))
        status = 0
    except KeyboardInterrupt:
        status = ExitStatus.INTERRUPTED
    finally:
        os._exit(status)


def _outcome(work: Callable[[], T]) -> bytes:
    """Return what comes of a job, pickled."""
    try:
        return pickle.dumps(work())
    except XlbuildError as error:
        return pickle.dumps(error)
    except MemoryError:
        return pickle.dumps(_out_of_memory())
    except Exception as error:  # whatever it is, the other guests are none the worse for it
        return pickle.dumps(_bug(error))


def _ended(running: dict[int, _Child]) -> Iterator[tuple[int, T | XlbuildError]]:
    """Wait for what processes say, and yield which have come to their end; a tick at most."""
    poll = select.poll()
    for pipe in running:
        poll.register(pipe, select.POLLIN)
    for pipe, _ in poll.poll(_TICK * 1000):
        child = running[pipe]
        if chunk := os.read(pipe, _CHUNK):
            child.said += chunk
            continue
        del running[pipe]
        os.close(pipe)
        status = os.waitstatus_to_exitcode(os.waitpid(child.pid, 0)[1])
        # What it said is a pickle of this very program's.
        yield child.number, pickle.loads(child.said) if status == 0 else _died(status)  # noqa: S301


def _end(running: dict[int, _Child]) -> None:
    """Interrupt the processes that are left, and wait for their ends."""
    for child in running.values():
        with suppress(ProcessLookupError):
            os.kill(child.pid, signal.SIGTERM)
    for pipe, child in running.items():
        os.close(pipe)
        os.waitpid(child.pid, 0)


_SIGNALS = {number.value: number.name for number in signal.Signals}
_FEWER = "build fewer guests at a time (-j), or give the machine more memory"


def _no_process(error: OSError) -> CrashError:
    reason = (error.strerror or str(error)).lower()
    return CrashError(
        "build-no-process", "no process can be started to build it in", cause=reason, hint=_FEWER
    )


def _out_of_memory() -> CrashError:
    return CrashError("build-out-of-memory", "there is not enough memory to build it", hint=_FEWER)


def _bug(error: Exception) -> CrashError:
    return CrashError(
        "build-internal-error",
        f"internal error: {type(error).__name__}: {error}",
        cause="this is a bug in xlbuild",
        hint="please report it, with the output that XLBUILD_TRACEBACK=1 gives when this guest is built alone",
    )


def _died(status: int) -> CrashError:
    if status == ExitStatus.INTERRUPTED:
        return CrashError(
            "build-interrupted", "the process that built it was interrupted", hint="build it again"
        )
    if status >= 0:
        return CrashError(
            "build-died", f"the process that built it ended with status {status}", hint="build it alone"
        )
    name = _SIGNALS.get(-status, f"signal {-status}")
    cause = "somebody did so, or the system, which was out of memory" if name == "SIGKILL" else None
    return CrashError(
        "build-killed", f"the process that built it was killed by {name}", cause=cause, hint=_FEWER
    )
