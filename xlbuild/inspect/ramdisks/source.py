"""Bytes that come in pieces, read once from start to end."""

from collections.abc import Iterator

from xlbuild.image.codecerror import CodecError
from xlbuild.inspect.ramdisks.streams import BudgetSpentError
from xlbuild.units import KIB

_SAMPLE = 64 * KIB


class Source:
    """A file's bytes, or what a stream unpacks to; no more than a piece of them is held.

    A stream that cannot be unpacked further ends there, so that what came before is not lost; `failure` says why.
    """

    def __init__(self, pieces: Iterator[bytes] | Iterator[memoryview], offset: int = 0) -> None:
        """Read the pieces; `offset` is what the place of the first byte counts as."""
        self._pieces = pieces
        self._rest = memoryview(b"")
        self.offset = offset
        """Of the next byte."""
        self.failure: CodecError | BudgetSpentError | None = None

    def read(self, size: int) -> bytes:
        """Return the next bytes, fewer at the end."""
        data = b""
        while len(data) < size and self._fill():
            step = self._rest[: size - len(data)]
            data += step
            self._drop(len(step))
        return data

    def peek(self, size: int) -> bytes:
        """Return the next bytes, fewer at the end, and leave them to be read."""
        if len(self._rest) < size:
            data = self.read(size)
            self._rest = memoryview(data + bytes(self._rest))
            self.offset -= len(data)
        return bytes(self._rest[:size])

    def skip(self, size: int) -> int:
        """Pass over the next bytes, and return how many there were."""
        left = size
        while left and self._fill():
            step = min(left, len(self._rest))
            self._drop(step)
            left -= step
        return size - left

    def skip_zeros(self) -> bool:
        """Pass over all zeros, and return whether there is anything behind them."""
        while self._fill():
            sample = bytes(self._rest[:_SAMPLE])
            zeros = len(sample) - len(sample.lstrip(b"\0"))
            self._drop(zeros)
            if zeros < len(sample):
                return True
        return False

    def skip_all(self) -> None:
        """Pass over everything that is left."""
        while self._fill():
            self._drop(len(self._rest))

    def _drop(self, size: int) -> None:
        self._rest = self._rest[size:]
        self.offset += size

    def _fill(self) -> bool:
        """Have a byte at hand, and return whether there is one."""
        while not self._rest and self.failure is None:
            try:
                piece = next(self._pieces, None)
            except (CodecError, BudgetSpentError) as error:
                self.failure = error
                return False
            if piece is None:
                return False
            self._rest = memoryview(piece)
        return bool(self._rest)
