"""A p2m list is told in runs, whatever is in it, and looked at only so far."""

from array import array
from dataclasses import replace

import pytest
from builtdomains import PV
from dice import Dice

import xlbuild
from xlbuild.built import BuiltDomain
from xlbuild.emit.readback import in_memory
from xlbuild.inspect.domains import p2m_list
from xlbuild.inspect.domains.p2m_list import P2mRun, describe_p2m, p2m_problems, read_p2m
from xlbuild.units import PhysAddr


@pytest.fixture
def domain() -> BuiltDomain:
    return in_memory(xlbuild.build(PV), "g")


def with_list(domain: BuiltDomain, mfns: list[int]) -> BuiltDomain:
    """Return a domain whose p2m list begins with these machine frames."""
    segment = domain.segment("phys2mach")
    assert segment is not None
    memory = domain.memory
    assert isinstance(memory, xlbuild.memory.GuestMemory)
    memory.claim("changed", segment.frames)
    memory.replace("changed", PhysAddr(segment.pfn * 4096), array("Q", mfns).tobytes())
    return domain


def runs_of(mfns: list[int]) -> list[tuple[int, int, int]]:
    """Return the runs of a list, one frame after the other."""
    runs: list[tuple[int, int, int]] = []
    for pfn, mfn in enumerate(mfns):
        if runs and runs[-1][1] + runs[-1][2] == mfn:
            runs[-1] = (*runs[-1][:2], runs[-1][2] + 1)
        else:
            runs.append((pfn, mfn, 1))
    return runs


def test_runs_go_on_over_the_pieces_in_which_the_list_is_read(
    domain: BuiltDomain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(p2m_list, "_PIECE", 4096)
    mfns = [*range(0x900, 0x900 + 1000), *range(1000, 4096)]
    found = read_p2m(with_list(domain, mfns))
    assert found is not None
    assert found.runs == (P2mRun(0, 0x900, 1000), P2mRun(1000, 1000, 3096))
    assert (found.entries, found.examined) == (4096, 4096)
    described = describe_p2m(domain)
    assert described is not None
    assert "runs_means" not in described
    assert list(p2m_problems(domain)) == [
        "p2m[0x0] is 0x900 in memory.img, and the image has the frame at 0x0"
    ]


@pytest.mark.parametrize("seed", range(20))
def test_lists_with_a_few_breaks_are_told_as_they_are(
    domain: BuiltDomain, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    dice = Dice(seed)
    monkeypatch.setattr(p2m_list, "_PIECE", 8 * dice.randrange(1, 600))
    mfns = list(range(4096))
    for _ in range(dice.randrange(6)):
        at = dice.randrange(4096)
        mfns[at] = dice.choice([0, at + 1, (1 << 64) - 1, dice.randrange(1 << 20)])
    found = read_p2m(with_list(domain, mfns))
    assert found is not None
    assert [(run.pfn, run.mfn, run.frames) for run in found.runs] == runs_of(mfns)[:16]


def test_a_list_without_runs_is_looked_at_no_further_than_is_told(domain: BuiltDomain) -> None:
    found = read_p2m(with_list(domain, [7] * 4096))
    assert found is not None
    assert len(found.runs) == 16
    assert found.examined == 16
    assert found.entries == 4096


def test_of_a_long_list_only_a_part_is_looked_at(
    domain: BuiltDomain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(p2m_list, "_MOST_READ", 8000)
    found = read_p2m(domain)
    assert found is not None
    assert (found.entries, found.examined) == (4096, 1000)
    assert found.runs == (P2mRun(0, 0, 1000),)


def test_a_list_that_is_too_short_is_told(domain: BuiltDomain) -> None:
    larger = replace(domain, total_pages=1 << 30)
    assert list(p2m_problems(larger)) == [
        "the p2m list has room for 4096 frames, and the guest has 1073741824"
    ]
