"""Many executions, in processes of their own: one that dies or hangs is a finding, and its input is known."""

import math
import multiprocessing
import signal
import time
import traceback
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from typing import Protocol, TypeAlias

from fuzz.execute import arm, execute, input_of, limit_process
from fuzz.model import Failure, Seeds, Target
from fuzz.slot import Slot

_FORK = multiprocessing.get_context("fork")
STUCK_AFTER = 60.0
"""Seconds without an execution, after which a process is killed that waits for something."""


@dataclass(frozen=True, slots=True)
class Job:
    """Some cases of a target: `[first, last)`."""

    target: Target
    seeds: Seeds
    seed: int
    first: int
    last: int
    seconds: float = math.inf
    """Time after which what is left is left undone."""


@dataclass(frozen=True, slots=True)
class Finding:
    """An input with which something is wrong."""

    target: str
    case: int
    data: bytes
    failure: Failure


@dataclass(slots=True)
class Tally:
    """What a target's executions came to."""

    executions: int = 0
    seconds: float = 0
    """Time that processes took, taken together."""
    outcomes: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Results:
    """What a run came to."""

    tallies: dict[str, Tally] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @property
    def executions(self) -> int:
        """Return how many there were in all."""
        return sum(tally.executions for tally in self.tallies.values())


class Process(Protocol):
    """A process that runs a job."""

    @property
    def exitcode(self) -> int | None:
        """Return the exit status, or minus the signal that ended it; None before its end is waited for."""

    def kill(self) -> None:
        """End it."""

    def join(self) -> None:
        """Wait for its end."""


Start: TypeAlias = Callable[[Job], tuple[Connection, Slot, Process]]
"""Starts a process that runs a job: it sends findings, and at the end the next case and all outcomes."""


@dataclass(slots=True)
class _Worker:
    job: Job
    slot: Slot
    process: Process
    started: float
    seen: int = -1
    """The case that was being worked on when it was looked at last."""
    seen_at: float = 0


def _work(job: Job, slot: Slot, pipe: Connection) -> None:
    """Run a job's cases; what is wrong is told at once, the rest at the end."""
    limit_process()
    outcomes: Counter[str] = Counter()
    done = job.last
    for case in range(job.first, job.last):
        arm()
        try:
            data = input_of(job.target, job.seeds, job.seed, case)
        except Exception:
            failure = Failure("exception", "no input can be made", traceback.format_exc())
            pipe.send(Finding(job.target.name, case, b"", failure))
            outcomes["failed"] += 1
            continue
        slot.put(case, data)
        result = execute(job.target, data)
        if isinstance(result, str):
            outcomes[result] += 1
            continue
        outcomes["failed"] += 1
        pipe.send(Finding(job.target.name, case, data, result))
        if result.kind == "memory":  # the peak of a process does not go down again
            done = case + 1
            break
    pipe.send((done, outcomes))


def forked(job: Job) -> tuple[Connection, Slot, Process]:
    """Start a process that is a copy of this one, to run a job's numbered inputs."""
    ours, theirs = _FORK.Pipe(duplex=False)
    slot = Slot(job.first)
    process = _FORK.Process(target=_work, args=(job, slot, theirs), daemon=True)
    process.start()
    theirs.close()
    return ours, slot, process


class Crew:
    """Runs jobs in so many processes at a time."""

    def __init__(self, jobs: Iterable[Job], processes: int, start: Start = forked) -> None:
        """Take the jobs in order, each when there is a process for it: there may be no end of them."""
        self._start_process = start
        self._jobs = iter(jobs)
        self._has_more = True
        self._unfinished: deque[Job] = deque()
        self._processes = processes
        self._working: dict[Connection, _Worker] = {}
        self.results = Results()

    def step(self, seconds: float = 1.0) -> bool:
        """Go on until something is told, or for so long; return whether there is anything left to do."""
        while len(self._working) < self._processes and (job := self._next()) is not None:
            self._start(job)
        for pipe in wait(list(self._working), seconds) if self._working else ():
            assert isinstance(pipe, Connection)
            self._listen(pipe)
        for worker in self._working.values():
            self._look_after(worker)
        return bool(self._unfinished or self._working or self._has_more)

    def _next(self) -> Job | None:
        if self._unfinished:
            return self._unfinished.popleft()
        job = next(self._jobs, None)
        self._has_more = job is not None
        return job

    def give_up(self) -> None:
        """Start no more jobs."""
        self._jobs = iter(())
        self._has_more = False
        self._unfinished.clear()

    def stop(self) -> None:
        """End everything at once."""
        for worker in self._working.values():
            worker.process.kill()
            worker.process.join()

    def _start(self, job: Job) -> None:
        pipe, slot, process = self._start_process(job)
        self._working[pipe] = _Worker(job, slot, process, time.monotonic())

    def _listen(self, pipe: Connection) -> None:
        worker = self._working[pipe]
        try:
            told = pipe.recv()
        except (EOFError, OSError):
            self._died(pipe, worker)
            return
        if isinstance(told, Finding):
            self.results.findings.append(told)
            return
        done, outcomes = told
        self._end(pipe, worker, done, outcomes)

    def _died(self, pipe: Connection, worker: _Worker) -> None:
        worker.process.join()
        case, data = worker.slot.get()
        code = worker.process.exitcode or 0
        how = {-signal.SIGPROF: "it does not end", -signal.SIGKILL: "it waits for something, or was killed"}
        text = how.get(code, f"its process ends with {code}")
        self.results.findings.append(
            Finding(worker.job.target.name, case, data, Failure("died", text, f"exit code {code}"))
        )
        self._end(pipe, worker, case + 1, Counter({"failed": 1}))

    def _end(self, pipe: Connection, worker: _Worker, done: int, outcomes: Counter[str]) -> None:
        worker.process.join()
        del self._working[pipe]
        pipe.close()
        job = worker.job
        tally = self.results.tallies.setdefault(job.target.name, Tally())
        tally.executions += done - job.first
        tally.seconds += time.monotonic() - worker.started
        tally.outcomes += outcomes
        left = job.seconds - (time.monotonic() - worker.started)
        if done < job.last and left > 0:
            self._unfinished.append(replace(job, first=done, seconds=left))

    def _look_after(self, worker: _Worker) -> None:
        """Kill a worker that has been with one case for too long."""
        case, now = worker.slot.get()[0], time.monotonic()
        if case != worker.seen:
            worker.seen, worker.seen_at = case, now
        elif now - worker.seen_at > STUCK_AFTER:
            worker.process.kill()


def run_apart(target: Target, data: bytes) -> Failure | None:
    """Run one input in a process of its own and return what is wrong with it, if anything is."""
    fixed = Target(target.name, target.what, target.seeds, lambda dice, seeds: data, target.run, target.share)
    crew = Crew([Job(fixed, (), 0, 0, 1)], 1)
    while crew.step():
        pass
    return crew.results.findings[0].failure if crew.results.findings else None
