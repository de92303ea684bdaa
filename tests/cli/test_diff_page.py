"""docs/diff.md: its examples are what the program prints, and its tables name all there is."""

import json
import re

import pytest
from forked import run
from toolstack import ROOT

PAGE = (ROOT / "docs" / "diff.md").read_text()
EXAMPLES = [
    (command, output)
    for command, output in re.findall(r"^```\n\$ xlbuild (diff .*)\n((?:.*\n)*?)```$", PAGE, re.MULTILINE)
    if not command.endswith(".core")  # of a real host: see test_host_files
]
SCHEMA = json.loads((ROOT / "xlbuild" / "emit" / "diff.schema.json").read_text())


@pytest.mark.parametrize(("command", "output"), EXAMPLES, ids=[command for command, _ in EXAMPLES])
def test_an_example_is_what_the_program_prints(command: str, output: str) -> None:
    arguments = [word.strip("'") for word in command.split(" ")]
    assert run(ROOT, *arguments).stdout == output


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == 4


def test_every_member_of_the_document_is_explained() -> None:
    explained = set(re.findall(r"`([a-z_]+)`", PAGE.partition("## As JSON")[2]))
    objects = [SCHEMA, *SCHEMA["$defs"].values()]
    members = {name for each in objects for name in each.get("properties", {})} - {"schema"}
    assert members <= explained


def test_the_picture_is_there_and_small() -> None:
    picture = (ROOT / "docs" / "images" / "diff.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) < 300 * 1024
