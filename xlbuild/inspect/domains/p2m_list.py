"""A PV guest's p2m list as it lies in memory: which machine frames it gives to which frames, in runs."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from xlbuild.built import WORD_SIZES, BuiltDomain
from xlbuild.inspect.tree import Branch, Tree, hexadecimal
from xlbuild.units import MIB, PhysAddr, paddr_of

_TYPECODES: dict[int, str] = {8: "Q", 4: "I"}
_PIECE = MIB
_MOST_READ = 32 * MIB
"""Bytes of the list that are looked at: of a guest of 16 GiB it is all."""
_MOST_RUNS = 16


@dataclass(frozen=True, slots=True)
class P2mRun:
    """Frames that follow one another, on machine frames that do."""

    pfn: int
    mfn: int
    frames: int


@dataclass(frozen=True, slots=True)
class P2mSummary:
    """What was found in a p2m list."""

    entries: int
    """How many it has."""
    examined: int
    """How many of them, from the first on, were looked at."""
    runs: tuple[P2mRun, ...]
    """The first runs of those."""


def read_p2m(built: BuiltDomain) -> P2mSummary | None:
    """Return a PV guest's p2m list in runs; None for other guests. It costs no more for larger ones."""
    segment = built.segment("phys2mach")
    size = WORD_SIZES.get(built.guest_type)
    if segment is None or size is None:
        return None
    entries = min(built.total_pages, (segment.vend - segment.vstart) // size)
    runs: list[P2mRun] = []
    examined = 0
    for piece in _pieces(built, paddr_of(segment.pfn), min(entries, _MOST_READ // size), size):
        for start, frames in _runs_in(piece):
            _append(runs, P2mRun(examined + start, piece[start], frames))
            if len(runs) > _MOST_RUNS:
                return P2mSummary(entries, examined + start, tuple(runs[:_MOST_RUNS]))
        examined += len(piece)
    return P2mSummary(entries, examined, tuple(runs))


def describe_p2m(built: BuiltDomain) -> Branch | None:
    """Return the p2m list's place and its runs."""
    summary, segment = read_p2m(built), built.segment("phys2mach")
    if summary is None or segment is None:
        return None
    described: dict[str, Tree] = {
        "addr": hexadecimal(paddr_of(segment.pfn)),
        "virt": hexadecimal(segment.vstart),
        "entries": summary.entries,
        "examined": summary.examined,
        "runs": [
            {"pfn": hexadecimal(run.pfn), "mfn": hexadecimal(run.mfn), "frames": run.frames}
            for run in summary.runs
        ],
    }
    if _is_identity(summary):
        described["runs_means"] = "machine frames equal the guest's"
    return described


def p2m_problems(built: BuiltDomain) -> Iterator[str]:
    """Yield what is not as in every image that is written: the machine frames equal the guest's."""
    summary = read_p2m(built)
    if summary is None:
        return
    if summary.entries < built.total_pages:
        yield f"the p2m list has room for {summary.entries} frames, and the guest has {built.total_pages}"
    wrong = next((run for run in summary.runs if run.pfn != run.mfn), None)
    if wrong is not None:
        yield f"p2m[{wrong.pfn:#x}] is {wrong.mfn:#x} in memory.img, and the image has the frame at {wrong.pfn:#x}"


def _is_identity(summary: P2mSummary) -> bool:
    return all(run.pfn == run.mfn for run in summary.runs)


def _pieces(built: BuiltDomain, address: PhysAddr, entries: int, size: int) -> "Iterator[array[int]]":
    step = _PIECE // size
    for first in range(0, entries, step):
        count = min(step, entries - first)
        data = built.memory.read(PhysAddr(address + first * size), count * size)
        yield array(_TYPECODES[size], data)


def _runs_in(piece: "array[int]") -> Iterator[tuple[int, int]]:
    """Yield start and length of each run of numbers that follow one another."""
    start, count = 0, len(piece)
    while start < count:
        length = _run_length(piece, start)
        yield start, length
        start += length


def _run_length(piece: "array[int]", start: int) -> int:
    """Return how long the run from an index on is; one that fills the whole piece is seen at once."""
    first, rest = piece[start], len(piece) - start
    if start == 0 and piece[-1] == first + rest - 1 and _is_run(piece):
        return rest
    length = 1
    while length < rest and piece[start + length] == first + length:
        length += 1
    return length


def _is_run(piece: "array[int]") -> bool:
    """Return whether each number of a piece is one more than the one before, and none wraps.

    All of them at once, as one long number each: counted from 0, and what the first has more in every place.
    """
    size, count = piece.itemsize, len(piece)
    counted, ones = _places(size, count)
    return int.from_bytes(piece, "little") == counted + piece[0] * ones


@cache
def _places(size: int, count: int) -> tuple[int, int]:
    """Return 0, 1, 2, … and 1, 1, 1, … as one little-endian number each, `size` bytes to a place."""
    counted = array(_TYPECODES[size], range(count))
    return int.from_bytes(counted, "little"), int.from_bytes((1).to_bytes(size, "little") * count, "little")


def _append(runs: list[P2mRun], run: P2mRun) -> None:
    """Add a run, or lengthen the last one where it goes on."""
    if runs and runs[-1].mfn + runs[-1].frames == run.mfn and runs[-1].pfn + runs[-1].frames == run.pfn:
        run = P2mRun(runs[-1].pfn, runs[-1].mfn, runs[-1].frames + run.frames)
        runs.pop()
    runs.append(run)
