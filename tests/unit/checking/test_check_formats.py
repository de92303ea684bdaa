"""Findings for programs: documents that fit their schemas, and texts that nothing in a file can break."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import xlbuild
from xlbuild.checking.formats import FORMATS, as_github, as_json, as_sarif
from xlbuild.cli.check import FORMATS as OFFERED
from xlbuild.rules import RULES

_SCHEMA = Path(__file__).parents[3] / "xlbuild" / "emit" / "check.schema.json"

CONFIGS = (
    b'name = "g"\ntype = "hvm"\nmemory = 64\n',
    b'name = "g"\nvcpu = 2\nkernel = "/no/such"\nmemory = 010\n',
    b"import os\nmemory = 0x1F\n",
    "name = '日本'; vcpu = '%0A::error::\udcff'\n".encode(errors="surrogateescape"),
    b"\0\0\0\0\r\n",
)


def report(config: bytes, *overrides: str, source: str = "a dir/g,1:%.cfg") -> xlbuild.CheckReport:
    return xlbuild.check(config, overrides=overrides, source=source)


def test_the_command_offers_every_format() -> None:
    assert tuple(FORMATS) == OFFERED


@pytest.mark.parametrize("config", CONFIGS)
def test_the_json_document_fits_its_schema(config: bytes) -> None:
    document = json.loads(as_json([report(config, "spice=1"), report(config)]))
    jsonschema.validate(document, json.loads(_SCHEMA.read_text()))
    assert [file["file"] for file in document["files"]] == ["a dir/g,1:%.cfg"] * 2


def test_the_json_document_tells_places_in_characters_and_arguments() -> None:
    document = json.loads(
        as_json([report("name = '日本'; vcpu = 2\ntype = 'hvm'\n".encode(), "spicehost=7")])
    )
    unknown = document["files"][0]["findings"][0]
    by_rule = {finding["rule"]: finding for finding in document["files"][0]["findings"]}
    assert (unknown["rule"], unknown["line"], unknown["column"], unknown["key"]) == ("XLB101", 1, 14, "vcpu")
    assert (by_rule["XLB104"]["line"], by_rule["XLB104"]["argument"]) == (None, "spicehost=7")


@pytest.mark.parametrize("config", CONFIGS)
def test_the_sarif_log_has_what_its_standard_asks_for(config: bytes) -> None:
    log: dict[str, Any] = json.loads(as_sarif([report(config)]))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    assert run["columnKind"] == "unicodeCodePoints"
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [rule.id for rule in RULES]
    for rule in rules:
        assert rule["shortDescription"]["text"]
        assert rule["help"]["text"]
        assert rule["defaultConfiguration"]["level"] in ("error", "warning", "note")
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")
        assert result["message"]["text"]
        (location,) = result["locations"]
        place = location["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "a%20dir/g%2C1%3A%25.cfg"
        assert all(isinstance(number, int) and number > 0 for number in place.get("region", {}).values())


def test_a_region_of_sarif_has_line_and_column() -> None:
    log = json.loads(as_sarif([report(b'name = "g"\ntype = "hvm"\n  vcpu = 2\nmemory = 64\n')]))
    regions = [r["locations"][0]["physicalLocation"].get("region") for r in log["runs"][0]["results"]]
    assert {"startLine": 3, "startColumn": 3} in regions


@pytest.mark.parametrize("config", CONFIGS)
def test_each_workflow_command_is_one_line_that_a_file_cannot_break_out_of(config: bytes) -> None:
    *commands, _ = as_github([report(config, source="a,b:c%.cfg")]).splitlines()
    for command in commands:
        match = re.fullmatch(
            r"::(error|warning|notice) file=a%2Cb%3Ac%25\.cfg(,[a-z]+=[^,:]+)*::(.+)", command
        )
        assert match, command
        assert re.sub(r"%(25|0A|0D)", "", match[3]).count("%") == 0


def test_a_workflow_command_names_line_column_and_rule() -> None:
    commands = as_github([report(b'name = "g"\ntype = "hvm"\n  vcpu = 2\nmemory = 64\n', source="g.cfg")])
    assert "::warning file=g.cfg,line=3,col=3,title=XLB101 an unknown key::xl has no key vcpu" in commands
    assert "%0Amend: write vcpus" in commands
