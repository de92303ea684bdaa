"""Findings for people: where the caret stands, what is shown of a line, and how many findings there are."""

import pytest

import xlbuild
from xlbuild.checking.text import excerpt, summary, text


def lines(config: bytes | str, *overrides: str, colour: bool = False) -> list[str]:
    data = config if isinstance(config, bytes) else config.encode()
    report = xlbuild.check(data, overrides=overrides, files=False, source="g.cfg")
    return text([report], colour=colour).splitlines()


def test_a_finding_has_its_place_its_line_a_caret_and_the_mend() -> None:
    assert lines('name = "g"\ntype = "hvm"\nmemory = 64\nvcpu = 2\n') == [
        "g.cfg:4:1: warning[XLB101] xl has no key vcpu, and takes no notice of it",
        "  4 | vcpu = 2",
        "    | ^",
        "  mend:  write vcpus",
        "1 warning",
    ]


def test_a_setting_of_the_command_line_is_shown_in_place_of_a_line() -> None:
    shown = lines('name = "g"\ntype = "hvm"\nmemory = 64\n', "vcpus=2", "vcpu=3")
    assert shown[0].startswith("command line: warning[XLB101]")
    assert shown[1] == "   | vcpu=3"


@pytest.mark.parametrize(
    ("before", "shown"),
    [("\t", 8), ("  \t", 8), ("a='é';", 6), ("a='日本';", 9), ("a='e\u0301';", 6)],
)
def test_the_caret_stands_under_its_character_behind_tabs_and_wide_letters(before: str, shown: int) -> None:
    source, caret = excerpt(f"{before}vcpu = 2", len(before) + 1)
    assert caret == shown
    assert "\t" not in source


def test_columns_are_characters_though_the_file_is_bytes() -> None:
    shown = lines("name = '日本'; vcpu = 2\ntype = 'hvm'\nmemory = 64\n")
    assert shown[0].startswith("g.cfg:1:14: ")


@pytest.mark.parametrize("column", [1, 50, 99, 100, 101, 150, 299, 300, 301])
def test_a_long_line_is_cut_around_the_place(column: int) -> None:
    line = "".join(chr(ord("a") + index % 26) for index in range(300))
    source, caret = excerpt(line, column)
    assert len(source) <= 102
    assert caret <= len(source)
    if column <= 300:
        assert source[caret] == line[column - 1]
    assert source.startswith("…") == (source[0] != line[0] or column > 100)


def test_what_a_terminal_would_obey_and_what_is_no_text_is_shown_as_escapes() -> None:
    shown = "\n".join(lines(b"name = '\x1b[2J\xff'; vcpu = 1\ntype = 'hvm'\nmemory = 64\n"))
    assert "\\x1b[2J\\xff" in shown
    assert "\x1b" not in shown


def test_colours_are_there_only_when_asked_for() -> None:
    config = 'name = "g"\ntype = "hvm"\nmemory = 64\nvcpu = 2\n'
    assert "\x1b[1;33mwarning[XLB101]\x1b[0m" in "\n".join(lines(config, colour=True))
    assert "\x1b" not in "\n".join(lines(config))


def test_the_summary_counts_all_files() -> None:
    clean = xlbuild.check(b'name = "g"\ntype = "hvm"\nmemory = 64\n', files=False)
    broken = xlbuild.check(b"memory = = 1\nvcpus = = 1\n", files=False)
    assert summary([clean]) == "no problems"
    assert summary([clean, broken, broken]) == "4 errors"
    assert summary([broken.strict(), clean]) == "2 errors"
