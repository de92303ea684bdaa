"""Where each frame's page is in a file: what is added last counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlbuild.captured import pageruns
from xlbuild.captured.pageruns import PageRuns, TooScatteredError
from xlbuild.units import FrameRange, Pfn, bytes_of

Added = tuple[int, int, int | None]


def runs_of(added: list[Added]) -> PageRuns:
    runs = PageRuns()
    for first, pages, offset in added:
        runs.add(first, pages, offset)
    runs.settle()
    return runs


def by_frame(runs: PageRuns, frames: FrameRange) -> dict[int, int | None]:
    """Return where each frame's page is, frame by frame."""
    found: dict[int, int | None] = {}
    for first, pages, offset in runs.within(frames):
        assert pages > 0
        for number in range(pages):
            assert first + number not in found
            found[first + number] = None if offset is None else offset + bytes_of(number)
    return found


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 9), st.none() | st.integers(0, 99)), max_size=30)
)
def test_the_last_page_of_a_frame_counts(added: list[Added]) -> None:
    expected: dict[int, int | None] = {}
    for first, pages, offset in added:
        for number in range(pages):
            expected[first + number] = None if offset is None else offset + bytes_of(number)
    runs = runs_of(added)
    assert by_frame(runs, FrameRange(Pfn(0), Pfn(99))) == expected
    assert by_frame(runs, FrameRange(Pfn(7), Pfn(23))) == {
        pfn: offset for pfn, offset in expected.items() if 7 <= pfn < 23
    }
    populated = {pfn for frames in runs.populated() for pfn in range(frames.first, frames.end)}
    assert populated == set(expected)


def test_pages_that_follow_one_another_are_one_run() -> None:
    runs = runs_of([(0, 1024, 4096), (1024, 1024, 4096 + bytes_of(1024)), (2048, 5, None), (2053, 6, None)])
    assert list(runs.within(FrameRange(Pfn(0), Pfn(9999)))) == [(0, 2048, 4096), (2048, 11, None)]
    assert runs.populated() == (FrameRange(Pfn(0), Pfn(2059)),)


def test_more_runs_than_can_be_kept_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pageruns, "MOST_RUNS", 3)
    runs = runs_of([(0, 1, 0), (2, 1, 0), (4, 1, 0), (5, 1, 4096)])
    with pytest.raises(TooScatteredError):
        runs.add(9, 1, 0)
