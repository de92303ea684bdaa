"""Guests that the real `xl create -p` built on the lab's Xen, as dump-cores, beside what xlbuild builds."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from xenlab.model import Lab, LabError
from xenlab.run import run


@dataclass(frozen=True)
class HostBuilt:
    """A guest that the host builds and that never runs."""

    name: str
    what: str
    settings: str
    pv: bool = False
    kernel: bool = True
    """Whether it is started from a kernel; else from hvmloader."""

    def config(self, kernel: str, ramdisk: str) -> str:
        """Return its configuration with the paths of one place."""
        files = f'kernel="{kernel}"\nramdisk="{ramdisk}"\nextra="console=hvc0"\n' if self.kernel else ""
        return f'name="{self.name}"\nmemory=256\nvcpus=2\n{self.settings}\n{files}'


HOST_BUILT: tuple[HostBuilt, ...] = (
    HostBuilt("pv", "Debian's kernel as PV (64-bit), 256 MiB, 2 vCPUs, ramdisk", 'type="pv"', pv=True),
    HostBuilt("pvh", "Debian's kernel as PVH, 256 MiB, 2 vCPUs, ramdisk", 'type="pvh"'),
    HostBuilt("hvm", "HVM with SeaBIOS, 256 MiB, 2 vCPUs", 'type="hvm"\nvga="none"\nvnc=0', kernel=False),
)

STOCK = "xl dump-core"
COMPLETE = "fullcore"
"""How a core was made: by the stock tool, or by the lab's own, which leaves nothing out."""

_DUMP = """\
xl create -q -p /in/{name}.cfg || exit 1
{ready}
fullcore {name} /out/{name}.full.core || exit 1
{stock} &
"""
_STOCK_DUMP = "{{ xl dump-core {name} /out/{name}.core || rm -f /out/{name}.core; }}"
_SECONDS = 600
_SLOW_SECONDS = 5400
"""Stock `xl dump-core` asks for 900,000 absent frames of a PVH or HVM guest one by one."""


@dataclass(frozen=True)
class Core:
    """A dump-core of a guest that the host built."""

    guest: HostBuilt
    how: str
    file: Path


def take_cores(lab: Lab, directory: Path, *, slow: bool) -> list[Core]:
    """Let the host build the guests, and dump them. Raises LabError where it does not come to that.

    `slow`: with the stock tool PVH and HVM as well, which takes it many minutes.
    """
    inward, outward = directory / "in", directory / "out"
    inward.mkdir(parents=True)
    script = ""
    for guest in HOST_BUILT:
        (inward / f"{guest.name}.cfg").write_text(guest.config("/guest/vmlinuz", "/guest/initrd.gz"))
        stock = _STOCK_DUMP.format(name=guest.name) if slow or guest.pv else "true"
        ready = f"pvready {guest.name} || exit 1" if guest.pv else ""
        script += _DUMP.format(name=guest.name, ready=ready, stock=stock)
    (directory / "script.sh").write_text(f"{script}wait\n")
    seconds = _SLOW_SECONDS if slow else _SECONDS
    outcome = run(lab, [inward], directory / "script.sh", outward, seconds=seconds)
    if outcome.status:
        raise LabError(f"the host did not dump its guests (status {outcome.status}): {outcome.log[-400:]}")
    found = [
        Core(guest, how, outward / f"{guest.name}{suffix}")
        for guest in HOST_BUILT
        for how, suffix in ((STOCK, ".core"), (COMPLETE, ".full.core"))
    ]
    return [core for core in found if core.file.exists()]


@dataclass(frozen=True)
class Comparison:
    """What `xlbuild diff` says of a configuration and what the host built from it."""

    core: Core
    command: str
    status: int
    text: str


def compare(lab: Lab, core: Core, directory: Path, *options: str) -> Comparison:
    """Compare what xlbuild builds with what the host built, as a user does."""
    directory.mkdir(parents=True, exist_ok=True)
    config, dump = directory / f"{core.guest.name}.cfg", directory / f"{core.guest.name}.core"
    config.write_text(core.guest.config("vmlinuz", "initrd.gz"))
    for link, file in ((dump, core.file), ("vmlinuz", lab.kernel), ("initrd.gz", lab.guest_ramdisk)):
        place = directory / link
        place.unlink(missing_ok=True)
        place.symlink_to(file.resolve())
    words = ["diff", *options, "--xen", "4.17", "--firmware-dir", str(lab.tree), config.name, dump.name]
    done = subprocess.run(
        [sys.executable, "-m", "xlbuild", *words], cwd=directory, capture_output=True, text=True, check=False
    )
    shown = ["xlbuild", *("DOM0" if word == str(lab.tree) else word for word in words)]
    return Comparison(core, " ".join(shown), done.returncode, done.stdout + done.stderr)
