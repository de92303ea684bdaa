"""The record in the docs: what a run found out is put between two marks of the page, and nothing else is touched."""

from dataclasses import replace
from pathlib import Path

import pytest
from xenlab import report
from xenlab.guests import BY_NAME, GUESTS
from xenlab.starting import Started, fell_short

HELLO = Started(
    name="hello-pv",
    command="restore",
    came_up=True,
    status=0,
    xl="",
    console="Hello from PV.\n",
    end="",
    seconds=3.2,
    tries=1,
    verified="",
)
DEAD = replace(HELLO, name="gnumach-pv", came_up=False, console="", end="shut down, reason code 252")


def test_a_record_takes_the_place_of_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "xen.md"
    page.write_text(report.PAGE.read_text())
    monkeypatch.setattr(report, "PAGE", page)
    before, after = page.read_text().split(report.BEGIN)[0], page.read_text().split(report.END)[1]
    for text in ("first", "second"):
        report._record(text)
    assert page.read_text() == f"{before}{report.BEGIN}\n\nsecond\n{report.END}{after}"


def test_a_guest_is_shown_with_what_it_said_and_no_more_control_characters() -> None:
    shown = "\n".join(
        report._starts([replace(HELLO, console="[    0.0] noise\n\x1b[1mHello from PV.\n", tries=2)])
    )
    assert "| xlbuild:hello-pv | `xl restore` | yes | 3 s | 2 | accepts it |" in shown
    assert "hello-pv, `xl restore`:\n\n```\n [1mHello from PV.\n```" in shown
    assert "noise" not in shown


def test_a_restored_guest_must_get_as_far_as_one_that_xl_created() -> None:
    by_xl = replace(DEAD, command="create")
    assert fell_short([DEAD, by_xl]) == []
    earlier = replace(DEAD, end="shut down, reason code 3")
    assert fell_short([earlier, by_xl, HELLO]) == [earlier]
    assert fell_short([DEAD]) == [DEAD]


def test_each_guest_is_found_by_its_name_and_has_words() -> None:
    assert len(BY_NAME) == len(GUESTS)
    assert all(guest.words and guest.tries and guest.seconds for guest in GUESTS)
