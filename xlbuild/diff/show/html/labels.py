"""What the picture and the tables say of a piece of memory."""

from xlbuild.diff.model import Piece, Span
from xlbuild.diff.show.words import PieceChange, piece_changes, piece_words, span_text
from xlbuild.inspect.words import counted
from xlbuild.units import human_size, page_offset, whole_pages

_FEW_PAGES = 16
"""Less than so many pages are told as pages."""


def change_class(piece: Piece) -> str:
    """Return the class, that is the colour, of what became of a piece."""
    changes = piece_changes(piece)
    return changes[0].name.lower() if changes else "same"


def box_label(piece: Piece, span: Span, *, is_second: bool) -> tuple[str, str]:
    """Return a box's name and what is said behind it: what became of the piece, or else its size."""
    changes = piece_changes(piece)
    if not changes or not (is_second or PieceChange.REMOVED in changes):
        return piece.name, human_size(span.size)
    return piece.name, ", ".join(_short(piece, change) for change in changes)


def _short(piece: Piece, change: PieceChange) -> str:
    if change is PieceChange.MOVED:
        return f"moved {_signed(piece.moved)}"
    if change in (PieceChange.GREW, PieceChange.SHRANK):
        return f"{change} {_signed(piece.grown)}"
    return change.value


def _signed(size: int) -> str:
    """Return an amount shortly: `+1 page`, `−3.9 GiB`."""
    sign, size = ("+" if size > 0 else "−"), abs(size)
    pages = whole_pages(size)
    if page_offset(size) or pages >= _FEW_PAGES:
        return f"{sign}{human_size(size)}"
    return f"{sign}{counted(pages, 'page')}"


def tooltip(piece: Piece) -> str:
    """Return all there is to say of a piece."""
    title = f"{piece.name} ({piece.title})" if piece.title != piece.name else piece.name
    return f"{title}: {piece_words(piece) or 'the same'}; a: {_place(piece.a)}; b: {_place(piece.b)}"


def _place(span: Span | None) -> str:
    if span is None:
        return "nothing"
    virtual = f", virtual {span.virtual:#x}" if span.virtual is not None else ""
    return f"{span_text(span)} ({human_size(span.size)}){virtual}"
