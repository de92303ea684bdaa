"""The machine as a process: its command line, its serial line, and QEMU's monitor (QMP)."""

import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from xenlab.commands import output
from xenlab.model import Lab, LabError

DISK = "6G"
"""Size of the disks that carry things in and out (sparse); a snapshot fixes it."""

_MEMORY = 4096
"""MiB of the machine."""

_CPU = ",".join(
    (
        *("EPYC-v1", "+svm", "+npt"),
        *("-monitor", "-smap", "-smep", "-rdtscp"),
        *("-xsave", "-xsavec", "-xsaveopt", "-xgetbv1", "-avx", "-avx2", "-fma", "-f16c"),
    )
)
"""What QEMU emulates well enough for Xen, with nested paging for PVH and HVM guests.

Left out: MWAIT faults; dom0 dies early with SMAP and SMEP; Xen cannot emulate what QEMU reports of RDTSCP; with XSAVE
dom0's xl died now and then.
"""
_XEN_ARGUMENTS = (
    "console=com1 com1=115200,8n1 loglvl=all guest_loglvl=all conring_size=4M "
    "dom0_mem=1024M,max:1024M dom0_max_vcpus=2 bootscrub=1"  # without the scrub guests get dirty pages
)
_BOARD = (
    *(
        "-machine",
        "pc-i440fx-7.2",
        "-accel",
        "tcg,thread=multi",
        "-cpu",
        _CPU,
        "-smp",
        "2",
        "-m",
        str(_MEMORY),
    ),
    *("-nodefaults", "-display", "none", "-no-reboot", "-append", _XEN_ARGUMENTS),
)

_SERIAL_FIFO = 8
"""Bytes sent at a time: the serial port holds 16."""
_KEEP = 1 << 20
"""Bytes of the serial line that are searched."""

_ENDS = rb"XENLAB-FAIL[^\r\n]*|Panic on CPU[^\r\n]*|Kernel panic[^\r\n]*|Dom0 crashed[^\r\n]*"
"""What the serial line says when the machine has failed."""


@dataclass(frozen=True)
class Disks:
    """The machine's disks: the root (a qcow2 overlay), and two raw ones that carry things in and out."""

    root: Path
    inward: Path
    outward: Path


def fingerprint() -> str:
    """Return what a snapshot depends on besides the disks: the board, and the release of QEMU."""
    return " ".join(
        (*_BOARD, DISK, output(["qemu-system-x86_64", "--version"], purpose="QEMU").splitlines()[0])
    )


def sparse(path: Path, size: str = DISK) -> None:
    """Make an empty sparse file."""
    path.write_bytes(b"")
    output(["truncate", "-s", size, path])


def overlay(base: Path, layout: str, path: Path) -> None:
    """Make a disk that begins as another and keeps its changes to itself."""
    output(["qemu-img", "create", "-q", "-f", "qcow2", "-b", base, "-F", layout, path])


