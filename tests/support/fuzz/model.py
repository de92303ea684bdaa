"""What fuzzing is made of: seeds, targets, and failures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from dice import Dice


@dataclass(frozen=True, slots=True)
class Field:
    """Where a number stands in a seed: changes are drawn to such places."""

    offset: int
    size: int
    """1, 2, 4 or 8 bytes."""


@dataclass(frozen=True, slots=True)
class Seed:
    """A file to start from."""

    data: bytes
    fields: tuple[Field, ...] = ()


Seeds: TypeAlias = Sequence[Seed]
Mutate: TypeAlias = Callable[[Dice, Seeds], bytes]
"""Makes an input from one or several seeds."""


@dataclass(frozen=True, slots=True)
class Target:
    """Something that takes a file's bytes, and must survive whatever they are."""

    name: str
    what: str
    """What is run, in words, for docs/fuzzing.md."""
    seeds: Callable[[], Seeds]
    mutate: Mutate
    run: Callable[[bytes], str]
    """Runs an input and returns what came of it, in a word or a code; raises whatever must not happen."""
    share: int
    """Executions of a full run, in thousandths."""


class BrokenPromiseError(Exception):
    """A result that contradicts what must hold; `rule` is the same for all that break the same promise."""

    def __init__(self, rule: str, detail: str = "") -> None:
        """Take the promise that is broken, and by what."""
        super().__init__(f"{rule}: {detail}" if detail else rule)
        self.rule = rule


@dataclass(frozen=True, slots=True)
class Failure:
    """What was wrong with an execution."""

    kind: str
    """`exception`, `promise`, `slow`, `memory` or `died`."""
    signature: str
    """The same for all that fail in the same way, as far as can be told."""
    detail: str


def promise(holds: object, rule: str, detail: str = "") -> None:
    """Raise BrokenPromiseError unless something holds."""
    if not holds:
        raise BrokenPromiseError(rule, detail)
