"""Numbers and names as `__xen_guest` strings and FEATURES notes spell them."""

import ctypes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlbuild.image.features import FEATURE_NAMES, parse_features
from xlbuild.image.notes import c_number

NUMBERS = (
    "",
    "0",
    "10",
    "010",
    "0x10",
    "0X1f",
    "0x",
    "0xg",
    "08",
    "-1",
    "- 1",
    "+0x10",
    " \t7z",
    "0b11",
    "9" * 30,
)


def strtoull(text: str) -> int:
    library = ctypes.CDLL(None)
    library.strtoull.restype = ctypes.c_ulonglong
    return int(library.strtoull(text.encode("latin-1"), None, 0))


@pytest.mark.parametrize("text", NUMBERS)
def test_a_number_is_read_as_c_reads_it(text: str) -> None:
    assert c_number(text) == strtoull(text)


@given(st.text(" \n+-0123456789abcdefxXgz", max_size=24))
def test_any_text_is_read_as_c_reads_it(text: str) -> None:
    assert c_number(text) == strtoull(text)


def test_every_known_feature_is_known_by_name() -> None:
    for name, bit in FEATURE_NAMES.items():
        assert parse_features(name) == (bit, 0, None)
        assert parse_features(f"!{name}") == (bit, bit, None)


@pytest.mark.parametrize(
    ("text", "supported", "required", "unknown"),
    [
        ("", 0, 0, None),
        ("||", 0, 0, None),
        ("nonsense|dom0", 0x800, 0, None),
        ("dom0|!writable_page_tables|", 0x801, 1, None),
        ("dom0 ", 0, 0, None),
        ("Dom0", 0, 0, None),
        ("dom0|!nonsense|hvm_callback_vector", 0x800, 0, "nonsense"),
        ("!", 0, 0, ""),
        ("!!dom0", 0, 0, "!dom0"),
        ("x" * 63 + "dom0", 0x800, 0, None),
        ("x" * 62 + "dom0", 0, 0, None),
    ],
)
def test_features_are_read_up_to_an_unknown_required_one(
    text: str, supported: int, required: int, unknown: str | None
) -> None:
    assert parse_features(text) == (supported, required, unknown)
