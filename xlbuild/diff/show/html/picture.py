"""The picture of both memory maps: pieces as boxes in address order, bands between those that are the same thing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from xlbuild.diff.model import Comparison, MapRow, Piece, Side, Span
from xlbuild.diff.show.html.columns import COLUMNS, HEIGHT_ABOVE, WIDTH, Column
from xlbuild.diff.show.html.labels import box_label, change_class, tooltip
from xlbuild.diff.show.html.markup import Element, Node, classed, element, plain
from xlbuild.diff.show.html.scale import Band, Scale, drawn_spans, make_scale
from xlbuild.units import human_size

_MOST = 200
"""Pieces that are drawn; no guest has as many."""
_LANE = 16.0
"""By how much a box is narrower that lies in another one's place."""
_LINE = 14.0
_TALL = 38.0
"""Height of a box from which on it has room for a second line."""
_UNMAPPED = "not in the memory map"
"""What a gap is of which no entry tells; an HVM guest may have memory there all the same."""


@dataclass(frozen=True, slots=True)
class _Box:
    """A piece on one side, where it is drawn."""

    piece: Piece
    span: Span
    """As it is."""
    drawn: Span
    lane: int


def picture(comparison: Comparison) -> Element | None:
    """Return the picture; None where nothing lies in any memory."""
    pieces = comparison.pieces[:_MOST]
    boxes = (_boxes(pieces, lambda piece: piece.a), _boxes(pieces, lambda piece: piece.b))
    drawn = [box.drawn for side in boxes for box in side]
    maps = (comparison.a.memory_map, comparison.b.memory_map)
    edges = {edge for rows in maps for row in rows[:_MOST] for edge in (row.span.first, row.span.end)}
    if not drawn and not edges:
        return None
    scale = make_scale(drawn, edges)
    height = f"{HEIGHT_ABOVE + scale.height + 12:.0f}"
    return element(
        "svg",
        {"viewBox": f"0 0 {WIDTH} {height}", "role": "img", "aria-labelledby": "map-title map-description"},
        element("title", {"id": "map-title"}, "Both memory maps, side by side"),
        element("desc", {"id": "map-description"}, _description(comparison)),
        *(_head(column, side) for column, side in zip(COLUMNS, (comparison.a, comparison.b), strict=True)),
        element(
            "g",
            {"transform": f"translate(0 {HEIGHT_ABOVE})"},
            *(
                part
                for column, rows in zip(COLUMNS, maps, strict=True)
                for part in _ground(column, scale, rows[:_MOST])
            ),
            *_bands(scale, *boxes),
            *(
                part
                for column, side in zip(COLUMNS, boxes, strict=True)
                for part in _side(column, scale, side)
            ),
            *(
                part
                for column, side, rows in zip(COLUMNS, boxes, maps, strict=True)
                for part in _gaps(column, scale, side, rows[:_MOST])
            ),
        ),
    )


def _description(comparison: Comparison) -> str:
    drawn = min(len(comparison.pieces), _MOST)
    cut = (
        f"the first {drawn} of {len(comparison.pieces)} pieces"
        if drawn < len(comparison.pieces)
        else "pieces"
    )
    return (
        f"On the left the first side, on the right the second: {cut} of memory in the order of their addresses, "
        "low ones above, with bands between those that are the same thing. The table below says the same."
    )


def _boxes(pieces: Sequence[Piece], place: Callable[[Piece], Span | None]) -> list[_Box]:
    """Return one side's boxes, by address; one that begins in another is drawn in a lane of its own."""
    found = [(span, piece) for piece in pieces if (span := place(piece)) is not None]
    found.sort(key=lambda item: (item[0].first, -item[0].end))
    boxes: list[_Box] = []
    ends: list[int] = []
    for (span, piece), drawn in zip(found, drawn_spans([span for span, _ in found]), strict=True):
        ends = [end for end in ends if end > drawn.first]
        boxes.append(_Box(piece, span, drawn, min(len(ends), 4)))
        ends.append(drawn.end)
    return boxes


def _head(column: Column, side: Side) -> Element:
    return plain(
        "g",
        _text(column.middle, 16, "head", f"{column.letter}: {column.fitting(side.label, 3)}"),
        _text(column.middle, 32, "quiet", column.fitting(side.container or side.what, 0)),
    )


def _ground(column: Column, scale: Scale, rows: Sequence[MapRow]) -> Iterator[Element]:
    """Yield what lies below everything: the strip of the memory map, and where there is RAM."""
    for row in rows:
        top, bottom = scale.y(row.span.first), scale.y(row.span.end)
        kind = _map_class(row.means)
        title = plain(
            "title", f"{row.means}: {row.span.first:#x}..{row.span.end:#x}, {human_size(row.span.size)}"
        )
        height = bottom - top
        middle = f"{column.strip + column.strip_width / 2:.1f} {top + height / 2:.1f}"
        label = element(
            "text", {"class": "turned", "transform": f"translate({middle}) rotate(-90)"}, row.means
        )
        yield classed(
            "g",
            f"map {kind}",
            title,
            _rectangle(column.strip, top, column.strip_width, height, "strip"),
            _rectangle(column.left, top, column.width, height, "ground") if kind == "ram" else None,
            label if height > 9 * len(row.means) else None,
        )


