"""The page docs/refusals.md, which `scripts/docs` makes from the table."""

from collections.abc import Iterator

from refusals import CASES, GROUPS, Case, Group

_INTRODUCTION = f"""\
# What is refused, and what is said

{len(CASES)} inputs that are broken or do not suit, what `xlbuild` says of each, and its exit status. A message names the file, and the offset,
the note or the setting; the cause has what was found and what was needed, and where several loaders were asked what each of
them said; the mend says what to do. In brackets is the rule: `xlbuild check --explain XLB321` tells more of it.

The last column is what Xen's own toolstack (4.17) was seen to do with the same input: it `refuses`, `builds` or `crashes`; a dash where it
has no such thing, or was not asked. What it builds and xlbuild does not is in [differences.md](differences.md), or was asked for with an option.

This page is made from the table in [`tests/support/refusals`](../tests/support/refusals/__init__.py) by `scripts/docs`; do not edit it.
[`test_refusals.py`](../tests/cli/test_refusals.py) makes each of the inputs and compares all that is said, to the letter, and
[`test_refused_by_xen.py`](../tests/oracle/test_refused_by_xen.py) gives them to Xen's toolstack.
"""


def page() -> str:
    """Return the page."""
    parts = [_INTRODUCTION]
    number = 1
    for group in GROUPS:
        parts.append("\n".join(_group(group, number)))
        number += len(group.cases)
    return "\n".join(parts)


def _group(group: Group, first: int) -> Iterator[str]:
    """Yield the lines for a group whose first case has a number."""
    yield f"## {group.title}\n"
    yield "| | what | message | cause, the part that decides | mend | exit status | Xen 4.17 |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for number, case in enumerate(group.cases, first):
        message = _cell(case.said.splitlines()[0].removeprefix("xlbuild: "))
        row = (
            number,
            case.what,
            message,
            _cell(_deciding(case)),
            _cell(_mend(case)),
            case.status,
            case.xl or "—",
        )
        yield f"| {' | '.join(map(str, row))} |"
    for number, case in enumerate(group.cases, first):
        yield f"\n### {number}. {case.what}\n"
        yield "```"
        yield from _shown(case)
        yield "```"
    yield ""


def _shown(case: Case) -> Iterator[str]:
    yield "$ cat guest.cfg"
    yield from (_shortened(line) for line in case.config.splitlines())
    yield f"$ xlbuild {case.arguments}"
    yield from case.said.splitlines()


def _shortened(line: str, most: int = 200) -> str:
    return line if len(line) <= most else f"{line[: most // 2]} … {line[-most // 2 :]}"


def _mend(case: Case) -> str:
    """Return the first mend that is given."""
    return next(line.removeprefix(_MEND) for line in case.said.splitlines() if line.startswith(_MEND))


_CAUSE, _MEND = "  cause: ", "  mend:  "

_SAID_OF_MANY = (
    "its first 8 KiB hold no table",
    "it is for HVM containers",
    "it is not an ELF file",
    "it has no `HdrS`",
    "it is a Linux bzImage",
    "it is a gzip file; of what is in it:",
    "what its payload unpacks to is no Xen kernel",
)
"""Reasons that loaders give for whatever is not theirs."""


def _deciding(case: Case) -> str:
    """Return the line of the cause that only this input has; nothing for a message that has its cause in it."""
    lines = case.said.partition(_CAUSE)[2].partition(_MEND)[0].splitlines()
    causes = [line.strip() for line in lines]
    return next((line for line in causes if not any(words in line for words in _SAID_OF_MANY)), "")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
