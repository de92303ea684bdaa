"""The documentation of `xlbuild check` and its rules: docs/check.md, which `scripts/docs` makes from their table."""

from xlbuild.rules import FAMILIES, RULES, Family, Rule, Severity

_COUNTS = {severity: sum(rule.severity is severity for rule in RULES) for severity in Severity}

_INTRODUCTION = f"""\
# xlbuild check

`xlbuild check FILE… [KEY=VALUE]…` reads configurations as `xl` does, decides the container, reads the files that they
name, loads the kernel and plans the guest's memory: everything that `xlbuild create` does before there is any memory.
It tells all that is wrong in one run, and what xl accepts without a word. This page is made from the table in
[`xlbuild/rules`](../xlbuild/rules/__init__.py) by `scripts/docs`; do not edit it.

| option | |
| --- | --- |
| `--xen RELEASE` | check for this release: its keys, its values, its builder |
| `--strict` | take warnings for errors |
| `--no-files` | look at no file that a configuration names: neither kernels nor disks |
| `--format text`, `json`, `sarif`, `github` | how to tell |
| `--firmware-dir DIR` | where hvmloader, SeaBIOS, OVMF and the shim are |
| `--host FILE` | describes the host ([host.md](host.md)), for guests whose memory depends on it |
| `--max-kernel-size SIZE` | refuse a kernel that is larger, packed or unpacked: bytes, or as `64M` (default: 1 GiB) |
| `-q` | tell of errors only |
| `--xl-json` | print the JSON document of `xl -N create FILE`; exit status 0 exactly when xl accepts the file |
| `--explain RULE`, `--list-rules` | say what a rule is about, or what rules there are |

An **error** is something at which xl fails; a **warning** something that xl accepts, and that is very likely not
what the author meant; a **note** is worth knowing. `xlbuild create` finds the same: it stops at errors, and tells
warnings.

| exit status | |
| --- | --- |
| 0 | clean, or notes and warnings only |
| 1 | there are errors (with `--strict`: or warnings) |
| 2 | usage |
| 4 | a configuration itself cannot be read |

Lines and columns are counted from 1, columns in characters.

## Formats

* `text`: `FILE:LINE:COLUMN: SEVERITY[RULE] MESSAGE`, then the line with a caret under the place, the cause and the
  mend. A setting of the command line is shown in place of a line.
* `json`: one document, `"schema": "xlbuild.check/1"`, described by
  [`check.schema.json`](../xlbuild/emit/check.schema.json): `files`, and for each its `findings` with `rule`, `code`,
  `severity`, `message`, `cause`, `mend`, `line`, `column`, `key` and `argument`; what there is not is null.
* `sarif`: a SARIF 2.1.0 log, for code scanning.
* `github`: workflow commands, which GitHub shows beside the lines of a pull request:
  `xlbuild check --format github --no-files guests/*.cfg`.

From Python, `xlbuild.check("guest.cfg", files=False)` returns a `CheckReport` with its `findings`.

## Rules

There are {len(RULES)} rules: {_COUNTS[Severity.ERROR]} errors, {_COUNTS[Severity.WARNING]} warnings and \
{_COUNTS[Severity.NOTE]} notes. Their ids do not change.
"""


def page() -> str:
    """Return the page."""
    return "\n".join([_INTRODUCTION, *map(_family, FAMILIES)])


def _family(family: Family) -> str:
    rules = "\n".join(map(_rule, family.rules))
    return f"### XLB{family.digit}..: {family.title}\n\n{rules}"


def _rule(rule: Rule) -> str:
    codes = ", ".join(f"`{code}`" for code in rule.codes)
    text = f"#### {rule.id}: {rule.title}\n\n**{rule.severity}** ({codes}). {rule.explanation}\n\nMend: {rule.mend}\n"
    return f"{text}\n```\n{rule.shown_example()}\n```\n" if rule.example else text
