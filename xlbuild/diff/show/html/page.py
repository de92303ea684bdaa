"""The page as a whole: the summary first, both sides, how much differs where, then everything in its order."""

from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256

from xlbuild.diff.model import Comparison, Side
from xlbuild.diff.show.html.fields import section_block
from xlbuild.diff.show.html.markup import Element, Node, classed, element, markup, plain, table
from xlbuild.diff.show.html.pages import pages_block
from xlbuild.diff.show.html.pieces import memory_block
from xlbuild.diff.show.html.style import STYLE
from xlbuild.diff.show.stat import StatRow, stat_rows
from xlbuild.diff.show.summary import summary_parts
from xlbuild.diff.show.words import LONGEST_NOTE, abridged, count_words, side_words

_BAR_WIDTH = 200
_BAR_HEIGHT = 8


def html_page(comparison: Comparison) -> str:
    """Return a comparison as one page of HTML: without scripts, and without anything from elsewhere."""
    root = element("html", {"lang": "en"}, _head(comparison), plain("body", *_body(comparison)))
    return f"<!doctype html>\n{markup(root)}\n"


def _head(comparison: Comparison) -> Element:
    """Return the head; its policy lets the browser take this style and nothing else, whatever stands in the page."""
    style = b64encode(sha256(STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'"
    return plain(
        "head",
        element("meta", {"charset": "utf-8"}),
        element("meta", {"http-equiv": "Content-Security-Policy", "content": policy}),
        element("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        element("meta", {"name": "color-scheme", "content": "light dark"}),
        plain("title", f"xlbuild diff: {comparison.a.label} → {comparison.b.label}"),
        plain("style", STYLE),
    )


def _body(comparison: Comparison) -> Iterator[Node]:
    yield plain("header", plain("h1", "xlbuild diff"), _summary(comparison))
    yield classed("div", "sides", _side("a", comparison.a), _side("b", comparison.b))
    if comparison.remarks:
        yield element(
            "div",
            {"class": "remarks", "role": "note"},
            *(plain("p", abridged(remark, LONGEST_NOTE)) for remark in comparison.remarks),
        )
    yield from _overview(comparison)
    yield plain(
        "main",
        memory_block(comparison),
        *(
            section_block(section, f"section-{number}")
            for number, section in enumerate(comparison.sections)
            if section.differences
        ),
        pages_block(comparison),
    )


def _summary(comparison: Comparison) -> Element:
    """Return the summary line, its parts as a list."""
    verdict, parts = summary_parts(comparison)
    kind = "same" if comparison.same else "different"
    return classed(
        "div",
        "summary",
        classed("span", f"chip is-{kind}", verdict),
        plain("ul", *(plain("li", part) for part in parts)),
    )


def _side(letter: str, side: Side) -> Element:
    return element(
        "section",
        {"class": f"side {letter}", "aria-labelledby": f"side-{letter}"},
        element("h2", {"id": f"side-{letter}"}, f"{letter}: {side.label}"),
        plain("p", side_words(side)),
        classed("p", "quiet", "digest ", plain("code", side.digest)) if side.digest is not None else None,
    )


def _overview(comparison: Comparison) -> Iterator[Element]:
    """Yield how much differs where, with a way to each place."""
    rows = stat_rows(comparison)
    if not rows:
        return
    most = max(row.total for row in rows)
    yield element(
        "nav",
        {"aria-labelledby": "overview"},
        element("h2", {"id": "overview"}, "What differs"),
        classed(
            "div",
            "overview",
            table(
                "How much differs where", ("where", "how much", "share"), (_part(row, most) for row in rows)
            ),
        ),
    )


def _part(row: StatRow, most: int) -> Element:
    return plain(
        "tr",
        element("th", {"scope": "row"}, element("a", {"href": f"#{row.anchor}"}, row.name)),
        plain("td", _amount(row)),
        plain("td", _bar(row, most)),
    )


def _amount(row: StatRow) -> str:
    """Return how much differs: `3 fields changed`, `2 fields: 1 changed, 1 only shifted`."""
    words = count_words(row.counts)
    are_alike = row.total in row.counts.values()
    return f"{words.replace(' ', f' {row.unit} ', 1)}" if are_alike else f"{row.total} {row.unit}: {words}"


def _bar(row: StatRow, most: int) -> Element:
    """Return a bar as long as the row's share of the most there is in any; whatever there is has its part of it."""
    parts: list[Element] = []
    left = 0.0
    for change, count in row.counts.items():
        if count:
            width = max(3.0, _BAR_WIDTH * count / most)
            place = {"x": f"{left:.1f}", "width": f"{width:.1f}", "height": f"{_BAR_HEIGHT}"}
            parts.append(element("rect", {"class": change.value, **place}))
            left += width + 1
    view = f"0 0 {_BAR_WIDTH + 12} {_BAR_HEIGHT}"
    return element("svg", {"class": "bar", "viewBox": view, "aria-hidden": "true"}, *parts)
