"""What goes where in the kernel segment: the loadable segments, as elf_load_binary upstream copies them.

The real loader is forgiving, and so is this: a segment whose bytes the file does not hold in full, or which
leaves the kernel's pages, is left out whole, and loading stops for good once the segments' sizes add up to
more than twice the kernel's. Each such case is reported as a warning.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from xlbuild.errors import Diagnostic, Where
from xlbuild.image.elf import ADDRESS_MASK, ElfFile, ProgramHeader
from xlbuild.image.model import Piece


def load_pieces(
    elf: ElfFile, start: int, room: int, name: str
) -> tuple[tuple[Piece, ...], tuple[Diagnostic, ...]]:
    """Return the pieces of a kernel that starts at physical address `start`, and what had to be left out.

    `room` is the size of the kernel segment's pages in bytes; no piece leaves them, none overlaps another.
    """
    canvas = _Canvas()
    warnings: list[Diagnostic] = []
    budget = 2 * room
    for segment in elf.loadable:
        if segment.memsz > budget:
            why = "the segments together are more than twice the kernel's size"
            warnings.append(_left_out(elf, name, segment, why))
            break
        budget -= segment.memsz
        offset = (segment.paddr - start) & ADDRESS_MASK
        missing = _missing(elf, segment, offset, room)
        if missing is None:
            data = elf.blob.data[segment.offset : segment.offset + segment.filesz]
            canvas.paint(offset, segment.filesz, data)
        elif segment.filesz:
            warnings.append(_left_out(elf, name, segment, missing))
        if segment.filesz < segment.memsz and offset + segment.memsz <= room:
            canvas.paint(offset + segment.filesz, segment.memsz - segment.filesz, None)
    return canvas.pieces(), tuple(warnings)


def _missing(elf: ElfFile, segment: ProgramHeader, offset: int, room: int) -> str | None:
    """Return why a segment's bytes cannot be copied; None when they can."""
    if not elf.blob.holds(segment.offset, segment.filesz):
        return "the file ends before it does"
    return "it leaves the kernel's pages" if offset + segment.filesz > room else None


def overlay(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    """Return pieces without overlaps: where two meet, the later one wins."""
    canvas = _Canvas()
    for piece in pieces:
        canvas.paint(piece.offset, len(piece.data), memoryview(piece.data))
    return canvas.pieces()


def _left_out(elf: ElfFile, name: str, segment: ProgramHeader, why: str) -> Diagnostic:
    in_file = segment.offset < elf.blob.size
    plural = "" if segment.filesz == 1 else "s"
    return Diagnostic(
        "kernel-segment-left-out",
        f"the segment at {segment.paddr:#x} ({segment.filesz:,} byte{plural} at file offset {segment.offset:#x})"
        f" is left out, as Xen leaves it out: {why}",
        Where(file=name, offset=segment.offset if in_file else None),
        "the file seems to be cut short or damaged: compare its size and checksum with the original",
    )


class _Canvas:
    """Runs of bytes painted over one another; a run of None is zeros."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._runs: list[tuple[int, int, memoryview | None]] = []

    def paint(self, start: int, length: int, data: memoryview | None) -> None:
        """Paint `length` bytes over whatever is there."""
        if not length:
            return
        end = start + length
        first = bisect_right(self._starts, start)
        if first and self._runs[first - 1][1] > start:
            first -= 1
        last = bisect_left(self._starts, end)
        fresh = []
        if first < last:
            low, high = self._runs[first], self._runs[last - 1]
            if low[0] < start:
                fresh.append(_cut(low, low[0], start))
            fresh.append((start, end, data))
            if high[1] > end:
                fresh.append(_cut(high, end, high[1]))
        else:
            fresh.append((start, end, data))
        self._runs[first:last] = fresh
        self._starts[first:last] = [run[0] for run in fresh]

    def pieces(self) -> tuple[Piece, ...]:
        """Return the painted bytes in ascending order; zeros are what is in no piece."""
        return tuple(Piece(start, data) for start, _, data in self._runs if data is not None and len(data))


def _cut(run: tuple[int, int, memoryview | None], start: int, end: int) -> tuple[int, int, memoryview | None]:
    low, _, data = run
    return start, end, None if data is None else data[start - low : end - low]
