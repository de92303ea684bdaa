"""The commands of docs/shipping.md: each finds a built guest in `web`, and leaves a copy of it in `there/web`.

Beside it is an older one, `yesterday`.

`shipping.py [RUNS]` runs them with a guest of Debian's kernel and measures them; scripts/bench-shipping calls it.
"""

import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import toolstack

PAGE = toolstack.ROOT / "docs" / "shipping.md"
PACKAGES = "libarchive-tools openssh-client openssh-sftp-server rsync unzip zip zstd"
_PROGRAMS = ("bsdtar", "fallocate", "rsync", "scp", "tar", "unzip", "zip", "zstd")
_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^\| `(.*?)` \|", re.MULTILINE)
_BLOCK_BYTES = 512
"""What st_blocks counts in."""
_SSH = """#!/bin/sh
# ssh OPTION... host COMMAND...: run the command here.
while [ "$1" != host ]; do shift; done
shift
[ "$1" = -- ] && shift
[ "$*" = sftp ] && exec /usr/lib/openssh/sftp-server
exec sh -c "$*"
"""


@dataclass(frozen=True)
class Way:
    """A way of shipping a guest."""

    commands: str
    keeps_holes: bool

    @property
    def name(self) -> str:
        """Its commands on one line."""
        return "; ".join(line.partition(" #")[0] for line in self.commands.splitlines())


@dataclass(frozen=True)
class Shipped:
    """What came of it."""

    seconds: float
    archive: int | None
    """Bytes of the file that was made in between, if any."""
    on_disk: int
    """Bytes that the copy's memory image takes."""


@cache
def why_no_shippers() -> str | None:
    """Return why the commands cannot be run, or None."""
    missing = [name for name in _PROGRAMS if shutil.which(name) is None]
    return f"{', '.join(missing)} not installed (Debian: {PACKAGES})" if missing else None


def ways() -> list[Way]:
    """Return the page's commands: its blocks, then the rows of its table of what loses holes."""
    keeping, _, losing = PAGE.read_text().partition("## What loses the holes")
    blocks = [Way(match[1].strip(), keeps_holes=True) for match in _BLOCK.finditer(keeping)]
    return blocks + [Way(match[1], keeps_holes=False) for match in _ROW.finditer(losing)]


def ship(way: Way, directory: Path) -> Shipped:
    """Run a way's commands in a directory that has `web`, with a stand-in for ssh that stays on this machine."""
    programs = directory / "bin"
    programs.mkdir(exist_ok=True)
    ssh = programs / "ssh"
    ssh.write_text(_SSH)
    ssh.chmod(ssh.stat().st_mode | stat.S_IXUSR)
    (directory / "there").mkdir()
    before = set(directory.iterdir())
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    scp = f'scp() {{ command scp -S {ssh} "$@"; }}\n'  # it looks for ssh at one place alone
    start = time.perf_counter()
    subprocess.run(
        ["bash", "-euo", "pipefail", "-c", scp + way.commands],
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
    )
    seconds = time.perf_counter() - start
    made = [path.stat().st_size for path in directory.iterdir() if path not in before]
    image = (directory / "there" / "web" / "memory.img").stat()
    return Shipped(seconds, sum(made) if made else None, image.st_blocks * _BLOCK_BYTES)


def main(runs: int) -> None:
    """Print a table with the measures of every way, the quickest of some runs each."""
    missing = toolstack.why_no_material() or why_no_shippers()
    if missing:
        sys.exit(f"bench-shipping: {missing}")
    material = toolstack.load_material()
    files = (f'kernel="{material.amd64}"', f'ramdisk="{material.synth / "rd.gz"}"')
    print("| command | time | archive | on disk |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as directory:
        for guest, extra in (("web", ""), ("yesterday", "yesterday")):
            create = ["xlbuild", "create", "-q", "-o", f"{directory}/{guest}", "configs/debian-pvh.cfg"]
            subprocess.run([*create, *files, f'extra="{extra}"'], check=True, cwd=toolstack.ROOT)
        for way in ways():
            shipped = min((fresh(way, Path(directory)) for _ in range(runs)), key=lambda run: run.seconds)
            archive = "" if shipped.archive is None else f"{shipped.archive / 1e6:.0f} MB"
            on_disk = f"{shipped.on_disk / 1e6:.0f} MB"
            command = way.name.replace("|", r"\|")
            print(f"| `{command}` | {shipped.seconds:.1f} s | {archive} | {on_disk} |", flush=True)


def fresh(way: Way, directory: Path) -> Shipped:
    """Run a way's commands where nothing is left of others."""
    for path in directory.iterdir():
        if path.name not in ("web", "yesterday", "bin"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return ship(way, directory)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
