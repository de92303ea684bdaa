"""Where in a file each frame's page is, by runs: what a capture has of a guest's memory."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator
from heapq import heappop, heappush

from xlbuild.units import FrameRange, Pfn, bytes_of, merge_ranges

MOST_RUNS = 1 << 20
"""Runs that are taken: pages that follow one another in the file, of frames that do so, are one."""


class TooScatteredError(Exception):
    """There are more runs than MOST_RUNS."""


class PageRuns:
    """Runs of frames, ascending and disjoint, each with its place in the file, or without where it holds zeros.

    What is added later replaces what was added before, as when a page is sent again.
    """

    def __init__(self) -> None:
        """Start with none."""
        self._firsts = array("Q")
        self._ends = array("Q")
        self._offsets = array("q")
        self._is_sorted = True

    def add(self, first: int, pages: int, offset: int | None) -> None:
        """Add a run: its first frame, how many, and where in the file the first page is; None: all are zero.

        Raises TooScatteredError.
        """
        if pages <= 0:
            return
        at = -1 if offset is None else offset
        if self._firsts:
            end = self._ends[-1]
            last = self._offsets[-1]
            goes_on = at == (-1 if last < 0 else last + bytes_of(end - self._firsts[-1]))
            if first == end and goes_on:
                self._ends[-1] = first + pages
                return
            if first < end:
                self._is_sorted = False
        if len(self._firsts) >= MOST_RUNS:
            raise TooScatteredError
        self._firsts.append(first)
        self._ends.append(first + pages)
        self._offsets.append(at)

    def settle(self) -> None:
        """Put the runs in order: call it when all are added, before asking."""
        if self._is_sorted:
            return
        settled = PageRuns()
        for first, end, offset in _in_order(self._firsts, self._ends, self._offsets):
            settled.add(first, end - first, None if offset < 0 else offset)
        self._firsts, self._ends, self._offsets = settled._firsts, settled._ends, settled._offsets
        self._is_sorted = True

    def populated(self) -> tuple[FrameRange, ...]:
        """Return the frames that there are: ascending, disjoint."""
        pairs = zip(self._firsts, self._ends, strict=True)
        return merge_ranges(FrameRange(Pfn(first), Pfn(end)) for first, end in pairs)

    def within(self, frames: FrameRange) -> Iterator[tuple[Pfn, int, int | None]]:
        """Yield the parts of runs that lie in a range: first frame, pages, and place in the file or None."""
        at = bisect_right(self._ends, frames.first)
        while at < len(self._firsts) and self._firsts[at] < frames.end:
            first, end, offset = self._firsts[at], self._ends[at], self._offsets[at]
            start = max(first, frames.first)
            pages = min(end, frames.end) - start
            yield Pfn(start), pages, None if offset < 0 else offset + bytes_of(start - first)
            at += 1


def _in_order(firsts: array[int], ends: array[int], offsets: array[int]) -> Iterator[tuple[int, int, int]]:
    """Yield disjoint pieces of runs by frame; where several have a frame, the last of them has it."""
    order = sorted(range(len(firsts)), key=firsts.__getitem__)
    live: list[tuple[int, int]] = []  # the runs at hand: their numbers negated, so that the last comes first
    at, taken = 0, 0
    while live or taken < len(order):
        if not live:
            at = max(at, firsts[order[taken]])
        while taken < len(order) and firsts[order[taken]] <= at:
            heappush(live, (-order[taken], order[taken]))
            taken += 1
        run = live[0][1]
        if ends[run] <= at:
            heappop(live)
            continue
        end = ends[run]
        if taken < len(order):
            end = min(end, firsts[order[taken]])
        offset = offsets[run]
        yield at, end, offset if offset < 0 else offset + bytes_of(at - firsts[run])
        at = end
