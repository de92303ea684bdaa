"""guidedworker NAME PIPE MEMORY FIRST LAST SECONDS SEED DIR...: run a target under atheris, and tell of it.

`fuzz.guided` starts it. The first directory takes inputs that reach new code, the others have more to start from.
Nothing of xlbuild may be loaded before atheris looks on.
"""

import os
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import ParamSpec, TypeVar

import atheris
from dice import Dice

from fuzz.execute import arm, execute, limit_process
from fuzz.model import Failure, Seed, Target
from fuzz.slot import Slot
from fuzz.workers import Finding, Job

with atheris.instrument_imports(include=["xlbuild"]):
    from fuzz.bytemutations import MOST_BYTES
    from fuzz.targets import BY_NAME

_LIBFUZZER = (
    f"-max_len={MOST_BYTES}",
    "-timeout=0",  # time and memory are judged by fuzz.execute
    "-rss_limit_mb=0",
    "-malloc_limit_mb=0",
    *(f"-handle_{signal}=0" for signal in ("abrt", "bus", "fpe", "ill", "int", "segv", "term", "xfsz")),
    "-verbosity=0",
)
P = ParamSpec("P")
R = TypeVar("R")

_OWN, _FRESH = 30, 10
"""Of a hundred inputs, those made of a known one by the target's own changes, and those made of its seeds."""


class _Work:
    """Runs inputs as they come, counts what they come to, and ends the process when there were enough."""

    def __init__(self, job: Job, slot: Slot, pipe: Connection) -> None:
        self._job, self._slot, self._pipe = job, slot, pipe
        self._case = job.first
        self._outcomes: Counter[str] = Counter()
        self._shortest: dict[str, int] = {}
        self._until = time.monotonic() + job.seconds

    def run(self, data: bytes) -> None:
        """Run an input."""
        if self._case >= self._job.last or time.monotonic() >= self._until:
            self._end()
        arm()
        self._slot.put(self._case, data)
        result = execute(self._job.target, data)
        self._outcomes["failed" if isinstance(result, Failure) else result] += 1
        if isinstance(result, Failure):
            self._tell(data, result)
        self._case += 1
        if isinstance(result, Failure) and result.kind == "memory":  # the peak does not go down again
            self._end()

    def guarded(self, function: Callable[P, R]) -> Callable[P, R]:
        """Return a function whose exceptions are told, with all that they say: atheris would end without a word."""

        def called(*arguments: P.args, **named: P.kwargs) -> R:
            try:
                return function(*arguments, **named)
            except BaseException as error:
                text = f"{type(error).__name__} outside of the target"
                data = self._slot.get()[1]
                self._tell(data, Failure("died", text, traceback.format_exc()))
                self._end()
                raise

        return called

    def _tell(self, data: bytes, failure: Failure) -> None:
        """Tell what is wrong, unless a shorter input showed the same: guided, the same is found all the time."""
        if len(data) < self._shortest.get(failure.signature, MOST_BYTES + 1):
            self._shortest[failure.signature] = len(data)
            self._pipe.send(Finding(self._job.target.name, self._case, data, failure))

    def _end(self) -> None:
        self._pipe.send((self._case, self._outcomes))
        os._exit(0)


def _mutation(target: Target) -> Callable[[bytes, int, int], bytes]:
    """Return what makes an input of another: mostly atheris itself, else the target, which knows the format."""
    seeds = target.seeds()

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        dice = Dice(seed)
        kind = dice.randrange(100)
        if kind < _OWN:
            return target.mutate(dice, (Seed(data),))[:most]
        if kind < _OWN + _FRESH:
            return target.mutate(dice, seeds)[:most]
        mutated: bytes = atheris.Mutate(data, most)
        return mutated

    return mutate


def main(arguments: Sequence[str]) -> None:
    """Run a job; does not return."""
    name, pipe, memory, first, last, seconds, seed, *directories = arguments
    target = BY_NAME[name]
    job = Job(target, (), int(seed), int(first), int(last), float(seconds))
    told = Connection(int(pipe), readable=False)
    mutate, slot = _mutation(target), Slot(job.first, int(memory))
    number = (job.seed * 1_000_003 + job.first) % (1 << 31) + 1  # 0 stands for the time
    aside = f"-artifact_prefix={directories[1]}-"  # what atheris itself keeps goes with the run's own files
    options = [sys.argv[0], f"-seed={number}", aside, *_LIBFUZZER, *directories]
    work = _Work(job, slot, told)
    atheris.Setup(options, work.guarded(work.run), custom_mutator=work.guarded(mutate))
    limit_process()
    told.send("ready")
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
