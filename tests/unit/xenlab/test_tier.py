"""The tier never calls passed what was not run, and the default run of the tests leaves it out."""

from types import SimpleNamespace
from typing import Any

import pytest
import xenlab.tier
from xenlab.model import Lab, LabError


@pytest.fixture
def lab_comes_up(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    lab = Lab(tmp_path_factory.mktemp("lab"))
    monkeypatch.setattr(xenlab.tier, "Lab", lambda: lab)
    monkeypatch.setattr(xenlab.tier, "set_up", lambda _: None)


def _report(outcome: str, why: str = "") -> Any:
    longrepr = ("test_x.py", 1, f"Skipped: {why}") if outcome == "skipped" else None
    when = "setup" if outcome == "skipped" else "call"
    return pytest.TestReport("t", ("t", 1, "t"), {}, outcome, longrepr, when)  # type: ignore[arg-type]  # a str


@pytest.mark.usefixtures("lab_comes_up")
@pytest.mark.parametrize(
    ("reports", "pytests_status", "status", "said"),
    [
        ([_report("passed")] * 2, 0, 0, "xen: passed: 2 tests on a real Xen\n"),
        ([_report("passed"), _report("skipped", "it stood still")], 0, 0, "xen: not run: it stood still\n"),
        ([_report("passed"), _report("failed")], 1, 1, ""),
        ([], 5, 5, ""),
    ],
)
def test_what_the_tests_came_to_is_told(
    reports: list[pytest.TestReport],
    pytests_status: int,
    status: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def run(_: list[str], plugins: list[Any]) -> int:
        for report in reports:
            plugins[0].pytest_runtest_logreport(report)
        return pytests_status

    monkeypatch.setattr(pytest, "main", run)
    assert xenlab.tier.main([]) == status
    assert capsys.readouterr().out == said


@pytest.mark.usefixtures("lab_comes_up")
def test_a_lab_that_cannot_be_set_up_is_told_and_is_no_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: Lab) -> None:
        raise LabError("QEMU cannot be installed: status 100")

    monkeypatch.setattr(xenlab.tier, "set_up", fail)
    assert xenlab.tier.main([]) == 0
    assert capsys.readouterr().out == "xen: not run: QEMU cannot be installed: status 100\n"


@pytest.mark.parametrize(
    ("asked", "kept"), [("", ["plain"]), ("not oracle", ["plain"]), ("xen", ["xen", "plain"])]
)
def test_the_tests_on_a_real_xen_run_only_when_asked_for(
    asked: str, kept: list[str], pytestconfig: pytest.Config
) -> None:
    def item(name: str) -> Any:
        return SimpleNamespace(name=name, get_closest_marker=lambda marker: marker == name or None)

    items = [item("xen"), item("plain")]
    config = SimpleNamespace(
        getoption=lambda _: asked, hook=SimpleNamespace(pytest_deselected=lambda items: None)
    )
    (conftest,) = (
        plugin for plugin in pytestconfig.pluginmanager.get_plugins() if hasattr(plugin, "ON_REQUEST")
    )
    conftest.pytest_collection_modifyitems(config, items)
    assert [item.name for item in items] == kept
