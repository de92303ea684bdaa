"""Guest memory as a test wants it: some frames, and bytes here and there, which may be anything."""

from collections.abc import Iterator, Mapping

from xlbuild.built import MemoryReader
from xlbuild.units import PAGE_SIZE, FrameRange, Pfn, PhysAddr, common_ranges


class FakeMemory:
    """Memory that reads as it was given, and as zero elsewhere."""

    def __init__(self, contents: Mapping[int, bytes], *populated: tuple[int, int]) -> None:
        """Take bytes by address and the frames that exist (default: those that the bytes lie in)."""
        self.contents = dict(contents)
        self.populated = tuple(FrameRange(Pfn(first), Pfn(end)) for first, end in populated) or tuple(
            FrameRange(Pfn(at // PAGE_SIZE), Pfn((at + len(data) - 1) // PAGE_SIZE + 1))
            for at, data in sorted(contents.items())
        )
        self.bytes_read = 0

    @property
    def end(self) -> Pfn:
        """One past the highest frame that exists."""
        return max((frames.end for frames in self.populated), default=Pfn(0))

    def read(self, address: PhysAddr, size: int) -> bytes:
        """Return bytes, and count them."""
        self.bytes_read += size
        result = bytearray(size)
        for at, data in self.contents.items():
            first, last = max(at, address), min(at + len(data), address + size)
            if first < last:
                result[first - address : last - address] = data[first - at : last - at]
        return bytes(result)

    def pages(self) -> Iterator[tuple[Pfn, bytes]]:
        """Yield the frames that are not all zero."""
        yield from self.pages_in(FrameRange(Pfn(0), self.end))

    def pages_in(self, frames: FrameRange) -> Iterator[tuple[Pfn, bytes]]:
        """Yield those of a range."""
        for common in common_ranges(self.populated, frames):
            for pfn in range(common.first, common.end):
                page = self.read(PhysAddr(pfn * PAGE_SIZE), PAGE_SIZE)
                if any(page):
                    yield Pfn(pfn), page


class PatchedMemory:
    """Another memory, but for some bytes."""

    def __init__(self, memory: MemoryReader, patches: Mapping[int, bytes]) -> None:
        """Take bytes by address, each where memory exists; later ones win."""
        self.populated, self.end = memory.populated, memory.end
        self._memory = memory
        self._pages: dict[int, bytearray] = {}
        for at, data in patches.items():
            for address, byte in enumerate(data, at):
                pfn = address // PAGE_SIZE
                if pfn not in self._pages:
                    self._pages[pfn] = bytearray(memory.read(PhysAddr(pfn * PAGE_SIZE), PAGE_SIZE))
                self._pages[pfn][address % PAGE_SIZE] = byte

    def read(self, address: PhysAddr, size: int) -> bytes:
        """Return bytes."""
        result = bytearray(self._memory.read(address, size))
        for pfn, page in self._pages.items():
            first, last = max(address, pfn * PAGE_SIZE), min(address + size, (pfn + 1) * PAGE_SIZE)
            if first < last:
                start = first - pfn * PAGE_SIZE
                result[first - address : last - address] = page[start : start + last - first]
        return bytes(result)

    def pages(self) -> Iterator[tuple[Pfn, bytes]]:
        """Yield the frames that are not all zero."""
        return self.pages_in(FrameRange(Pfn(0), self.end))

    def pages_in(self, frames: FrameRange) -> Iterator[tuple[Pfn, bytes]]:
        """Yield those of a range."""
        pages = {pfn: page for pfn, page in self._memory.pages_in(frames) if pfn not in self._pages}
        own = {Pfn(pfn): bytes(page) for pfn, page in self._pages.items() if frames.first <= pfn < frames.end}
        return iter(sorted((pages | {pfn: page for pfn, page in own.items() if any(page)}).items()))
