"""What a check finds, and where."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from xlbuild.config.overrides import COMMAND_LINE
from xlbuild.errors import Diagnostic, ExitStatus, Where, XlbuildError
from xlbuild.rules import OTHER, Rule, Severity, rule_of


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check has to tell."""

    rule: Rule
    code: str
    """Of the error or warning; a rule has one or several."""
    message: str
    where: Where
    """In the configuration, or the name of the file alone; the column counts bytes, as everywhere."""
    cause: str | None = None
    hint: str | None = None
    severity: Severity = Severity.ERROR
    """The rule's, unless the check is a strict one."""

    @property
    def order(self) -> tuple[bool, bool, int, int, str]:
        """What sorts findings: by their places in the file; then those of the command line, and of no place."""
        where = self.where
        placeless = where.line is None and where.argument is None
        line = where.line or where.argument or 0
        return placeless, where.argument is not None, line, where.column or 0, self.rule.id


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The result of a check of one configuration."""

    source: str
    """The file, as messages call it."""
    findings: tuple[Finding, ...]
    """Sorted by their places, each once."""
    lines: Mapping[int, bytes] = field(default_factory=dict, repr=False)
    """The lines of the file that findings point at, by their numbers."""
    arguments: tuple[str, ...] = ()
    """The command line's settings, by lines."""

    def count(self, severity: Severity) -> int:
        """Return how many findings are this bad."""
        return sum(finding.severity is severity for finding in self.findings)

    @property
    def exit_status(self) -> ExitStatus:
        """1 where there are errors, else 0."""
        return ExitStatus.CONFIG if self.count(Severity.ERROR) else ExitStatus.OK

    def strict(self) -> "CheckReport":
        """Return the report with each warning as an error."""
        return replace(self, findings=tuple(map(_strict, self.findings)))

    def only_errors(self) -> "CheckReport":
        """Return the report without warnings and notes."""
        errors = (finding for finding in self.findings if finding.severity is Severity.ERROR)
        return replace(self, findings=tuple(errors))

    def line(self, finding: Finding) -> bytes | None:
        """Return the line, or the command line's setting, that a finding points at."""
        where = finding.where
        if where.argument is not None and where.file == COMMAND_LINE:
            lines: Sequence[bytes] = [a.encode(errors="surrogateescape") for a in self.arguments]
            return lines[where.argument - 1] if where.argument <= len(lines) else None
        return None if where.line is None else self.lines.get(where.line)

    def character(self, finding: Finding) -> int | None:
        """Return the column of a finding in characters, counted from 1."""
        line, column = self.line(finding), finding.where.column
        if line is None or column is None:
            return None
        return len(line[: column - 1].decode(errors="surrogateescape")) + 1


def _strict(finding: Finding) -> Finding:
    return replace(finding, severity=Severity.ERROR) if finding.severity is Severity.WARNING else finding


def lines_of(text: bytes, findings: Sequence[Finding]) -> Mapping[int, bytes]:
    """Return the lines of a file that findings point at."""
    lines: dict[int, bytes] = {}
    number, start = 1, 0
    for wanted in sorted({finding.where.line for finding in findings if finding.where.line is not None}):
        while number < wanted and (newline := text.find(b"\n", start)) >= 0:
            number, start = number + 1, newline + 1
        if number == wanted:
            lines[wanted] = _line_at(text, start)
    return lines


def _line_at(text: bytes, start: int) -> bytes:
    end = text.find(b"\n", start)
    return text[start:] if end < 0 else text[start:end]


def finding_of(problem: Diagnostic | XlbuildError, where: Where | None = None) -> Finding:
    """Return an error or a warning as a finding; `where` for one whose own place is not in the configuration."""
    message, cause = problem.message, getattr(problem, "cause", None)
    if where is not None and str(problem.where) and problem.where.file != where.file:
        cause = "\n".join(part for part in (f"in {problem.where}", cause) if part)
    rule = rule_of(problem.code)
    severity = Severity.WARNING if rule is OTHER and isinstance(problem, Diagnostic) else rule.severity
    return Finding(rule, problem.code, message, where or problem.where, cause, problem.hint, severity)


def sorted_findings(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return findings by their places; of two of one kind in one place, the first."""
    unique: dict[tuple[str, Where], Finding] = {}
    for finding in findings:
        unique.setdefault((f"{finding.code}\0{finding.message}", finding.where), finding)
    return tuple(sorted(unique.values(), key=lambda finding: finding.order))
