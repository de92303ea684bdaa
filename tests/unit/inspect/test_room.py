"""Where a guest has memory: frame by frame as its ranges say, however many there are."""

from time import process_time

from xlbuild.inspect.memory.room import exists, has_frames, room_at
from xlbuild.memory import GuestMemory
from xlbuild.units import FrameRange, PhysAddr

RANGES = tuple(FrameRange.of(first, pages) for first, pages in ((2, 3), (5, 1), (8, 2), (20, 1)))
"""The first two are neighbours, as a manifest may have them."""
MEMORY = GuestMemory(RANGES)
THERE = {pfn for frames in RANGES for pfn in range(frames.first, frames.end)}
FRAMES = range(24)


def test_a_frame_exists_that_is_in_a_range() -> None:
    assert {pfn for pfn in FRAMES if exists(MEMORY, pfn * 4096 + 4095)} == THERE


def test_frames_exist_together_that_one_range_has() -> None:
    found = {(first, pages) for first in FRAMES for pages in (1, 2, 3) if _has(first, pages)}
    assert found == {
        (first, pages)
        for first in FRAMES
        for pages in (1, 2, 3)
        if any(frames.first <= first and first + pages <= frames.end for frames in RANGES)
    }


def _has(first: int, pages: int) -> bool:
    return has_frames(MEMORY, FrameRange.of(first, pages))


def test_room_goes_on_to_the_next_hole() -> None:
    for pfn in FRAMES:
        end = next(other for other in range(pfn, 30) if other not in THERE)
        address = pfn * 4096 + 100
        assert room_at(MEMORY, PhysAddr(address)) == (end * 4096 - address if end > pfn else 0)


def test_no_memory_has_no_room() -> None:
    empty = GuestMemory(())
    assert not exists(empty, 0)
    assert room_at(empty, PhysAddr(0)) == 0


def test_a_hundred_thousand_ranges_cost_nothing() -> None:
    """A hostile file has that many and more, and thousands of places are asked for then."""
    memory = GuestMemory([FrameRange.of(2 * number, 1) for number in range(1 << 17)])
    start = process_time()
    for number in range(1000):
        assert exists(memory, (1 << 18) - 2 << 12)
        assert not exists(memory, number * 8192 + 4096)
        assert room_at(memory, PhysAddr(number * 8192)) == 4096
    assert process_time() - start < 1
