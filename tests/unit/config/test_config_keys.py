import ast
from dataclasses import fields
from pathlib import Path

import xlbuild.config.guest
from xlbuild.config.keys import KEYS, Form, Group
from xlbuild.config.model import GuestConfig

_OTHER_FIELDS = {"source", "command_line", "arm_keys", "places", "warnings"}
_OTHER_KEYS = {"cmdline", "root", "extra"}
_CHECKED_ONLY = {"max_grant_frames", "max_maptrack_frames", "max_grant_version"}


def keys_read() -> set[str]:
    tree = ast.parse(Path(xlbuild.config.guest.__file__).read_text())
    strings = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return {value for value in strings if isinstance(value, str)} & {key.name for key in KEYS}


def test_no_key_has_two_rows() -> None:
    names = [key.name for key in KEYS]
    assert len(names) == len(set(names))


def test_every_key_of_the_table_is_read_and_no_other_is() -> None:
    table = {key.name for key in KEYS if key.form is not Form.ANY}
    assert keys_read() == table
    own_fields = {field.name for field in fields(GuestConfig)} - _OTHER_FIELDS
    assert own_fields | _OTHER_KEYS | _CHECKED_ONLY == table


def test_the_keys_for_arm_guests_are_those_that_are_not_read() -> None:
    assert {key.name for key in KEYS if key.group is Group.ARM} == {
        key.name for key in KEYS if key.form is Form.ANY
    }


def test_every_row_makes_a_line_of_documentation() -> None:
    for key in KEYS:
        assert key.kinds.split()
        assert set(key.kinds.split()) <= {"PV", "PVH", "HVM"}
        assert key.meaning
        assert not key.meaning.endswith(".")
        assert "|" not in key.meaning
