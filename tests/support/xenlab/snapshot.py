"""The machine from its snapshot: dom0 is up within a second or two."""

import shutil
import time
from pathlib import Path

from xenlab.model import Lab, LabError
from xenlab.qemu import Disks, Qemu, overlay, sparse

_BOOT = 300
"""Seconds in which dom0 must come up."""
_FREE_MEMORY = 4600
"""MiB that a run may take."""


def take_snapshot(lab: Lab) -> None:
    """Boot the machine, and keep its state at the moment when dom0 is up."""
    place = lab.snapshot
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    disks = Disks(place / "root.qcow2", place / "inward.raw", place / "outward.raw")
    overlay(lab.root_disk, "raw", disks.root)
    sparse(disks.inward)
    sparse(disks.outward)
    _see_that_memory_is_free()
    with Qemu(lab, place, disks, lab.logs / "boot.log") as machine:
        machine.wait(rb"XENLAB-READY", f"dom0 did not come up ({lab.logs / 'boot.log'})", _BOOT)
        time.sleep(2)  # let it come to rest
        machine.monitor("stop")
        machine.monitor("migrate-set-parameters", **{"max-bandwidth": 1 << 40})
        machine.monitor("migrate", uri=f"exec:cat > {place / 'state'}")
        ended = machine.until("query-migrate", lambda status: status in ("completed", "failed", "cancelled"))
        if ended != "completed":
            raise LabError(f"the machine's state could not be saved: {ended}")


def resume(lab: Lab, scratch: Path, disks: Disks, console: Path, *, echo: bool) -> Qemu:
    """Return a machine with dom0 up, which works on disks of its own. Raises LabError."""
    overlay(lab.snapshot / "root.qcow2", "qcow2", disks.root)
    _see_that_memory_is_free()
    machine = Qemu(lab, scratch, disks, console, state=lab.snapshot / "state", echo=echo)
    try:
        machine.until("query-status", lambda status: status not in ("inmigrate", "restore-vm"))
        machine.monitor("cont")
    except BaseException:
        machine.close()
        raise
    return machine


def _see_that_memory_is_free() -> None:
    facts = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    free = int(facts["MemAvailable"].split()[0]) >> 10
    if free < _FREE_MEMORY:
        raise LabError(f"the machine needs {_FREE_MEMORY} MiB of memory, and {free} are free")
