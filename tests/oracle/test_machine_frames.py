"""PV guests whose machine frames are not their own frame numbers: nothing may take the one for the other.

An image that is written has mfn == pfn, which would hide every such mix-up; so the builder's maths is compared with
Xen's own toolstack here, from a first machine frame of choice.
"""

from pathlib import Path

import pytest
from compare import compare_directories
from guests import Guest
from kernels import LOAD_ADDRESS, SHT_PROGBITS, Load, Section, elf_file, pattern
from ours import build_from
from toolstack import Material, Toolstack

import xlbuild
from xlbuild.image.model import PaeMode

GUESTS = {
    "64-bit": Guest("pv", "pv64-min", 64, ramdisk="rd.raw", cmdline="x"),
    "64-bit-init-p2m": Guest("pv", "pv64-p2m", 96, ramdisk="rd.raw"),
    "64-bit-init-p2m-same-l3": Guest("pv", "pv64-p2m-samel3", 64),
    "64-bit-ramdisk-unmapped": Guest("pv", "pv64-p2m-modpfn", 64, ramdisk="rd.raw"),
    "64-bit-linux": Guest("pv", "cloud", 256),
    "32-bit-yes": Guest("pv", "pv32-legacy-yes", 64, ramdisk="rd.raw"),
    "32-bit-extended-cr3": Guest("pv", "pv32-extcr3", 64, ramdisk="rd.raw"),
    "32-bit-bimodal": Guest("pv", "pv32-bimodal", 64),
    "32-bit-low": Guest("pv", "pv32-low", 64),
    "32-bit-grub": Guest("pv", "grub32", 64),
}

MFN_BASES = (0x1000, 0xFFE00, 0x123456, 0x2345678)
"""Below 4 GiB, across its end, above it, and above 64 GiB, where PAE's entries have more than 36 bits."""


@pytest.mark.parametrize("mfn_base", MFN_BASES, ids=hex)
@pytest.mark.parametrize("name", GUESTS)
def test_a_pv_guest_anywhere_in_the_machine_is_built_as_xen_builds_it(
    name: str, mfn_base: int, oracle: Toolstack, material: Material, tmp_path: Path
) -> None:
    guest = GUESTS[name]
    status, reference = oracle.xcbuild(
        *guest.xcbuild_arguments(material, tmp_path), "--mfn-base", hex(mfn_base)
    )
    assert status == 0
    xlbuild.write(build_from(mfn_base, guest.config(material).encode()), tmp_path / "ours")
    assert compare_directories(tmp_path / "ours", reference).differences == []


def test_the_top_table_of_a_pae_kernel_without_the_extended_cr3_moves_below_4_gib(material: Material) -> None:
    domain = build_from(0x123456, GUESTS["32-bit-yes"].config(material).encode())
    top = domain.plan.page_tables[0].tables.first
    assert domain.plan.p2m is not None
    assert domain.plan.p2m.mfn(top) < 1 << 20
    registers = domain.plan.vcpus[0].registers
    assert registers is not None
    assert registers["vm_assist"] == 0


def test_a_64_bit_kernel_that_says_pae_moves_no_table(oracle: Toolstack, tmp_path: Path) -> None:
    text = "LOADER=generic,XEN_VER=xen-3.0,PAE=yes,VIRT_BASE=0x0,VIRT_ENTRY=0x100000"
    section = Section("__xen_guest", SHT_PROGBITS, text.encode() + b"\0")
    (tmp_path / "kernel").write_bytes(elf_file([Load(LOAD_ADDRESS, pattern(5000))], sections=[section]))
    config = f'name="g"\nkernel="{tmp_path}/kernel"\nmemory=16\n'.encode()
    arguments = ("--type", "pv", "--kernel", tmp_path / "kernel", "--memory", "16", "--mfn-base", "0x123456")
    status, reference = oracle.xcbuild(*arguments)
    assert status == 0
    domain = build_from(0x123456, config)
    assert domain.plan.request.image.parameters.pae is PaeMode.YES
    xlbuild.write(domain, tmp_path / "ours")
    assert compare_directories(tmp_path / "ours", reference).differences == []
