"""The p2m list is generated where it is read."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from xlbuild.plan.p2m import P2mList, PhysicalToMachine
from xlbuild.units import Mfn, Pfn


@given(st.integers(0, 2000), st.integers(0, 2000), st.sampled_from([0, 0x100000]))
def test_any_slice_of_the_list_is_what_the_whole_list_has_there(start: int, stop: int, mfn_base: int) -> None:
    listed = P2mList(PhysicalToMachine(200, mfn_base), 8)
    whole = struct.pack("<200Q", *range(mfn_base, mfn_base + 200))
    assert len(listed) == len(whole)
    assert listed[start:stop] == whole[start:stop]


def test_a_list_of_two_gibibytes_costs_nothing() -> None:
    listed = P2mList(PhysicalToMachine(1 << 28), 8)
    assert len(listed) == 2 << 30
    assert listed[-8:] == struct.pack("<Q", (1 << 28) - 1)


def test_a_32_bit_guest_lists_4_byte_entries() -> None:
    listed = P2mList(PhysicalToMachine(200, 0x100000), 4)
    whole = struct.pack("<200I", *range(0x100000, 0x1000C8))
    assert len(listed) == len(whole)
    assert listed[13:77] == whole[13:77]


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 40), st.sampled_from([4, 8]))
def test_a_frame_that_moved_is_listed_where_it_is(
    moved: int, first: int, count: int, entry_size: int
) -> None:
    p2m = PhysicalToMachine(80, 0x100000, moved=(Pfn(moved), Mfn(0x80000)))
    expected = [0x80000 if pfn == moved else 0x100000 + pfn for pfn in range(first, first + count)]
    assert list(p2m.mfns(Pfn(first), count)) == [p2m.mfn(Pfn(first + n)) for n in range(count)] == expected
    listed = P2mList(p2m, entry_size)[first * entry_size : (first + count) * entry_size]
    assert listed == struct.pack(f"<{count}{'I' if entry_size == 4 else 'Q'}", *expected)
