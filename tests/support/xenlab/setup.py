"""Setting the lab up: steps that are done once, and again when what they depend on has changed."""

import hashlib
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from xenlab.images import make_images
from xenlab.model import DOM0_FILES, GUEST_INIT, HERE, Lab
from xenlab.packages import fetch_packages, install_host_packages, make_dom0_tree
from xenlab.qemu import fingerprint
from xenlab.snapshot import take_snapshot


def _sources(*names: str) -> str:
    return hashlib.sha256(b"".join((HERE / name).read_bytes() for name in names)).hexdigest()


def _image_sources() -> str:
    files = [GUEST_INIT, *sorted(path for path in DOM0_FILES.iterdir() if path.is_file())]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest() + _sources("images.py")


@dataclass(frozen=True)
class Step:
    """One step; it is done again when `made_for` tells another text than when it was done, or an earlier one was."""

    name: str
    what: str
    do: Callable[[Lab], None]
    made_for: Callable[[], str]


STEPS: tuple[Step, ...] = (
    Step("host", "programs of this machine", install_host_packages, lambda: ""),
    Step("packages", "Xen and Debian's kernel", fetch_packages, lambda: ""),
    Step("tree", "the tree of dom0", make_dom0_tree, lambda: _sources("packages.py")),
    Step("images", "ramdisks and the root disk", make_images, _image_sources),
    Step("snapshot", "the machine with dom0 up", take_snapshot, fingerprint),
)


def set_up(lab: Lab, *, afresh: bool = False) -> None:
    """Bring the lab up to date with its sources, or make it afresh. Raises LabError where a step fails."""
    if afresh:
        shutil.rmtree(lab.stamps, ignore_errors=True)
    lab.stamps.mkdir(parents=True, exist_ok=True)
    stale = False
    for step in STEPS:
        stamp = lab.stamps / step.name
        stale = stale or not stamp.exists() or stamp.read_text() != step.made_for()
        if not stale:
            continue
        stamp.unlink(missing_ok=True)
        began = time.monotonic()
        print(f"xenlab: {step.what} …", file=sys.stderr, flush=True)
        step.do(lab)
        stamp.write_text(step.made_for())
        print(f"xenlab: {step.what}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
