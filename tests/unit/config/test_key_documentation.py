import re
from pathlib import Path

from xlbuild.config.keydocs import page
from xlbuild.config.keys import KEYS, SECTIONS
from xlbuild.config.suggest import EXPLAINED, OTHER_NAMES
from xlbuild.config.value_ranges import VALUES

_PAGE = Path(__file__).parents[3] / "docs" / "xl-cfg.md"


def rows(heading: str) -> list[list[str]]:
    """The rows of the table below a heading, without its head."""
    below = page().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in below.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_page_is_what_the_tables_make() -> None:
    assert _PAGE.read_text() == page(), "run scripts/docs"


def test_every_key_is_documented_once_in_the_order_of_the_table() -> None:
    documented = [row[0] for section in SECTIONS for row in rows(section.title)]
    assert documented == [f"`{key.name}`" for key in KEYS]
    for row in (row for section in SECTIONS for row in rows(section.title)):
        assert len(row) == 6


def test_a_key_that_came_later_says_from_when() -> None:
    notes = {row[0]: row[5] for section in SECTIONS for row in rows(section.title)}
    assert notes["`smbios`"].startswith("from Xen 4.18 (")
    assert notes["`stdvga`"] == "deprecated: use `vga`"
    assert notes["`memory`"] == ""


def test_values_and_wrong_names_are_documented() -> None:
    assert len(rows("Values that came and went")) == len(VALUES)
    names = [row[0].strip("`") for row in rows("Names that are no keys of xl")]
    assert names == sorted(OTHER_NAMES.keys() | EXPLAINED.keys())


def test_no_line_of_the_page_breaks_a_table() -> None:
    for line in page().splitlines():
        assert line == line.rstrip()
        assert not re.search(r"\bNone\b", line)
