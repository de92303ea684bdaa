"""The bump allocator: order, padding, and refusals that say how much is missing."""

import pytest

from xlbuild.plan.layout import Allocator, LayoutError

BASE = 0xFFFFFFFF80000000


def test_segments_follow_one_another_in_whole_pages() -> None:
    allocator = Allocator(BASE, 0x1000)
    kernel = allocator.segment("kernel", 0x1801, BASE + 0x100000)
    assert (kernel.pfn, kernel.pages, kernel.vend) == (0x100, 2, BASE + 0x101801)
    assert allocator.page("start info") == 0x102
    assert allocator.segment("module0", 1).vstart == BASE + 0x103000


def test_padding_to_where_one_is_takes_nothing() -> None:
    allocator = Allocator(0, 16)
    allocator.pad_to(0x3000)
    allocator.pad_to(0x3000)
    assert allocator.pfn_end == 3


def test_the_last_page_can_be_taken_and_no_more() -> None:
    allocator = Allocator(0, 4)
    allocator.segment("kernel", 3 * 4096)
    allocator.page("console")
    with pytest.raises(LayoutError) as refused:
        allocator.page("xenstore")
    assert refused.value.code == "memory-too-small"
    assert "no room for the xenstore" in refused.value.message
    assert [segment.name for segment in refused.value.so_far] == ["kernel"]


def test_an_unaligned_start_is_refused() -> None:
    with pytest.raises(LayoutError, match="not a page boundary") as refused:
        Allocator(0, 4).segment("kernel", 1, 0x1100)
    assert refused.value.code == "segment-unaligned"


def test_going_backwards_is_refused() -> None:
    allocator = Allocator(0, 4)
    allocator.segment("kernel", 0x2000)
    with pytest.raises(LayoutError, match="taken up to 0x2000"):
        allocator.segment("module0", 1, 0x1000)
