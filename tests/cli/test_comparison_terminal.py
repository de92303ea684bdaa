"""A comparison on a terminal: the same text, in colours, as wide as the terminal."""

import pytest
from comparisons import EVERY, grown_ramdisk, kernels

from xlbuild.cli.render import render_comparison, render_stat
from xlbuild.diff.show.text import plain_text

RED, GREEN = "\x1b[31m", "\x1b[32m"


@pytest.fixture
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"FORCE_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": "80"}.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("_terminal")
def test_what_was_is_red_and_what_is_to_be_is_green(capsys: pytest.CaptureFixture[str]) -> None:
    render_comparison(grown_ramdisk())
    text = capsys.readouterr().out
    assert f"{RED}31760384 (30.3 MiB)" in text
    assert f"{GREEN}→ 31764480 (30.3 MiB)" in text
    render_stat(grown_ramdisk())
    assert f"{GREEN}+" in capsys.readouterr().out


@pytest.mark.usefixtures("_terminal")
@pytest.mark.parametrize("name", EVERY)
def test_without_colours_nothing_drives_the_terminal_and_no_line_is_wider(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("FORCE_COLOR")
    render_comparison(EVERY[name]())
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "".join(lines).isprintable()


def test_a_wide_terminal_shows_what_a_pipe_gets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    render_comparison(kernels())
    shown = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert shown == plain_text(kernels()).splitlines()
