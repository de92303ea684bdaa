"""Save files that are damaged in a thousand ways: read or refused in words, and never believed."""

from collections import Counter

from dice import Dice
from fuzz.saveruns import run_save_file, save_files, save_mutation

_REFUSALS = {"save-invalid", "save-truncated", "save-version", "save-too-large", "save-not-one"}


def test_a_thousand_damaged_save_files_are_read_or_refused_in_words() -> None:
    came_to = Counter(
        run_save_file(save_mutation(Dice(f"damaged {number}"), save_files())) for number in range(1000)
    )
    assert set(came_to) == {"read", *_REFUSALS}
    assert min(came_to["read"], came_to["save-invalid"]) > 100


def test_what_is_not_damaged_is_read() -> None:
    assert {run_save_file(seed.data) for seed in save_files()} == {"read"}
