"""A comparison as text: what comes first, what is collapsed, what is left out, and what reaches no terminal."""

from dataclasses import replace

import pytest
from comparisons import (
    EVERY,
    HOSTILE,
    grown_ramdisk,
    kernel_runs,
    kernels,
    longer_command_line,
    other_container,
    same,
    same_guest_otherwise_made,
)

from xlbuild.diff.model import Change, Difference, OwnerPages, Run, Section
from xlbuild.diff.show.stat import stat_text
from xlbuild.diff.show.summary import summary
from xlbuild.diff.show.text import plain_text
from xlbuild.diff.show.words import common_start


def shown(*differences: Difference, everything: bool = False) -> list[str]:
    """Return the lines of one section with these differences."""
    section = Section("start_info", "start info", differences)
    text = plain_text(replace(same(), sections=(section,)), everything=everything)
    return text.partition("start info:\n")[2].splitlines()


def test_the_summary_comes_first_then_the_sides_then_structures_then_bytes() -> None:
    text = plain_text(grown_ramdisk())
    titles = ("a: ", "b: ", "made from:", "start info:", "registers:", "in memory:", "pages:")
    assert text.startswith(f"{summary(grown_ramdisk())}\na: web.cfg (Xen 4.17)\n")
    places = [text.index(f"\n{title}") for title in titles]
    assert places == sorted(places)


@pytest.mark.parametrize("name", EVERY)
def test_no_line_is_all_that_is_shown_and_none_ends_in_blanks(name: str) -> None:
    lines = plain_text(EVERY[name]()).splitlines()
    assert lines[0] == summary(EVERY[name]())
    assert all(line == line.rstrip() for line in lines)
    assert "".join(lines).isprintable()


def test_the_same_guest_has_nothing_but_summary_and_sides() -> None:
    assert [line[:3] for line in plain_text(same()).splitlines()[1:]] == [
        "a: ",
        "   ",
        "   ",
        "b: ",
        "   ",
        "   ",
    ]


def test_fields_stand_in_a_row_under_their_section_without_its_name() -> None:
    assert shown(
        Difference("start_info.flags", Change.CHANGED, "0x0", "0x1", "nothing", "privileged"),
        Difference("start_info.nr_modules", Change.CHANGED, 0, 2),
        Difference("vcpus[0].rip", Change.ADDED, None, "0x1"),
    ) == [
        "  flags         0x0  → 0x1  (nothing → privileged)",
        "  nr_modules    0    → 2    (+2)",
        "  vcpus[0].rip  -    → 0x1",
    ]


def test_texts_are_quoted_where_blanks_may_be_overlooked() -> None:
    assert shown(Difference("start_info.cmdline", Change.CHANGED, "", "ro ")) == ['  cmdline  ""  → "ro "']
    assert shown(Difference("start_info.cmdline", Change.CHANGED, "-", "a b")) == ['  cmdline  "-"  → "a b"']


def test_long_values_stand_below_each_other_from_where_they_begin_to_differ() -> None:
    a = "x" * 500 + " quiet" + "y" * 500
    lines = shown(Difference("start_info.cmdline", Change.CHANGED, a, a.replace("quiet", "debug")))
    assert lines[0] == "  cmdline"
    assert "xx quietyy" in lines[1]
    assert "xx debugyy" in lines[2]
    assert lines[1].startswith("    - …x")
    assert lines[1].endswith("y…")
    assert max(map(len, lines)) <= 100
    whole = shown(Difference("start_info.cmdline", Change.CHANGED, a, "b"), everything=True)
    assert whole[1:] == [f"    - {a}", "    + b"]


def test_what_is_made_up_to_be_long_is_cut_where_it_begins_to_differ_and_whole_if_all_is_asked_for() -> None:
    name, text, means = "n" * 5000 + ".size", "v" * 1_000_000, "m" * 5000
    made_up = Difference(f"start_info.{name}", Change.CHANGED, f"{text}a{text}", f"{text}b{text}", means, "x")
    lines = shown(made_up)
    assert max(map(len, lines)) < 1500
    assert "…" in lines[0]
    assert lines[0].partition("  (")[0].endswith("nn.size")
    assert "vvavv" in lines[1]
    assert "vvbvv" in lines[2]
    whole = shown(made_up, everything=True)
    assert whole[0] == f"  {name}  ({means} → x)"
    assert whole[1:] == [f"    - {text}a{text}", f"    + {text}b{text}"]


def test_a_place_with_a_name_that_is_made_up_to_be_long_is_cut() -> None:
    run = Run("kernel", 0, 1, Change.CHANGED, 1, words="w" * 5000)
    found = replace(same(), pages=(OwnerPages("kernel", 0, 1, 0, 0, 0, (run,)),))
    assert max(map(len, plain_text(found).splitlines())) < 300
    assert "w" * 5000 in plain_text(found, everything=True)


def test_a_remark_that_quotes_too_much_is_cut() -> None:
    found = replace(same(), remarks=(f"the command line is {'r' * 5000} in memory.img",))
    last = plain_text(found).splitlines()[-1]
    assert len(last) < 1100
    assert last.endswith("r in memory.img")
    assert "r" * 5000 in plain_text(found, everything=True)


