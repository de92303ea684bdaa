"""Descriptions as text: whatever a tree holds has its line."""

from xlbuild.cli.tree import Grid, Line, fitting, plain_text
from xlbuild.inspect.tree import Branch


def test_an_element_without_members_or_with_a_branch_first_has_its_lines() -> None:
    tree: Branch = {"devices": [{}, {"id": 1, "more": {"x": 2}}, {"of": {"y": 3}}]}
    assert plain_text(tree).splitlines() == [
        "devices:",
        "  -",
        "  id: 1",
        "    more:",
        "      x: 2",
        "  -",
        "    of:",
        "      y: 3",
    ]


def test_a_table_of_sentences_becomes_lines_where_it_has_no_room() -> None:
    table = Grid(
        1, ("container", "because", "mend"), (("pv64", "it is a 32-bit kernel", "give a 64-bit kernel"),)
    )
    assert list(fitting(table, 60)) == [table]
    assert list(fitting(table, 40)) == [
        Line(1, "container", "pv64"),
        Line(2, "because", "it is a 32-bit kernel"),
        Line(2, "mend", "give a 64-bit kernel"),
    ]


def test_a_table_of_numbers_stays_one() -> None:
    table = Grid(1, ("first", "end"), (("0xffffffff80000000", "0xffffffff84a03000"),))
    assert list(fitting(table, 20)) == [table]
