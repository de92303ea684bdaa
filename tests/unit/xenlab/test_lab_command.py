"""The lab says plainly when it cannot come up, and is made again when what it depends on has changed."""

from pathlib import Path

import pytest
import xenlab.main
import xenlab.setup
from xenlab.model import Lab, LabError
from xenlab.setup import STEPS, Step, set_up


def _done(lab: Lab, *names: str) -> None:
    lab.stamps.mkdir(parents=True)
    for step in STEPS:
        if step.name in names:
            (lab.stamps / step.name).write_text(step.made_for())


def test_a_run_without_a_lab_says_how_to_set_it_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(xenlab.main, "Lab", lambda: Lab(tmp_path / "lab"))
    assert xenlab.main.main(["run", "-", "script.sh", str(tmp_path / "out")]) == 3
    assert capsys.readouterr().err == "xenlab: the lab is not set up (scripts/xenlab setup)\n"


def test_making_the_dom0_tree_needs_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lab = Lab(tmp_path / "lab")
    _done(lab, "host", "packages")
    monkeypatch.setattr(xenlab.main, "Lab", lambda: lab)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert xenlab.main.main(["setup"]) == 3
    assert "xenlab: needs root to make the dom0 tree" in capsys.readouterr().err


def test_a_missing_program_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LabError, match="there is no dpkg; the lab is made on Debian 12"):
        set_up(Lab(tmp_path / "lab"))


def test_a_step_is_done_again_with_all_after_it_when_what_it_was_made_for_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    made_for = {"tree": "1", "images": "1", "snapshot": "1"}

    def step(name: str) -> Step:
        return Step(name, name, lambda _: done.append(name), lambda: made_for[name])

    monkeypatch.setattr(xenlab.setup, "STEPS", tuple(map(step, made_for)))
    lab = Lab(tmp_path)
    for change in ({}, {}, {"images": "2"}, {"tree": "2"}):
        made_for |= change
        set_up(lab)
        done.append("-")
    assert done == [*made_for, "-", "-", "images", "snapshot", "-", *made_for, "-"]
    assert lab.ready


def test_a_step_that_failed_is_not_taken_for_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Lab) -> None:
        raise LabError("no room")

    monkeypatch.setattr(xenlab.setup, "STEPS", (Step("snapshot", "the machine", fail, lambda: ""),))
    (tmp_path / "stamp").mkdir()
    (tmp_path / "stamp/snapshot").write_text("of before")
    with pytest.raises(LabError, match="no room"):
        set_up(Lab(tmp_path))
    assert not Lab(tmp_path).ready
