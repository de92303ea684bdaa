"""Findings for programs: JSON, SARIF 2.1.0, and the commands of GitHub's workflows. All are pure functions."""

import json
from collections.abc import Callable, Mapping, Sequence

from xlbuild.checking.model import CheckReport, Finding
from xlbuild.checking.text import summary, text
from xlbuild.rules import RULES, Rule, Severity
from xlbuild.version import VERSION
from xlbuild.visible import visible

SCHEMA = "xlbuild.check/1"
"""What the JSON document calls itself; its schema is xlbuild/emit/check.schema.json."""

_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_GITHUB = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
_URI_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")


def as_json(reports: Sequence[CheckReport], *, colour: bool = False) -> str:
    """Return one JSON document (docs/check.md)."""
    document = {
        "schema": SCHEMA,
        "files": [
            {
                "file": _clean(report.source),
                "errors": report.count(Severity.ERROR),
                "warnings": report.count(Severity.WARNING),
                "notes": report.count(Severity.NOTE),
                "findings": [finding_member(report, finding) for finding in report.findings],
            }
            for report in reports
        ],
    }
    return json.dumps(document, indent=2) + "\n"


def finding_member(report: CheckReport, finding: Finding) -> dict[str, str | int | None]:
    """Return a finding as JSON documents have it."""
    line = report.line(finding) if finding.where.argument is not None else None
    return {
        "rule": finding.rule.id,
        "code": finding.code,
        "severity": finding.severity.value,
        "message": _clean(finding.message),
        "cause": finding.cause and _clean(finding.cause),
        "mend": finding.hint and _clean(finding.hint),
        "line": finding.where.line,
        "column": report.character(finding),
        "key": finding.where.key,
        "argument": None if line is None else line.decode(errors="backslashreplace"),
    }


def as_sarif(reports: Sequence[CheckReport], *, colour: bool = False) -> str:
    """Return a SARIF log with one run."""
    driver = {"name": "xlbuild", "semanticVersion": VERSION, "rules": [_as_sarif_rule(r) for r in RULES]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_as_result(report, finding) for report in reports for finding in report.findings],
    }
    return json.dumps({"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _as_sarif_rule(rule: Rule) -> dict[str, object]:
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.explanation},
        "help": {"text": f"{rule.explanation}\n\n{rule.mend}"},
        "defaultConfiguration": {"level": rule.severity.value},
    }


def _as_result(report: CheckReport, finding: Finding) -> dict[str, object]:
    place: dict[str, object] = {"artifactLocation": {"uri": _uri(report.source)}}
    if finding.where.line is not None:
        region = {"startLine": finding.where.line}
        if (column := report.character(finding)) is not None:
            region["startColumn"] = column
        place["region"] = region
    result: dict[str, object] = {
        "ruleId": finding.rule.id,
        "level": finding.severity.value,
        "message": {"text": _whole(report, finding)},
        "locations": [{"physicalLocation": place}],
    }
    if finding.rule in RULES:
        result["ruleIndex"] = RULES.index(finding.rule)
    return result


def as_github(reports: Sequence[CheckReport], *, colour: bool = False) -> str:
    """Return a workflow command for each finding, which GitHub shows beside the file, and how many there are."""
    lines = [_as_command(report, finding) for report in reports for finding in report.findings]
    return "".join(f"{line}\n" for line in [*lines, summary(reports)])


def _as_command(report: CheckReport, finding: Finding) -> str:
    properties = {
        "file": report.source,
        "line": finding.where.line,
        "col": report.character(finding) if finding.where.line is not None else None,
        "title": f"{finding.rule.id} {finding.rule.title}",
    }
    given = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items() if value)
    return f"::{_GITHUB[finding.severity]} {given}::{_data(_whole(report, finding))}"


def _whole(report: CheckReport, finding: Finding) -> str:
    """Return everything that a finding says, in lines."""
    parts = [finding.message]
    if finding.where.argument is not None and (line := report.line(finding)) is not None:
        parts[0] += f" (in {line.decode(errors='replace')!r} on the command line)"
    parts += [f"cause: {finding.cause}"] if finding.cause else []
    parts += [f"mend: {finding.hint}"] if finding.hint else []
    return _clean("\n".join(parts))


def _clean(words: str) -> str:
    """Return text without what is no character; line ends stay."""
    return "\n".join(visible(line) for line in words.split("\n"))


def _data(words: str) -> str:
    return words.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(words: str) -> str:
    return _data(_clean(words)).replace(":", "%3A").replace(",", "%2C")


def _uri(path: str) -> str:
    """Return a path as a URI reference, relative where the path is."""
    data = path.encode(errors="surrogateescape")
    return "".join(chr(byte) if byte in _URI_SAFE else f"%{byte:02X}" for byte in data)


FORMATS: Mapping[str, Callable[..., str]] = {
    "text": text,
    "json": as_json,
    "sarif": as_sarif,
    "github": as_github,
}
"""Every format: what makes it of reports."""
