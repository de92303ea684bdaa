"""Where in a text an offset is: its line and column, found fast in texts of any size and with lines of any length."""

_BLOCK = 4096


class Lines:
    """The lines of a text, counted once for each block of it."""

    __slots__ = ("_before", "_data", "_line_starts")

    def __init__(self, data: bytes) -> None:
        """Count the lines of `data`."""
        self._data = data
        self._before = [0]
        self._line_starts = [0]
        for start in range(0, len(data), _BLOCK):
            end = start + _BLOCK
            newline = data.rfind(b"\n", start, end)
            self._before.append(self._before[-1] + data.count(b"\n", start, end))
            self._line_starts.append(self._line_starts[-1] if newline < 0 else newline + 1)

    def place(self, offset: int) -> tuple[int, int]:
        """Return line and column (in bytes) of an offset, both counted from 1."""
        block = offset // _BLOCK
        newline = self._data.rfind(b"\n", block * _BLOCK, offset)
        line_start = self._line_starts[block] if newline < 0 else newline + 1
        line = 1 + self._before[block] + self._data.count(b"\n", block * _BLOCK, offset)
        return line, offset - line_start + 1
