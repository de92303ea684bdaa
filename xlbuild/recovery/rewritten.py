"""Memory some of whose pages are read as something else than what is there."""

from collections.abc import Callable, Iterable, Iterator

from xlbuild.built import MemoryReader
from xlbuild.memory import ZERO_PAGE
from xlbuild.units import (
    FrameRange,
    Pfn,
    PhysAddr,
    bytes_of,
    common_ranges,
    merge_ranges,
    paddr_of,
    page_up,
    pfn_of,
)

Rewrite = Callable[[Pfn, bytes], bytes]
"""Returns what a frame's 4096 bytes are to be read as."""


class RewrittenMemory:
    """A `MemoryReader` over another one; what is rewritten is worked out where it is read."""

    def __init__(self, memory: MemoryReader, frames: Iterable[FrameRange], rewrite: Rewrite) -> None:
        """Take the frames that are rewritten, in any order, some of which may not exist."""
        self._memory = memory
        self._rewrite = rewrite
        wanted = merge_ranges(frames)
        self._frames = tuple(common for have in memory.populated for common in common_ranges(wanted, have))
        self.populated = memory.populated
        self.end = memory.end

    def read(self, address: PhysAddr, size: int) -> bytes:
        """Return `size` bytes; zeros where nothing is written, and where no memory is."""
        data = bytearray(self._memory.read(address, size))
        touched = FrameRange(pfn_of(address), pfn_of(PhysAddr(page_up(address + size))))
        for pfn in self._rewritten_in(touched):
            page = self._rewrite(pfn, self._memory.read(paddr_of(pfn), bytes_of(1)))
            start, end = max(address, bytes_of(pfn)), min(address + size, bytes_of(pfn + 1))
            data[start - address : end - address] = page[start - bytes_of(pfn) : end - bytes_of(pfn)]
        return bytes(data)

    def pages(self) -> Iterator[tuple[Pfn, bytes]]:
        """Yield each frame that holds a non-zero byte, ascending, with its 4096 bytes."""
        yield from self.pages_in(FrameRange(Pfn(0), self.end))

    def pages_in(self, frames: FrameRange) -> Iterator[tuple[Pfn, bytes]]:
        """Yield those of `pages` that lie in a range; no others are read."""
        rewritten = self._rewritten_in(frames)
        following = next(rewritten, None)
        for pfn, page in self._memory.pages_in(frames):
            while following is not None and following < pfn:
                yield from self._nonzero(following, ZERO_PAGE)
                following = next(rewritten, None)
            if following == pfn:
                yield from self._nonzero(pfn, page)
                following = next(rewritten, None)
            else:
                yield pfn, page
        while following is not None:
            yield from self._nonzero(following, ZERO_PAGE)
            following = next(rewritten, None)

    def _rewritten_in(self, frames: FrameRange) -> Iterator[Pfn]:
        for common in common_ranges(self._frames, frames):
            yield from map(Pfn, range(common.first, common.end))

    def _nonzero(self, pfn: Pfn, page: bytes) -> Iterator[tuple[Pfn, bytes]]:
        if (new := self._rewrite(pfn, page)) != ZERO_PAGE:
            yield pfn, new
