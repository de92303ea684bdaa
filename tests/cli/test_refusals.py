"""The table of refusals (docs/refusals.md): each input, with the real command line, and all that is said of it."""

import re
import subprocess
from pathlib import Path

import pytest
from refusals import CASES, GROUPS, Case
from refusals.page import page
from refusals.run import make
from started import nothing, start
from toolstack import ROOT
from unprivileged import give_up_overrides

WITH_MEND = [case for case in CASES if case.mended is not None]


def named(case: Case) -> str:
    return case.what


def ended(case: Case, directory: Path, arguments: str) -> subprocess.CompletedProcess[str]:
    """Run xlbuild; what is no regular file is met as somebody without root's rights meets it."""
    prepare = nothing if case.prepare is None else give_up_overrides
    status, stdout, stderr = start(directory, *arguments.split(), prepare=prepare).end()
    return subprocess.CompletedProcess(arguments, status, stdout, stderr)


@pytest.mark.parametrize("case", CASES, ids=named)
def test_all_that_is_said_is_what_the_table_has(case: Case, tmp_path: Path) -> None:
    make(case, tmp_path)
    before = sorted(tmp_path.rglob("*"))
    done = ended(case, tmp_path, case.arguments)
    assert (done.stderr, done.stdout, done.returncode) == (case.said, "", case.status)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("case", CASES, ids=named)
def test_a_message_says_where_why_and_what_to_do(case: Case) -> None:
    first, *others = case.said.splitlines()
    found = re.fullmatch(r"xlbuild: (error|warning)(?:\[(XLB\d\d\d)\])?: (.+)", first)
    assert found, first
    assert any(line.startswith("  mend:  ") for line in others)
    told_by_warning = "--strict" in case.arguments or found[2] == "XLB001"
    assert told_by_warning or any(line.startswith("  cause: ") for line in others)
    places = {*case.files, *case.arguments.split(), "./hvmloader", "vmlinuz", "g", "'a/b'"}
    assert places & set(re.split("[ :,]+", found[3]))


@pytest.mark.parametrize("case", WITH_MEND, ids=named)
def test_the_mend_is_one(case: Case, tmp_path: Path) -> None:
    make(case, tmp_path)
    assert case.mended is not None
    done = ended(case, tmp_path, case.mended)
    assert done.returncode == 0, done.stderr
    assert "error" not in done.stderr


def test_the_page_is_what_the_table_makes() -> None:
    assert (ROOT / "docs" / "refusals.md").read_text() == page(), "run scripts/docs"


def test_there_are_sixty_cases_at_least_and_no_two_alike() -> None:
    assert len(CASES) >= 60
    assert len({case.what for case in CASES}) == len(CASES)
    assert all(group.cases for group in GROUPS)
