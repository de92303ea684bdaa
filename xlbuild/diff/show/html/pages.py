"""Pages on the page: owner by owner, what differs as bytes."""

from collections.abc import Iterator

from xlbuild.diff.model import Change, Comparison, OwnerPages, Run
from xlbuild.diff.show.html.markup import Element, Node, classed, element, folded, plain
from xlbuild.diff.show.text import run_size
from xlbuild.diff.show.words import CHANGE_WORDS, abridged, causes, page_counts
from xlbuild.inspect.words import counted

_RUNS_SHOWN = 8
"""Runs of an owner that are shown without being asked for."""
_OWNERS_SHOWN = 200
"""Owners that are shown; no guest has as many."""


def pages_block(comparison: Comparison) -> Element | None:
    """Return the section about pages; None where none differs."""
    owners = [(f"pages-{n}", owner) for n, owner in enumerate(comparison.pages) if owner.differing]
    if not owners:
        return None
    left_out = len(owners) - _OWNERS_SHOWN
    return element(
        "section",
        {"aria-labelledby": "pages"},
        element("h2", {"id": "pages"}, "Pages"),
        classed(
            "p",
            "note",
            "A page is compared with the page at the same offset in the same piece on the other side.",
        ),
        *(_owner(owner, anchor) for anchor, owner in owners[:_OWNERS_SHOWN]),
        classed("p", "note", f"… and {left_out} places more") if left_out > 0 else None,
    )


def _owner(owner: OwnerPages, anchor: str) -> Element:
    real = [run for run in owner.runs if run.change is not Change.SHIFTED]
    shifted = [run for run in owner.runs if run.change is Change.SHIFTED]
    words = "; ".join(
        f"{counted(count, 'place')} only shifted: {why}"
        for why, count in causes(run.why for run in shifted).items()
    )
    rest = real[_RUNS_SHOWN:]
    return plain(
        "div",
        element("h3", {"id": anchor}, f"{owner.owner} ", *_counts(owner)),
        *(_run(run) for run in real[:_RUNS_SHOWN]),
        folded(f"{counted(len(rest), 'place')} more", "more", *(_run(run) for run in rest)) if rest else None,
        folded(words, "shifts", *(_run(run) for run in shifted)) if shifted else None,
        classed("p", "note", f"… and {counted(owner.runs_left_out, 'place')} more")
        if owner.runs_left_out
        else None,
    )


def _counts(owner: OwnerPages) -> Iterator[Node]:
    for change, count in page_counts(owner).items():
        if count:
            yield classed("span", f"chip {change.value}", f"{counted(count, 'page')} {CHANGE_WORDS[change]}")
            yield " "
    if owner.same:
        yield classed("span", "quiet", f"{owner.same} the same")


def _run(run: Run) -> Element:
    closer = run.words or run.field
    lines = [
        _bytes("old", "a", run, run.a, run.b) if run.change is not Change.ADDED and run.a else None,
        _bytes("new", "b", run, run.b, run.a) if run.change is not Change.REMOVED and run.b else None,
    ]
    return classed(
        "div",
        f"run {run.change.value}",
        plain(
            "p",
            plain("code", run.place),
            classed("span", "quiet", f"  {run_size(run)}"),
            f", {abridged(closer)}" if closer else None,
            classed("span", "said", run.why) if run.why else None,
        ),
        classed("div", "scroll", classed("table", "bytes", plain("tbody", *(line for line in lines if line))))
        if any(lines)
        else None,
    )


def _bytes(tone: str, letter: str, run: Run, data: bytes, other: bytes) -> Element:
    """Return a row of bytes and characters; the bytes that the other side has otherwise are marked."""
    more = " …" if len(data) < run.size else ""
    digits: list[Node] = []
    for at, byte in enumerate(data):
        digits.append(" " if at else "")
        is_same = not other or other[at : at + 1] == data[at : at + 1]
        digits.append(f"{byte:02x}" if is_same else plain("mark", f"{byte:02x}"))
    characters = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in data)
    return classed(
        "tr",
        tone,
        element("th", {"scope": "row"}, letter),
        plain("td", *digits, more),
        classed("td", "quiet", characters),
    )
