"""Looking for inputs that reach code which no seed reaches: slow, and good for more seeds.

Every step from one line to another counts, as Python's own tracing tells it; an input that makes a new one is
kept, and changed further.
"""

import hashlib
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from dice import Dice

from fuzz.execute import ROOT, execute
from fuzz.model import Failure, Seed, Seeds, Target
from fuzz.workers import Finding

_PREFIX = f"{ROOT}/"
_LONGEST = 1 << 15
"""Longer inputs are not kept."""

Step = tuple[CodeType, int, int]


class _Tracer:
    """Collects the steps that an execution makes in the program's own code."""

    def __init__(self) -> None:
        self.steps: set[Step] = set()

    def __call__(self, frame: FrameType, event: str, argument: Any) -> Any:
        code = frame.f_code
        return self._follow(code) if code.co_filename.startswith(_PREFIX) else None

    def _follow(self, code: CodeType) -> Any:
        before = 0

        def follow(frame: FrameType, event: str, argument: Any) -> Any:
            nonlocal before
            if event == "line":
                self.steps.add((code, before, frame.f_lineno))
                before = frame.f_lineno
            return follow

        return follow


@dataclass(slots=True)
class Explored:
    """What exploring came to."""

    steps: set[Step] = field(default_factory=set)
    new: int = 0
    """Inputs that reach code which none before them reached."""
    findings: list[Finding] = field(default_factory=list)


def _traced(target: Target, data: bytes) -> tuple[set[Step], str | Failure]:
    tracer = _Tracer()
    sys.settrace(tracer)
    try:
        result = execute(target, data)
    finally:
        sys.settrace(None)
    return tracer.steps, result


def explore(target: Target, count: int, seed: int, corpus: Path) -> Explored:
    """Run so many inputs, and keep those that reach new code; what is slow here is so for the tracing."""
    seeds: list[Seed] = [*target.seeds(), *read_corpus(corpus)]
    explored = Explored()
    for each in seeds:
        explored.steps |= _traced(target, each.data)[0]
    dice = Dice(seed)
    for case in range(count):
        data = target.mutate(dice, seeds)
        steps, result = _traced(target, data)
        if isinstance(result, Failure):
            if result.kind in ("exception", "promise"):
                explored.findings.append(Finding(target.name, case, data, result))
        elif not steps <= explored.steps and len(data) <= _LONGEST:
            explored.new += 1
            seeds.append(Seed(data))
            corpus.mkdir(parents=True, exist_ok=True)
            (corpus / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
        explored.steps |= steps
    return explored


def read_corpus(directory: Path) -> Seeds:
    """Return the inputs that are kept in a directory; none where there is no such directory."""
    return tuple(Seed(path.read_bytes()) for path in sorted(directory.glob("*")))
