"""Where the lab keeps what it made, and how it says that it cannot come up."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import LOCK_EX, LOCK_SH, flock
from pathlib import Path

HERE = Path(__file__).parent
DOM0_FILES = HERE / "dom0"
"""What runs in dom0."""

GUEST_INIT = HERE / "guest" / "init"
"""The first program of the Linux guests' ramdisk."""

_CACHE = Path(os.environ.get("XLBUILD_XENLAB") or Path.home() / ".cache" / "xlbuild-xenlab")


class LabError(Exception):
    """The machine cannot be made or does not come up: nothing can be said about any guest."""


@dataclass(frozen=True)
class Lab:
    """The directory of one lab."""

    directory: Path = _CACHE

    @property
    def packages(self) -> Path:
        """Debian packages that are unpacked rather than installed: Xen's and the kernel's."""
        return self.directory / "debs"

    @property
    def unpacked(self) -> Path:
        """What is in those packages."""
        return self.directory / "unpacked"

    @property
    def tree(self) -> Path:
        """The root of dom0, which becomes the root disk."""
        return self.directory / "root"

    @property
    def root_disk(self) -> Path:
        """The root disk; runs work on copies that are thrown away."""
        return self.directory / "root.img"

    @property
    def xen(self) -> Path:
        """Xen itself, an ELF file."""
        return self.directory / "xen"

    @property
    def kernel(self) -> Path:
        """Debian's kernel, of dom0 and of the Linux guests."""
        return self.directory / "vmlinuz"

    @property
    def dom0_ramdisk(self) -> Path:
        """What mounts dom0's root disk."""
        return self.directory / "dom0-initrd.cpio"

    @property
    def guest_ramdisk(self) -> Path:
        """The Linux guests' ramdisk: busybox, and the program that says who it is."""
        return self.directory / "guest-initrd.gz"

    @property
    def snapshot(self) -> Path:
        """The machine at the moment when dom0 is up."""
        return self.directory / "snapshot"

    @property
    def logs(self) -> Path:
        """What the programs said that made all this."""
        return self.directory / "log"

    @property
    def stamps(self) -> Path:
        """A file for each step that is done, with what it was done for."""
        return self.directory / "stamp"

    @property
    def ready(self) -> bool:
        """Whether the setup has come to its end."""
        return (self.stamps / "snapshot").exists()

    @contextmanager
    def locked(self, *, alone: bool) -> Iterator[None]:
        """Hold the lab, alone (to change it) or beside others (to run on it)."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / "lock").open("w") as lock:
            flock(lock, LOCK_EX if alone else LOCK_SH)
            yield
