"""Where a kernel boots, and what decides: the verdicts are those of Xen's own library."""

import json
from dataclasses import dataclass

import pytest
from kernel_answers import GOLDEN
from kernel_cases import CASES, PV, PVH, pv, pvh
from kernels import bzimage, elf_file, packed, pattern, sized
from toolstack import Material

import xlbuild
from xlbuild.errors import XlbuildError
from xlbuild.hello import HELLO_KERNELS
from xlbuild.inspect.kernels.file import take_apart
from xlbuild.inspect.kernels.release_verdicts import release_verdicts, spans
from xlbuild.inspect.kernels.verdicts import CONFIG_TYPES, Verdict, verdicts
from xlbuild.inspect.releases import RELEASES, Target
from xlbuild.profiles import NEWEST, PROFILES, Profile

XENS = json.loads(GOLDEN.read_text())["cases"]
PV_TARGETS = {Target.PV64, Target.PV32}


def of(data: bytes, profile: Profile = NEWEST) -> dict[Target, Verdict]:
    """The verdicts of a file by container."""
    return {verdict.target: verdict for verdict in verdicts(take_apart(data, "kernel", profile), profile)}


def boots(data: bytes) -> set[Target]:
    return {target for target, verdict in of(data).items() if verdict.boots}


REFUSED_BY_THE_HYPERVISOR = {
    "a __xen_guest number, negative",
    "a __xen_guest number, huge",
}
"""A hypercall page outside of any memory: the library takes such a kernel, and the hypervisor behind it does not."""


@pytest.mark.parametrize("name", CASES)
def test_the_verdict_for_a_kernel_is_that_of_xens_library(name: str) -> None:
    kind, file = CASES[name]
    found = of(file, PROFILES[0])
    containers = PV_TARGETS if kind == "pv" else {Target.PVH, Target.HVM}
    boots_somewhere = any(found[target].boots for target in containers)
    assert boots_somewhere == (XENS[name]["accepted"] and name not in REFUSED_BY_THE_HYPERVISOR)


@pytest.mark.parametrize("name", CASES)
def test_a_verdict_says_what_decides_and_a_refusal_how_to_mend_it(name: str) -> None:
    for target, verdict in of(CASES[name][1]).items():
        assert verdict.rule
        assert verdict.because
        assert verdict.boots or verdict.mend, (target, verdict)


@dataclass(frozen=True)
class Real:
    """A real kernel and the containers it boots in."""

    boots: set[Target]
    rule: dict[Target, str]


REAL = {
    "cloud": Real({Target.PV64, Target.PVH}, {Target.PV32: "ELF machine", Target.HVM: "note PHYS32_ENTRY"}),
    "pae": Real({Target.PVH}, {Target.PV32: "loader ELF with Xen notes", Target.PV64: "ELF machine"}),
    "grub64": Real({Target.PV64}, {Target.PVH: "note PHYS32_ENTRY"}),
    "grub32": Real({Target.PV32}, {Target.PVH: "note PHYS32_ENTRY"}),
    "grub_pvh": Real({Target.PVH}, {Target.PV32: "loader ELF with Xen notes"}),
    "gnumach": Real({Target.PV64}, {Target.PVH: "kernel-not-pvh"}),
    "shim": Real({Target.PVH}, {Target.HVM: "note PHYS32_ENTRY"}),
    "hvmloader": Real({Target.HVM}, {Target.PVH: "note PHYS32_ENTRY"}),
    "seabios": Real(set(), dict.fromkeys(Target, "loader ELF with Xen notes")),
    "ovmf": Real(set(), dict.fromkeys(Target, "loader ELF with Xen notes")),
}


@pytest.mark.parametrize("role", REAL)
def test_real_kernels_boot_where_they_are_known_to(material: Material, role: str) -> None:
    found = of(getattr(material, role).read_bytes())
    assert {target for target, verdict in found.items() if verdict.boots} == REAL[role].boots
    assert {target: found[target].rule for target in REAL[role].rule} == REAL[role].rule


@pytest.mark.parametrize(("kernel", "target"), [("hello-pv", Target.PV64), ("hello-pvh", Target.PVH)])
def test_the_least_memory_is_enough_and_less_is_not(kernel: str, target: Target) -> None:
    least = of(HELLO_KERNELS[kernel]())[target].least_memory_mib
    assert least is not None
    config = f'name="g"\ntype="{CONFIG_TYPES[target]}"\nkernel="xlbuild:{kernel}"\nmemory='
    xlbuild.build(f"{config}{least}".encode())
    with pytest.raises(XlbuildError):
        xlbuild.build(f"{config}{least - 1}".encode())


def test_a_kernel_that_cannot_be_placed_does_not_boot() -> None:
    unaligned = elf_file([], PV)
    assert boots(unaligned) == set()


def test_an_lz4_kernel_boots_from_the_release_on_whose_builder_unpacks_it() -> None:
    found = spans(take_apart(bzimage(sized(packed(".lz4"), len(packed()))), "kernel", NEWEST))
    old, new = (span.of(Target.PV64) for span in found[:2])
    assert not old.boots
    assert new.boots
    assert "lz4" in old.because
    assert old.mend


def test_a_zstd_kernel_boots_from_4_15_on() -> None:
    file = take_apart(bzimage(sized(packed(".zst"), len(packed()))), "kernel", NEWEST)
    assert not {v.target: v for v in release_verdicts(file, "4.14")}[Target.PV64].boots
    assert {v.target: v for v in release_verdicts(file, "4.15")}[Target.PV64].boots


def test_the_verdict_of_a_known_release_is_its_builders() -> None:
    alone = pvh([*PVH, ("PADDR_OFFSET", 0)])
    file = take_apart(alone, "kernel", NEWEST)
    assert not {v.target: v for v in release_verdicts(file, "4.17")}[Target.PVH].boots
    assert {v.target: v for v in release_verdicts(file, "4.18")}[Target.PVH].boots


def test_releases_that_agree_are_told_together_and_none_is_left_out() -> None:
    for file in (pv(), pvh(), bzimage(sized(packed(".zst"), len(packed()))), b"", pattern(5000)):
        found = spans(take_apart(file, "kernel", NEWEST))
        covered = [
            release
            for span in found
            for release in RELEASES[RELEASES.index(span.first) : RELEASES.index(span.last) + 1]
        ]
        assert covered == list(RELEASES)
