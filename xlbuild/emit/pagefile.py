"""A guest's memory inside a file that has other things, too: pages are read where they are asked for."""

from collections.abc import Iterator

from xlbuild.captured.pageruns import PageRuns
from xlbuild.emit.openfile import OpenFile
from xlbuild.units import FrameRange, Pfn, PhysAddr, bytes_of, paddr_of, page_up, pfn_of


class PageFile:
    """Pages in a file, as `runs` say where. A `MemoryReader`; FilesError where the file changes or cannot be read."""

    def __init__(self, file: OpenFile, runs: PageRuns) -> None:
        """Take a file, which is closed when nobody uses the memory any more, and settled runs."""
        self._file = file
        self._runs = runs
        self.populated = runs.populated()
        self.end = self.populated[-1].end if self.populated else Pfn(0)

    def read(self, address: PhysAddr, size: int) -> bytes:
        """Return `size` bytes; zeros where the file has none."""
        result = bytearray(size)
        touched = FrameRange(pfn_of(address), pfn_of(PhysAddr(page_up(address + size))))
        for first, pages, offset in self._runs.within(touched):
            if offset is None:
                continue
            start = max(address, bytes_of(first))
            end = min(address + size, bytes_of(first + pages))
            at = offset + start - paddr_of(first)
            result[start - address : end - address] = self._file.read(at, end - start)
        self._file.check_unchanged()
        return bytes(result)

    def pages(self) -> Iterator[tuple[Pfn, bytes]]:
        """Yield each frame that holds a non-zero byte, ascending, with its 4096 bytes."""
        yield from self.pages_in(FrameRange(Pfn(0), self.end))

    def pages_in(self, frames: FrameRange) -> Iterator[tuple[Pfn, bytes]]:
        """Yield those of `pages` that lie in a range; no others are read."""
        for first, pages, offset in self._runs.within(frames):
            if offset is not None:
                yield from self._file.pages(first, pages, offset)
        self._file.check_unchanged()
