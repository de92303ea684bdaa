"""What starts something else: pvgrub, GRUB for PVH, the PV shim, Xen itself, hvmloader; and real images anywhere.

Built live by Xen's own toolstack and by xlbuild, and compared: every page, every register and field.
"""

from dataclasses import asdict
from pathlib import Path

import pytest
from compare import compare_directories
from ours import create
from toolstack import Material, Toolstack

CHAINS = {
    "pvgrub64-as-firmware": 'type="pv"\nfirmware="pvgrub64"\nextra="(hd0)/boot/grub/menu.lst"',
    "pvgrub32-as-firmware": 'type="pv"\nfirmware="pvgrub32"',
    "pvgrub32-as-kernel": 'type="pv"\nkernel="{grub32}"\nramdisk="{synth}/rd.gz"\ncmdline="(hd0)"',
    "pvgrub64-as-kernel": 'type="pv"\nkernel="{grub64}"\nramdisk="{synth}/rd.raw"',
    "grub-pvh": 'type="pvh"\nkernel="{grub_pvh}"\nramdisk="{synth}/rd.raw"\nextra="x"\nvcpus=2',
    "gnumach": 'type="pv"\nkernel="{gnumach}"\nramdisk="{synth}/rd.raw"\nextra="root=hd0"',
    "gnumach-in-the-shim": 'type="pvh"\nkernel="{gnumach}"\npvshim=1',
    "shim-linux": 'type="pvh"\nkernel="{amd64}"\nramdisk="{synth}/rd.gz"\ncmdline="console=hvc0"\npvshim=1\nvcpus=4',
    "shim-extra": 'type="pvh"\nkernel="{cloud}"\npvshim=1\npvshim_extra="loglvl=all guest_loglvl=all"',
    "shim-cmdline": 'type="pvh"\nkernel="{cloud}"\npvshim=1\npvshim_cmdline="pv-shim"\npvshim_extra="sched=null"',
    "shim-path": 'type="pvh"\nkernel="{cloud}"\npvshim=1\npvshim_path="{shim}"\nroot="/dev/xvda1"',
    "shim-path-alone": 'type="pvh"\nkernel="{cloud}"\npvshim_path="{shim}"',
    "shim-pae": 'type="pvh"\nkernel="{synth}/pv32-extcr3"\nramdisk="{synth}/rd.raw"\npvshim=1',
    "shim-pvgrub": 'type="pvh"\nfirmware="pvgrub32"\npvshim=1',
    "xen-in-pvh": 'type="pvh"\nkernel="{xen}"\nramdisk="{amd64}"\ncmdline="dom0_mem=128M console=xen"\nvcpus=2',
    "xen-in-pvh-alone": 'type="pvh"\nkernel="{xen}"',
    "linux-686-pae": 'type="pvh"\nkernel="{pae}"\nramdisk="{synth}/rd.gz"\ncmdline="console=hvc0"\nvcpus=2',
    "seabios": 'type="hvm"\nbios="seabios"',
    "ovmf": 'type="hvm"\nfirmware="uefi"',
    "bios-path": 'type="hvm"\nbios="ovmf"\nbios_path_override="{seabios}"',
    "hvmloader-as-kernel": 'builder="hvm"\nkernel="/usr/lib/xen-4.17/boot/hvmloader"',
    "hvmloader-as-firmware": 'type="hvm"\nfirmware="{hvmloader}"',
    "acpi-and-smbios-firmware": 'type="hvm"\nacpi_firmware="{synth}/mb-64"\nsmbios_firmware="{synth}/rd.badgz"',
    "direct-kernel-boot": 'type="hvm"\nkernel="{amd64}"\nramdisk="{synth}/rd.gz"\ncmdline="console=ttyS0"',
}

REAL_IMAGES = (
    "cloud",
    "pae",
    "grub64",
    "grub32",
    "grub_pvh",
    "gnumach",
    "xen",
    "hvmloader",
    "shim",
    "seabios",
    "ovmf",
)
"""All but amd64, which test_against_xen.py builds: to unpack it takes a second each time."""


def settings(text: str, material: Material) -> str:
    filled = text.format(**asdict(material))
    return f'name="guest"\nmemory=512\nvnc=0\n{filled}\n'


@pytest.mark.parametrize("name", CHAINS)
def test_a_chain_is_built_as_xen_builds_it(
    name: str, oracle: Toolstack, material: Material, tmp_path: Path
) -> None:
    config = settings(CHAINS[name], material)
    reference = oracle.xlcreate(config)
    done = create(config, tmp_path / "ours")
    assert done.returncode == 0, done.stderr
    assert compare_directories(tmp_path / "ours", reference).differences == []
    oracle.discard(reference)


@pytest.mark.parametrize("image", REAL_IMAGES)
@pytest.mark.parametrize(
    "as_what", ['type="pv"\nkernel=', 'type="pvh"\nkernel=', 'type="hvm"\nfirmware_override=']
)
def test_a_real_image_is_taken_or_refused_as_xen_does(
    as_what: str, image: str, oracle: Toolstack, material: Material, tmp_path: Path
) -> None:
    config = settings(f'{as_what}"{{{image}}}"', material)
    reference = oracle.try_xlcreate(config)
    done = create(config, tmp_path / "ours")
    assert done.returncode == (3 if reference.refused else 0), done.stderr
    if not reference.refused:
        assert compare_directories(tmp_path / "ours", reference.directory).differences == []
    oracle.discard(reference.directory)
