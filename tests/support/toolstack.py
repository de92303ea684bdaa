"""Xen's own toolstack over a fake hypervisor (tests/oracle), and real kernels, as tests use them.

`scripts/oracle-material` fetches both. Where they are missing, the `why_not` functions say so in one sentence.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import IO

ROOT = Path(__file__).parents[2]
"""The checkout."""

HARNESS = ROOT / "tests" / "oracle"
WORK = Path(os.environ.get("ORACLE_WORK") or Path.home() / ".cache" / "xlbuild-oracle")
XEN_ROOT = Path(os.environ.get("ORACLE_XENROOT") or WORK / "xen-utils")
"""Where Xen's packages are unpacked: a root tree with xl, hvmloader, xen-shim, SeaBIOS and OVMF in it."""

BUILD = Path(os.environ.get("ORACLE_BUILD") or WORK / "build")
"""The compiled harness."""

FETCH = "scripts/oracle-material fetches them"
_TIMEOUT = 300
_HARNESS_FAILED = 126
"""Exit statuses from here on are not xl's own."""


@dataclass(frozen=True)
class Material:
    """Real kernels and firmware by what they are; `synth` is a directory (see mksynth.py)."""

    amd64: Path
    """Debian's standard kernel: xz, PV and PVH."""
    cloud: Path
    """Debian's cloud kernel: lz4, PV and PVH."""
    pae: Path
    """Debian's i386 PAE kernel: PVH only."""
    grub64: Path
    grub32: Path
    grub_pvh: Path
    gnumach: Path
    """A gzip'd 64-bit PV kernel with a `__xen_guest` section."""
    xen: Path
    """Xen itself, gzip'd, as a PVH guest."""
    hvmloader: Path
    shim: Path
    seabios: Path
    ovmf: Path
    synth: Path


_GRUB = "material/grub-xen-host/usr/lib/grub-xen"
_MATERIAL = {
    "amd64": "material/linux-amd64/boot/vmlinuz-*",
    "cloud": "material/linux-cloud-amd64/boot/vmlinuz-*",
    "pae": "material/linux-686-pae/boot/vmlinuz-*",
    "grub64": f"{_GRUB}/grub-x86_64-xen.bin",
    "grub32": f"{_GRUB}/grub-i386-xen.bin",
    "grub_pvh": f"{_GRUB}/grub-i386-xen_pvh.bin",
    "gnumach": "material/gnumach/boot/gnumach-*.gz",
    "xen": "material/xen/boot/xen-*.gz",
    "synth": "material/synth",
}
_FIRMWARE = {
    "hvmloader": "usr/lib/xen-4.17/boot/hvmloader",
    "shim": "usr/lib/xen-4.17/boot/xen-shim",
    "seabios": "usr/share/seabios/bios-256k.bin",
    "ovmf": "usr/share/ovmf/OVMF.fd",
}


def find_material() -> dict[str, Path]:
    """Return what is there, by the fields of Material."""
    found = {role: sorted(WORK.glob(pattern)) for role, pattern in _MATERIAL.items()}
    found |= {role: sorted(XEN_ROOT.glob(pattern)) for role, pattern in _FIRMWARE.items()}
    return {role: paths[-1] for role, paths in found.items() if paths}


@cache
def why_no_material() -> str | None:
    """Return why real kernels cannot be used, or None."""
    missing = [field.name for field in fields(Material) if field.name not in find_material()]
    return f"real kernels are not here ({FETCH})" if missing else None


def load_material() -> Material:
    """Return the real kernels; call it when `why_no_material` has nothing to say."""
    return Material(**find_material())


@cache
def why_no_toolstack() -> str | None:
    """Return why the real toolstack cannot be used, or None; brings the harness up to date with its sources."""
    if not (XEN_ROOT / "usr/lib/xen-4.17/bin/xl").exists() or not (BUILD / "libfakexen.so").exists():
        return f"Xen's libraries are not here ({FETCH})"
    command: list[str | Path] = ["flock", BUILD / ".lock", "make", "-s", "-C", HARNESS, f"B={BUILD}"]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    return f"the harness does not build: {made.stderr.strip()[-200:]}" if made.returncode else None


XL = XEN_ROOT / "usr/lib/xen-4.17/bin/xl"
VERIFIER = XEN_ROOT / "usr/lib/xen-4.17/bin/verify-stream-v2"
"""Xen's own reader of save files: `verify_stream` runs it."""

LIBRARY = BUILD / "libfakexen.so"
"""The fake hypervisor, which is loaded before xl's own libraries."""

XL_DRY_RUN: tuple[str, ...] = (
    *("prlimit", "--core=0", "--cpu=2"),
    *("env", f"LD_PRELOAD={LIBRARY}"),
    *(str(XL), "-N", "create"),
)
"""The command that reads a configuration: it needs the file behind it, and `xl_environment`."""

_XL_DIRECTORIES = ("var/lib/xen", "var/lock", "run/lock", "var/log/xen", "var/run/xen", "run/xen")


def xl_environment(state: Path) -> dict[str, str]:
    """Return what the dry run's environment needs; `state` is made what xl finds in place of the machine's files."""
    for name in _XL_DIRECTORIES:
        (state / name).mkdir(parents=True, exist_ok=True)
    return {"FAKEXEN_ROOT": str(XEN_ROOT), "FAKEXEN_STATE": str(state), "LC_ALL": "C", "TZ": "UTC"}


def verify_stream(file: Path) -> subprocess.CompletedProcess[str]:
    """Run Xen's reader over a save file: status 0 when it accepts it, what it saw on stdout."""
    return subprocess.run(
        [sys.executable, VERIFIER, "-v", "-f", "xl", "-i", file],
        env={**os.environ, "PYTHONPATH": str(VERIFIER.parents[1] / "lib" / "python")},
        capture_output=True,
        text=True,
        timeout=_TIMEOUT,
        check=False,
    )


