"""Bytes that differ, in runs: every one is in a run, none is in two, and what is kept of many is bounded."""

from hypothesis import example, given
from hypothesis import strategies as st

from xlbuild.diff.memory.runs import MOST_RUNS, NEAR, Found, RunList, Stretch, filled, stretches
from xlbuild.diff.model import Change
from xlbuild.units import PhysAddr

SIZE = 64

sparse = st.lists(st.integers(0, SIZE - 1), max_size=12).map(
    lambda places: bytes(at in places for at in range(SIZE))
)
borders = st.sets(st.integers(1, SIZE - 1), max_size=3).map(sorted)


def by_hand(one: bytes, other: bytes, cuts: list[int]) -> list[Stretch]:
    """Find the runs a byte at a time."""
    runs: list[Stretch] = []
    for at in range(len(one)):
        if one[at] == other[at]:
            continue
        last = runs[-1] if runs else None
        if last is None or at - last.end >= NEAR or any(last.end <= cut <= at for cut in cuts):
            runs.append(Stretch(at, at + 1, 1))
        else:
            runs[-1] = Stretch(last.start, at + 1, last.differing + 1)
    return runs


@given(sparse, sparse, borders)
@example(bytes(SIZE), b"\1" + bytes(NEAR - 1) + b"\1" + bytes(SIZE - NEAR - 1), [])
@example(bytes(SIZE), b"\1" + bytes(NEAR) + b"\1" + bytes(SIZE - NEAR - 2), [])
def test_runs_are_those_that_are_found_a_byte_at_a_time(one: bytes, other: bytes, cuts: list[int]) -> None:
    assert list(stretches(one, other, cuts)) == by_hand(one, other, cuts)


@given(sparse)
def test_what_is_filled_is_from_the_first_byte_to_the_last(data: bytes) -> None:
    places = [at for at, byte in enumerate(data) if byte]
    assert filled(data) == (Stretch(places[0], places[-1] + 1, len(places)) if places else None)


def found(start: int, end: int, change: Change = Change.CHANGED, *, by_pages: bool = False) -> Found:
    at = PhysAddr(start)
    return Found(start, end, change, end - start, at, at, by_pages=by_pages)


def told(*runs: Found, borders: tuple[int, ...] = ()) -> list[tuple[int, int, int]]:
    listed = RunList(borders)
    for run in runs:
        listed.add(run)
    return [(run.offset, run.end, run.differing) for run in listed.kept]


def test_a_run_goes_on_in_the_next_page() -> None:
    assert told(found(0xFF0, 0x1000), found(0x1003, 0x1010)) == [(0xFF0, 0x1010, 0x1D)]
    assert told(found(0xFF0, 0x1000), found(0x1008, 0x1010)) == [(0xFF0, 0x1000, 0x10), (0x1008, 0x1010, 8)]


def test_pages_of_one_side_are_one_run_as_long_as_they_follow_one_another() -> None:
    added = [found(at + 0x700, at + 0x800, Change.ADDED, by_pages=True) for at in (0, 0x1000, 0x3000)]
    assert told(*added) == [(0x700, 0x1800, 0x200), (0x3700, 0x3800, 0x100)]


def test_no_run_crosses_a_border_or_is_of_two_kinds() -> None:
    assert len(told(found(0, 8), found(8, 16), borders=(8,))) == 2
    assert len(told(found(0, 8), found(10, 16), borders=(9,))) == 2
    assert len(told(found(0, 8), found(10, 16), borders=(16,))) == 1
    assert len(told(found(0, 8), found(8, 16, Change.SHIFTED))) == 2


def test_of_many_runs_the_first_are_kept_and_the_others_counted() -> None:
    listed = RunList()
    for number in range(MOST_RUNS + 5):
        listed.add(found(number * 100, number * 100 + 1))
        listed.add(found(number * 100 + 3, number * 100 + 4))
    assert (len(listed.kept), listed.left_out) == (MOST_RUNS, 5)
    assert all(run.differing == 2 for run in listed.kept)
