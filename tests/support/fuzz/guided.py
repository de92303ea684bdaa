"""Fuzzing that is guided by coverage: jobs run under Google's atheris, which keeps inputs that reach new code.

Each job is a program of its own (`fuzz.guidedworker`), as what is measured has to be loaded by atheris. How it is
run, watched, and judged is as with numbered inputs.
"""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from multiprocessing.connection import Connection, Pipe
from pathlib import Path

from fuzz.execute import input_of
from fuzz.model import Seeds, Target
from fuzz.slot import SLOT_SIZE, Slot
from fuzz.targets import BY_NAME
from fuzz.workers import Finding, Job, Process, run_apart

_INSTALL = f"{sys.executable} -m pip install -e '.[dev,fuzz]'"
_STARTS_WITHIN = 120.0
"""Seconds in which a program has to have loaded and instrumented everything."""
_MADE = 40
"""Inputs of the target's own mutation that are seeds, too: for many a target the seeds are what it packs."""
_DOUBTFUL = ("slow", "memory")
"""Kinds of failure for which it matters that the program is measured, and full of inputs."""


def why_not() -> str | None:
    """Return why nothing can be guided here, and how to mend that; None where it can."""
    if importlib.util.find_spec("atheris") is None:
        return f"atheris is not installed: {_INSTALL}"
    return None


class Guide:
    """Starts the programs of a run, and has the inputs they go on from."""

    def __init__(self, scratch: Path, corpus: Path | None) -> None:
        """Take a directory of the run's own, and one for inputs that reach new code if they are to be kept."""
        self._scratch = scratch
        self._found = corpus or scratch / "found"
        self._slots: dict[str, Slot] = {}

    def start(self, job: Job) -> tuple[Connection, Slot, Process]:
        """Start the program that runs a job, and wait until it is ready; SystemExit if it does not start."""
        name = job.target.name
        directories = (self._found / name, self._scratch / "seeds" / name)
        for directory in directories:
            directory.mkdir(parents=True, exist_ok=True)
        if name in self._slots:
            _remove(self._slots[name].get()[1], directories)
        else:
            _write_seeds(job, directories[1])
        ours, theirs = Pipe(duplex=False)
        memory = os.memfd_create("slot")
        os.ftruncate(memory, SLOT_SIZE)
        numbers = (theirs.fileno(), memory, job.first, job.last, job.seconds, job.seed)
        log = self._scratch / f"{name}.log"
        with log.open("ab") as errors:
            child = subprocess.Popen(
                [sys.executable, "-m", "fuzz.guidedworker", name, *map(str, numbers), *map(str, directories)],
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(_paths())},
                pass_fds=(theirs.fileno(), memory),
            )
        theirs.close()
        slot = self._slots[name] = Slot(job.first, memory)
        os.close(memory)
        try:
            ready = ours.poll(_STARTS_WITHIN) and ours.recv() == "ready"
        except EOFError:
            ready = False
        if not ready:
            child.kill()
            sys.exit(
                f"fuzz: the program for {name} does not start:\n{log.read_text(errors='replace')[-2000:]}"
            )
        return ours, slot, _Child(child)


def _paths() -> tuple[str, ...]:
    """Return where a program finds these modules, and what it finds anyway."""
    return (str(Path(__file__).parents[1]), *os.environ.get("PYTHONPATH", "").split(os.pathsep))


class _Child:
    """A program that was started. A `Process`."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        self._child = child
        self.kill = child.kill

    @property
    def exitcode(self) -> int | None:
        """Return the exit status, or minus the signal."""
        return self._child.returncode

    def join(self) -> None:
        """Wait for the end."""
        self._child.wait()


def _write_seeds(job: Job, directory: Path) -> None:
    """Write what a target starts from, a file each."""
    inputs = [seed.data for seed in job.seeds]
    inputs += [input_of(job.target, job.seeds, job.seed, case) for case in range(_MADE)]
    for number, data in enumerate(inputs):
        (directory / f"{number:04}").write_bytes(data)


def _remove(data: bytes, directories: Sequence[Path]) -> None:
    """Remove the input that a program ended with: the next one would start with it, and end, too."""
    for path in (path for directory in directories for path in directory.iterdir()):
        if path.read_bytes() == data:
            path.unlink()


def guided_jobs(
    targets: Sequence[Target], seeds: dict[str, Seeds], count: int, seconds: float, seed: int
) -> Iterator[Job]:
    """Yield one job for each target: its share of so many executions, and so many seconds at most."""
    total = sum(target.share for target in targets)
    for target in targets:
        last = -(-count * target.share // total)
        yield Job(target, seeds[target.name], seed, 0, last, seconds)


def confirmed(findings: Sequence[Finding]) -> Iterator[Finding]:
    """Yield the findings that hold where nothing is measured: what was slow or large may be so for that alone.

    A death always counts; whether it can be shown apart is told with it.
    """
    for finding in findings:
        failure = finding.failure
        if failure.kind in _DOUBTFUL or failure.kind == "died":
            apart = run_apart(BY_NAME[finding.target], finding.data)
            if apart is not None:
                yield replace(finding, failure=apart)
            elif failure.kind == "died":
                detail = f"{failure.detail}\nunder atheris only: run apart, the input shows nothing"
                yield replace(finding, failure=replace(failure, detail=detail))
        else:
            yield finding
