"""A file of which parts are read where they are asked for.

One that changes meanwhile is an error wherever that shows: its size and its time of change are compared after
each reading. Holes cost nothing, even where they are 1 TiB.
"""

import errno
import os
import weakref
from collections.abc import Iterator

from xlbuild.emit.readfile import open_file, unreadable
from xlbuild.errors import FilesError, Where
from xlbuild.memory import ZERO_PAGE
from xlbuild.units import MIB, PAGE_SIZE, Pfn, bytes_of, pages_for, whole_pages

_CHUNK = 4 * MIB
_CHUNK_PAGES = _CHUNK // PAGE_SIZE
_ZEROS = bytes(_CHUNK)
_WORTH_ASKING = 64
"""Pages in a row from which on the file system is asked for holes."""


class OpenFile:
    """An open file, closed when nobody uses it any more."""

    def __init__(self, path: str, what: str, fd: int, code: str = "file-changed") -> None:
        """Take a descriptor; messages call the file `what`, and `code` is that of the error for one that changes."""
        self.path = path
        self._what = what
        self._fd = fd
        self._code = code
        self._close = weakref.finalize(self, os.close, fd)
        self._state = self._state_now()

    @classmethod
    def at(cls, path: str | os.PathLike[str], what: str, code: str = "file-changed") -> "OpenFile":
        """Open a regular file; FilesError as `read_file`."""
        source = os.fspath(path)
        return cls(source, what, open_file(source, what, Where(source)), code)

    @classmethod
    def of(cls, data: bytes, name: str, what: str) -> "OpenFile":
        """Return what is in memory already, as what comes from standard input is, like a file on disk."""
        file = cls(name, what, os.memfd_create(what, os.MFD_CLOEXEC))
        with open(file._fd, "wb", closefd=False) as content:
            content.write(data)
        file._state = file._state_now()
        return file

    @property
    def size(self) -> int:
        """Bytes that it had when it was opened."""
        return self._state[0]

    def close(self) -> None:
        """Close it now."""
        self._close()

    def read(self, offset: int, size: int) -> bytes:
        """Return bytes that lie within the file; FilesError where they cannot be read, or are gone."""
        pieces = []
        while size:
            try:
                piece = os.pread(self._fd, size, offset)
            except OSError as error:
                raise unreadable(self.path, self._what, error, Where(self.path, offset=offset)) from error
            if not piece:
                raise self._changed()
            pieces.append(piece)
            offset, size = offset + len(piece), size - len(piece)
        return b"".join(pieces)

    def pages(self, first: Pfn, pages: int, offset: int) -> Iterator[tuple[Pfn, bytes]]:
        """Yield those of some pages in a row that hold a non-zero byte; errors as `read`.

        first   frame of the first of them; they go up
        offset  where in the file that is
        """
        for begin, end in self._data_in(pages, offset):
            for start in range(begin, end, _CHUNK_PAGES):
                count = min(_CHUNK_PAGES, end - start)
                chunk = self.read(offset + bytes_of(start), bytes_of(count))
                if chunk == _ZEROS[: len(chunk)]:
                    continue
                for number in range(count):
                    page = chunk[bytes_of(number) : bytes_of(number + 1)]
                    if page != ZERO_PAGE:
                        yield Pfn(first + start + number), page

    def check_unchanged(self) -> None:
        """Refuse a file that was written to since it was opened (FilesError)."""
        if self._state_now() != self._state:
            raise self._changed()

    def _data_in(self, pages: int, offset: int) -> Iterator[tuple[int, int]]:
        """Yield which of some pages in a row are not in a hole, as ranges; all of a few, where asking costs more."""
        if pages < _WORTH_ASKING:
            yield 0, pages
            return
        at = 0
        while at < pages:
            first = self._seek(offset + bytes_of(at), os.SEEK_DATA)
            if first is None or first >= offset + bytes_of(pages):
                return
            hole = self._seek(first, os.SEEK_HOLE)
            end = pages if hole is None else min(pages, pages_for(hole - offset))
            yield max(at, whole_pages(first - offset)), end
            at = end

    def _seek(self, at: int, whence: int) -> int | None:
        """Return where data (or a hole) begins from an offset on; None for data: there is none."""
        try:
            return os.lseek(self._fd, at, whence)
        except OSError as error:
            if error.errno == errno.ENXIO:
                return None
            return at if whence == os.SEEK_DATA else None

    def _state_now(self) -> tuple[int, int]:
        status = os.fstat(self._fd)
        return status.st_size, status.st_mtime_ns

    def _changed(self) -> FilesError:
        return FilesError(
            self._code,
            f"the {self._what} {self.path} has changed while it was read",
            cause="its size or its time of change is another than before",
            hint="wait until nobody writes it, and run this again",
            where=Where(self.path),
        )
