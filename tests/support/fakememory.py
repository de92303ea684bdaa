"""Guest memory as a test wants it: some frames, and bytes here and there, which may be anything."""

from collections.abc import Iterator, Mapping

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