class Qemu:
    """One running machine. Use it as a context: at its end the machine is gone."""

    def __init__(
        self,
        lab: Lab,
        scratch: Path,
        disks: Disks,
        console: Path,
        *,
        state: Path | None = None,
        echo: bool = False,
    ) -> None:
        """Start it: from its beginning, or from the saved `state`. Raises LabError when QEMU does not start."""
        self._errors = scratch / "qemu.err"
        self._echo = echo
        self._seen = b""
        self._console = console.open("ab", buffering=0)
        serial, monitor = scratch / "serial", scratch / "monitor"
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                _command(lab, disks, serial, monitor, state),
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
            )
        try:
            self._serial = self._connect(serial)
            self._monitor = self._connect(monitor)
            self._answers = self._monitor.makefile("r")
            self._answers.readline()
            self.monitor("qmp_capabilities")
        except BaseException:
            self.close()
            raise

    def _connect(self, path: Path, seconds: float = 30) -> socket.socket:
        end = time.monotonic() + seconds
        while True:
            line = socket.socket(socket.AF_UNIX)
            try:
                line.connect(str(path))
            except OSError:
                line.close()
                if self._process.poll() is not None or time.monotonic() > end:
                    raise LabError(f"QEMU did not start: {self._last_words()}") from None
                time.sleep(0.05)
            else:
                return line

    def _last_words(self) -> str:
        return self._errors.read_text(errors="replace").strip()[-400:] or "it said nothing"

    def monitor(self, command: str, **arguments: Any) -> Any:
        """Give QEMU's monitor a command; return its answer. Raises LabError when it refuses or is gone."""
        try:
            self._monitor.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
            for line in self._answers:
                answer = json.loads(line)
                if "error" in answer:
                    raise LabError(f"QEMU refused {command}: {answer['error'].get('desc')}")
                if "return" in answer:
                    return answer["return"]
        except OSError:
            pass
        raise LabError(f"QEMU is gone: {self._last_words()}")

    def until(self, command: str, done: Callable[[str], bool], seconds: float = 300) -> str:
        """Ask a query command until its status is such; return that status. Raises LabError after so long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            status = str(self.monitor(command).get("status"))
            if done(status):
                return status
            time.sleep(0.05)
        raise LabError(f"QEMU's {command} did not come to an end within {seconds} s")

    def send(self, line: str) -> None:
        """Type a line."""
        text = f"{line}\n".encode()
        for start in range(0, len(text), _SERIAL_FIFO):
            self._serial.sendall(text[start : start + _SERIAL_FIFO])
            time.sleep(0.02)

    def wait(self, pattern: bytes, what: str, seconds: float) -> re.Match[bytes]:
        """Read the serial line until it says such. Raises LabError when the machine fails, or after so long."""
        wanted = re.compile(pattern)
        end = time.monotonic() + seconds
        while True:
            if found := wanted.search(self._seen):
                self._seen = self._seen[found.end() :]
                return found
            if failed := re.search(_ENDS, self._seen):
                raise LabError(f"{what}: the machine said: {failed[0].decode(errors='replace')}")
            if time.monotonic() > end:
                raise LabError(f"{what}: not within {seconds:.0f} s")
            self._read(what)

    def _read(self, what: str) -> None:
        self._serial.settimeout(1)
        try:
            data = self._serial.recv(1 << 16)
        except TimeoutError:
            return
        if not data:
            raise LabError(f"{what}: QEMU is gone: {self._last_words()}")
        self._console.write(data)
        if self._echo:
            sys.stderr.write(data.decode(errors="replace").replace("\r", ""))
            sys.stderr.flush()
        self._seen = (self._seen + data)[-_KEEP:]

    def close(self) -> None:
        """Switch it off."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._console.close()

    def __enter__(self) -> Self:
        """Return the machine."""
        return self

    def __exit__(self, *_: object) -> None:
        """Switch it off."""
        self.close()


def _command(lab: Lab, disks: Disks, serial: Path, monitor: Path, state: Path | None) -> list[str]:
    """Return QEMU's command line; the machine dies with us, however we end (setpriv)."""
    command = ["setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64", *_BOARD]
    command += ["-chardev", f"socket,id=serial,path={serial},server=on,wait=off", "-serial", "chardev:serial"]
    command += ["-qmp", f"unix:{monitor},server=on,wait=off", "-kernel", str(lab.xen)]
    command += ["-initrd", f"{lab.kernel} console=hvc0,{lab.dom0_ramdisk}"]
    for name, disk, layout in (
        ("root", disks.root, "qcow2"),
        ("inward", disks.inward, "raw"),
        ("outward", disks.outward, "raw"),
    ):
        command += ["-drive", f"file={disk},if=none,id={name},format={layout},cache=unsafe"]
        command += ["-device", f"virtio-blk-pci,drive={name}"]
    return [*command, "-incoming", f"exec:cat {state}", "-S"] if state else command
