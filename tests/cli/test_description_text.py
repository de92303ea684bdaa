"""Descriptions as text: whatever a tree holds has its line."""

from xlbuild.cli.tree import plain_text
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
