import contextlib
import time

import pytest
from config_texts import NESTINGS, PREFIX, TEXTS

from xlbuild.config import read
from xlbuild.config.overrides import Text
from xlbuild.config.parser import MOST_PROBLEMS, parse
from xlbuild.config.settings import Settings
from xlbuild.errors import ConfigSyntaxError, Diagnostic, ExitStatus

MIB = 1 << 20


def settings(text: bytes) -> Settings:
    return parse(Text(text, "guest.cfg", None))


def problems(text: bytes) -> tuple[Diagnostic, ...]:
    with pytest.raises(ConfigSyntaxError) as caught:
        settings(text)
    return caught.value.problems


@pytest.mark.parametrize(("text", "outcome"), TEXTS)
def test_a_text_is_read_as_xl_reads_it(text: bytes, outcome: str | int | None) -> None:
    if isinstance(outcome, int):
        assert problems(PREFIX + text)[0].where.line == outcome
    else:
        assert read(PREFIX + text, "guest.cfg").command_line == outcome


def test_lists_nest_and_mix_with_strings() -> None:
    value = settings(b'a=[["x","y"],[],"z",[1,[2,],],]')["a"].value
    assert value == (("x", "y"), (), "z", ("1", ("2",)))


def test_added_lists_are_joined() -> None:
    added = settings(b'a=["x"]\na+=[]\na+=["y",["z"]]\n')["a"]
    assert added.value == ("x", "y", ("z",))
    assert added.by_addition


def test_a_plain_assignment_forgets_what_was_added() -> None:
    setting = settings(b'a="x"\na+="y"\na=[1]\n')["a"]
    assert setting.value == ("1",)
    assert not setting.by_addition


def test_bytes_that_are_no_utf8_survive() -> None:
    value = settings(b'a="\xff\xc3\xa9"')["a"].value
    assert isinstance(value, str)
    assert value.encode(errors="surrogateescape") == b"\xff\xc3\xa9"


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        (b"a=1", 1, 3),
        (b"\n# c\n\t a \t=  'x'\n", 3, 9),
        (b"a=1;b='x y';a=2", 1, 15),
        (b'b=[1,\n2\n]\na=["x",\n"y"]', 4, 3),
        (b'a="x"\nb="\\n"\na+=""', 3, 4),
        (b"b=[1,2,\n3,\n#c\n4\n];a=5", 5, 5),
    ],
)
def test_a_setting_knows_where_its_value_starts(text: bytes, line: int, column: int) -> None:
    where = settings(text)["a"].where
    assert (where.file, where.line, where.column, where.key) == ("guest.cfg", line, column, "a")


@pytest.mark.parametrize(
    ("text", "places"),
    [
        (b"import os\n\nimport sys\nname='x'\nfoo()\n", [(1, 8), (3, 8), (5, 4)]),
        (b"a=1 2\nb=-1\nc=\nd=1\n e=]\n", [(1, 5), (2, 3), (3, 3), (5, 4)]),
        (b"a=[\n'x' 'y',\n'z',\n]\nb=1\nc=x\n", [(2, 5), (6, 3)]),
        (b"a=[\n1\nb=2\nc=x\n", [(3, 1), (4, 3)]),
        (b"a='\\q'\nb=['\\x41', 1]\nc=1\n", [(1, 3), (2, 4)]),
        (b"a=A b=B\nc=C\n", [(1, 3), (2, 3)]),
        (b"a='x'\na+=[\n1]\nb=C\n", [(2, 4), (4, 3)]),
    ],
)
def test_one_run_tells_of_every_line_with_a_problem(text: bytes, places: list[tuple[int, int]]) -> None:
    assert [(problem.where.line, problem.where.column) for problem in problems(text)] == places


def test_the_error_shows_the_first_problem_and_counts_the_others() -> None:
    with pytest.raises(ConfigSyntaxError) as caught:
        read(b"kernel=/boot/x\nmemory = 512m\nvcpus = two\n", "guest.cfg")
    error = caught.value
    assert error.exit_status is ExitStatus.CONFIG
    assert str(error) == "guest.cfg:1:8: `/boot/x` is not in xl's language (and 2 more problems)"
    assert error.cause is not None
    assert error.cause.splitlines()[0] == "guest.cfg:2:13: `m` is where the end of the setting should be"


