"""A built domain's memory.img, read where it is asked for: holes cost nothing, even where they are 1 TiB.

An image that changes while it is read is an error wherever that shows: its size and its time of change are compared
after each reading.
"""

import errno
import os
import weakref
from collections.abc import Iterator

from xlbuild.emit.readfile import open_file, unreadable
from xlbuild.errors import FilesError, RefusedError, Where
from xlbuild.memory import ZERO_PAGE
from xlbuild.units import (
    MIB,
    PAGE_SIZE,
    FrameRange,
    Pfn,
    PhysAddr,
    bytes_of,
    common_ranges,
    human_size,
    page_down,
    page_up,
    pfn_of,
)

_CHUNK = 4 * MIB
_ZEROS = bytes(_CHUNK)
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
        self._fd = _open(path)
        self._close = weakref.finalize(self, os.close, self._fd)
        self._state = _state(self._fd)
        self._check_length()

    def close(self) -> None:
        """Close the file; else it is closed when nobody uses the image any more."""
        self._close()

    def read(self, address: PhysAddr, size: int) -> bytes:
        """Return `size` bytes; zeros where nothing is written, and where no memory is.

        FilesError where the image has changed since it was opened, or cannot be read.
        """
        result = bytearray(size)
        touched = FrameRange(pfn_of(address), pfn_of(PhysAddr(page_up(address + size))))
        for frames in common_ranges(self.populated, touched):
            first = max(address, bytes_of(frames.first))
            last = min(address + size, bytes_of(frames.end))
            result[first - address : last - address] = self._pread(first, last - first)
        self._check_unchanged()
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
        for start, end in self._data_in(bytes_of(frames.first), bytes_of(frames.end)):
            for at in range(start, end, _CHUNK):
                chunk = self._pread(at, min(_CHUNK, end - at))
                if chunk != _ZEROS[: len(chunk)]:
                    yield from _nonzero_pages(PhysAddr(at), chunk)
        self._check_unchanged()

    def _data_in(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Yield what is not a hole between two page boundaries, as whole pages; all where holes are not told."""
        at = start
        while at < end:
            first = self._seek(at, os.SEEK_DATA)
            if first is None or first >= end:
                return
            hole = self._seek(first, os.SEEK_HOLE)
            last = min(end, page_up(end if hole is None else hole))
            yield max(at, page_down(first)), last
            at = last

    def _seek(self, at: int, whence: int) -> int | None:
        """Return where data (or a hole) begins from an offset on; None for data: there is none."""
        try:
            return os.lseek(self._fd, at, whence)
        except OSError as error:
            if error.errno == errno.ENXIO:
                return None
            return at if whence == os.SEEK_DATA else None

    def _pread(self, at: int, size: int) -> bytes:
        try:
            data = os.pread(self._fd, size, at)
            while len(data) < size:
                more = os.pread(self._fd, size - len(data), at + len(data))
                if not more:
                    raise self._changed()
                data += more
        except OSError as error:
            raise unreadable(self.path, _WHAT, error, Where(self.path, offset=at)) from error
        return data

    def _check_length(self) -> None:
        size, wanted = self._state[0], bytes_of(self.end)
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

    def _check_unchanged(self) -> None:
        if _state(self._fd) != self._state:
            raise self._changed()

    def _changed(self) -> FilesError:
        return FilesError(
            "domain-changed",
            f"the {_WHAT} {self.path} has changed while it was read",
            cause="its size or its time of change is another than before",
            hint="wait until nobody writes it, and run this again",
            where=Where(self.path),
        )


def _open(path: str) -> int:
    """Return a descriptor of the image."""
    try:
        return open_file(path, _WHAT, Where(path))
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


def _state(fd: int) -> tuple[int, int]:
    status = os.fstat(fd)
    return status.st_size, status.st_mtime_ns


def _nonzero_pages(address: PhysAddr, chunk: bytes) -> Iterator[tuple[Pfn, bytes]]:
    for offset in range(0, len(chunk), PAGE_SIZE):
        page = chunk[offset : offset + PAGE_SIZE]
        if page != ZERO_PAGE:
            yield pfn_of(PhysAddr(address + offset)), page
