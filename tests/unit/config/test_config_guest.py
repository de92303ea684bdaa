import pytest

from xlbuild.config import read
from xlbuild.config.model import GuestConfig
from xlbuild.errors import ConfigError, ConfigSyntaxError, UsageError

UUID = "5a1b3f40-af80-44dd-ac6e-a9e2a891a05b"


def config(text: str, *overrides: str) -> GuestConfig:
    return read(b'name = "n"\n' + text.encode(), "guest.cfg", overrides)


def refusal(text: str, *overrides: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        read(text.encode(), "guest.cfg", overrides)
    return caught.value


# Command lines: xl 4.17, `tests/oracle/xlparse FILE`.
@pytest.mark.parametrize(
    ("text", "command_line", "warns"),
    [
        ("", None, False),
        ('cmdline = "c"', "c", False),
        ('cmdline = ""', "", False),
        ('root = "/dev/xvda"', "root=/dev/xvda", False),
        ('root = "/dev/xvda"; extra = "ro quiet"', "root=/dev/xvda ro quiet", False),
        ('extra = "ro"', "ro", False),
        ('root = ""', "root=", False),
        ('root = ""; extra = ""', "root= ", False),
        ('extra = ""', "", False),
        ('cmdline = "c"; root = "r"', "c", True),
        ('cmdline = "c"; extra = ""', "c", True),
        ('cmdline = ["c"]; root = "r"', "root=r", True),
    ],
)
def test_the_command_line_comes_from_cmdline_or_from_root_and_extra(
    text: str, command_line: str | None, warns: bool
) -> None:
    parsed = config(text)
    assert parsed.command_line == command_line
    assert bool(parsed.warnings) is warns


def test_the_warning_names_what_cmdline_makes_void() -> None:
    (warning,) = config('cmdline = "c"\nroot = "r"\nextra = "e"\n').warnings
    assert warning.message == "root and extra has no effect beside cmdline"
    assert (warning.where.line, warning.where.key) == (3, "root")


@pytest.mark.parametrize("text", ["memory = 64\n", 'name = ["n"]\n'])
def test_there_must_be_a_name(text: str) -> None:
    error = refusal(text)
    assert error.code == "config-no-name"
    assert error.where.key == "name"


def test_a_name_may_be_empty_or_a_number() -> None:
    assert read(b"name = ''", "f").name == ""
    assert read(b"name = 42", "f").name == "42"


@pytest.mark.parametrize(
    "uuid",
    ["", UUID.replace("-", ""), f" {UUID}", f"{UUID} ", UUID[:-1] + "g", "{" + UUID + "}", UUID + "\\n"],
)
def test_a_uuid_in_another_form_is_refused(uuid: str) -> None:
    error = refusal(f'name = "n"; uuid = "{uuid}"')
    assert error.code == "config-bad-uuid"


def test_a_uuid_is_kept_in_lower_case() -> None:
    assert config(f'uuid = "{UUID.upper()}"').uuid == UUID
    assert config("").uuid is None


def test_keys_that_nobody_reads_are_carried_along_without_complaint() -> None:
    parsed = config('disk = [ "phy:/dev/x,xvda,w" ]\non_crash = [ 1 ]\nmade_up = "x"\n')
    assert parsed.warnings == ()
    assert {key: place.line for key, place in parsed.places.items()} == {
        "name": 1,
        "disk": 2,
        "on_crash": 3,
        "made_up": 4,
    }
    assert parsed.where("disk").column == 8


def test_the_place_of_a_key_that_is_not_set_is_the_file() -> None:
    where = config("").where("kernel")
    assert (where.file, where.line, where.key) == ("guest.cfg", None, "kernel")


def test_keys_for_arm_guests_are_told_apart() -> None:
    parsed = config('tee = "optee"\nmemory = 64\ngic_version = "v3"\ndevice_tree = "x.dtb"\nacpi = 1\n')
    assert parsed.arm_keys == ("device_tree", "gic_version", "tee")


# Overrides: xl 4.17, `tests/oracle/xlparse FILE KEY=VALUE...`.
@pytest.mark.parametrize(
    ("overrides", "vcpus", "maxvcpus"),
    [
        (("vcpus=3",), 3, None),
        (("vcpus=3", "maxvcpus=0x9"), 3, 9),
        (("vcpus=3;maxvcpus=4",), 3, 4),
        (("vcpus=3 # four",), 3, None),
        (("vcpus=3\nmaxvcpus=7",), 3, 7),
        (("#=", "vcpus=3"), 3, None),
        (("vcpus=3", "vcpus=4"), 4, None),
    ],
)
def test_overrides_come_behind_the_file_in_its_own_language(
    overrides: tuple[str, ...], vcpus: int, maxvcpus: int | None
) -> None:
    parsed = config("vcpus = 2\n", *overrides)
    assert (parsed.vcpus, parsed.maxvcpus) == (vcpus, maxvcpus)


def test_overrides_may_add_to_what_the_file_says() -> None:
    assert config('kernel = "/k"\n', 'kernel+=".gz"').kernel == "/k.gz"


def test_the_place_of_an_override_is_the_command_line() -> None:
    where = config("vcpus = 2\n", "vcpus=3").where("vcpus")
    assert str(where) == "command line, key vcpus"
    assert config("vcpus = 2", "memory=3").where("vcpus").line == 2


def test_a_problem_in_an_override_is_on_the_command_line() -> None:
    error = refusal('name = "n"\nvcpus = 2', "vcpus=-1")
    assert str(error).startswith("command line: `-1`")


def test_any_override_gives_the_last_line_its_newline() -> None:
    text = b'name = "n"\n# the end'
    with pytest.raises(ConfigSyntaxError):
        read(text, "f")
    assert read(text, "f", ["vcpus=2"]).vcpus == 2


def test_an_override_may_finish_what_the_file_leaves_open() -> None:
    assert read(b'name = "n"\npci = [', "f", ['"01:00.0" ] # ='])


@pytest.mark.parametrize("argument", ["vcpus", "", "other.cfg"])
def test_an_argument_without_equals_is_no_setting(argument: str) -> None:
    with pytest.raises(UsageError) as caught:
        config("", argument)
    assert caught.value.code == "setting-without-equals"


def test_a_long_argument_that_is_no_setting_is_quoted_in_part() -> None:
    with pytest.raises(UsageError) as caught:
        read(b"", "guest.cfg", ["x" * 100_000])
    assert len(caught.value.message) < 100


def test_bytes_of_an_override_that_are_no_utf8_survive() -> None:
    assert config("", "kernel='\udcff'").kernel == "\udcff"


def test_text_whose_quotes_the_shell_took_is_told_to_need_more() -> None:
    error = refusal('name = "n"\n', "ramdisk=rd.img")
    assert error.hint == "text needs quotes inside the shell's: '\"rd.img\"'"
