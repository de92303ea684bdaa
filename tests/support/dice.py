"""Chance that is the same everywhere: what the random guests are made with."""

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Dice(random.Random):
    """Python's own generator, whose numbers no release changes, with the throws that generators of files need.

    Positions in files are drawn as fractions: the throws that follow are the same whatever the size is.
    """

    def chance(self, percent: float) -> bool:
        """Return true in so many of a hundred throws."""
        return self.random() * 100 < percent

    def pick(self, *options: T) -> T:
        """Return one of the options; name one several times to make it more likely."""
        return self.choice(options)

    def weighted(self, options: Sequence[tuple[float, T]]) -> T:
        """Return one of (weight, option)."""
        return self.choices([option for _, option in options], [weight for weight, _ in options])[0]

    def some(self, options: Sequence[tuple[float, T]]) -> list[T]:
        """Return each of (percent, option) with its own chance."""
        return [option for percent, option in options if self.chance(percent)]

    def place(self, size: int, *, towards_the_start: float = 1) -> int:
        """Return an offset into something of `size` bytes; a larger exponent draws it to the start."""
        return int(self.random() ** towards_the_start * size)
