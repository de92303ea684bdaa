"""What two domains both tell, where one was recovered from a file that does not tell all."""

from dataclasses import replace

import pytest
from builtdomains import HELLO, PV, PVH
from hostsides import LEFT_OUT, as_core, built, compared

from xlbuild.built import ALL_TOLD, SHARED_INFO_FILE, BuiltDomain, Origin
from xlbuild.diff.common import in_common
from xlbuild.diff.memory.restricted import RestrictedMemory, without
from xlbuild.diff.show.summary import summary
from xlbuild.emit.manifest import manifest_text
from xlbuild.emit.readback import read_manifest_text
from xlbuild.errors import UsageError
from xlbuild.units import FrameRange, Pfn, PhysAddr, paddr_of


def remarks(a: BuiltDomain, b: BuiltDomain) -> tuple[str, ...]:
    return in_common(a, b).remarks


def test_of_two_that_tell_all_nothing_is_left_out() -> None:
    a, b = built(PV), built(PVH)
    common = in_common(a, b)
    assert (common.a is a, common.b is b, common.remarks) == (True, True, ())


@pytest.mark.parametrize("config", HELLO.values(), ids=HELLO)
def test_a_guest_is_the_same_as_what_a_host_tells_of_it(config: bytes) -> None:
    a = built(config)
    for one, other in ((a, as_core(a)), (as_core(a), a), (as_core(a), as_core(a))):
        comparison = compared(one, other)
        assert comparison.same, summary(comparison)
        assert not comparison.sections


def test_what_a_side_does_not_tell_makes_no_difference_and_is_remarked() -> None:
    a = built(PVH)
    b = as_core(replace(built(PVH, "timer_mode='one_missed_tick_pending'"), grants=()))
    assert not compared(a, replace(b, untold=ALL_TOLD)).same
    comparison = compared(a, b)
    assert comparison.same
    assert comparison.remarks == (
        "not compared, because host.core does not say it: what it is made from, the kernel's notes, "
        "HVM parameters, grants, event channels",
    )


def test_what_the_other_side_has_not_either_is_not_remarked() -> None:
    a = built(PV)
    (told,) = remarks(a, as_core(a, "vnuma", "hvm_params", "populate_on_demand", "hypercall_page"))
    assert "NUMA" not in told
    assert "HVM parameters" not in told
    assert "the hypercall page" in told


def test_frames_that_a_side_does_not_have_are_not_compared_on_either() -> None:
    a, b = built(PVH), as_core(built(PVH, poke={0xFEFFC123: b"changed"}), frames=LEFT_OUT)
    comparison = compared(a, b)
    assert comparison.same
    assert {piece.name for piece in comparison.pieces} == {"kernel", "HVM start info"}
    assert comparison.remarks[-1] == (
        "not compared, because host.core does not have them: frames 0xa0..0xc0, 0xfc000..0xfc007, 0xfeff8..0xff000"
    )


def test_what_lies_in_frames_that_both_have_is_compared_all_the_same() -> None:
    a, b = built(PVH), as_core(built(PVH, poke={0x100010: b"X"}), frames=LEFT_OUT)
    comparison = compared(a, b)
    assert [owner.owner for owner in comparison.pages] == ["kernel"]
    assert not comparison.same


def test_registers_are_compared_as_far_as_both_have_them() -> None:
    a, b = built(PVH), built(PVH)
    first = b.vcpus[0]
    assert first.registers is not None
    few = {name: first.registers[name] for name in ("rip", "rbx", "cr0")}
    core = as_core(replace(b, vcpus=(replace(first, registers=few, mtrr=None),)), "vcpus.registers")
    comparison = compared(a, core)
    assert comparison.same, summary(comparison)
    assert any("some registers" in remark for remark in comparison.remarks)
    other = as_core(
        replace(b, vcpus=(replace(first, registers=few | {"rip": 0x1234}, mtrr=None),)), "vcpus.registers"
    )
    (section,) = compared(a, other).sections
    assert [difference.path for difference in section.differences] == ["vcpus[0].registers[rip]"]


def test_segments_that_are_known_by_page_are_taken_from_the_other_side() -> None:
    a = built(PV)
    kernel = a.segment("kernel")
    assert kernel is not None
    longer = replace(kernel, vend=kernel.vend + 100)
    others = tuple(segment for segment in a.segments if segment.name not in ("kernel", "phys2mach"))
    core = as_core(replace(a, segments=(longer, *others)), "segments")
    common = in_common(a, core)
    assert set(common.b.segments) == set(a.segments)
    assert compared(a, core).same


def test_segments_that_lie_elsewhere_stay_where_they_are() -> None:
    a, b = built(PV), built(PV, "memory=24")
    core = as_core(b, "segments")
    assert set(in_common(a, core).b.segments) >= {b.segment("phys2mach"), b.segment("page tables")}
    assert not compared(a, core).same


def test_a_shared_info_page_that_one_side_lacks_is_not_compared() -> None:
    a = built(PV)
    core = as_core(replace(a, structures={}))
    assert SHARED_INFO_FILE not in in_common(a, core).a.structures
    assert compared(a, core).same


def test_a_part_has_no_digest_that_another_could_have() -> None:
    a, core = built(PVH), as_core(built(PVH), frames=LEFT_OUT)
    comparison = compared(a, core)
    assert (comparison.a.digest, comparison.b.digest) == (a.digests.domain, None)
    assert "digest" not in summary(comparison)


def test_a_manifest_alone_is_no_match_for_what_a_host_has() -> None:
    a = built(PV)
    alone = read_manifest_text(manifest_text(a.document).encode(), "domain.json")
    assert alone.origin is Origin.MANIFEST
    for pair in ((alone, as_core(a)), (as_core(a), alone)):
        with pytest.raises(UsageError) as caught:
            compared(*pair)
        assert caught.value.code == "nothing-in-common"


GONE = (FrameRange.of(2, 2), FrameRange.of(0x101, 1))


def test_memory_without_some_frames_has_nothing_in_them() -> None:
    whole = built(PV, poke={paddr_of(Pfn(2)) - 1: b"ab", paddr_of(Pfn(4)) - 1: b"cd"}).memory
    part = RestrictedMemory(whole, GONE)
    assert part.populated == (
        FrameRange.of(0, 2),
        FrameRange(Pfn(4), Pfn(0x101)),
        FrameRange.of(0x102, 4096 - 0x102),
    )
    assert part.end == whole.end
    assert part.read(PhysAddr(paddr_of(Pfn(2)) - 2), 4) == b"\0a\0\0"
    assert part.read(PhysAddr(paddr_of(Pfn(4)) - 2), 4) == b"\0\0d\0"
    kept = [(pfn, page) for pfn, page in whole.pages() if pfn not in (2, 3, 0x101)]
    assert list(part.pages()) == kept
    assert list(part.pages_in(FrameRange.of(0x100, 3))) == [each for each in kept if 0x100 <= each[0] < 0x103]


def test_ranges_without_others() -> None:
    ranges = (FrameRange.of(0, 10), FrameRange.of(20, 10))
    assert without(ranges, ()) == ranges
    assert without(ranges, (FrameRange.of(0, 40),)) == ()
    assert without(ranges, (FrameRange.of(5, 20),)) == (FrameRange.of(0, 5), FrameRange.of(25, 5))
