"""What a host writes into a guest that it creates is told apart, with its reason, and does not count."""

import pytest
from builtdomains import PV, PVH
from hostsides import (
    XENSTORE_FEATURES,
    as_core,
    built,
    compared,
    with_features,
    with_registers,
    with_shared_info,
)

from xlbuild.built import BuiltDomain
from xlbuild.diff.hostwrites import HOST_BYTES, HOST_FIELDS, SECTION
from xlbuild.diff.model import Comparison, Difference
from xlbuild.diff.show.document import document
from xlbuild.diff.show.summary import summary
from xlbuild.diff.show.text import plain_text
from xlbuild.units import paddr_of, pfn_of


def told(comparison: Comparison) -> dict[str, Difference]:
    """Return what is the host's own, by path."""
    found = [section for section in comparison.sections if section.name == SECTION]
    return {difference.path: difference for section in found for difference in section.differences}


def counted_fields(comparison: Comparison) -> list[str]:
    return [d.path for section in comparison.sections if section.counts for d in section.differences]


def host_pv(*, cr4: int = 0x660) -> BuiltDomain:
    """A PV guest as a host has it."""
    guest = with_features(PV)
    assert guest.vcpus[0].registers is not None
    control = guest.vcpus[0].registers["ctrlreg"]
    assert not isinstance(control, int | bytes)
    ours = [0x80050033, *control[1:4], cr4, *control[5:]]
    clock = with_shared_info(guest, wc_version=2, wc_sec=0x6B089B4F, wc_nsec=0x2766153B, max_pfn=0x1000)
    return as_core(with_registers(clock, ctrlreg=ours), "vcpus.registers")


def test_a_pv_guest_differs_in_what_its_host_wrote_alone() -> None:
    comparison = compared(built(PV), host_pv())
    assert comparison.same
    assert set(told(comparison)) == {
        "vcpus[0].registers[ctrlreg[0]]",
        "vcpus[0].registers[ctrlreg[4]]",
        "shared_info.wc_version",
        "shared_info.wc_sec",
        "shared_info.wc_nsec",
        "shared_info.max_pfn",
        "pages[xenstore]+0x810",
    }
    assert not comparison.pages
    assert not any(piece.contents_differ for piece in comparison.pieces)
    assert counted_fields(comparison) == []


def test_each_is_told_with_its_reason() -> None:
    comparison = compared(built(PV), host_pv())
    assert all(difference.why for difference in told(comparison).values())
    text = plain_text(comparison)
    assert summary(comparison).startswith(
        "same guest: only what is no part of it differs: what the host itself wrote (7 fields)"
    )
    assert "what the host itself wrote:\n" in text
    assert "(xenstored's: the features that it offers)" in text
    members = document(comparison)["sections"]
    assert isinstance(members, list)
    assert [(each["name"], each["counts"]) for each in members] == [(SECTION, False)]


def test_it_is_the_same_whichever_side_is_the_host() -> None:
    comparison = compared(host_pv(), built(PV))
    assert comparison.same
    assert len(told(comparison)) == 7
    between = compared(host_pv(), host_pv(cr4=0x40660))
    assert set(told(between)) == {"vcpus[0].registers[ctrlreg[4]]"}


def test_nothing_is_the_hosts_where_no_side_is() -> None:
    comparison = compared(built(PV), with_features(PV))
    assert told(comparison) == {}
    assert [owner.owner for owner in comparison.pages] == ["xenstore"]
    assert not comparison.same


def test_what_else_differs_counts_beside_it() -> None:
    a = built(PV, "cmdline='greeting=other'")
    comparison = compared(a, host_pv())
    assert not comparison.same
    assert "start_info.cmd_line" in counted_fields(comparison)
    assert [owner.owner for owner in comparison.pages] == ["start_info"]
    assert len(told(comparison)) == 7


@pytest.mark.parametrize(
    ("offset", "data"),
    [(XENSTORE_FEATURES, b"\3"), (XENSTORE_FEATURES - 1, b"\1"), (XENSTORE_FEATURES + 4, b"\1")],
    ids=["another value", "before it", "behind it"],
)
def test_other_bytes_of_the_same_page_count(offset: int, data: bytes) -> None:
    at = paddr_of(built(PV).special_pages["xenstore"])
    comparison = compared(built(PV), as_core(built(PV, poke={at + offset: data})))
    assert told(comparison) == {}
    assert [owner.owner for owner in comparison.pages] == ["xenstore"]
    assert not comparison.same


def test_a_value_that_the_host_does_not_write_counts() -> None:
    host = as_core(with_registers(built(PVH), rflags=2), "vcpus.registers")
    assert set(told(compared(built(PVH), host))) == {"vcpus[0].registers[rflags]"}
    other = as_core(with_registers(built(PVH), rflags=0x202), "vcpus.registers")
    comparison = compared(built(PVH), other)
    assert told(comparison) == {}
    assert counted_fields(comparison) == ["vcpus[0].registers[rflags]"]


def test_that_a_saved_guest_has_the_frame_of_its_start_info_in_rdx_is_the_save_files() -> None:
    plain = built(PV)
    for value, expected in ((pfn_of(plain.start_info.address), True), (0x1234, False)):
        host = as_core(with_registers(plain, rdx=value), "vcpus.registers")
        assert compared(plain, host).same is expected
        assert compared(host, plain).same is expected


def test_of_two_hosts_each_has_what_it_writes_or_what_is_built() -> None:
    plain, marked, other = (
        as_core(with_registers(built(PVH), rflags=value), "vcpus.registers") for value in (0, 2, 0x202)
    )
    assert compared(plain, marked).same
    assert compared(marked, plain).same
    assert not compared(marked, other).same
    features = as_core(with_features(PVH))
    at = paddr_of(features.special_pages["xenstore"]) + XENSTORE_FEATURES
    assert compared(features, plain).same
    assert not compared(features, as_core(built(PVH, poke={at: b"\3"}))).same


def test_a_dsdt_of_the_same_maker_is_compared_as_any_table() -> None:
    comparison = compared(built(PVH), as_core(built(PVH, "vcpus=2")))
    assert told(comparison) == {}
    assert any(path.startswith("acpi.contents.dsdt") for path in counted_fields(comparison))


def test_every_row_has_a_path_and_a_reason() -> None:
    assert len({row.path for row in HOST_FIELDS}) == len(HOST_FIELDS)
    assert all(row.why for row in HOST_FIELDS)
    assert all(row.why for row in HOST_BYTES)
