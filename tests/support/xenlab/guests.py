"""The guests that xlbuild builds and a real Xen starts, with the words by which each shows that it runs."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import toolstack

from xenlab.model import Lab, LabError

SCREEN = r"(?:\x1b\[[0-9;?]*[A-Za-z])*"
"""What a terminal is told between the words."""


@dataclass(frozen=True)
class Guest:
    """One guest. `words` are regular expressions; its console must say all of them."""

    name: str
    what: str
    kind: str
    kernel: Callable[[Lab], str | Path]
    """The file that xlbuild builds from; `xlbuild:…` names one of xlbuild's own."""
    settings: str
    words: tuple[str, ...]
    ramdisk: bool = False
    seconds: int = 60
    tries: int = 1
    """QEMU's emulation lets Linux die in its calibration of the clock now and then: PVH gets another try."""
    options: tuple[str, ...] = ()
    """What `xlbuild create --format save` is told besides."""
    compared: bool = False
    """Whether it is also made by the real `xl create`, and need not get further than that."""

    def config(self, lab: Lab) -> str:
        """Return its configuration with this machine's paths. Raises LabError where its kernel is missing."""
        return self._config(self.kernel(lab), lab.guest_ramdisk)

    def dom0_config(self, kernel: str) -> str:
        """Return its configuration with the paths of dom0."""
        return self._config(kernel, Path("/guest/initrd.gz"))

    def _config(self, kernel: str | Path, ramdisk: Path) -> str:
        lines = [f'name="{self.name}"', f'type="{self.kind}"', f'kernel="{kernel}"']
        lines += [f'ramdisk="{ramdisk}"'] if self.ramdisk else []
        ends = ("on_poweroff", "on_reboot", "on_crash")
        return "\n".join((*lines, self.settings, *(f'{end}="destroy"' for end in ends), ""))


def _debian(lab: Lab) -> Path:
    return lab.kernel


def _material(role: str) -> Callable[[Lab], Path]:
    def found(_: Lab) -> Path:
        paths = toolstack.find_material()
        if role not in paths:
            raise LabError(f"{role} is not here ({toolstack.FETCH})")
        return paths[role]

    return found


_LINUX_SAYS = ("GUEST-HELLO", r"GUEST-KERNEL \S+ x86_64 cpus=2", "GUEST-BYE")

GUESTS: tuple[Guest, ...] = (
    Guest(
        name="debian-pv",
        what="Debian's kernel as PV (64-bit), 2 vCPUs, ramdisk",
        kind="pv",
        kernel=_debian,
        settings='memory=256\nvcpus=2\nextra="console=hvc0"',
        words=(*_LINUX_SAYS, "GUEST-HYP guest_type=PV\n"),
        ramdisk=True,
        seconds=240,
        tries=2,
    ),
    Guest(
        name="debian-pvh",
        what="Debian's kernel as PVH, 2 vCPUs, ramdisk",
        kind="pvh",
        kernel=_debian,
        settings='memory=256\nvcpus=2\nextra="console=hvc0"\ntsc_mode="native"',
        words=(*_LINUX_SAYS, "GUEST-HYP guest_type=PVH\n"),
        ramdisk=True,
        seconds=240,
        tries=3,
    ),
    Guest(
        name="hello-pv",
        what="xlbuild:hello-pv",
        kind="pv",
        kernel=lambda _: "xlbuild:hello-pv",
        settings='memory=16\nextra="restored by xl"',
        words=(r"Hello from PV\.", "command line: restored by xl"),
    ),
    Guest(
        name="hello-pvh",
        what="xlbuild:hello-pvh",
        kind="pvh",
        kernel=lambda _: "xlbuild:hello-pvh",
        settings='memory=16\nextra="restored by xl"',
        words=(r"Hello from PVH\.", "command line: restored by xl"),
    ),
    Guest(
        name="grub-pvh",
        what="GRUB as PVH, to its prompt",
        kind="pvh",
        kernel=_material("grub_pvh"),
        settings='memory=256\nvcpus=2\ntsc_mode="native"',
        words=(r"GNU GRUB +version 2\.\d+", rf"grub>{SCREEN} "),
        tries=2,
        options=("--set-memory-map",),
    ),
    Guest(
        name="gnumach-pv",
        what="GNU Mach as PV (64-bit), as far as `xl create` gets it",
        kind="pv",
        kernel=_material("gnumach"),
        settings="memory=128",
        words=("GNU Mach 1.8",),
        compared=True,
    ),
)

EVERY_TIME = ("debian-pv", "debian-pvh")
"""The guests of continuous integration."""
BY_NAME = {guest.name: guest for guest in GUESTS}
