"""A save file that is read from front to back, and what is said of one that is not right.

Nothing that the file says of itself is believed: what is read into memory has bounds, one for each record and one for
all of them.
"""

from dataclasses import dataclass

from xlbuild.abi.layout import Layout
from xlbuild.abi.save_file import OPTIONAL_RECORD, RECORD_ALIGNMENT, RECORD_HEADER
from xlbuild.captured.model import StreamRecord
from xlbuild.emit.openfile import OpenFile
from xlbuild.errors import RefusedError, Where
from xlbuild.units import MIB, align_up, human_size

WHAT = "save file"

_RECORD_HEADER_SIZE = RECORD_HEADER.size

MOST_BODY = 16 * MIB
"""Bytes of one record, or of the configuration; libxc takes 8 MiB for a record at most."""
MOST_BODIES = 64 * MIB
"""Bytes of all records together, pages left out."""
MOST_RECORDS = 1 << 19
"""With as many pages in each as Xen's tools put there, 2 TiB."""

_RESERVED = "what is reserved in it is not zero"
_AGAIN = "copy it again from the host that wrote it, or save the guest again"


@dataclass(frozen=True, slots=True)
class RecordHead:
    """A record's header."""

    type: int
    offset: int
    """Of the header in the file."""
    size: int
    """Bytes of the body."""
    name: str

    @property
    def what(self) -> str:
        """What messages call it."""
        return f"the {self.name} record"

    def record(self, body: bytes = b"") -> StreamRecord:
        """Return the record with what is to be kept of its body."""
        return StreamRecord(self.type, self.offset, self.size, body)


class Cursor:
    """A place in a save file, which goes forward. What is read has bounds; RefusedError says what is wrong where."""

    def __init__(self, file: OpenFile) -> None:
        """Start at the beginning."""
        self.path = file.path
        self.size = file.size
        self.at = 0
        self._file = file
        self._records = 0
        self._kept = 0

    def peek(self, size: int) -> bytes:
        """Return the bytes that come next, fewer at the file's end, and stay."""
        return self._file.read(self.at, min(size, self.size - self.at))

    def take(self, size: int, what: str, begin: int | None = None) -> bytes:
        """Return the next `size` bytes, of something that begins at the offset `begin`, else here."""
        self._check_room(size, what, begin)
        data = self._file.read(self.at, size)
        self.at += size
        return data

    def header(self, layout: Layout, what: str) -> dict[str, int]:
        """Return the numbers of the structure that comes next; what is reserved in it is zero."""
        begin = self.at
        data = self.take(layout.size, what)
        if reserved_is_set(layout, data):
            raise self.invalid(what, begin, _RESERVED)
        return layout.numbers(data)

    def check_reserved(self, layout: Layout, data: bytes, head: RecordHead) -> None:
        """Refuse a record with a header whose reserved fields are not zero."""
        if reserved_is_set(layout, data):
            raise self.invalid(head.what, head.offset, _RESERVED)

    def skip(self, size: int, what: str, begin: int) -> None:
        """Pass over `size` bytes of something that begins at the offset `begin`."""
        self._check_room(size, what, begin)
        self.at += size

    def next_record(self, names: dict[int, str], stream: str) -> RecordHead:
        """Return the header of a stream's next record."""
        begin = self.at
        head = self.take(_RECORD_HEADER_SIZE, f"the next record of the {stream} stream")
        kind, size = int.from_bytes(head[:4], "little"), int.from_bytes(head[4:], "little")
        name = names.get(kind & ~OPTIONAL_RECORD, f"unknown ({kind:#x})")
        self._records += 1
        if self._records > MOST_RECORDS:
            raise self.too_large(f"it has more than {MOST_RECORDS} records", begin)
        return RecordHead(kind, begin, size, name)

    def body(self, head: RecordHead) -> bytes:
        """Return a record's body, which is kept in memory, and pass over its padding."""
        self.check_size(head.size, head.what, head.offset)
        self._kept += head.size
        if self._kept > MOST_BODIES:
            raise self.too_large(
                f"its records have more than {human_size(MOST_BODIES)}, pages left out", head.offset
            )
        body = self.take(head.size, head.what, head.offset)
        self.end_record(head)
        return body

    def end_record(self, head: RecordHead) -> None:
        """Pass over a record's padding, which is zero."""
        padding = self.take(align_up(head.size, RECORD_ALIGNMENT) - head.size, head.what, head.offset)
        if any(padding):
            raise self.invalid(head.what, head.offset, "its padding is not zero")

    def check_size(self, size: int, what: str, begin: int) -> None:
        """Refuse what is larger than anything that is read into memory."""
        if size > MOST_BODY:
            raise self.too_large(f"{what} has {size:,} bytes; {human_size(MOST_BODY)} is the most", begin)

    def invalid(self, what: str, offset: int, cause: str) -> RefusedError:
        """Return the error for something at an offset that breaks a rule of the format."""
        return self._refused(
            "save-invalid", "is damaged, or no whole save file", f"{what}: {cause}", _AGAIN, offset
        )

    def unsupported(self, cause: str, hint: str, offset: int) -> RefusedError:
        """Return the error for a form that is not read."""
        return self._refused("save-version", "has a form that is not read", cause, hint, offset)

    def too_large(self, cause: str, offset: int) -> RefusedError:
        """Return the error for more than is read."""
        hint = f"no guest needs so much: {_AGAIN}"
        return self._refused("save-too-large", "has more than is read of one", cause, hint, offset)

    def not_one(self, cause: str, hint: str) -> RefusedError:
        """Return the error for a file that does not begin as a save file does."""
        return RefusedError(
            "save-not-one", f"{self.path} is no save file", cause=cause, hint=hint, where=Where(self.path)
        )

    def _refused(self, code: str, message: str, cause: str, hint: str, offset: int) -> RefusedError:
        where = Where(self.path, offset=offset if offset < self.size else None)
        return RefusedError(code, f"the {WHAT} {self.path} {message}", cause=cause, hint=hint, where=where)

    def _check_room(self, size: int, what: str, begin: int | None) -> None:
        if self.at + size <= self.size:
            return
        begin = self.at if begin is None else begin
        missing = self.at + size - self.size
        raise self._refused(
            "save-truncated",
            "is cut off",
            f"{what} begins at {begin:#x}, and the file ends at {self.size:#x}: {missing:,} bytes of it are missing",
            "wait until it is written, or copy it again whole from the host that wrote it",
            begin,
        )


def reserved_is_set(layout: Layout, data: bytes) -> bool:
    """Return whether what is reserved in a structure is not zero."""
    known = layout.encode(layout.decode(data))
    return known != data[: layout.size]
