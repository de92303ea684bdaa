"""What is left of a comparison without what a user ignores."""

from dataclasses import replace

import pytest

from xlbuild.diff.ignore import Pattern, without
from xlbuild.diff.model import Change, Comparison, Difference, OwnerPages, Piece, Run, Section, Side, Span
from xlbuild.errors import UsageError
from xlbuild.units import PAGE_SIZE, PhysAddr

FIELDS = Section(
    "start_info",
    "start info",
    (
        Difference("start_info.cmd_line", Change.CHANGED, "a", "b"),
        Difference("start_info.mod_len", Change.CHANGED, 1, 2),
    ),
)
CMD_LINE = Run("start_info", 0x48, 1, Change.CHANGED, 1, field="start_info.cmd_line")
MOD_LEN = Run("start_info", 0x40, 1, Change.CHANGED, 1, field="start_info.mod_len")


def comparison(*runs: Run, changed: int = 1, left_out: int = 0) -> Comparison:
    pages = OwnerPages("start_info", 0, changed, 0, 0, 0, runs, left_out)
    moved = Piece("start_info", "", Span(PhysAddr(0), PhysAddr(1)), Span(PhysAddr(1), PhysAddr(2)))
    return Comparison(Side("a", ""), Side("b", ""), (FIELDS,), (moved,), (pages,))


def ignoring(found: Comparison, *paths: str) -> Comparison:
    return without(found, [Pattern.of(path) for path in paths])


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("start_info.cmd_line", "start_info.cmd_line"),
        ("start_info", "start_info.modlist[0].size"),
        ("vcpus[*].registers[r*p]", "vcpus[3].registers[rip].value"),
        ("vcpus[0].registers[ctrlreg[3]]", "vcpus[0].registers[ctrlreg[3]]"),
        ("symbols[what?].size", "symbols[what?].size"),
        ("vcpus[0].registers[ctrlreg*]", "vcpus[0].registers[ctrlreg[3]]"),
        ("acpi.*.*.checksum", "acpi.contents.madt.checksum"),
        ("sections[.text]", "sections[.text].size"),
        ("pages[page tables]", "pages[page tables]"),
    ],
)
def test_a_path_covers_itself_and_what_is_below(pattern: str, path: str) -> None:
    assert Pattern.of(pattern).covers(path)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("start_info.cmd_line", "start_info.cmd_line_more"),
        ("start_info.cmd_line", "start_info"),
        ("vcpus[1]", "vcpus[0]"),
        ("vcpus[1]", "vcpus.1"),
        ("vcpus[0].registers[ctrlreg[3]]", "vcpus[0].registers[ctrlreg3]"),
        ("vcpus[0].registers[r?p]", "vcpus[0].registers[rip]"),
        ("*", "[x]"),
        ("registers[ctrlreg[3]]", "registers[ctrlreg3]"),
    ],
)
def test_a_path_covers_nothing_else(pattern: str, path: str) -> None:
    assert not Pattern.of(pattern).covers(path)
    assert not Pattern.of(pattern).covers(None)


@pytest.mark.parametrize("text", ["", ".", "..", "[]"])
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="no path"):
        Pattern.of(text)


def test_a_refusal_quotes_no_more_than_can_be_read() -> None:
    with pytest.raises(UsageError) as caught:
        Pattern.of("." * 60_000)
    assert len(str(caught.value)) < 300


def test_a_field_that_is_ignored_takes_its_bytes_with_it() -> None:
    left = ignoring(comparison(CMD_LINE), "start_info.cmd_line")
    assert [d.path for d in left.sections[0].differences] == ["start_info.mod_len"]
    assert not left.pages


def test_a_page_stays_while_anything_else_in_it_differs() -> None:
    [owner] = ignoring(comparison(CMD_LINE, MOD_LEN), "start_info.cmd_line").pages
    assert (owner.changed, owner.same, owner.runs) == (1, 0, (MOD_LEN,))


def test_a_page_whose_last_change_is_ignored_counts_as_shifted() -> None:
    shifted = Run("start_info", 0x30, 8, Change.SHIFTED, 2, field="start_info.pt_base")
    [owner] = ignoring(comparison(CMD_LINE, shifted), "start_info.cmd_line").pages
    assert (owner.changed, owner.shifted, owner.same) == (0, 1, 0)


def test_pages_of_which_not_all_runs_are_known_are_told_all_the_same() -> None:
    found = comparison(CMD_LINE, changed=3, left_out=5)
    assert ignoring(found, "start_info.cmd_line").pages == found.pages


def test_nothing_is_left_where_all_of_it_is_ignored() -> None:
    assert not comparison(CMD_LINE).same
    assert ignoring(comparison(CMD_LINE), "start_info", "map[*]").same
    assert ignoring(
        comparison(Run("start_info", PAGE_SIZE, 9, Change.ADDED, 9)), "start_info", "map", "pages"
    ).same


def test_a_run_over_pages_that_differ_each_their_own_way_takes_each_with_it() -> None:
    table = Run("tables", 0x100, 3 * PAGE_SIZE, Change.CHANGED, 9, field="acpi.contents.dsdt.aml")
    other = Run("tables", 3 * PAGE_SIZE + 0x800, 1, Change.CHANGED, 1, field="acpi.contents.madt.length")
    shifted = Run("tables", 0x80, 1, Change.SHIFTED, 1, field="acpi.contents.xsdt.entries[0]")
    numbered = ((0, Change.CHANGED), (1, Change.REMOVED), (2, Change.ADDED), (3, Change.CHANGED))
    pages = OwnerPages("tables", 2, 2, 0, 1, 1, (shifted, table, other), numbered=numbered)
    (left,) = ignoring(replace(comparison(), pages=(pages,)), "acpi.contents.dsdt").pages
    assert (left.same, left.changed, left.shifted, left.added, left.removed) == (4, 1, 1, 0, 0)
    assert left.runs == (shifted, other)
