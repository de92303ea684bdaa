"""The scale of the picture: whatever there is can be seen, in order, and at the same height on both sides."""

from hypothesis import given
from hypothesis import strategies as st

from xlbuild.diff.model import Span
from xlbuild.diff.show.html.scale import HOLE, LINE, drawn_spans, make_scale
from xlbuild.units import GIB, MIB, PAGE_SIZE, PhysAddr

addresses = st.integers(0, (1 << 64) - 1) | st.integers(0, 64).map(lambda n: n * PAGE_SIZE)
spans = st.builds(
    lambda first, size: Span(PhysAddr(first), PhysAddr(first + size)), addresses, st.integers(0, 1 << 40)
)


def span(first: int, size: int) -> Span:
    return Span(PhysAddr(first), PhysAddr(first + size))


@given(st.lists(spans, min_size=1, max_size=8), st.lists(spans, max_size=8), st.lists(addresses, max_size=4))
def test_everything_is_in_order_and_at_least_a_line_high(
    a: list[Span], b: list[Span], edges: list[int]
) -> None:
    drawn = [*drawn_spans(a), *drawn_spans(b)]
    scale = make_scale(drawn, edges)
    for each in drawn:
        assert scale.y(each.end) - scale.y(each.first) >= LINE - 0.001
        assert 0 <= scale.y(each.first) <= scale.height
    places = sorted({edge for each in drawn for edge in (each.first, each.end)} | set(edges))
    heights = [scale.y(place) for place in places]
    assert heights == sorted(heights)
    assert scale.height < 300 * len(places)


@given(st.lists(spans, min_size=1, max_size=8))
def test_what_is_drawn_covers_what_there_is_and_no_other_start(a: list[Span]) -> None:
    for real, drawn in zip(a, drawn_spans(a), strict=True):
        assert drawn.first == real.first
        assert drawn.end >= max(real.end, real.first + 1)
        assert not any(real.end <= other.first < drawn.end and other.first > real.first for other in a)


def test_a_kernel_a_page_and_a_hole_of_gigabytes_can_all_be_seen() -> None:
    kernel, page = span(MIB, 32 * MIB), span(4 * GIB - PAGE_SIZE, PAGE_SIZE)
    scale = make_scale(drawn_spans([kernel, page]), [])
    heights = [scale.y(each.end) - scale.y(each.first) for each in (kernel, page)]
    hole = scale.y(page.first) - scale.y(kernel.end)
    assert heights[1] == LINE
    assert LINE < heights[0] < 4 * LINE
    assert hole == HOLE
    assert [band.is_break for band in scale.bands] == [False, True, False]


def test_the_last_page_of_a_piece_is_drawn_whole_unless_something_else_begins_in_it() -> None:
    assert drawn_spans([span(0, 0x904)]) == [span(0, 0x1000)]
    assert drawn_spans([span(0, 0x904), span(0xA00, 64)]) == [span(0, 0xA00), span(0xA00, 0x600)]
    assert drawn_spans([span(0x1000, 0)]) == [span(0x1000, 0x1000)]