@dataclass(frozen=True)
class Built:
    """How a run of the real toolstack went."""

    returncode: int
    directory: Path
    """The output: memory.img, domain.json, *.bin when it built the guest; log.txt always."""

    @property
    def refused(self) -> bool:
        """Whether the toolstack would not build the guest."""
        return self.returncode != 0

    @property
    def died(self) -> bool:
        """Whether it crashed, or was stopped because it did not end."""
        return not 0 <= self.returncode < _HARNESS_FAILED

    @property
    def log(self) -> str:
        """The toolstack's messages, at debug level."""
        return (self.directory / "log.txt").read_text(errors="replace")


class RefusedByXenError(Exception):
    """The real toolstack would not build a guest."""

    def __init__(self, built: Built) -> None:
        """Say what it said."""
        super().__init__(f"xl refused the guest (status {built.returncode}):\n{built.log[-2000:]}")
        self.built = built


class Toolstack:
    """Runs the real toolstack; every run's output is a new directory below one place."""

    def __init__(self, outputs: Path, environment: Mapping[str, str] = MappingProxyType({})) -> None:
        """Put output directories into `outputs`, which may go away at the end of the session."""
        places = {"ORACLE_WORK": WORK, "ORACLE_XENROOT": XEN_ROOT, "ORACLE_BUILD": BUILD}
        self._outputs = outputs
        own = {name: str(path) for name, path in places.items()}
        self._environment = {**os.environ, **own, **environment}

    def xlcreate(self, config: str, *settings: str) -> Path:
        """Build a guest with the real `xl create`; the output directory. Raises RefusedByXenError."""
        built = self.try_xlcreate(config, *settings)
        if built.refused:
            raise RefusedByXenError(built)
        return built.directory

    def try_xlcreate(self, config: str, *settings: str) -> Built:
        """Build a guest with the real `xl create`, or see it refused.

        tests/oracle/xlcreate is the same for people; without its shell it takes a third of the time.
        """
        directory = self._new_directory()
        file = directory / "guest.cfg"
        file.write_bytes(config.encode(errors="surrogateescape"))
        harness = {"FAKEXEN_DUMP": str(directory), "LD_PRELOAD": str(LIBRARY)}
        with tempfile.TemporaryDirectory() as state, (directory / "log.txt").open("wb") as log:
            environment = {**xl_environment(Path(state)), **harness}
            done = self._run(XL, "-vvv", "create", "-p", file, *settings, environment=environment, stderr=log)
        return self._built(done, directory)

    def xlcreate_to_its_end(self, file: Path, directory: Path, *settings: str, seconds: int) -> Built:
        """Run the real `xl create` on a file, whatever comes of it; it is killed when it takes too long."""
        limit = ("timeout", "--signal=KILL", str(seconds))  # it reaches the children of the scripts as well
        done = self._run(*limit, HARNESS / "xlcreate", file, directory, *settings)
        return Built(done.returncode, directory)

    def xlparse(self, config: Path | str, *settings: str) -> subprocess.CompletedProcess[str]:
        """Run the real `xl -N create` on a file: JSON on stdout, messages on stderr, xl's status.

        tests/oracle/xlparse is the same for people; without its shell it takes a fifth of the time.
        """
        environment = xl_environment(self._outputs / "xlparse")
        return self._run(*XL_DRY_RUN, config, *settings, environment=environment)

    def xcbuild(self, *arguments: str | Path) -> tuple[int, Path]:
        """Run xcbuild with `--out` set; its status and the output directory."""
        directory = self._new_directory()
        done = self._run(BUILD / "xcbuild", *arguments, "--out", directory)
        return done.returncode, directory

    def xcrestore(self, file: Path, *arguments: str | Path) -> tuple[subprocess.CompletedProcess[str], Path]:
        """Run xcrestore on a save file with `--out` set; how it ended, and the output directory."""
        directory = self._new_directory()
        return self._run(BUILD / "xcrestore", *arguments, "--out", directory, file), directory

    def xl_restore(self, file: Path) -> str:
        """Run the real `xl restore` on a save file up to where a program of its own takes over; its messages."""
        helper = {"LIBXL_SAVE_HELPER": "/bin/false", "LD_PRELOAD": str(LIBRARY)}
        with tempfile.TemporaryDirectory() as state:
            environment = {**xl_environment(Path(state)), **helper}
            done = self._run(XL, "-vvv", "restore", "-p", file, environment=environment)
        return done.stdout + done.stderr

    def discard(self, directory: Path) -> None:
        """Remove an output directory that is not needed any more."""
        shutil.rmtree(directory, ignore_errors=True)

    def _new_directory(self) -> Path:
        return Path(tempfile.mkdtemp(dir=self._outputs))

    def _run(
        self,
        *command: str | Path,
        environment: Mapping[str, str] = MappingProxyType({}),
        stderr: int | IO[bytes] = subprocess.PIPE,
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            env={**self._environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            errors="surrogateescape",
            timeout=_TIMEOUT,
            check=False,
        )

    def _built(self, done: subprocess.CompletedProcess[str], directory: Path) -> Built:
        built = Built(done.returncode, directory)
        complete = (directory / "domain.json").exists()
        if not 0 <= done.returncode < _HARNESS_FAILED or (done.returncode == 0) != complete:
            raise RuntimeError(
                f"xlcreate failed (status {done.returncode}): {done.stderr or ''}{built.log[-2000:]}"
            )
        return built
