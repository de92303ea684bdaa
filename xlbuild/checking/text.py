"""Findings for people: the line with a caret under the place, the cause and the mend."""

import unicodedata
from collections.abc import Sequence

from xlbuild.checking.model import CheckReport, Finding
from xlbuild.rules import Severity
from xlbuild.visible import visible

_WIDTH = 100
"""Columns of a line that are shown; of a longer one, those around the place."""

_TAB = 8
_CUT = "…"

_BOLD = "\x1b[1m"
_RESET = "\x1b[0m"
_COLOURS = {Severity.ERROR: "\x1b[1;31m", Severity.WARNING: "\x1b[1;33m", Severity.NOTE: "\x1b[1;36m"}


def text(reports: Sequence[CheckReport], *, colour: bool = False) -> str:
    """Return all findings, one paragraph each, and how many there are."""
    findings = [_paragraph(report, finding, colour) for report in reports for finding in report.findings]
    return "".join(findings) + summary(reports) + "\n"


def summary(reports: Sequence[CheckReport]) -> str:
    """Return how many findings there are: `2 errors, 1 warning`."""
    counts = ((sum(report.count(severity) for report in reports), severity) for severity in Severity)
    parts = [f"{count} {severity}{'s' if count > 1 else ''}" for count, severity in counts if count]
    return ", ".join(parts) or "no problems"


def _paragraph(report: CheckReport, finding: Finding, colour: bool) -> str:
    label = f"{finding.severity}[{finding.rule.id}]"
    place = _place(report, finding)
    if colour:
        label, place = f"{_COLOURS[finding.severity]}{label}{_RESET}", f"{_BOLD}{place}{_RESET}"
    lines = [f"{place}: {label} {visible(finding.message)}", *_source(report, finding, colour)]
    for name, words in (("cause", finding.cause), ("mend", finding.hint)):
        for index, line in enumerate((words or "").splitlines()):
            lines.append(f"  {f'{name}:' if index == 0 else '':7}{visible(line)}")
    return "\n".join(lines) + "\n"


def _place(report: CheckReport, finding: Finding) -> str:
    parts = (finding.where.file or report.source, finding.where.line, report.character(finding))
    return visible(":".join(str(part) for part in parts if part is not None))


def _source(report: CheckReport, finding: Finding, colour: bool) -> list[str]:
    """Return the line of the file, and a caret; a setting of the command line goes without."""
    line = report.line(finding)
    if line is None:
        return []
    characters = line.decode(errors="surrogateescape").removesuffix("\r")
    column = report.character(finding)
    shown, at = excerpt(characters, column or 1)
    gutter = str(finding.where.line or "")
    source = [f"  {gutter} | {shown}"]
    if column is not None:
        caret = f"{_COLOURS[finding.severity]}^{_RESET}" if colour else "^"
        source.append(f"  {'':{len(gutter)}} | {' ' * at}{caret}")
    return source


def excerpt(line: str, column: int) -> tuple[str, int]:
    """Return what is shown of a line, and behind how many columns of the terminal the given character stands."""
    skipped = max(0, column - 1 - 4 * _WIDTH)  # nobody sees so far to the left
    cells: list[str] = [_CUT] if skipped else []
    widths: list[int] = [1] if skipped else []
    total = len(widths)
    at: int | None = None
    for index, character in enumerate(line[skipped : column + 2 * _WIDTH], skipped):
        if index == column - 1:
            at = total
        cell = " " * (_TAB - total % _TAB) if character == "\t" else visible(character)
        cells.append(cell)
        widths.append(_width(cell))
        total += widths[-1]
    at = total if at is None else at
    return _cut(cells, widths, at)


def _cut(cells: list[str], widths: list[int], at: int) -> tuple[str, int]:
    """Return what fits into a line of cells, some of it on the left of the place."""
    if sum(widths) <= _WIDTH:
        return "".join(cells), at
    start, left_out = 0, 0
    while at - left_out > _WIDTH * 2 // 3:
        left_out += widths[start]
        start += 1
    lead = _CUT if start else ""
    shown, width, end = lead, len(lead), start
    while end < len(cells) and width + widths[end] < _WIDTH:
        shown += cells[end]
        width += widths[end]
        end += 1
    return shown + (_CUT if end < len(cells) else ""), at - left_out + len(lead)


def _width(cell: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in cell
    )
