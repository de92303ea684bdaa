"""Several guests at once: whose kernel comes when, and the processes that they are built in."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from xlbuild.domain import Domain
from xlbuild.errors import XlbuildError
from xlbuild.pipeline import Guest, Kernel, finish_guest
from xlbuild.several.kernels import with_kernels
from xlbuild.several.processes import side_by_side

T = TypeVar("T")


def build_guests(
    guests: Sequence[Guest],
    work: Callable[[int, Callable[[], Domain]], T],
    most: int,
    on_start: Callable[[int], None],
    on_end: Callable[[int, T | XlbuildError], None],
    on_wait: Callable[[], None],
) -> list[T | XlbuildError]:
    """Do `work` for each guest, with its number and what builds its domain, in its own process, `most` at once.

    Returns what came of each, in the guests' order; the callbacks are those of `side_by_side`.
    """
    outcomes: dict[int, T | XlbuildError] = {}

    def job(of: tuple[int, Kernel | None]) -> tuple[int, Callable[[], T]]:
        number, kernel = of
        return number, lambda: work(number, lambda: finish_guest(guests[number], kernel))

    def end(number: int, outcome: T | XlbuildError) -> None:
        outcomes[number] = outcome
        on_end(number, outcome)

    side_by_side(map(job, with_kernels(guests)), most, on_start, end, on_wait)  # a map holds no kernel back
    return [outcomes[number] for number in range(len(guests))]
