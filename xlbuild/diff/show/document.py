"""A comparison as a JSON document (docs/diff.md, xlbuild/emit/diff.schema.json)."""

from xlbuild.diff.model import Comparison, Difference, MapRow, OwnerPages, Piece, Run, Section, Side, Span
from xlbuild.diff.show.summary import summary
from xlbuild.diff.show.words import piece_changes
from xlbuild.inspect.tree import Branch, Tree, hexadecimal

SCHEMA = "xlbuild.diff/1"
"""What a comparison calls itself."""


def document(comparison: Comparison) -> Branch:
    """Return all that differs: addresses and offsets as "0x…" strings, counts and bytes moved as integers."""
    return {
        "schema": SCHEMA,
        "same": comparison.same,
        "summary": summary(comparison),
        "a": _side(comparison.a),
        "b": _side(comparison.b),
        "sections": [_section(section) for section in comparison.sections],
        "map": [_piece(piece) for piece in comparison.pieces],
        "pages": [_owner(owner) for owner in comparison.pages],
        "remarks": list(comparison.remarks),
    }


def _side(side: Side) -> Branch:
    return {
        "label": side.label,
        "what": side.what,
        "container": side.container,
        "profile": side.profile,
        "digest": side.digest,
        "memory_map": [_row(row) for row in side.memory_map],
    }


def _row(row: MapRow) -> Branch:
    return {"addr": hexadecimal(row.span.first), "size": row.span.size, "means": row.means}


def _section(section: Section) -> Branch:
    return {
        "name": section.name,
        "title": section.title,
        "counts": section.counts,
        "differences": [_difference(difference) for difference in section.differences],
    }


def _difference(difference: Difference) -> Branch:
    return {
        "path": difference.path,
        "change": difference.change.value,
        "a": difference.a,
        "b": difference.b,
        "a_means": difference.means_a,
        "b_means": difference.means_b,
        "delta": difference.delta,
        "why": difference.why,
    }


def _piece(piece: Piece) -> Branch:
    return {
        "path": piece.path,
        "name": piece.name,
        "title": piece.title,
        "changes": [change.name.lower() for change in piece_changes(piece)],
        "a": _span(piece.a),
        "b": _span(piece.b),
        "moved": piece.moved,
        "grown": piece.grown,
    }


def _span(span: Span | None) -> Tree:
    if span is None:
        return None
    return {
        "first": hexadecimal(span.first),
        "end": hexadecimal(span.end),
        "virtual": None if span.virtual is None else hexadecimal(span.virtual),
    }


def _owner(owner: OwnerPages) -> Branch:
    return {
        "path": owner.path,
        "owner": owner.owner,
        "same": owner.same,
        "changed": owner.changed,
        "shifted": owner.shifted,
        "added": owner.added,
        "removed": owner.removed,
        "runs": [_run(run) for run in owner.runs],
        "runs_left_out": owner.runs_left_out,
    }


def _run(run: Run) -> Branch:
    return {
        "offset": hexadecimal(run.offset),
        "size": run.size,
        "change": run.change.value,
        "differing": run.differing,
        "field": run.field,
        "words": run.words,
        "a": run.a.hex(),
        "b": run.b.hex(),
        "why": run.why,
    }
