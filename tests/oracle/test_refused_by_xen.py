"""Gives the table of refusals to Xen's own toolstack: what it does with each input is what the documentation says."""

from pathlib import Path

import pytest
from refusals import CASES, Case
from refusals.model import BUILDS, CRASHES, REFUSES
from refusals.run import config_in, make
from toolstack import Toolstack

SECONDS = 60


@pytest.mark.parametrize("case", [case for case in CASES if case.xl is not None], ids=lambda case: case.what)
def test_xl_does_with_it_what_the_table_says(case: Case, oracle: Toolstack, tmp_path: Path) -> None:
    make(case, tmp_path)
    config, out = tmp_path / "for-xl.cfg", tmp_path / "out"
    out.mkdir()
    config.write_text(config_in(case, tmp_path))
    built = oracle.xlcreate_to_its_end(config, out, seconds=SECONDS)
    assert case.xl == (CRASHES if built.died else REFUSES if built.refused else BUILDS)
    assert (out / "domain.json").exists() == (case.xl == BUILDS)


@pytest.mark.parametrize("case", [case for case in CASES if "room" in case.what], ids=lambda case: case.what)
def test_the_memory_that_is_named_is_the_least_that_xl_builds_with(
    case: Case, oracle: Toolstack, tmp_path: Path
) -> None:
    make(case, tmp_path)
    assert case.mended is not None
    needed = int(case.mended.rpartition("memory=")[2])
    assert f"memory = {needed}\n" in case.said
    config = config_in(case, tmp_path)
    assert not oracle.try_xlcreate(config, f"memory={needed}").refused
    assert oracle.try_xlcreate(config, f"memory={needed - 1}").refused