def _map_class(means: str) -> str:
    """Return the class of a memory map's entry: RAM, ACPI, or anything else."""
    words = means.lower()
    return "ram" if words == "ram" else "acpi" if "acpi" in words else "reserved"


def _break(column: Column, band: Band) -> Element:
    """Return the two torn edges between which the scale is broken."""
    left, right = column.outer
    steps = 12
    xs = [left + (right - left) * step / steps for step in range(steps + 1)]
    upper, lower = (
        [f"{x:.1f} {y + (3 if step % 2 else -3):.1f}" for step, x in enumerate(xs)]
        for y in (band.top + 7, band.bottom - 7)
    )
    return plain(
        "g",
        element("path", {"class": "torn", "d": f"M{' L'.join(upper)} L{' L'.join(reversed(lower))} Z"}),
        element("path", {"class": "edge", "d": f"M{' L'.join(upper)} M{' L'.join(lower)}"}),
    )


def _bands(scale: Scale, a: Sequence[_Box], b: Sequence[_Box]) -> Iterator[Element]:
    """Yield a band from each piece on the first side to the same on the second."""
    others = {id(box.piece): box for box in b}
    left, right = COLUMNS[0].right, COLUMNS[1].left
    middle = f"{(left + right) / 2:.0f}"
    for box in a:
        other = others.get(id(box.piece))
        if other is None:
            continue
        tops, bottoms = (
            [f"{scale.y(address):.1f}" for address in pair]
            for pair in ((box.drawn.first, other.drawn.first), (box.drawn.end, other.drawn.end))
        )
        outline = (
            f"M{left} {tops[0]} C{middle} {tops[0]} {middle} {tops[1]} {right} {tops[1]} "
            f"L{right} {bottoms[1]} C{middle} {bottoms[1]} {middle} {bottoms[0]} {left} {bottoms[0]} Z"
        )
        yield classed(
            "g",
            f"band {change_class(box.piece)}",
            plain("title", tooltip(box.piece)),
            element("path", {"d": outline}),
        )


def _side(column: Column, scale: Scale, boxes: Sequence[_Box]) -> Iterator[Element]:
    """Yield the boxes of a side, and the addresses at its edge."""
    starts = {box.drawn.first for box in boxes}
    for box in boxes:
        top, bottom = scale.y(box.drawn.first), scale.y(box.drawn.end)
        inset = _LANE * box.lane
        name, said = box_label(box.piece, box.span, is_second=column is COLUMNS[1])
        left = column.left + inset
        room = column.characters(column.width - inset - 12)
        lines = _lines(name, said, room, is_tall=bottom - top >= _TALL)
        yield classed(
            "g",
            f"piece {change_class(box.piece)}",
            plain("title", tooltip(box.piece)),
            _rectangle(left, top, column.width - inset, bottom - top, "box"),
            _text(left + 6, top + 15, "name", lines[0]),
            _text(column.right - 6, top + 15, "said at-end", lines[1]) if lines[1] else None,
            _text(left + 6, top + 30, "said", lines[2]) if lines[2] else None,
        )
        if box.lane == 0:
            yield _address(column, top + 4, box.span.first)
            if box.drawn.end not in starts:
                yield _address(column, bottom + 4, box.span.end)


def _lines(name: str, said: str, room: int, *, is_tall: bool) -> tuple[str, str, str]:
    """Return what stands in a box: its name, and behind or (where it is tall) below it what is said of it."""
    if is_tall:
        return _cut(name, room), "", _cut(said, room)
    said = _cut(said, room // 2 + 2)
    return _cut(name, room - len(said) - 1), said, ""


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: max(room - 1, 0)]}…"


def _gaps(column: Column, scale: Scale, boxes: Sequence[_Box], rows: Sequence[MapRow]) -> Iterator[Element]:
    """Yield how large each gap is between a side's pieces, and what memory is in it; torn edges where it is large."""
    edges = {edge for row in rows for edge in (row.span.first, row.span.end)}
    places = sorted(edges | {edge for box in boxes for edge in (box.drawn.first, box.drawn.end)})
    for first, end in pairwise(places):
        if any(box.drawn.first <= first < box.drawn.end for box in boxes):
            continue
        means = next((row.means for row in rows if row.span.first <= first < row.span.end), _UNMAPPED)
        breaks = [band for band in scale.bands if band.is_break and first <= band.first < end]
        torn = max(breaks, key=lambda band: band.end - band.first, default=None)
        top, bottom = (torn.top, torn.bottom) if torn else (scale.y(first), scale.y(end))
        if torn:
            yield _break(column, torn)
        if bottom - top >= _LINE:
            label = column.fitting(f"{human_size(end - first)}, {means}", 0)
            yield _text(column.middle, (top + bottom) / 2 + 4, "gap", label)


def _address(column: Column, y: float, address: int) -> Element:
    return _text(column.address, y, f"address {column.address_class}", f"{address:#x}")


def _text(x: float, y: float, classes: str, text: Node) -> Element:
    return element("text", {"class": classes, "x": f"{x:.1f}", "y": f"{y:.1f}"}, text)


def _rectangle(x: float, y: float, width: float, height: float, classes: str) -> Element:
    places = {"x": f"{x:.1f}", "y": f"{y:.1f}", "width": f"{width:.1f}", "height": f"{height:.1f}"}
    return element("rect", {"class": classes, **places})
