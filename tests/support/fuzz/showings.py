"""What must hold of every way of showing a comparison, whatever is compared."""

from __future__ import annotations

import json
import re
from functools import cache
from html.parser import HTMLParser

import jsonschema
from toolstack import ROOT

from fuzz.model import promise
from xlbuild.diff.model import Comparison
from xlbuild.diff.show.document import document
from xlbuild.diff.show.html import html_page
from xlbuild.diff.show.stat import stat_text
from xlbuild.diff.show.summary import summary
from xlbuild.diff.show.text import plain_text

_CONTROL = re.compile("[\0-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Characters that drive a terminal, end lines, or turn texts around; those that are no characters."""

_MOST_LINE = 4 << 10
_MOST_TEXT = 256 << 10
_MOST_PAGE = 8 << 20

_ELEMENT = re.compile(
    "html|head|meta|title|style|body|header|h1|h2|h3|div|span|p|ul|li|nav|main|section|table|caption|thead|tbody|"
    "tr|th|td|a|code|details|summary|figure|svg|desc|g|path|rect|text|mark"
)
_ATTRIBUTE = re.compile(
    "lang|charset|http-equiv|content|name|class|id|href|role|scope|tabindex|aria-labelledby|aria-hidden|viewbox|"
    "width|height|x|y|d|transform|preserveaspectratio"
)
"""All that a page has: what is neither came from a file."""
_VOID = frozenset({"meta"})


def check_shown(comparison: Comparison, *, whole: bool = True) -> None:
    """Check that a comparison can be shown in every way, and that nothing from a file gets out of its place.

    That its document is of its schema is looked at if the `whole` of it is to be: it takes longer than all else.
    """
    line = summary(comparison)
    promise("\n" not in line and len(line) <= _MOST_LINE, "a summary is a line", f"{len(line)} characters")
    texts = (line, stat_text(comparison), plain_text(comparison), plain_text(comparison, everything=True))
    for text in texts:
        text.encode()
        promise(not _CONTROL.search(text), "a text drives no terminal", repr(_CONTROL.search(text)))
        promise(text.startswith(line), "a text begins with the summary")
    for text in texts[:-1]:
        promise(len(text) <= _MOST_TEXT, "a text can be read to its end", f"{len(text)} characters")
        promise(max(map(len, text.split("\n"))) <= _MOST_LINE, "a line can be read to its end")
    _check_document(comparison, whole=whole)
    _check_page(html_page(comparison))


def _check_document(comparison: Comparison, *, whole: bool) -> None:
    told = json.loads(json.dumps(document(comparison), allow_nan=False))
    promise(told["same"] == comparison.same, "a document says whether the two are the same")
    error = next(_schema().iter_errors(told), None) if whole else None
    promise(error is None, "a document is of its schema", str(error)[:2000])


@cache
def _schema() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(
        json.loads((ROOT / "xlbuild" / "emit" / "diff.schema.json").read_text())
    )


def _check_page(page: str) -> None:
    page.encode()
    promise(len(page) <= _MOST_PAGE, "a browser can hold a page", f"{len(page)} characters")
    promise(not _CONTROL.search(page), "a page has no control characters", repr(_CONTROL.search(page)))
    reader = _PageReader()
    reader.feed(page)
    reader.close()
    promise(not reader.open, "all elements end", str(reader.open))


class _PageReader(HTMLParser):
    """Reads a page, and breaks a promise at what is not ours."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at an element's start."""
        promise(_ELEMENT.fullmatch(tag), "an element is ours", tag)
        names = [name for name, _ in attrs]
        promise(all(map(_ATTRIBUTE.fullmatch, names)), "an attribute is ours", f"{tag} {names}")
        promise(len(set(names)) == len(names), "an attribute is there once", f"{tag} {names}")
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Look at an element's end."""
        promise(bool(self.open) and self.open.pop() == tag, "an element ends where it may", tag)

    def handle_comment(self, data: str) -> None:
        """Refuse what only a file can have brought in."""
        promise(False, "a page has no comments", data[:100])

    def handle_pi(self, data: str) -> None:
        """Refuse it."""
        promise(False, "a page has no instructions", data[:100])

    def unknown_decl(self, data: str) -> None:
        """Refuse it."""
        promise(False, "a page has no declarations but the first", data[:100])

    def handle_decl(self, decl: str) -> None:
        """Look at a declaration."""
        promise(decl == "doctype html" and not self.open, "a page has one declaration", decl[:100])
