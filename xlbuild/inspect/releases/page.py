"""The documentation of which Xen release takes which image: docs/image-history.md, which `scripts/docs` makes."""

from xlbuild.inspect.releases import DECODER_LIMITS, FACTS, RELEASES, SUBJECTS, Effect, Fact, Subject
from xlbuild.units import MIB

_INFERRED = sum(not fact.verified for fact in FACTS)

_INTRODUCTION = f"""\
# Which Xen takes which image

What the toolstacks of Xen {RELEASES[0]} to {RELEASES[-1]} do with a kernel or firmware image, by what it is or
needs. This page is made from the table in [`xlbuild/inspect/releases`](../xlbuild/inspect/releases/__init__.py)
by `scripts/docs`; do not edit it.

* **refused**: the toolstack of these releases does not build the guest.
* **depends**: on how this Xen was built or set up, or on the point release; the rule says on what.
* **taken**: it is loaded, though one might doubt it. What no row speaks of is taken, too.

A source is the commit that made the change, or a document; "observed" is what the real library does when it is run.
{_INFERRED} of the {len(FACTS)} rows are **inferred**: no source was found that says in which release the change came,
and the source says what is known instead. Such rows are on the cautious side.

## Decoder memory

The decoder of an xz or lzma payload gets so much memory, dictionary included:

| releases | in the first release | in the last stable update |
| --- | --- | --- |
"""


def page() -> str:
    """Return the page."""
    limits = "\n".join(
        f"| {_span(limit.since, limit.until)} | {limit.first // MIB} MiB | {limit.today // MIB} MiB |"
        for limit in DECODER_LIMITS
    )
    return f"{_INTRODUCTION}{limits}\n" + "".join(map(_subject, SUBJECTS))


def _subject(subject: Subject) -> str:
    head = (
        f"\n## {subject.title}\n\n"
        "| image | as | releases | | rule and mend | source |\n| --- | --- | --- | --- | --- | --- |\n"
    )
    return head + "".join(map(_row, subject.facts))


def _row(fact: Fact) -> str:
    mend = f" Mend: {fact.mend}." if fact.mend else ""
    inferred = "" if fact.verified else "**inferred**: "
    effect = f"**{fact.effect}**" if fact.effect is Effect.REFUSED else str(fact.effect)
    cells = (
        f"{fact.trait} (`{fact.id}`)",
        ", ".join(fact.targets),
        _span(fact.since, fact.until),
        effect,
        fact.rule + mend,
        inferred + fact.source,
    )
    return f"| {' | '.join(cells)} |\n"


def _span(since: str | None, until: str | None) -> str:
    if since is None and until is None:
        return "all"
    if until is None:
        return f"from {since}"
    if since is None:
        return f"up to {until}"
    return since if since == until else f"{since} to {until}"
