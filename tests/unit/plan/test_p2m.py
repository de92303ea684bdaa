"""The p2m list is generated where it is read."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from xlbuild.plan.p2m import P2mList, PhysicalToMachine


@given(st.integers(0, 2000), st.integers(0, 2000), st.sampled_from([0, 0x100000]))
def test_any_slice_of_the_list_is_what_the_whole_list_has_there(start: int, stop: int, mfn_base: int) -> None:
    listed = P2mList(PhysicalToMachine(200, mfn_base))
    whole = struct.pack("<200Q", *range(mfn_base, mfn_base + 200))
    assert len(listed) == len(whole)
    assert listed[start:stop] == whole[start:stop]


def test_a_list_of_two_gibibytes_costs_nothing() -> None:
    listed = P2mList(PhysicalToMachine(1 << 28))
    assert len(listed) == 2 << 30
    assert listed[-8:] == struct.pack("<Q", (1 << 28) - 1)
