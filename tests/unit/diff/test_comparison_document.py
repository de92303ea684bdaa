"""A comparison as a JSON document."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from comparisons import EVERY, RAMDISK_SIZE, grown_ramdisk, same

from xlbuild.diff.model import Change, Difference, Section
from xlbuild.diff.show.document import document
from xlbuild.diff.show.summary import summary

SCHEMA = Path(__file__).parents[3] / "xlbuild" / "emit" / "diff.schema.json"


def read_back(name: str) -> Any:
    """Return a comparison's document as whoever reads the JSON has it."""
    return json.loads(json.dumps(document(EVERY[name]())))


@pytest.mark.parametrize("name", EVERY)
def test_the_document_is_of_its_schema(name: str) -> None:
    jsonschema.validate(read_back(name), json.loads(SCHEMA.read_text()))


def test_the_document_has_what_a_script_asks_for() -> None:
    told = read_back("grown_ramdisk")
    assert (told["schema"], told["same"]) == ("xlbuild.diff/1", False)
    assert told["summary"] == summary(grown_ramdisk())
    assert told["b"]["label"] == "web.cfg ramdisk='new.img' (Xen 4.17)"
    assert told["a"]["memory_map"][0] == {"addr": "0x0", "size": 256 << 20, "means": "RAM"}
    sections = {section["name"]: section for section in told["sections"]}
    assert not sections["inputs"]["counts"]
    assert sections["start_info"]["differences"][-1] == {
        "path": "start_info.modlist[0].size",
        "change": "changed",
        "a": RAMDISK_SIZE,
        "b": RAMDISK_SIZE + 4096,
        "a_means": None,
        "b_means": None,
        "delta": 4096,
        "why": None,
    }
    assert sections["vcpus"]["differences"][0]["delta"] == 4096
    pieces = {piece["path"]: piece for piece in told["map"]}
    assert pieces["map[kernel]"]["changes"] == []
    assert pieces["map[module0]"]["changes"] == ["grew"]
    assert pieces["map[HVM start info]"]["moved"] == 4096
    assert pieces["map[module0]"]["a"] == {"first": "0x3c05000", "end": "0x5a4f000", "virtual": None}
    assert told["pages"][0]["added"] == 1
    assert told["pages"][0]["runs"][0]["offset"] == "0x1e4a000"
    assert bytes.fromhex(told["pages"][0]["runs"][0]["b"]) == b"070701 and a pag"


def test_what_only_one_side_has_is_null_on_the_other() -> None:
    pieces = {piece["name"]: piece for piece in read_back("other_container")["map"]}
    assert pieces["ioreq"]["a"] is None
    assert pieces["ioreq"]["changes"] == ["added"]
    assert pieces["boot_stack"]["b"] is None
    assert pieces["boot_stack"]["a"]["virtual"] == "0xffffffff85b03000"


def test_a_text_that_looks_like_an_enormous_number_is_a_text() -> None:
    texts = Difference("decision.command_line", Change.CHANGED, f"0x{'f' * 20_000}", "0x1")
    numbers = Difference("start_info.flags", Change.CHANGED, f"0x{'f' * 16}", "0x1")
    told = document(replace(same(), sections=(Section("x", "x", (texts, numbers)),)))
    (section,) = json.loads(json.dumps(told))["sections"]
    assert [each["delta"] for each in section["differences"]] == [None, 2 - (1 << 64)]
