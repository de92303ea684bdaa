"""A PV guest's frames as its host had them: which machine frame was behind each, and the other way round."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator

from xlbuild.captured.pageruns import MOST_RUNS, TooScatteredError
from xlbuild.units import FrameRange, Mfn, Pfn, merge_ranges


class FrameMap:
    """Pairs of a guest frame and the machine frame behind it, kept as runs in which both go up together."""

    def __init__(self, runs: Iterable[tuple[int, int, int]]) -> None:
        """Take runs (pfn, mfn, pages) in any order; of two for one frame the last counts. TooScatteredError."""
        self._pfns, self._mfns, self._pages = array("Q"), array("Q"), array("Q")
        for pfn, mfn, pages in runs:
            if self._pages and self._continues(pfn, mfn):
                self._pages[-1] += pages
                continue
            if len(self._pages) >= MOST_RUNS:
                raise TooScatteredError
            self._pfns.append(pfn)
            self._mfns.append(mfn)
            self._pages.append(pages)
        self._by_pfn = _Lookup(self._pfns, self._mfns, self._pages)
        self._by_mfn = _Lookup(self._mfns, self._pfns, self._pages)

    def _continues(self, pfn: int, mfn: int) -> bool:
        pages = self._pages[-1]
        return pfn == self._pfns[-1] + pages and mfn == self._mfns[-1] + pages

    @property
    def is_identity(self) -> bool:
        """Whether each machine frame has its guest frame's number."""
        return self._pfns == self._mfns

    def mfn_of(self, pfn: Pfn) -> Mfn | None:
        """Return the machine frame behind a guest frame; None where there is none."""
        found = self._by_pfn.find(pfn)
        return None if found is None else Mfn(found)

    def pfn_of(self, mfn: Mfn) -> Pfn | None:
        """Return the guest frame that a machine frame is behind; None for one that is not the guest's."""
        found = self._by_mfn.find(mfn)
        return None if found is None else Pfn(found)

    def run_from(self, mfn: Mfn) -> tuple[Pfn | None, int]:
        """Return the guest frame that a machine frame is behind, and for how many both go up; None, 1: none."""
        found, pages = self._by_mfn.find_run(mfn)
        return (None, 1) if found is None else (Pfn(found), pages)

    def populated(self) -> tuple[FrameRange, ...]:
        """Return the guest frames that there are: ascending, disjoint."""
        runs = zip(self._pfns, self._pages, strict=True)
        return merge_ranges(FrameRange.of(pfn, pages) for pfn, pages in runs)

    def runs(self) -> Iterator[tuple[Pfn, Mfn, int]]:
        """Yield the runs in the order of the file: first guest frame, first machine frame, how many."""
        for pfn, mfn, pages in zip(self._pfns, self._mfns, self._pages, strict=True):
            yield Pfn(pfn), Mfn(mfn), pages


class _Lookup:
    """Finds what a number stands for among runs."""

    def __init__(self, keys: array[int], values: array[int], pages: array[int]) -> None:
        order = sorted(range(len(keys)), key=keys.__getitem__)
        self._keys = array("Q", (keys[at] for at in order))
        self._values = array("Q", (values[at] for at in order))
        self._pages = array("Q", (pages[at] for at in order))

    def find(self, key: int) -> int | None:
        return self.find_run(key)[0]

    def find_run(self, key: int) -> tuple[int | None, int]:
        at = bisect_right(self._keys, key) - 1
        if at < 0 or key - self._keys[at] >= self._pages[at]:
            return None, 0
        behind = key - self._keys[at]
        return self._values[at] + behind, self._pages[at] - behind
