"""A comparison as a page: well-formed, harmless whatever stands in it, and the same in a real browser."""

import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import pytest
from browser import measure
from comparisons import EVERY, HOSTILE, grown_ramdisk, kernels, longer_command_line, other_container, same

from xlbuild.diff.model import Change, Comparison, Difference, OwnerPages, Piece, Section
from xlbuild.diff.show.html import html_page
from xlbuild.visible import visible

VOID = {"meta", "col", "br"}


class Page(HTMLParser):
    """A page taken apart, as a browser would, and complained of where a browser would only guess."""

    def __init__(self, comparison: Comparison) -> None:
        super().__init__(convert_charrefs=True)
        self.source = html_page(comparison)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(self.source)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"an attribute twice in {tag}"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self._open[-1] if self._open else "", []).append(data)

    def all_text(self) -> str:
        """Return every text but the style."""
        return "\n".join(text for tag, texts in self.texts.items() if tag != "style" for text in texts)

    def attributes(self, name: str) -> list[str]:
        """Return the values that an attribute has anywhere."""
        return [
            value or "" for _, attributes in self.elements for key, value in attributes.items() if key == name
        ]


@pytest.fixture(scope="module", params=EVERY)
def page(request: pytest.FixtureRequest) -> Page:
    return Page(EVERY[request.param]())


def test_every_id_is_there_once_and_every_link_leads_to_one(page: Page) -> None:
    ids = page.attributes("id")
    assert len(ids) == len(set(ids))
    assert {link.removeprefix("#") for link in page.attributes("href")} <= set(ids)
    named = page.attributes("aria-labelledby")
    assert {name for names in named for name in names.split()} <= set(ids)


def test_nothing_runs_and_nothing_comes_from_elsewhere(page: Page) -> None:
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "link", "img", "iframe", "object", "embed", "base", "form", "b", "animate"}
    names = {name for _, attributes in page.elements for name in attributes}
    assert not {name for name in names if name.startswith("on") or name in ("src", "style", "xlink:href")}
    assert all(link.startswith("#") for link in page.attributes("href"))
    assert not re.search(r"url\(|@import|https?:", page.source)


def test_the_policy_allows_this_style_and_nothing_else(page: Page) -> None:
    (style,) = page.texts["style"]
    digest = b64encode(sha256(style.encode()).digest()).decode()
    policies = [a["content"] for _, a in page.elements if a.get("http-equiv") == "Content-Security-Policy"]
    assert policies == [
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    ]


def test_every_table_has_headers_and_every_picture_has_words(page: Page) -> None:
    heads = [attributes.get("scope") for tag, attributes in page.elements if tag == "th"]
    assert all(scope in ("col", "row") for scope in heads)
    for tag, attributes in page.elements:
        if tag == "svg":
            assert "aria-labelledby" in attributes or attributes.get("aria-hidden") == "true"
    assert [tag for tag, _ in page.elements].count("h1") == 1


def test_whatever_is_hostile_is_shown_as_text() -> None:
    page = Page(EVERY["hostile"]())
    assert page.all_text().count(visible(HOSTILE)) >= 10
    assert "\x1b" not in page.source
    page.source.encode()  # no half of a character
    assert "<script" not in page.source


def test_the_summary_the_sides_and_the_remarks_come_before_everything_else() -> None:
    text = Page(other_container()).all_text()
    source = html_page(other_container())
    places = [source.index(part) for part in ("PV → PVH", "a: web.cfg", "is not what domain.json", "<main>")]
    assert places == sorted(places)
    assert "186 pages (3 of kernel changed" in text


def test_the_picture_has_each_piece_with_its_words_and_a_tooltip() -> None:
    page = Page(grown_ramdisk())
    assert page.texts["text"].count("kernel") == 2
    assert {"grew +1 page", "moved +1 page", "0x5a4f000", "0x5a50920", "RAM"} <= set(page.texts["text"])
    assert (
        "HVM start info (start info): moved up by 1 page; "
        "a: 0x5a4f000..0x5a4f920 (2.3 KiB); b: 0x5a50000..0x5a50920 (2.3 KiB)"
    ) in page.texts["title"]
    assert "3.7 GiB, not in the memory map" in page.texts["text"]


def test_what_is_new_or_gone_has_no_band_and_says_so() -> None:
    page = Page(other_container())
    bands = [name for name in page.attributes("class") if name.startswith("band")]
    assert sorted(bands) == ["band contents", "band mapped", "band mapped", "band moved", "band moved"]
    assert page.texts["text"].count("gone") == 3
    assert page.texts["text"].count("new") == 5


def test_files_have_no_picture_and_no_memory() -> None:
    page = Page(kernels())
    assert "figure" not in {tag for tag, _ in page.elements}
    assert page.all_text().count("[.text") == 59


def test_the_part_of_a_text_that_differs_is_marked() -> None:
    assert Page(longer_command_line()).texts["mark"] == [" ", " ", "00", "20"]
    names = Difference("kernel", Change.CHANGED, "/boot/vmlinuz-6.1", "/boot/vmlinuz-6.12")
    others = Difference("name", Change.CHANGED, "web", "mail")
    changed = Page(replace(same(), sections=(Section("x", "x", (names, others)),)))
    assert changed.texts["mark"] == ["2"]


def test_a_page_says_how_much_it_leaves_out() -> None:
    owners = tuple(OwnerPages(f"o{n}", 0, 1, 0, 0, 0, (), runs_left_out=3) for n in range(205))
    pieces = tuple(Piece(f"p{n}", "", None, other_container().pieces[0].b) for n in range(300))
    fields = tuple(Difference(f"x.y{n}", Change.CHANGED, 0, 1) for n in range(2010))
    text = Page(
        replace(same(), pages=owners, pieces=pieces, sections=(Section("x", "x", fields),))
    ).all_text()
    assert "1950 fields more" in text
    assert "10 fields of them are not on this page" in text
    assert "y1999" in text
    assert "y2000" not in text
    assert "… and 5 places more" in text
    assert "… and 3 places more" in text
    assert "the first 200 of 300 pieces" in text


def test_the_same_comparison_is_the_same_page() -> None:
    assert html_page(other_container()) == html_page(other_container())


@pytest.mark.browser
def test_a_browser_shows_the_pages_without_complaint(tmp_path: Path) -> None:
    """On a phone and on a desktop: never wider than the window, and in the picture no text over another."""
    pages = {
        f"{name} {width}": (html_page(make()), width) for name, make in EVERY.items() for width in (360, 1100)
    }
    broken = html_page(same()).replace("<h1>", '<h1 style="color:red">')
    found, complaints = measure({**pages, "broken": (broken, 800)}, tmp_path)
    assert len(complaints) == 1, complaints
    assert "inline style" in complaints[0]  # the broken page's: that it complains is seen
    for name, (_, width) in pages.items():
        told = found[name]
        assert told["needed"] <= told["width"] <= width, name
        assert told["title"].startswith("xlbuild diff: ")
        assert told["marked"] == "1024px", "the style is applied"
        assert told["scripts"] == 0
        assert told["narrowest"] >= 100, name  # a name is read across, not down
        assert told["over"] == [] or name.startswith("hostile"), name
        assert (
            ("In memory" in told["headings"]) == (told["picture"] > 100) == (not name.startswith("kernels"))
        )