@pytest.mark.parametrize(
    ("a", "b", "alike"),
    [
        ("", "", 0),
        ("a", "", 0),
        ("abc", "abc", 3),
        ("abc", "abd", 2),
        ("abc", "xbc", 0),
        ("ab", "abc", 2),
        ("abcabc", "abdabc", 2),
    ],
)
def test_two_texts_begin_alike_as_far_as_they_do(a: str, b: str, alike: int) -> None:
    assert common_start(a, b) == alike
    assert common_start("x" * 999 + a, "x" * 999 + b) == 999 + alike


def test_many_shifts_are_told_by_how_far_what_moved() -> None:
    whys = ["module0 moved by 0x1000", "module1 moved by 0x2000", "phys2mach moved by 0x1000"]
    shifts = [
        Difference(f"start_info.x{n}", Change.SHIFTED, "0x0", "0x1000", why=whys[n % 3]) for n in range(5)
    ]
    real = Difference("start_info.flags", Change.CHANGED, "0x0", "0x1")
    assert shown(*shifts, real) == [
        "  flags  0x0  → 0x1",
        "  3 fields only shifted: module0 and phys2mach moved by 0x1000",
        "  2 fields only shifted: module1 moved by 0x2000",
    ]
    assert len(shown(*shifts, real, everything=True)) == 6
    assert shown(shifts[0]) == ["  x0  0x0  → 0x1000  (module0 moved by 0x1000)"]


def test_pieces_are_told_with_both_places_and_what_became_of_them() -> None:
    text = plain_text(grown_ramdisk())
    assert "  module0         0x3c05000..0x5a4f000  → 0x3c05000..0x5a50000  grew by 1 page\n" in text
    assert "  HVM start info  0x5a4f000..0x5a4f920  → 0x5a50000..0x5a50920  moved up by 1 page\n" in text
    assert "  4 more are where they were, with the same contents\n" in text


def test_bytes_are_named_by_owner_and_offset_and_shifted_ones_only_counted() -> None:
    text = plain_text(grown_ramdisk())
    assert text.partition("pages:\n")[2].splitlines() == [
        "  module0: 1 page new, 7753 the same",
        "    module0+0x1e4a000  4096 bytes, new",
        "      + 30 37 30 37 30 31 20 61 6e 64 20 61 20 70 61 67 …  |070701 and a pag…|",
        "  HVM start info: 1 page changed",
        "    HVM start info+0x49  1 byte, start_info.modlist[0].size + 1",
        "      - a0  |.|",
        "      + b0  |.|",
        "    1 place only shifted: HVM start info moved by 0x1000",
    ]


def test_what_is_left_out_is_counted_and_shown_on_demand() -> None:
    text = plain_text(kernels())
    assert "  … and 19 more fields\n" in text
    assert "[.text59].size" not in text
    assert "[.text59].size" in plain_text(kernels(), everything=True)
    pages = plain_text(other_container())
    assert "    … and 11 more places\n" in pages  # 4 of 12, and the 7 that the comparison has not
    assert "    … and 7 more places\n" in plain_text(other_container(), everything=True)


def test_many_owners_are_cut_with_a_count_of_their_pages() -> None:
    owners = tuple(OwnerPages(f"owner{n}", 0, 2, 0, 0, 0, ()) for n in range(45))
    text = plain_text(replace(same(), pages=owners))
    assert text.endswith("  … and 5 places with 10 pages that differ\n")
    assert "owner44: 2 pages changed" in plain_text(replace(same(), pages=owners), everything=True)


def test_remarks_come_last() -> None:
    assert plain_text(other_container()).splitlines()[-1].startswith("remark: memory.img is not what")


def test_an_invisible_character_is_shown_and_none_drives_a_terminal() -> None:
    text = plain_text(EVERY["hostile"]())
    assert "\\x1b[31m" in text
    assert HOSTILE not in text
    assert text.replace("\n", "").isprintable()


def test_the_statistics_have_a_line_for_each_section_and_owner() -> None:
    assert stat_text(grown_ramdisk()).splitlines() == [
        summary(grown_ramdisk()),
        "  made from       3  fields  !!!",
        "  start info      5  fields  !~~~~",
        "  registers       1  field   ~",
        "  in memory       2  pieces  !~",
        "  module0         1  page    +",
        "  HVM start info  1  page    !",
    ]


def test_a_bar_is_never_longer_than_its_share_and_never_hides_a_change() -> None:
    pages = (
        OwnerPages("big", 0, 1, 100_000, 0, 0, ()),
        OwnerPages("small", 0, 0, 0, 0, 1, ()),
        OwnerPages("half", 0, 0, 0, 50_000, 0, ()),
    )
    bars = [line.split()[-1] for line in stat_text(replace(same(), pages=pages)).splitlines()[1:]]
    assert bars == ["!" + "~" * 40, "-", "+" * 20]


def test_the_statistics_of_the_same_guest_are_its_summary_and_what_it_was_made_from() -> None:
    assert stat_text(same()) == f"{summary(same())}\n"
    assert len(stat_text(same_guest_otherwise_made()).splitlines()) == 3


def test_one_byte_more_is_shown_where_it_is() -> None:
    text = plain_text(longer_command_line())
    assert (
        "    HVM start info+0x11f  1 byte, start_info.cmdline + 31\n      - 00  |.|\n      + 20  | |\n"
        in text
    )


def test_a_run_says_how_much_of_it_differs() -> None:
    pages = (OwnerPages("kernel", 0, 1, 0, 0, 0, kernel_runs(1)),)
    assert "kernel+0x1200  40 bytes, 9 of them differ, .text + 0x200" in plain_text(
        replace(same(), pages=pages)
    )
