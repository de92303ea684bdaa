"""Builds guests live with Xen's own toolstack and with xlbuild, and compares everything there is.

Every page of the image, every register and field.
"""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from compare import compare_directories
from guests import STANDARD_GUESTS, Guest, find_file
from ours import create
from toolstack import Material, Toolstack

LONG = "console=hvc0 " + " ".join(f"option{i}=value{i}" for i in range(80))
LONG = LONG.ljust(1500, "z")[:1500]

SIZES = {
    "pv-4095m": Guest("pv", "pv64-p2m", 4095),
    "pv-4096m": Guest("pv", "pv64-p2m", 4096),
    "pv-cloud-5g": Guest("pv", "cloud", 5120),
    "pv-without-init-p2m-6g": Guest("pv", "pv64-min", 6144),
    "pv-least-memory": Guest("pv", "pv64-min", 6),
    "pv32-least-memory": Guest("pv", "pv32-extcr3", 6),
    "pv32-4097m": Guest("pv", "pv32-extcr3", 4097),
    "pv32-64g": Guest("pv", "pv32-bimodal", 65536),
    "pvh-least-memory": Guest("pvh", "pvh32", 2),
    "pvh-4031m": Guest("pvh", "pvh32", 4031),
    "pvh-4032m": Guest("pvh", "pvh32", 4032),
    "pvh-4033m": Guest("pvh", "pvh32", 4033),
    "pvh-cloud-64g": Guest("pvh", "cloud", 65536),
    "pvh-balloon": Guest("pvh", "pvh32", 64, maxmem=192),
    "hvm-3840m": Guest("hvm", memory=3848),
    "hvm-3841m": Guest("hvm", memory=3849),
    "hvm-64g": Guest("hvm", memory=65536),
}

VCPUS = {
    f"{kind}-{online}-of-{most}": Guest(kind, kernel, 64, vcpus=online, maxvcpus=most)
    for kind, kernel in (("pv", "pv64-min"), ("pvh", "pvh32"), ("hvm", None))
    for online, most in ((1, 1), (9, 9), (10, 10), (1, 33), (33, 33), (100, 128), (128, 128))
} | {
    "pvh-vcpus-not-given": Guest("pvh", "pvh32", vcpus=None),
    "pvh-maxvcpus-alone": Guest("pvh", "pvh32", vcpus=None, maxvcpus=5),
}

RAMDISKS = {
    f"{kernel}-{ramdisk}": Guest(
        "pvh" if kernel.startswith("pvh") else "pv", kernel, 96, ramdisk=ramdisk, cmdline="x"
    )
    for kernel in (
        "pv64-min",
        "pv64-modpfn",
        "pv64-p2m",
        "pv64-p2m-modpfn",
        "pv32-extcr3",
        "pv32-modpfn",
        "pvh32",
        "pvh-linuxos",
    )
    for ramdisk in ("rd.raw", "rd.gz", "rd.badgz")
} | {
    "pvh-cloud-rd.gz": Guest("pvh", "cloud", 128, ramdisk="rd.gz"),
    "pv-cloud-rd.badgz": Guest("pv", "cloud", 128, ramdisk="rd.badgz"),
}

COMMAND_LINES = {
    f"{kind}-{name}": Guest("pvh" if kind == "pvh" else "pv", kernel, cmdline=cmdline)
    for kind, kernel in (("pv", "pv64-min"), ("pv32", "pv32-extcr3"), ("pvh", "pvh32"))
    for name, cmdline in (
        ("absent", None),
        ("empty", ""),
        ("7-bytes", "1234567"),
        ("8-bytes", "12345678"),
        ("1023-bytes", LONG[:1023]),
        ("1024-bytes", LONG[:1024]),
        ("1500-bytes", LONG),
        ("not-ascii", "naïve=\udcff"),
    )
} | {
    "pv-root-and-extra": Guest("pv", "pv64-min", more='root="/dev/xvda1 ro"\nextra="quiet"'),
    "pvh-extra-alone": Guest("pvh", "pvh32", more='extra="quiet"'),
}

