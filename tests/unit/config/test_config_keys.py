import ast
from dataclasses import fields
from pathlib import Path

import pytest

import xlbuild.config.guest
from xlbuild.config.keys import BY_NAME, KEYS, SECTIONS, known_in
from xlbuild.config.model import GuestConfig
from xlbuild.profiles import PROFILES, release_order

_PCI_SWITCHES = ("msitranslate", "power_mgmt", "permissive", "seize")
_OTHER_FIELDS = {"source", "command_line", "arm_keys", "places", "warnings"}
_OTHER_KEYS = {"cmdline", "root", "extra", *(f"pci_{switch}" for switch in _PCI_SWITCHES)}
_RELEASES = tuple(profile.name for profile in PROFILES)


def keys_read() -> set[str]:
    tree = ast.parse(Path(xlbuild.config.guest.__file__).read_text())
    strings = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return {value for value in strings if isinstance(value, str)} & BY_NAME.keys()


def test_no_key_has_two_rows() -> None:
    assert len(BY_NAME) == len(KEYS) == 173


def test_the_fields_of_a_configuration_are_keys_that_are_read() -> None:
    own_fields = {field.name for field in fields(GuestConfig)} - _OTHER_FIELDS
    assert keys_read() == own_fields | _OTHER_KEYS


def test_every_row_makes_a_line_of_documentation() -> None:
    for key in KEYS:
        kinds = key.kinds.split()
        assert kinds
        assert kinds == [kind for kind in ("PV", "PVH", "HVM") if kind in kinds]
        assert key.meaning
        for text in (key.meaning, key.default, key.instead or "", key.source):
            assert text == text.strip()
            assert not text.endswith(".")
            assert "|" not in text
            assert "\n" not in text


def test_every_section_has_a_title_of_its_own() -> None:
    titles = [section.title for section in SECTIONS]
    assert len(set(titles)) == len(titles)
    assert all(section.keys for section in SECTIONS)


def test_a_deprecated_key_is_replaced_by_one_that_is_not() -> None:
    for key in KEYS:
        other = BY_NAME.get(key.instead or "")
        assert other is None or other.instead is None


def test_a_key_that_came_or_went_says_where_that_is_known_from() -> None:
    for key in KEYS:
        assert bool(key.source) is bool(key.since or key.until)
        assert key.since is None or key.since in _RELEASES[1:]


def test_a_key_that_came_later_is_unknown_before() -> None:
    assert "smbios" not in known_in("4.17")
    assert "smbios" in known_in("4.18")
    assert "smbios" in known_in("4.22")


def test_a_key_that_is_gone_is_unknown() -> None:
    assert "pvh" in known_in("4.9")
    assert not any("pvh" in known_in(release) for release in _RELEASES)


@pytest.mark.parametrize(("release", "keys"), [("4.17", 158), ("4.22", 172)])
def test_the_number_of_keys_of_a_release(release: str, keys: int) -> None:
    assert len(known_in(release)) == keys


def test_releases_are_ordered_by_their_numbers() -> None:
    assert sorted(["4.17", "4.9", "4.22", "4.10"], key=release_order) == ["4.9", "4.10", "4.17", "4.22"]
    assert sorted(_RELEASES, key=release_order) == list(_RELEASES)
