"""Pages, frames and ranges."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlbuild.units import (
    FrameRange,
    Pfn,
    align_up,
    common_ranges,
    human_size,
    merge_ranges,
    page_up,
    pages_for,
)


@pytest.mark.parametrize(("size", "pages"), [(0, 0), (1, 1), (4096, 1), (4097, 2)])
def test_pages_are_rounded_up(size: int, pages: int) -> None:
    assert pages_for(size) == pages
    assert page_up(size) == pages * 4096


def test_alignment_need_not_be_a_power_of_two() -> None:
    assert align_up(10, 12) == 12
    assert align_up(24, 12) == 24


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9)), max_size=12))
def test_merged_ranges_hold_the_same_frames_once_in_order(items: list[tuple[int, int]]) -> None:
    merged = merge_ranges(FrameRange.of(first, pages) for first, pages in items)
    frames = [pfn for item in merged for pfn in range(item.first, item.end)]
    assert frames == sorted({pfn for first, pages in items for pfn in range(first, first + pages)})
    assert all(before.end < after.first for before, after in pairwise(merged))


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9)), max_size=12),
    st.integers(0, 70),
    st.integers(0, 30),
)
def test_what_ranges_have_in_common_with_another(
    items: list[tuple[int, int]], first: int, pages: int
) -> None:
    ranges = merge_ranges(FrameRange.of(*item) for item in items)
    common = list(common_ranges(ranges, FrameRange.of(first, pages)))
    frames = {pfn for item in ranges for pfn in range(item.first, item.end)}
    assert [pfn for item in common for pfn in range(item.first, item.end)] == sorted(
        frames & set(range(first, first + pages))
    )
    assert all(item.pages for item in common)


def test_a_range_knows_what_it_covers() -> None:
    outer = FrameRange(Pfn(4), Pfn(8))
    assert outer.covers(FrameRange(Pfn(4), Pfn(8)))
    assert not outer.covers(FrameRange(Pfn(7), Pfn(9)))
    assert outer.overlaps(FrameRange(Pfn(7), Pfn(9)))
    assert not outer.overlaps(FrameRange(Pfn(8), Pfn(9)))


@pytest.mark.parametrize(
    ("size", "text"),
    [(1, "1 byte"), (612, "612 bytes"), (64 << 20, "64 MiB"), (18_245_223, "17.4 MiB"), (5 << 30, "5 GiB")],
)
def test_sizes_read_well(size: int, text: str) -> None:
    assert human_size(size) == text
