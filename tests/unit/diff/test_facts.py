"""Descriptions compared value by value."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from xlbuild.diff.facts import Reading, compare_facts
from xlbuild.diff.model import Change, Difference
from xlbuild.inspect.tree import Tree

READING = Reading(names={"cpus": "id", "cpus.registers": "name", "notes": "name"}, skipped=frozenset({"sum"}))


def differences(a: Any, b: Any, reading: Reading = READING) -> list[Difference]:
    return list(compare_facts(a, b, reading))


def paths(a: Any, b: Any) -> list[tuple[str, Change]]:
    return [(found.path, found.change) for found in differences(a, b)]


def test_a_value_is_told_with_what_it_means_on_both_sides() -> None:
    a = {"flags": "0x1", "flags_means": "one"}
    b = {"flags": "0x2", "flags_means": "two"}
    assert differences(a, b) == [Difference("flags", Change.CHANGED, "0x1", "0x2", "one", "two")]


def test_a_value_that_is_the_same_is_not_told_whatever_is_said_of_it() -> None:
    assert not differences({"size": 1, "size_means": "a byte"}, {"size": 1, "size_means": "one byte"})


def test_elements_are_compared_by_what_names_them_and_not_by_their_order() -> None:
    a = {"notes": [{"name": "ENTRY", "value": "0x1"}, {"name": "LOADER", "value": "x"}]}
    b = {"notes": [{"name": "LOADER", "value": "x"}, {"name": "ENTRY", "value": "0x2"}]}
    assert paths(a, b) == [("notes[ENTRY]", Change.CHANGED)]


def test_an_element_that_is_called_as_others_are_numbered_hides_none() -> None:
    a, b = (
        {"notes": [{"name": name, "value": n} for n, name in enumerate(["x", "x", "x#2", "x"])]} for _ in "ab"
    )
    b["notes"][1]["value"] = "another"
    assert paths(a, b) == [("notes[x#2]", Change.CHANGED)]
    b["notes"][2]["value"] = "a third"
    assert len(paths(a, b)) == 2


def test_one_more_element_is_one_difference() -> None:
    cpu = {"id": 0, "registers": [{"name": "rip", "value": "0x1", "means": "starts"}], "mode": "long"}
    [found] = differences({"cpus": [cpu]}, {"cpus": [cpu, {**cpu, "id": 1}]})
    assert (found.path, found.change, found.a, found.b) == ("cpus[1]", Change.ADDED, None, None)
    assert found.means_b == "mode long"


def test_what_only_the_first_side_has_is_removed_and_stands_where_it_was() -> None:
    a, b = {"x": 1, "y": 2, "z": 3}, {"x": 2, "z": 4}
    assert paths(a, b) == [("x", Change.CHANGED), ("y", Change.REMOVED), ("z", Change.CHANGED)]


def test_what_only_the_second_side_has_stands_behind_what_it_follows() -> None:
    a, b = {"x": 1, "z": 3}, {"w": 0, "x": 1, "y": 2, "z": 4}
    assert paths(a, b) == [("w", Change.ADDED), ("y", Change.ADDED), ("z", Change.CHANGED)]


def test_null_and_an_empty_list_are_as_if_they_were_not_there() -> None:
    assert not differences({"x": None, "list": []}, {})
    assert paths({"x": None}, {"x": "text"}) == [("x", Change.ADDED)]


def test_an_empty_text_is_something() -> None:
    assert paths({"x": None}, {"x": ""}) == [("x", Change.ADDED)]


def test_a_register_that_is_not_listed_stands_for_zero_where_that_is_said() -> None:
    a = {"cpus": [{"id": 0, "registers": [{"name": "rip", "value": "0x1"}]}]}
    b = {"cpus": [{"id": 0, "registers": [{"name": "rsp", "value": "0x2"}]}]}
    reading = Reading(READING.names, absent={"cpus.registers": "0x0"})
    assert [(d.path, d.a, d.b) for d in differences(a, b, reading)] == [
        ("cpus[0].registers[rsp]", "0x0", "0x2"),
        ("cpus[0].registers[rip]", "0x1", "0x0"),
    ]


def test_elements_with_the_same_name_are_numbered() -> None:
    a = {"notes": [{"name": "X", "value": 1}, {"name": "X", "value": 2}]}
    b = {"notes": [{"name": "X", "value": 1}, {"name": "X", "value": 3}]}
    assert paths(a, b) == [("notes[X#2]", Change.CHANGED)]


def test_a_list_of_words_is_one_value_and_one_of_addresses_is_not() -> None:
    assert differences({"packing": ["gzip"]}, {"packing": ["bzImage", "xz"]}) == [
        Difference("packing", Change.CHANGED, "gzip", "bzImage, xz")
    ]
    assert paths({"at": ["0x1", "0x2"]}, {"at": ["0x1", "0x3"]}) == [("at[1]", Change.CHANGED)]


def test_what_is_skipped_is_not_compared() -> None:
    assert not differences({"sum": 1}, {"sum": 2})


NAMES = st.sampled_from(["a", "b", "id", "means", "value"])
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(NAMES, below, max_size=4),
    max_leaves=12,
)


@given(TREES, TREES)
def test_any_two_descriptions_can_be_compared_and_each_is_the_same_as_itself(a: Tree, b: Tree) -> None:
    assert not differences(a, a)
    forth, back = differences(a, b), differences(b, a)
    assert sorted(d.path for d in forth) == sorted(d.path for d in back)
