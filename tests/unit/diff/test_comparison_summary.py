"""The one line that a comparison comes to."""

from dataclasses import replace

import pytest
from comparisons import (
    DIGEST,
    EVERY,
    OTHER_DIGEST,
    grown_ramdisk,
    kernels,
    longer_command_line,
    memory_map,
    other_container,
    same,
    same_guest_otherwise_made,
    side,
    span,
)

from xlbuild.diff.model import Change, Difference, OwnerPages, Piece, Section, Side
from xlbuild.diff.show.summary import summary
from xlbuild.diff.show.words import amount
from xlbuild.units import MIB, PAGE_SIZE


def test_the_same_guest_is_told_with_its_digest() -> None:
    assert summary(same()) == f"same: no difference between the two guests; digest {DIGEST}"


def test_digests_that_differ_though_nothing_else_does_are_told() -> None:
    text = summary(replace(same(), b=side("b", digest=OTHER_DIGEST)))
    assert text == "same: no difference between the two guests; their digests differ"


def test_what_only_the_inputs_differ_in_is_the_same_guest() -> None:
    text = summary(same_guest_otherwise_made())
    assert text.startswith("same guest: ")
    assert "files it was made from (1 field), release (1 field)" in text
    assert text.endswith(DIGEST)


def test_what_is_no_guest_is_called_what_it_is() -> None:
    nothing = replace(kernels(), sections=())
    assert summary(nothing) == "same: no difference between the two kernels"
    ramdisk = Side("initrd", "a cpio archive, packed with gzip")
    assert summary(replace(nothing, a=ramdisk, b=ramdisk)) == "same: no difference between the two files"


def test_pieces_fields_and_pages_are_named_where_they_are_few() -> None:
    assert summary(grown_ramdisk()) == (
        "different: module0 grew by 1 page, HVM start info moved up by 1 page; "
        "6 fields (start_info.modlist[0].size changed, 5 only shifted); "
        "2 pages (1 of HVM start info changed, 1 of module0 new)"
    )
    assert summary(longer_command_line()) == (
        "different: command_line and start_info.cmdline changed; 1 page of HVM start info changed"
    )


def test_another_container_and_more_memory_come_first_and_many_things_are_counted() -> None:
    assert summary(other_container()) == (
        "different: PV → PVH; RAM 257 MiB → 4.9 GiB; "
        "5 pieces are new, 3 pieces are gone, 3 pieces moved; 14 fields (4 changed, 2 new, 8 gone); "
        "186 pages (3 of kernel changed, 5 of ACPI tables new, 178 of page tables and phys2mach gone)"
    )


def test_another_number_of_vcpus_and_another_kernel_are_told_by_what_they_are() -> None:
    names = (("name", "Xen", "Linux"), ("version", "4.17", "6.1"))
    told = {name: Difference(f"kernel.program.{name}", Change.CHANGED, a, b) for name, a, b in names}
    comparison = replace(same(), a=side("a", vcpus=2), b=side("b", vcpus=3))
    for fields, words in (
        (("name", "version"), "4.17 (Xen) → 6.1 (Linux)"),
        (("version",), "4.17 → 6.1"),
        (("name",), "Xen → Linux"),
    ):
        section = Section("kernel.program", "", tuple(told[name] for name in fields), counts=False)
        changed = Section("x", "x", (Difference("x", Change.CHANGED, 1, 2),))
        text = summary(replace(comparison, sections=(section, changed)))
        assert text == f"different: vCPUs 2 → 3; kernel {words}; x changed"


def test_what_only_shifts_is_said_to_only_shift() -> None:
    moved = [
        Piece(f"page{n}", "", span(n * PAGE_SIZE, PAGE_SIZE), span((n + 2) * PAGE_SIZE, PAGE_SIZE))
        for n in range(3)
    ]
    fields = [Difference(f"x[{n}]", Change.SHIFTED, "0x0", "0x2000") for n in range(2)]
    comparison = replace(
        same(),
        pieces=tuple(moved),
        sections=(Section("x", "x", tuple(fields)),),
        pages=tuple(OwnerPages(f"page{n}", 0, 0, 1, 0, 0, ()) for n in range(3)),
    )
    assert summary(comparison) == (
        "different: 3 pieces moved up by 2 pages; 2 fields only shifted; 3 pages only shifted"
    )


def test_pieces_that_moved_by_different_amounts_are_said_to_have_moved() -> None:
    pieces = tuple(
        Piece(name, "", span(0x9000, 1), span(to, 1)) for name, to in (("one", 0x5000), ("other", 0x6000))
    )
    assert summary(replace(same(), pieces=pieces)) == "different: one and other moved"
    assert summary(replace(same(), pieces=pieces[:1])) == "different: one moved down by 4 pages"


def test_another_virtual_address_is_a_difference() -> None:
    piece = Piece("kernel", "", span(0, 1, 0x1000), span(0, 1, 0x2000))
    assert summary(replace(same(), pieces=(piece,))) == "different: kernel is mapped otherwise"


@pytest.mark.parametrize(
    ("a", "b", "told"),
    [
        (256 * MIB, 512 * MIB, "RAM 256 MiB → 512 MiB"),
        (4096 * MIB + PAGE_SIZE, 4096 * MIB, "RAM shrank by 1 page"),
    ],
)
def test_memory_that_differs_is_told_in_sizes_that_differ(a: int, b: int, told: str) -> None:
    comparison = replace(
        same(),
        a=side("a", memory_map=memory_map(a)),
        b=side("b", memory_map=memory_map(b)),
        sections=(Section("x", "x", (Difference("total_pages", Change.CHANGED, 1, 2),)),),
    )
    assert summary(comparison) == f"different: {told}; total_pages changed"


@pytest.mark.parametrize("name", EVERY)
def test_it_is_one_line_that_drives_no_terminal(name: str) -> None:
    assert summary(EVERY[name]()).replace("→", "").replace("…", "").isascii()
    assert summary(EVERY[name]()).isprintable()


def test_sides_that_say_little_make_no_gaps() -> None:
    comparison = replace(other_container(), a=Side("x", "manifest"), b=Side("y", "manifest"))
    assert summary(comparison).startswith("different: 5 pieces are new")


@pytest.mark.parametrize(
    ("size", "told"),
    [
        (1, "1 byte"),
        (4095, "4095 bytes"),
        (4096, "1 page"),
        (0x10000, "16 pages (64 KiB)"),
        (0x10001, "65537 bytes (64 KiB)"),
    ],
)
def test_an_amount_is_exact_and_in_pages_where_they_are_whole(size: int, told: str) -> None:
    assert amount(size) == told
