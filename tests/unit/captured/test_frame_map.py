"""Machine frames behind a PV guest's frames, and the other way round."""

from hypothesis import given
from hypothesis import strategies as st

from xlbuild.captured.frames import FrameMap
from xlbuild.units import FrameRange, Mfn, Pfn

DISTINCT = st.dictionaries(st.integers(0, 60), st.integers(100, 10_000)).filter(
    lambda pairs: len(set(pairs.values())) == len(pairs)
)


@given(DISTINCT)
def test_each_frame_is_found_both_ways(pairs: dict[int, int]) -> None:
    frames = FrameMap((pfn, mfn, 1) for pfn, mfn in pairs.items())
    for pfn in range(62):
        assert frames.mfn_of(Pfn(pfn)) == pairs.get(pfn)
    for pfn, mfn in pairs.items():
        assert frames.pfn_of(Mfn(mfn)) == pfn
    assert frames.pfn_of(Mfn(99)) is None
    assert {p for r in frames.populated() for p in range(r.first, r.end)} == set(pairs)


def test_frames_that_go_up_together_are_one_run() -> None:
    frames = FrameMap([(0, 500, 1), (1, 501, 2), (3, 90, 1), (4, 91, 1)])
    assert list(frames.runs()) == [(0, 500, 3), (3, 90, 2)]
    assert frames.populated() == (FrameRange(Pfn(0), Pfn(5)),)
