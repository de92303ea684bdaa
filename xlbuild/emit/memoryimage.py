"""A built domain's memory.img, read where it is asked for: holes cost nothing, even where they are 1 TiB.

An image that changes while it is read is an error wherever that shows: its size and its time of change are compared
after each reading.
"""

from collections.abc import Iterator

from xlbuild.emit.openfile import OpenFile
from xlbuild.errors import FilesError, RefusedError, Where
from xlbuild.units import FrameRange, Pfn, PhysAddr, bytes_of, common_ranges, human_size, page_up, pfn_of

_WHAT = "memory image"


class MemoryImage:
    """The memory of a domain in a file: frame n is at offset n × 4096. A `MemoryReader`."""

    def __init__(self, path: str, populated: tuple[FrameRange, ...]) -> None:
        """Open the image; `populated` is what its manifest says, at least one range.

        FilesError where it cannot be read, RefusedError where its length is not that of the guest's memory.
        """
        self.path = path
        self.populated = populated
        self.end = populated[-1].end
        self._file = _open(path)
        self._check_length()

    def close(self) -> None:
        """Close the file; else it is closed when nobody uses the image any more."""
        self._file.close()

    def read(self, address: PhysAddr, size: int) -> bytes:
        """Return `size` bytes; zeros where nothing is written, and where no memory is.

        FilesError where the image has changed since it was opened, or cannot be read.
        """
        result = bytearray(size)
        touched = FrameRange(pfn_of(address), pfn_of(PhysAddr(page_up(address + size))))
        for frames in common_ranges(self.populated, touched):
            first = max(address, bytes_of(frames.first))
            last = min(address + size, bytes_of(frames.end))
            result[first - address : last - address] = self._file.read(first, last - first)
        self._file.check_unchanged()
        return bytes(result)

    def pages(self) -> Iterator[tuple[Pfn, bytes]]:
        """Yield each frame that holds a non-zero byte, ascending, with its 4096 bytes; errors as `read`."""
        yield from self.pages_in(FrameRange(Pfn(0), self.end))

    def pages_in(self, frames: FrameRange) -> Iterator[tuple[Pfn, bytes]]:
        """Yield those of `pages` that lie in a range; no others are read, errors as `read`."""
        for existing in common_ranges(self.populated, frames):
            yield from self._pages_in(existing)

    def stray(self) -> Pfn | None:
        """Return the first frame that holds a non-zero byte though the guest has none there; errors as `read`."""
        ends = (Pfn(0), *(frames.end for frames in self.populated))
        for end, following in zip(ends, self.populated, strict=False):
            for pfn, _ in self._pages_in(FrameRange(end, following.first)):
                return pfn
        return None

    def _pages_in(self, frames: FrameRange) -> Iterator[tuple[Pfn, bytes]]:
        yield from self._file.pages(frames.first, frames.pages, bytes_of(frames.first))
        self._file.check_unchanged()

    def _check_length(self) -> None:
        size, wanted = self._file.size, bytes_of(self.end)
        if size == wanted:
            return
        kind = "shorter" if size < wanted else "longer"
        raise RefusedError(
            "domain-image-length",
            f"the {_WHAT} {self.path} is {kind} than the guest's memory",
            cause=f"it has {size} bytes ({human_size(size)}), and its domain.json says that the highest frame is "
            f"{self.end - 1:#x}: {wanted} bytes ({human_size(wanted)})",
            hint="it is cut off, or of another domain: build the domain again, or copy all files of its directory",
            where=Where(self.path),
        )


def _open(path: str) -> OpenFile:
    try:
        return OpenFile.at(path, _WHAT, "domain-changed")
    except FilesError as error:
        if error.code != "file-missing":
            raise
        raise FilesError(
            "domain-image-missing",
            f"the {_WHAT} {path} is missing",
            cause="a built domain has one beside its domain.json",
            hint="build the domain again, or copy all files of its directory",
            where=error.where,
        ) from error
