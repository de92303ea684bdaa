"""The pages of a range of frames are those of all pages that lie in it, wherever the memory is."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlbuild.built import AbsentMemory, MemoryReader
from xlbuild.emit.directory import write_memory_image
from xlbuild.emit.memoryimage import MemoryImage
from xlbuild.errors import FilesError
from xlbuild.memory import GuestMemory
from xlbuild.units import FrameRange, Pfn, PhysAddr, common_ranges, merge_ranges

_FRAMES = 48

extents = st.lists(st.tuples(st.integers(0, _FRAMES * 4096), st.integers(1, 9000), st.booleans()), max_size=9)
populated = st.lists(st.tuples(st.integers(0, _FRAMES), st.integers(1, 12)), min_size=1, max_size=5)
a_range = st.builds(FrameRange.of, st.integers(0, _FRAMES + 20), st.integers(0, _FRAMES))


def memory_of(ranges: list[tuple[int, int]], writes: list[tuple[int, int, bool]]) -> GuestMemory:
    """Return memory with these frames and, where they exist, these runs of ones or of zeros."""
    memory = GuestMemory(merge_ranges(FrameRange.of(*item) for item in ranges))
    for frames in memory.populated:
        memory.claim("all", frames)
    for address, size, ones in writes:
        frames = FrameRange.of(address // 4096, 1)
        for existing in common_ranges(memory.populated, frames):
            room = existing.end * 4096 - address
            memory.replace("all", PhysAddr(address), bytes([ones]) * min(size, room))
    return memory


def check_pages_in(memory: MemoryReader, frames: FrameRange) -> None:
    """Hold the pages of a range against all pages."""
    wanted = [(pfn, page) for pfn, page in memory.pages() if frames.first <= pfn < frames.end]
    assert list(memory.pages_in(frames)) == wanted


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("image") / "memory.img"


@given(populated, extents, a_range)
def test_those_in_a_range_are_those_of_all(
    image: Path, ranges: list[tuple[int, int]], writes: list[tuple[int, int, bool]], frames: FrameRange
) -> None:
    memory = memory_of(ranges, writes)
    check_pages_in(memory, frames)
    write_memory_image(memory, image)
    on_disk = MemoryImage(str(image), memory.populated)
    check_pages_in(on_disk, frames)
    assert list(on_disk.pages_in(frames)) == list(memory.pages_in(frames))


def test_nothing_comes_from_frames_that_do_not_exist(tmp_path: Path) -> None:
    image = tmp_path / "memory.img"
    image.write_bytes(b"x" * 0x8000)
    memory = MemoryImage(str(image), (FrameRange.of(1, 2), FrameRange.of(6, 2)))
    assert [pfn for pfn, _ in memory.pages_in(FrameRange.of(2, 5))] == [2, 6]


def test_of_an_image_no_other_frames_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = tmp_path / "memory.img"
    image.write_bytes(b"x" * 0x40000)
    memory = MemoryImage(str(image), (FrameRange.of(0, 0x40),))
    real, read = os.pread, []

    def noted(fd: int, size: int, at: int) -> bytes:
        read.append((at, size))
        return real(fd, size, at)

    monkeypatch.setattr(os, "pread", noted)
    assert [pfn for pfn, _ in memory.pages_in(FrameRange.of(0x11, 2))] == [0x11, 0x12]
    assert read == [(0x11000, 0x2000)]


def test_of_a_manifest_alone_no_pages_are_known() -> None:
    with pytest.raises(FilesError) as caught:
        AbsentMemory((FrameRange(Pfn(0), Pfn(4)),), "domain.json").pages_in(FrameRange.of(0, 1))
    assert caught.value.code == "domain-image-missing"