def test_a_file_full_of_problems_is_not_read_to_its_end() -> None:
    assert len(problems(b"- x\n" * 10_000)) == MOST_PROBLEMS


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (b"memory = 512m\n", "number of MiB"),
        (b"memory = 512M\n", "number of MiB"),
        (b"memory = 1GiB\n", "number of MiB"),
        (b"memory = -4\n", "a whole number without a sign"),
        (b"memory = 1.5\n", "a whole number without a sign"),
        (b"memory =\n", "behind the `=`"),
        (b"\x7fELF\2\1\1\0\0\0()+-\n", "plain text"),
        (bytes(range(128, 256)), "plain text"),
        (b"builder = hvm\n", "quotes: 'hvm'"),
        (b"bios = ['x', hvm]\n", "quotes: 'hvm'"),
        (b"a = 1\r\n", "dos2unix"),
        (b"\xef\xbb\xbfa = 1\n", "byte order mark"),
        (b"a = 1\n# the end", "end the file with a newline"),
        (b"a = 'x\n", "close it"),
        (b"a = 'x' \\\n'y'\n", "list may span lines"),
        (b"a = -1\n", "put it in quotes"),
        (b"a = 10.0.0.1\n", "put it in quotes"),
        (b"a = True\n", "write 1 or 0"),
        (b"a = None\n", "remove the setting"),
        (b"Name = 'x'\n", "lower case"),
        (b"a = ('x')\n", "evaluates nothing"),
        (b"a = 'x', 'y'\n", "make a list"),
        (b"a = ['x' 'y']\n", "comma"),
        (b"a = 1 b = 2\n", "line of its own"),
        (b"a = [\n'x',\n", "starts in line 1"),
        (b"just words\n", "key = value"),
        (b"a = '\\x41'\n", "numeric escapes"),
        (b"a = '\\d'\n", "for a backslash"),
        (b"a = 'x'\na += ['y']\n", "like to like"),
        (b"a = 'x\0y'\n", "remove the byte"),
        (b"a = " + b"[" * 10_000, "less deeply"),
    ],
)
def test_a_problem_comes_with_its_mend(text: bytes, hint: str) -> None:
    given = problems(text)[0].hint
    assert given is not None
    assert hint in given


@pytest.mark.parametrize(
    ("text", "python"),
    [
        (b'print("x")\n', True),
        (b"a = 'x' + 'y'\n", True),
        (b"a = f.g('x')\n", True),
        (b"a = -1\n", False),
        (b"mac = 00:16:3e:00:00:01\n", False),
        (b"a = b\n", False),
        (b"\x7fELF\0\0(a.b)\n", False),
    ],
)
def test_what_looks_like_python_is_called_so(text: bytes, python: bool) -> None:
    with pytest.raises(ConfigSyntaxError) as caught:
        settings(text)
    assert ("Python" in (caught.value.hint or "")) is python


@pytest.mark.parametrize(("start", "inner", "end", "most"), NESTINGS)
def test_lists_nest_as_deeply_as_in_xl(start: bytes, inner: bytes, end: bytes, most: int) -> None:
    settings(b"a=" + start * most + inner + end * most)
    deeper = b"a=" + start * (most + 1) + inner + end * (most + 1)
    assert problems(deeper)[0].message == "the lists are nested too deeply, for xl as well"


@pytest.mark.parametrize(
    "text",
    [
        b"a=1;" * (MIB // 4),
        b"a+='x'\n" * (MIB // 7),
        b"a+=['x']\n" * (MIB // 9),
        b"a=[" + b"1," * (MIB // 2) + b"]",
        b"a='" + b"\\n" * (MIB // 2) + b"'",
        b"a=" + b"[" * MIB,
        b"a=[\n" * (MIB // 4),
        b"- " * (MIB // 2),
        b"a='" * (MIB // 3),
        b"'\\' " * (MIB // 4),
        b"\n" * MIB,
        b"a=[" + b"\n" * MIB + b"]",
        b"#" * MIB,
    ],
    ids=lambda text: repr(text[:8]),
)
def test_a_megabyte_takes_time_in_proportion(text: bytes) -> None:
    def seconds(length: int) -> float:
        start = time.process_time()
        with contextlib.suppress(ConfigSyntaxError):
            settings(text[:length])
        return time.process_time() - start

    sixteenth = max(seconds(MIB // 16), 0.01)
    assert seconds(MIB) < 100 * sixteenth  # 16 when linear, 256 when quadratic
