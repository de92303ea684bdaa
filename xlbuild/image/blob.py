"""The bytes a loader looks at, with the zeros that gzip leaves behind them."""

from __future__ import annotations

from dataclasses import dataclass

_U32 = 4


@dataclass(frozen=True, slots=True)
class Blob:
    """A run of bytes: real ones, then zeros up to `size`, which are counted but not stored.

    A gzip'd kernel counts 16 bytes more than it unpacks to, and its length field may claim far more than
    that; zeros that nobody reads cost nothing here.
    """

    data: memoryview
    size: int

    @classmethod
    def of(cls, data: bytes | bytearray | memoryview, size: int | None = None) -> Blob:
        """Wrap `data`, followed by zeros up to `size` bytes in all (default: none)."""
        view = memoryview(data)
        return cls(view, len(view) if size is None else size)

    def part(self, offset: int, length: int) -> Blob:
        """Return a run of it; the caller has checked that it lies inside."""
        return Blob(self.data[offset : offset + length], length)

    def holds(self, offset: int, length: int) -> bool:
        """Tell whether `length` bytes from `offset` on lie inside."""
        return offset >= 0 and length >= 0 and offset + length <= self.size

    def read(self, offset: int, length: int) -> bytes:
        """Return a copy of a short run; the caller has checked that it lies inside."""
        return bytes(self.data[offset : offset + length]).ljust(length, b"\0")

    def starts_with(self, prefix: bytes) -> bool:
        """Tell whether the first bytes are `prefix`."""
        return self.size >= len(prefix) and self.read(0, len(prefix)) == prefix

    def last_u32(self) -> int:
        """Return the last four bytes, little-endian; the caller has checked that there are four."""
        return int.from_bytes(self.read(self.size - _U32, _U32), "little")
