"""Large texts are read in parts; what is read, and the places told of, must not depend on where these begin."""

import pytest

from xlbuild.config import read_settings
from xlbuild.config.lines import Lines
from xlbuild.errors import ConfigSyntaxError
from xlbuild.profiles import PROFILES
from xlbuild.reading import read_config


@pytest.mark.parametrize(
    "data", [b"", b"\n" * 9000, b"x" * 9000, b"ab\n" * 5000, b"\n" + b"y" * 4095 + b"\nz" * 9]
)
def test_places_are_the_same_as_counted_from_the_start(data: bytes) -> None:
    lines = Lines(data)
    for offset in {0, 1, 4095, 4096, 4097, 8191, 8192, 8193, len(data)}:
        if offset <= len(data):
            before = data[:offset]
            assert lines.place(offset) == (before.count(b"\n") + 1, len(before) - before.rfind(b"\n"))


@pytest.mark.parametrize("escape", [b"\\n", b"\\\\", b"\\101", b"\\1014"])
def test_escapes_are_replaced_wherever_they_stand_in_a_long_string(escape: bytes) -> None:
    character = {b"\\n": "\n", b"\\\\": "\\"}.get(escape, "")
    for before in range(65530, 65540):
        settings = read_settings(b'a="' + b"x" * before + escape * 3 + b'y"', "f")
        assert settings["a"].value == "x" * before + character * 3 + "y"


def test_every_one_of_many_settings_keeps_its_value_and_places() -> None:
    data = b"".join(b"k%d = %d; a = %d\n" % (number, number, number) for number in range(3000))
    settings = read_settings(data, "f")
    assert (settings["a"].value, settings["a"].where.line) == ("2999", 3000)
    assert [settings[f"k{number}"].value for number in (0, 1500, 2999)] == ["0", "1500", "2999"]
    assert settings.places["k1500"].line == 1501
    assert settings.places["k1500"].column == 9
    assert [(o.where.line, o.by.line) for o in settings.overwritten[:2]] == [(1, 2), (2, 3)]


def test_an_addition_to_a_plain_setting_keeps_both() -> None:
    settings = read_settings(b"a='x'\na+='y'\na+='z'\n", "f")
    assert settings["a"].value == "xyz"
    assert settings["a"].by_addition
    assert settings["a"].key_where.line == 3


def test_a_list_cannot_be_added_to_a_plain_setting() -> None:
    with pytest.raises(ConfigSyntaxError, match="adds a list to a string"):
        read_settings(b"a='x'\na+=['y']\n", "f")


def test_short_lists_are_read_alike_however_plain_they_are() -> None:
    lists = b"[], [ 1 ], ['x', \"y\",], [1,'\\n'],\n[\n'z'], [[2]], "
    expected = ((), ("1",), ("x", "y"), ("1", "\n"), ("z",), (("2",),))
    assert read_settings(b"a=[" + lists * 3 + b"]\n", "f")["a"].value == expected * 3
    settings = read_settings(b"a=[]; b=[ 1, 'x', ]\na += ['y']\n", "f")
    assert [settings[key].value for key in "ab"] == [("y",), ("1", "x")]
    assert settings["a"].by_addition
    assert settings["b"].where.column == 9


def test_plain_lists_count_to_the_depth_that_xl_takes() -> None:
    for depth in (4990, 4996):
        settings = read_settings(b"a=" + b"[" * depth + b"]" * depth, "f")
        assert len(settings["a"].value) == 1
    assert read_settings(b"a=" + b"[1," * 1999 + b"]" * 1999, "f")["a"].value
    with pytest.raises(ConfigSyntaxError, match=r"f:1:\d{4}: the lists are nested too deeply"):
        read_settings(b"a=" + b"[1," * 2000 + b"]" * 2000, "f")
    with pytest.raises(ConfigSyntaxError, match=r"f:\d{4}:1: the lists are nested too deeply"):
        read_settings(b"a=" + b"[1,\n" * 2000 + b"]" * 2000, "f")


@pytest.mark.parametrize(
    "text",
    [
        b"vnuma = [" + b"['pnode=0']," * 100_000 + b"]",
        b"cpus = '" + b"0-7,^1," * 300_000 + b"'",
        b"maxvcpus = 4\ncpus = [" + b"'0'," * 300_000 + b"]",
        b"disk = [" + b"'/x,,xvda'," * 100_000 + b"]",
    ],
)
def test_what_nobody_writes_is_refused_at_once(text: bytes) -> None:
    reading = read_config(b"name='g'\ntype='hvm'\nmemory=64\nvcpus=2\n" + text, "f", (), PROFILES[0])
    assert [error.hint for error in reading.errors if "see whether a quote" in (error.hint or "")]
