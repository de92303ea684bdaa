"""Disks that a guest is to have: whether they are on this machine."""

from collections.abc import Iterator
from pathlib import Path

from xlbuild.errors import NOWHERE, Diagnostic
from xlbuild.libxl.domain import DomainConfig


def missing_disks(config: DomainConfig) -> Iterator[tuple[int, Diagnostic]]:
    """Yield which disks are not there, each with its number in the list.

    Only absolute paths count, and only disks whose backend is in the control domain.
    """
    for number, disk in enumerate(config.disks or ()):
        path = disk.pdev_path
        if (
            path is not None
            and path.startswith("/")
            and not (disk.backend_domname or disk.script)
            and not _exists(path)
        ):
            hint = "correct the path, unless the disk is on the guest's host only"
            yield number, Diagnostic("disk-missing", f"the disk {path} is not there", NOWHERE, hint)


def _exists(path: str) -> bool:
    try:
        return Path(path).exists()
    except (OSError, ValueError):  # not to be searched, or a NUL byte
        return True
