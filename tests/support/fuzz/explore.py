"""Looking for inputs that reach code which no seed reaches: slow, and good for more seeds.

Every step from one line to another counts, as Python's own tracing tells it; an input that makes a new one is
kept, and changed further.
"""

import hashlib
import sys
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from dice import Dice

from fuzz.execute import ROOT, execute
from fuzz.model import Seed, Seeds, Target

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


def _steps(target: Target, data: bytes) -> set[Step]:
    tracer = _Tracer()
    sys.settrace(tracer)
    try:
        execute(target, data)
    finally:
        sys.settrace(None)
    return tracer.steps


def explore(target: Target, count: int, seed: int, corpus: Path) -> tuple[int, int]:
    """Run so many inputs, keep those that reach new code, and return how many those are, and all the steps seen."""
    seeds: list[Seed] = [*target.seeds(), *read_corpus(corpus)]
    seen: set[Step] = set().union(*(_steps(target, each.data) for each in seeds))
    new = 0
    dice = Dice(seed)
    for _ in range(count):
        data = target.mutate(dice, seeds)
        steps = _steps(target, data)
        if steps <= seen or len(data) > _LONGEST:
            continue
        seen |= steps
        new += 1
        seeds.append(Seed(data))
        corpus.mkdir(parents=True, exist_ok=True)
        (corpus / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
    return new, len(seen)


def read_corpus(directory: Path) -> Seeds:
    """Return the inputs that are kept in a directory; none where there is no such directory."""
    return tuple(Seed(path.read_bytes()) for path in sorted(directory.glob("*")))
