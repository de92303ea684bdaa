"""What is wrong with a file that is described all the same."""

from collections.abc import Iterable
from dataclasses import dataclass

from xlbuild.inspect.tree import Tree, hexadecimal


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, or that does not work as its maker may expect."""

    offset: int | None
    """Where in the file; None: in no one place."""
    words: str
    mend: str | None = None


def problem_rows(problems: Iterable[Problem]) -> list[Tree]:
    """Return problems as a table of the tree."""
    return [
        {
            "offset": None if problem.offset is None else hexadecimal(problem.offset),
            "problem": problem.words,
            "mend": problem.mend,
        }
        for problem in problems
    ]
