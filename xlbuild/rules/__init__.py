"""The rules of `xlbuild check` as one table: every code that a configuration can cause, with its text.

The documentation of rules is made from it (docs/check.md).
"""

from collections.abc import Mapping
from types import MappingProxyType

from xlbuild.rules import container, devices, files, keys, language, memory, values
from xlbuild.rules.model import Family, Rule, Severity

__all__ = ["BY_ID", "FAMILIES", "OTHER", "RULES", "Family", "Rule", "Severity", "rule_of"]

FAMILIES: tuple[Family, ...] = (
    language.FAMILY,
    keys.FAMILY,
    values.FAMILY,
    container.FAMILY,
    devices.FAMILY,
    files.FAMILY,
    memory.FAMILY,
)
"""The table, in the order of the documentation."""

RULES: tuple[Rule, ...] = tuple(rule for family in FAMILIES for rule in family.rules)
"""Every rule, in the order of ids."""

BY_ID: Mapping[str, Rule] = MappingProxyType({rule.id: rule for rule in RULES})
"""Every rule by its id."""

OTHER = Rule(
    "XLB999",
    (),
    Severity.ERROR,
    "something else",
    "What has no rule of its own; the message says what it is.",
    "As the message says.",
)
"""For a code that no rule has, of which there should be none."""

_BY_CODE = {code: rule for rule in RULES for code in rule.codes if not code.endswith("*")}
_BY_START = {code.removesuffix("*"): rule for rule in RULES for code in rule.codes if code.endswith("*")}


def rule_of(code: str) -> Rule:
    """Return the rule that a code belongs to."""
    if code in _BY_CODE:
        return _BY_CODE[code]
    starts = (start for start in _BY_START if code.startswith(start))
    return _BY_START.get(max(starts, key=len, default=""), OTHER)
