"""Overlapping pieces are resolved as writing them one after the other would."""

from hypothesis import given
from hypothesis import strategies as st

from xlbuild.image.model import Piece
from xlbuild.image.pieces import overlay

RUNS = st.lists(st.tuples(st.integers(0, 60), st.binary(max_size=30)), max_size=12)


@given(RUNS)
def test_the_last_writer_wins(runs: list[tuple[int, bytes]]) -> None:
    memory = bytearray(100)
    for offset, data in runs:
        memory[offset : offset + len(data)] = data
    pieces = overlay(Piece(offset, data) for offset, data in runs)
    built = bytearray(100)
    for piece in pieces:
        built[piece.offset : piece.offset + len(piece.data)] = piece.data
    assert built == memory


@given(RUNS)
def test_pieces_ascend_and_do_not_overlap(runs: list[tuple[int, bytes]]) -> None:
    end = 0
    for piece in overlay(Piece(offset, data) for offset, data in runs):
        assert end <= piece.offset
        end = piece.offset + len(piece.data)
