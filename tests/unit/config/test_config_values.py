import pytest

from xlbuild.config import read
from xlbuild.config.model import GuestConfig
from xlbuild.config.overrides import Text
from xlbuild.config.parser import parse
from xlbuild.config.problems import Problems
from xlbuild.config.values import Values, number_of
from xlbuild.errors import ConfigError, Diagnostic


def config(text: str) -> GuestConfig:
    return read(b'name = "n"\n' + text.encode(), "guest.cfg")


# Numbers: xl 4.17, `tests/oracle/xlparse FILE` with the value as `memory`.
@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("64", 64),
        ("0x40", 64),
        ('"0X40"', 64),
        ("010", 8),
        ("0", 0),
        ('" 64"', 64),
        ('"\\n\\t64"', 64),
        ('"+64"', 64),
        ('"-64"', -64),
        ('"-0x10"', -16),
        ("9223372036854775807", 2**63 - 1),
        ('"-9223372036854775808"', -(2**63)),
        ("08", None),
        ("0x", None),
        ('"64 "', None),
        ('"- 64"', None),
        ('""', None),
        ('"64m"', None),
        ('"1e3"', None),
        ('"six"', None),
        ("9223372036854775808", None),
        ("9" * 5000, None),
        ("[64]", None),
    ],
)
def test_a_number_is_read_as_strtol_reads_it(value: str, number: int | None) -> None:
    parsed = config(f"memory = {value}\n")
    assert parsed.memory == number
    assert [(w.code, w.where.line, w.where.key) for w in parsed.warnings] == (
        [] if number is not None else [("value-ignored", 2, "memory")]
    )


def test_what_is_added_up_is_no_number() -> None:
    parsed = config("memory = 1\nmemory += 2\nvcpus += 4\n")
    assert (parsed.memory, parsed.vcpus) == (None, None)
    assert [warning.where.key for warning in parsed.warnings] == ["memory", "vcpus"]


def test_what_is_added_up_and_then_set_is_a_number() -> None:
    assert config("memory = 1\nmemory += 2\nmemory = 3\n").memory == 3


@pytest.mark.parametrize(
    ("text", "hint"), [("yes", "1 or 0"), ("512M", "number of MiB"), ("09", "octal"), ("six", None)]
)
def test_a_wrong_number_comes_with_its_mend(text: str, hint: str | None) -> None:
    (warning,) = config(f'memory = "{text}"\n').warnings
    assert (warning.hint is None) if hint is None else (hint in (warning.hint or ""))


@pytest.mark.parametrize(("value", "truth"), [("0", False), ("1", True), ('"-3"', True), ('"yes"', None)])
def test_a_truth_value_is_a_number(value: str, truth: bool | None) -> None:
    parsed = config(f"apic = {value}\n")
    assert parsed.apic is truth
    assert len(parsed.warnings) == (truth is None)


def test_a_number_is_a_string_too() -> None:
    assert config("kernel = 7\n").kernel == "7"


def test_a_list_is_no_string() -> None:
    parsed = config('kernel = [ "k" ]\n')
    assert parsed.kernel is None
    assert parsed.warnings[0].message == "kernel is a list and should be a single value; xl ignores it"
    assert (parsed.warnings[0].where.line, parsed.warnings[0].where.column) == (2, 10)


@pytest.mark.parametrize(
    ("value", "result", "warns"),
    [
        ("2", 2, False),
        ('"2"', 2, False),
        ('"mixed"', "mixed", False),
        ('"99999999999999999999"', "99999999999999999999", False),
        ("[1]", None, True),
    ],
)
def test_a_number_or_name_is_tried_as_a_number_first(
    value: str, result: int | str | None, warns: bool
) -> None:
    parsed = config(f"altp2m = {value}\n")
    assert parsed.altp2m == result
    assert bool(parsed.warnings) is warns


@pytest.mark.parametrize(
    ("value", "result", "warns"),
    [
        ("1", True, False),
        ("0", False, False),
        ('["base", 1]', ("base", "1"), False),
        ("[]", (), False),
        ('"base"', None, True),
    ],
)
def test_viridian_is_a_truth_value_or_a_list(value: str, result: object, warns: bool) -> None:
    parsed = config(f"viridian = {value}\n")
    assert parsed.viridian == result
    assert bool(parsed.warnings) is warns


@pytest.mark.parametrize(
    ("value", "has_pci"),
    [('["01:00.0"]', True), ("[]", False), ('[["01:00.0"]]', False), ('"01:00.0"', False)],
)
def test_a_device_list_ends_at_the_first_list_in_it(value: str, has_pci: bool) -> None:
    assert config(f"pci = {value}\n").has_pci is has_pci


# Verdicts: xl 4.17, `tests/oracle/xlparse FILE`; it says nothing and exits with 1.
@pytest.mark.parametrize(
    ("setting", "accepted"),
    [
        ("max_grant_frames = 0", True),
        ("max_grant_frames = 2147483647", True),
        ("max_grant_frames = 2147483648", False),
        ('max_grant_frames = "-1"', False),
        ('max_grant_frames = "x"', False),
        ("max_grant_frames = [1]", False),
        ("max_grant_frames = 1; max_grant_frames += 1", False),
        ('max_maptrack_frames = "-1"', False),
        ("max_grant_version = 16", True),
        ("max_grant_version = 2147483648", False),
    ],
)
def test_a_grant_limit_out_of_bounds_is_refused(setting: str, accepted: bool) -> None:
    if accepted:
        config(setting)
        return
    with pytest.raises(ConfigError) as caught:
        config(setting)
    assert caught.value.code == "config-number-bounds"
    assert caught.value.where.key == setting.split()[0]


def test_a_key_cannot_be_read_in_another_form_than_the_tables() -> None:
    with pytest.raises(AssertionError):
        Values(parse(Text(b"", "f", None)), "4.17", Problems()).number("name")


def test_number_of_gives_the_reason() -> None:
    reason = number_of(parse(Text(b'memory = "x"', "f", None))["memory"])
    assert isinstance(reason, Diagnostic)
    assert "is no number: 'x'" in reason.message
