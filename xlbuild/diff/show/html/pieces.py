"""Memory on the page: the picture of both maps, what its colours mean, and the same as a table."""

from collections.abc import Iterator, Sequence

from xlbuild.diff.model import Comparison, Piece, Span
from xlbuild.diff.show.html.markup import Element, Node, classed, element, folded, plain, table
from xlbuild.diff.show.html.picture import picture
from xlbuild.diff.show.words import NOTHING, PieceChange, piece_changes, piece_word, span_text
from xlbuild.inspect.words import counted
from xlbuild.units import human_size

_LEGEND = (
    ("same", "the same"),
    (PieceChange.MOVED.name.lower(), "moved"),
    (PieceChange.GREW.name.lower(), "grew or shrank"),
    (PieceChange.CONTENTS.name.lower(), "contents differ"),
    (PieceChange.ADDED.name.lower(), "new"),
    (PieceChange.REMOVED.name.lower(), "gone"),
)


def memory_block(comparison: Comparison) -> Element | None:
    """Return the section about memory; None where there is none on either side."""
    drawing = picture(comparison)
    if drawing is None:
        return None
    told = [piece for piece in comparison.pieces if piece_changes(piece)]
    same = [piece for piece in comparison.pieces if not piece_changes(piece)]
    return element(
        "section",
        {"aria-labelledby": "memory"},
        element("h2", {"id": "memory"}, "In memory"),
        classed(
            "ul", "legend", *(plain("li", classed("span", f"chip {name}", text)) for name, text in _LEGEND)
        ),
        classed(
            "p",
            "note",
            "Low addresses are above. The scale is the same on both sides and is not even: "
            "a page is a line high, and torn edges leave out a hole.",
        ),
        plain("figure", element("div", {"class": "scroll", "tabindex": "0"}, drawing)),
        _table("Pieces of memory that differ", told)
        if told
        else classed("p", "note", "All pieces are the same."),
        folded(
            f"{counted(len(same), 'piece')} at the same place, with the same contents",
            "more",
            _table("The same", same),
        )
        if same
        else None,
    )


def _table(caption: str, pieces: Sequence[Piece]) -> Element:
    columns = ("piece", "a", "b", "what became of it")
    return classed("div", "places scroll", table(caption, columns, (_row(piece) for piece in pieces)))


def _row(piece: Piece) -> Element:
    title = classed("span", "said", piece.title) if piece.title != piece.name else None
    return plain(
        "tr",
        element("th", {"scope": "row"}, piece.name, title),
        _place(piece.a),
        _place(piece.b),
        plain("td", *_chips(piece)),
    )


def _chips(piece: Piece) -> Iterator[Node]:
    """Yield what became of a piece, each in its colour."""
    changes = piece_changes(piece)
    for change in changes:
        yield classed("span", f"chip {change.name.lower()}", piece_word(piece, change))
        yield " "
    if not changes:
        yield classed("span", "chip same", "the same")


def _place(span: Span | None) -> Element:
    if span is None:
        return plain("td", NOTHING)
    virtual = f", virtual {span.virtual:#x}" if span.virtual is not None else ""
    return plain(
        "td", plain("code", span_text(span)), classed("span", "said", f"{human_size(span.size)}{virtual}")
    )
