"""Where addresses are in the picture of two memory maps: a scale in which a page and a hole of gigabytes are seen.

Both sides have the same scale, so that what did not move is at the same height on both. It is made of bands between
the addresses at which anything begins or ends on either side; a band is at least as high as a line of text, and
higher by the logarithm of its size where something lies in it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log2

from xlbuild.diff.model import Span
from xlbuild.units import PhysAddr, page_up, pages_for

LINE = 22.0
"""Least height of a band: a line of text fits into it."""
HOLE = 36.0
"""Height of a band in which nothing lies on either side; the scale is broken there."""
_DOUBLING = 4.0
"""How much higher a band is that is twice as large."""
_SMALL_HOLE = 16
"""Pages up to which a hole is no break."""


@dataclass(frozen=True, slots=True)
class Band:
    """Addresses between two edges."""

    first: int
    end: int
    top: float
    height: float
    is_break: bool
    """Whether it is a hole that is much smaller in the picture than it is."""

    @property
    def bottom(self) -> float:
        """Where it ends."""
        return self.top + self.height


@dataclass(frozen=True, slots=True)
class Scale:
    """Bands without gaps, ascending; at least one."""

    bands: tuple[Band, ...]

    @property
    def height(self) -> float:
        """Height of them all."""
        return self.bands[-1].bottom

    def y(self, address: int) -> float:
        """Return where an address is, between the scale's ends."""
        bands = self.bands
        band = bands[max(0, bisect_right(bands, address, key=lambda band: band.first) - 1)]
        share = (address - band.first) / (band.end - band.first)
        return band.top + band.height * min(max(share, 0.0), 1.0)


def drawn_spans(spans: Sequence[Span]) -> list[Span]:
    """Return the spans of one side as they are drawn: whole pages, where nothing else begins in the last one."""
    starts = sorted({span.first for span in spans})
    drawn = []
    for span in spans:
        end = page_up(max(span.end, span.first + 1))
        following = bisect_right(starts, max(span.first, span.end - 1))
        if following < len(starts):
            end = min(end, starts[following])
        drawn.append(Span(span.first, PhysAddr(end), span.virtual))
    return drawn


def make_scale(drawn: Sequence[Span], edges: Iterable[int]) -> Scale:
    """Return the scale of what is drawn on either side; it is broken at `edges`, too, and in it there must be one."""
    inside = {edge for span in drawn for edge in (span.first, span.end)}
    places = sorted(inside | set(edges))
    places = places if len(places) > 1 else [places[0], places[0] + 1]
    covered = _covered(drawn, places)
    bands, top = [], 0.0
    for first, end in pairwise(places):
        is_break = first not in covered and pages_for(end - first) > _SMALL_HOLE
        height = HOLE if is_break else LINE + _DOUBLING * log2(max(1, pages_for(end - first)))
        if first not in covered:
            height = min(height, HOLE)
        bands.append(Band(first, end, top, height, is_break))
        top += height
    return Scale(tuple(bands))


def _covered(drawn: Sequence[Span], places: Sequence[int]) -> set[int]:
    """Return the places at which a band begins that something lies in."""
    starting: dict[int, int] = {}
    for span in drawn:
        starting[span.first] = starting.get(span.first, 0) + 1
        starting[span.end] = starting.get(span.end, 0) - 1
    covered, depth = set(), 0
    for place in places:
        depth += starting.get(place, 0)
        if depth:
            covered.add(place)
    return covered
