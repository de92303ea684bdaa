"""Guest memory is sparse, knows who wrote what, and refuses what no plan allows."""

import pytest

from xlbuild.memory import GuestMemory, StrayWriteError
from xlbuild.units import FrameRange, Pfn, PhysAddr


def memory_of(*ranges: tuple[int, int]) -> GuestMemory:
    return GuestMemory([FrameRange(Pfn(first), Pfn(end)) for first, end in ranges])


def test_a_write_is_read_back_and_the_rest_is_zero() -> None:
    memory = memory_of((0, 16))
    memory.claim("kernel", FrameRange.of(1, 2))
    memory.write("kernel", PhysAddr(0x1FFE), b"abcd")
    assert memory.read(PhysAddr(0x1FFD), 7) == b"\0abcd\0\0"


def test_two_owners_may_share_a_page() -> None:
    memory = memory_of((0, 1))
    memory.claim("a", FrameRange.of(0, 1))
    memory.claim("b", FrameRange.of(0, 1))
    memory.write("b", PhysAddr(0x800), b"bb")
    memory.write("a", PhysAddr(0), b"aa")
    assert [(pfn, page[:2], page[0x800:0x802]) for pfn, page in memory.pages()] == [(0, b"aa", b"bb")]
    assert memory.owner_of(PhysAddr(0x801)) == "b"
    assert memory.owner_of(PhysAddr(0x400)) is None


def test_pages_of_zeros_are_left_out_and_the_others_come_in_order() -> None:
    memory = memory_of((0, 8))
    memory.claim("a", FrameRange.of(0, 8))
    memory.write("a", PhysAddr(0x5000), b"\0" * 0x1000 + b"x" * 0x1001)
    memory.write("a", PhysAddr(0x1FFF), b"yz")
    pages = list(memory.pages())
    assert [pfn for pfn, _ in pages] == [1, 2, 6, 7]
    assert all(len(page) == 4096 for _, page in pages)
    assert pages[0][1][-1:] == b"y"
    assert pages[1][1][:1] == b"z"


class NotToBeRead:
    """Bytes that a reader of other frames leaves alone."""

    def __len__(self) -> int:
        return 1 << 40

    def __getitem__(self, part: slice, /) -> bytes:
        raise AssertionError(part)


def test_pages_of_a_range_are_found_without_a_look_at_others() -> None:
    memory = memory_of((0, 3 << 28))
    memory.claim("a", FrameRange.of(0, 3 << 28))
    for terabyte in (0, 2):
        memory.write("a", PhysAddr(terabyte << 40), NotToBeRead())
    middle = PhysAddr((1 << 40) + 0x5FFF)
    memory.write("a", middle, b"ab")
    pages = list(memory.pages_in(FrameRange.of(1 << 28, 1 << 28)))
    assert [(pfn, page.strip(b"\0")) for pfn, page in pages] == [
        (0x10000005, b"a"),
        (0x10000006, b"b"),
    ]


def test_overwriting_is_a_bug() -> None:
    memory = memory_of((0, 2))
    memory.claim("a", FrameRange.of(0, 2))
    memory.claim("b", FrameRange.of(0, 2))
    memory.write("a", PhysAddr(0x10), b"aaaa")
    with pytest.raises(StrayWriteError, match="b at 0x13 overwrites a at 0x10"):
        memory.write("b", PhysAddr(0x13), b"b")
    memory.write("b", PhysAddr(0x14), b"b")


def test_a_write_outside_the_claim_is_a_bug() -> None:
    memory = memory_of((0, 8))
    memory.claim("a", FrameRange.of(2, 1))
    for address in (0x1FFF, 0x2FFF):
        with pytest.raises(StrayWriteError, match="outside what it claimed"):
            memory.write("a", PhysAddr(address), b"ab")


def test_a_claim_of_frames_that_do_not_exist_is_a_bug() -> None:
    memory = memory_of((0, 4), (8, 12))
    with pytest.raises(StrayWriteError, match="do not exist"):
        memory.claim("a", FrameRange.of(3, 2))


def test_replacing_punches_a_hole_into_what_was_there() -> None:
    memory = memory_of((0, 4))
    memory.claim("a", FrameRange.of(0, 4))
    memory.claim("b", FrameRange.of(1, 1))
    memory.write("a", PhysAddr(0), b"a" * 0x4000)
    memory.replace("b", PhysAddr(0x1000), bytes(0x1000))
    assert [pfn for pfn, _ in memory.pages()] == [0, 2, 3]
    assert memory.read(PhysAddr(0xFFF), 2) == b"a\0"
    assert memory.read(PhysAddr(0x1FFF), 2) == b"\0a"