HVM = {
    name: Guest("hvm", memory=memory, maxmem=maxmem, more=more)
    for name, memory, maxmem, more in (
        ("videoram-16", 256, None, "videoram=16"),
        ("stdvga", 256, None, 'vga="stdvga"'),
        ("stdvga-64", 256, None, 'vga="stdvga"\nvideoram=64'),
        ("qxl", 512, None, 'vga="qxl"'),
        ("no-vga", 256, None, 'vga="none"'),
        ("mmio-hole-512", 4096, None, "mmio_hole=512"),
        ("mmio-hole-1024", 4096, None, "mmio_hole=1024"),
        ("mmio-hole-3072", 5000, None, "mmio_hole=3072"),
        ("mmio-hole-of-the-default", 4096, None, "mmio_hole=256"),
        ("maxmem-below-the-hole", 1024, 3000, ""),
        ("maxmem-above-the-hole", 1024, 8192, ""),
        ("maxmem-and-videoram", 512, 1024, 'vga="stdvga"\nvideoram=128'),
        ("no-hpet", 256, None, "hpet=0"),
        ("no-apic", 256, None, "apic=0"),
        ("no-acpi", 256, None, "acpi=0"),
        ("no-vpt-align", 256, None, "vpt_align=0"),
        ("timer-mode", 256, None, 'timer_mode="one_missed_tick_pending"'),
        ("viridian", 256, None, "viridian=1"),
        ("viridian-groups", 256, None, 'viridian=["base","freq","time_ref_count","!freq"]'),
        ("altp2m", 256, None, 'altp2m="mixed"'),
        ("mca-caps", 256, None, 'mca_caps=["lmce"]'),
        ("nested", 256, None, "nestedhvm=1"),
        ("every-parameter", 256, None, 'viridian=1\naltp2m="external"\nmca_caps=["lmce"]\ntimer_mode=0'),
        ("firmware-override", 256, None, 'firmware_override="{fw32}"'),
        ("acpi-firmware", 256, None, 'acpi_firmware="{mb-64}"'),
        ("smbios-firmware", 256, None, 'smbios_firmware="{rd.gz}"'),
        ("acpi-firmware-without-loader", 256, None, 'firmware_override="{pvh32}"\nacpi_firmware="{mb-64}"'),
        ("direct-boot", 256, None, 'kernel="{rd.gz}"\nextra="x y"'),
        ("all-firmware", 256, None, 'bios="ovmf"\nacpi_firmware="{mb-64}"\nsmbios_firmware="{rd.gz}"'),
    )
}

PVH_PARAMETERS = {
    "pvh-timer-mode": Guest("pvh", "pvh32", more='timer_mode="no_missed_ticks_pending"'),
    "pvh-altp2m": Guest("pvh", "pvh32", more='altp2m="limited"'),
    "pvh-videoram": Guest("pvh", "pvh32", more="videoram=16"),
    "pvh-shim": Guest("pvh", "cloud", 512, cmdline="console=hvc0", more="pvshim=1"),
    "pvh-shim-cmdline": Guest("pvh", "cloud", 512, more='pvshim=1\npvshim_cmdline="a"\npvshim_extra="b"'),
    "pvh-shim-ramdisk": Guest("pvh", "pv64-min", 256, ramdisk="rd.raw", cmdline="a", more="pvshim=1"),
}


@pytest.mark.parametrize(
    "guest",
    [pytest.param(guest, id=name) for name, guest in (STANDARD_GUESTS | SIZES | PVH_PARAMETERS).items()],
)
def test_a_guest_is_built_as_xen_builds_it(
    guest: Guest, oracle: Toolstack, material: Material, tmp_path: Path
) -> None:
    assert_same(guest.config(material), oracle, tmp_path)


@pytest.mark.parametrize("guest", [pytest.param(guest, id=name) for name, guest in VCPUS.items()])
def test_any_number_of_vcpus(guest: Guest, oracle: Toolstack, material: Material, tmp_path: Path) -> None:
    assert_same(guest.config(material), oracle, tmp_path)


@pytest.mark.parametrize("guest", [pytest.param(guest, id=name) for name, guest in RAMDISKS.items()])
def test_any_ramdisk(guest: Guest, oracle: Toolstack, material: Material, tmp_path: Path) -> None:
    assert_same(guest.config(material), oracle, tmp_path)


@pytest.mark.parametrize("guest", [pytest.param(guest, id=name) for name, guest in COMMAND_LINES.items()])
def test_any_command_line(guest: Guest, oracle: Toolstack, material: Material, tmp_path: Path) -> None:
    assert_same(guest.config(material), oracle, tmp_path)


@pytest.mark.parametrize("guest", [pytest.param(guest, id=name) for name, guest in HVM.items()])
def test_any_hvm_setting(guest: Guest, oracle: Toolstack, material: Material, tmp_path: Path) -> None:
    more = guest.more
    for name in ("fw32", "pvh32", "mb-64", "rd.gz"):
        more = more.replace(f"{{{name}}}", str(find_file(name, material)))
    assert_same(replace(guest, more=more).config(material), oracle, tmp_path)


def test_a_guest_of_1_tib_takes_no_more_disk_than_one_of_256_mib(
    oracle: Toolstack, material: Material, tmp_path: Path
) -> None:
    blocks = {}
    for memory in (256, 1 << 20):
        directory = tmp_path / f"{memory}m"
        assert_same(Guest("pvh", "cloud", memory).config(material), oracle, directory, keep=True)
        blocks[memory] = sum(file.stat().st_blocks for file in (directory / "ours").iterdir())
        shutil.rmtree(directory)
    assert blocks[1 << 20] <= blocks[256] + 8  # one page more may be in use: the memory map is longer


def assert_same(config: str, oracle: Toolstack, directory: Path, *, keep: bool = False) -> None:
    """Build a guest with both toolstacks and compare; what was built is removed when it is the same."""
    directory.mkdir(exist_ok=True)
    reference = oracle.xlcreate(config)
    ours = directory / "ours"
    done = create(config, ours)
    assert done.returncode == 0, f"status {done.returncode}: {done.stderr}"
    comparison = compare_directories(ours, reference)
    assert not comparison.differences, f"\n{comparison}"
    assert comparison.pages > 0
    oracle.discard(reference)
    if not keep:
        shutil.rmtree(ours)
