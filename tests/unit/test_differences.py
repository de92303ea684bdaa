"""docs/differences.md has every way in which xlbuild may differ, and random guests are the same each time."""

import pytest
from randomguest import make_case
from sidebyside import EXCEPTIONS, Exemption
from toolstack import ROOT


@pytest.mark.parametrize("exemption", EXCEPTIONS, ids=lambda exemption: exemption.name)
def test_an_exception_is_in_the_list_for_users(exemption: Exemption) -> None:
    listed = (ROOT / "docs" / "differences.md").read_text()
    assert exemption.name in listed


@pytest.mark.parametrize("number", range(10))
def test_a_random_guest_is_the_same_each_time(number: int) -> None:
    assert make_case(number) == make_case(number)
