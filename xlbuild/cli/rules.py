"""The rules of `xlbuild check`, for people: `--explain` and `--list-rules`."""

import textwrap

from xlbuild.errors import UsageError
from xlbuild.rules import BY_ID, RULES

_WIDTH = 100


def rules_table() -> str:
    """Return every rule on a line of its own."""
    return "".join(f"{rule.id}  {rule.severity:7}  {rule.title}\n" for rule in RULES)


def explain_rule(name: str) -> str:
    """Return what there is to say of a rule, by its id or by a code of its own; UsageError for an unknown one."""
    rule = BY_ID.get(name.upper()) or next((rule for rule in RULES if name in rule.codes), None)
    if rule is None:
        raise UsageError(
            "rule-unknown",
            f"{name} is not the id of a rule",
            cause=f"they are XLB and three digits, from {RULES[0].id} to {RULES[-1].id}",
            hint="see `xlbuild check --list-rules`",
        )
    paragraphs = [f"{rule.id}: {rule.title} ({rule.severity})", rule.explanation, f"Mend: {rule.mend}"]
    parts = [textwrap.fill(paragraph, _WIDTH) for paragraph in paragraphs]
    if rule.example:
        parts.append(f"For example:\n\n{rule.shown_example(indent=4)}")
    parts.append(f"Codes: {', '.join(rule.codes)}")
    return "\n\n".join(parts) + "\n"
