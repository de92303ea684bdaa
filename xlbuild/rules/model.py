"""What a rule is."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a finding is."""

    ERROR = "error"
    """xl fails: it reads no guest here, or creates none."""
    WARNING = "warning"
    """xl carries on, with what is very likely not what the author meant."""
    NOTE = "note"
    """Worth knowing."""


_MOST_SHOWN = 72


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that a configuration can have wrong with it."""

    id: str
    """Stable: XLB and three digits, of which the first is the family's."""
    codes: tuple[str, ...]
    """Codes of the errors and warnings that are it; one that ends in `*` stands for all that start so."""
    severity: Severity
    title: str
    explanation: str
    mend: str
    example: str = ""
    """A file, or the lines of one, that the rule finds something in; empty: it takes a file of another kind."""

    def shown_example(self, *, indent: int = 0) -> str:
        """Return the example for people: cut where it is long, and with escapes for what nobody sees."""
        lines = (line.replace("\r", "\\r").replace("\0", "\\0") for line in self.example.split("\n"))
        shown = (line.replace("\ufeff", "\\ufeff") for line in lines if line)
        cut = (line if len(line) <= _MOST_SHOWN else f"{line[:_MOST_SHOWN]}…" for line in shown)
        return "\n".join(" " * indent + line for line in cut)


@dataclass(frozen=True, slots=True)
class Family:
    """Rules that belong together: those with the same first digit."""

    digit: str
    title: str
    rules: tuple[Rule, ...]
