"""scripts/fuzz --engine atheris: the same targets and the same judgement, with inputs that coverage guides."""

import importlib.util
import os
import signal
from pathlib import Path

import pytest
from fuzz import main
from fuzz.guided import confirmed
from fuzz.model import Failure
from fuzz.workers import Finding

PLANTED = f"""
import os
import fuzz.execute
from fuzz.model import Failure

sound = fuzz.execute.execute

def execute(target, data):
    if data == b"<died>":
        os.kill(os.getpid(), {int(signal.SIGKILL)})
    if data == b"<fails>":
        return Failure("exception", "planted", "as the test wants it")
    if data == b"<slow>":
        return Failure("slow", "it takes too long", "as it is measured")
    return sound(target, data)

fuzz.execute.execute = execute
"""
"""A sitecustomize of the programs that a run starts."""


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A corpus with inputs that fail in the programs that a run starts, and not where they are run apart."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(PLANTED)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'site'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    corpus = tmp_path / "corpus" / "recognise"
    corpus.mkdir(parents=True)
    for word in ("died", "fails", "slow"):
        (corpus / word).write_text(f"<{word}>")
    return tmp_path / "corpus"


@pytest.mark.atheris
def test_under_atheris_a_target_fails_as_it_does_otherwise_and_what_reaches_new_code_is_kept(
    planted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--engine", "atheris", "--target", "recognise", "--count", "700", "--jobs", "1"]
    assert main.main([*arguments, "--corpus", str(planted), "--keep", str(tmp_path / "kept")]) == 1
    out = capsys.readouterr().out
    kept = {path.read_bytes() for path in (tmp_path / "kept" / "recognise").iterdir()}
    assert kept == {b"<died>", b"<fails>"}, "what is slow is slow where nothing is measured, too"
    assert "recognise: exception: planted" in out
    assert "it waits for something, or was killed" in out
    assert out.count("under atheris only: run apart, the input shows nothing") == 1
    (row,) = [line.split() for line in out.splitlines() if line.startswith("recognise  ")]
    assert int(row[1]) == 700
    reached = {path.name for path in (planted / "recognise").iterdir()} - {"died", "fails", "slow"}
    assert len(reached) > 3


@pytest.mark.atheris
def test_a_guided_run_for_some_time_counts_it_from_the_first_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--engine", "atheris", "--target", "recognise", "--minutes", "0.005", "--jobs", "1"]
    assert main.main([*arguments, "--keep", str(tmp_path)]) == 0
    assert int(capsys.readouterr().out.split()[-3].replace(",", "")) > 0


@pytest.mark.atheris
def test_a_program_that_does_not_start_ends_the_run_with_its_reason(planted: Path, tmp_path: Path) -> None:
    (tmp_path / "site" / "sitecustomize.py").write_text("import sys\nsys.modules['dice'] = None")
    with pytest.raises(SystemExit) as caught:
        main.main(["--engine", "atheris", "--target", "recognise", "--count", "1"])
    assert "the program for recognise does not start" in str(caught.value)
    assert "ModuleNotFoundError" in str(caught.value)


def test_without_atheris_it_is_told_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert main.main(["--engine", "atheris", "--count", "10"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("fuzz: atheris is not installed: ")
    assert told.endswith("pip install -e '.[dev,fuzz]'\n")


def test_what_is_slow_or_large_only_where_it_is_measured_is_no_finding() -> None:
    findings = [
        Finding("recognise", 0, b"x", Failure(kind, kind, ""))
        for kind in ("slow", "memory", "promise", "died", "exception")
    ]
    assert [finding.failure.kind for finding in confirmed(findings)] == ["promise", "died", "exception"]
