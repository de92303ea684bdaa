"""Whatever a file holds: a short part of what scripts/fuzz does at length, the same inputs in every run."""

from pathlib import Path

import pytest
from fuzz.findings import kept
from fuzz.model import Target
from fuzz.targets import BY_NAME, TARGETS
from fuzz.workers import Crew, Job, run_apart
from toolstack import ROOT

LEAST, FOR_EACH_THOUSANDTH = 30, 2
"""Executions of a target."""


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_whatever_the_input_is_the_result_keeps_its_promises(target: Target) -> None:
    count = max(LEAST, FOR_EACH_THOUSANDTH * target.share)
    crew = Crew([Job(target, target.seeds(), 0, 0, count)], 1)
    while crew.step():
        pass
    assert [(finding.case, finding.failure) for finding in crew.results.findings] == []
    tally = crew.results.tallies[target.name]
    assert tally.executions == count
    assert len(tally.outcomes) > 1, "a target whose inputs all end alike tests nothing behind that"


@pytest.mark.parametrize(("name", "path"), tuple(kept()), ids=lambda value: getattr(value, "name", value))
def test_an_input_that_once_showed_something_shows_nothing(name: str, path: Path) -> None:
    assert run_apart(BY_NAME[name], path.read_bytes()) is None


def test_every_target_is_in_the_documentation() -> None:
    table = (ROOT / "docs" / "fuzzing.md").read_text()
    for target in TARGETS:
        assert f"| `{target.name}` | {target.what} |" in table
