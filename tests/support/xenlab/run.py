"""One run: resume the machine, run a script as root in dom0, and bring back what it wrote."""

import shutil
import tarfile
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from xenlab.commands import output
from xenlab.model import Lab, LabError
from xenlab.qemu import Disks, sparse
from xenlab.snapshot import resume

_SCRIPT = ".xenlab-script.sh"
_START = 120
"""Seconds in which a script must begin."""
_FETCH = 600
"""Seconds in which its output must have come back."""
TIMED_OUT = 124
"""The status of a script that took too long."""


@dataclass(frozen=True)
class Outcome:
    """How a script ended in dom0, and where its output is."""

    status: int
    directory: Path

    @property
    def log(self) -> str:
        """What the script printed."""
        return (self.directory / ".script.log").read_text(errors="replace")


def run(
    lab: Lab, inputs: Sequence[Path], script: Path, directory: Path, *, seconds: int, echo: bool = False
) -> Outcome:
    """Run a script in dom0 of a machine of its own; `directory` gets what it put into /out.

    `inputs` are directories whose content appears in /in. Beside its output are .script.log, .rc, console.log (Xen
    and dom0) and .sys/ (Xen's and dom0's messages, the guests' consoles). Raises LabError when the machine fails.
    """
    if not lab.ready:
        raise LabError("the lab is not set up (scripts/xenlab setup)")
    directory.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="run.", dir=lab.directory))
    try:
        with lab.locked(alone=False):
            return _run(lab, inputs, script, directory, scratch, seconds, echo)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _run(
    lab: Lab, inputs: Sequence[Path], script: Path, directory: Path, scratch: Path, seconds: int, echo: bool
) -> Outcome:
    disks = Disks(scratch / "root.qcow2", scratch / "inward.raw", scratch / "outward.raw")
    sparse(disks.outward)
    size = _pack(inputs, script, disks.inward)
    console = directory / "console.log"
    console.unlink(missing_ok=True)
    with resume(lab, scratch, disks, console, echo=echo) as machine:
        machine.send(f"go {size} {seconds} {int(time.time())}")
        machine.wait(rb"XENLAB-START", "the script did not start", _START)
        ended = machine.wait(rb"XENLAB-END rc=(\d+)", "the script did not end", seconds + 60)
        machine.wait(rb"XENLAB-DONE", "no output came back", _FETCH)
    output(["tar", "-x", "-S", "--no-same-owner", "-C", directory, "-f", disks.outward])
    return Outcome(int(ended[1]), directory)


def _pack(inputs: Sequence[Path], script: Path, disk: Path) -> int:
    """Write a tar archive of the inputs onto a disk; return its size."""
    sparse(disk)
    with disk.open("r+b") as file:
        with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT, dereference=True) as archive:
            for directory in inputs:
                for path in sorted(directory.iterdir()):
                    archive.add(path, path.name, filter=_of_root)
            archive.add(script, _SCRIPT, filter=_of_root)
        return file.tell()


def _of_root(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    return member
