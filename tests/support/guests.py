"""Guests to build with both toolstacks: what they are made of, as an xl configuration and as xcbuild's arguments."""

import re
from dataclasses import asdict, dataclass
from pathlib import Path

from toolstack import Material


@dataclass(frozen=True)
class Guest:
    """A guest; files are fields of Material, names of synthetic files, or paths."""

    type: str
    kernel: str | None = None
    memory: int = 64
    ramdisk: str | None = None
    cmdline: str | None = None
    maxmem: int | None = None
    vcpus: int | None = 1
    maxvcpus: int | None = None
    more: str = ""
    """Further lines of the configuration."""

    def config(self, material: Material) -> str:
        """Return the guest as an xl configuration."""
        numbers = {"maxmem": self.maxmem, "vcpus": self.vcpus, "maxvcpus": self.maxvcpus}
        files = {"kernel": self.kernel, "ramdisk": self.ramdisk}
        lines = ['name="guest"', f'type="{self.type}"', f"memory={self.memory}"]
        lines += [f"{key}={value}" for key, value in numbers.items() if value is not None]
        lines += [f'{key}="{find_file(name, material)}"' for key, name in files.items() if name]
        lines += [f'cmdline="{self.cmdline}"'] if self.cmdline is not None else []
        lines += ["vnc=0"] if self.type == "hvm" else []
        return "\n".join([*lines, self.more, ""])

    def xcbuild_arguments(self, material: Material, acpi_from: Path) -> list[str]:
        """Return the guest as arguments of xcbuild; PVH takes its ACPI tables from an xlcreate directory."""
        numbers = {"--maxmem": self.maxmem, "--vcpus": self.maxvcpus or self.vcpus}
        texts = {
            "--ramdisk": self.ramdisk and str(find_file(self.ramdisk, material)),
            "--cmdline": self.cmdline,
        }
        kernel = find_file(self.kernel or "hvmloader", material)
        arguments = ["--type", self.type, "--kernel", str(kernel), "--memory", str(self.memory)]
        for option, value in (numbers | texts).items():
            arguments += [option, str(value)] if value else []
        if self.type == "hvm":
            arguments += ["--bios", str(material.ovmf if "ovmf" in self.more else material.seabios)]
            videoram = re.search(r"videoram=(\d+)", self.more)
            arguments += ["--videoram", videoram[1]] if videoram else []
        for blob in sorted(acpi_from.glob("acpi*@*.bin")) if self.type == "pvh" else []:
            arguments += ["--acpi-module", f"{blob}@{blob.stem.partition('@')[2]}"]
        return arguments


def find_file(name: str, material: Material) -> Path:
    """Return the path of a file by its name: a real kernel's, a synthetic file's, or a path."""
    known: Path | None = asdict(material).get(name)
    return known or material.synth / name


STANDARD_GUESTS = {
    "pv-amd64": Guest("pv", "amd64", 256, ramdisk="rd.gz", cmdline="console=hvc0", vcpus=2),
    "pv-cloud": Guest("pv", "cloud", 300, cmdline="root=/dev/xvda ro"),
    "pv-cloud-balloon": Guest("pv", "cloud", 256, maxmem=512, ramdisk="rd.raw", cmdline="x", vcpus=2),
    "pv-grub64": Guest("pv", "grub64", 128),
    "pv-grub32": Guest("pv", "grub32", 128, ramdisk="rd.raw"),
    "pv-gnumach": Guest("pv", "gnumach", 64, cmdline="a b"),
    "pvh-amd64": Guest("pvh", "amd64", 256, ramdisk="rd.raw", cmdline="console=hvc0", vcpus=2),
    "pvh-cloud-5g": Guest("pvh", "cloud", 5120, ramdisk="rd.gz", cmdline="console=hvc0", vcpus=8),
    "pvh-pae": Guest("pvh", "pae", 256),
    "pvh-grub": Guest("pvh", "grub_pvh", 128),
    "pvh-linuxos": Guest("pvh", "pvh-linuxos", 64, cmdline="x"),
    "pvh-linuxos-rsdp": Guest("pvh", "pvh-linuxos-rsdp", 64, cmdline="x"),
    "hvm-seabios": Guest("hvm", memory=256, vcpus=2),
    "hvm-ovmf-6g": Guest("hvm", memory=6144, vcpus=4, more='bios="ovmf"'),
    "hvm-pod": Guest("hvm", memory=256, maxmem=512),
    "hvm-stdvga": Guest("hvm", memory=1024, more='vga="stdvga"\nvideoram=32'),
}
"""One of each kind, with real kernels."""
