"""bench.py [RUNS]: time `xlbuild create` beside the real library's xcbuild, and `xlbuild diff` of guests of 64 GiB.

scripts/bench calls it.
"""

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import toolstack

from xlbuild.emit.readback import read_directory

CONFIG = toolstack.ROOT / "configs" / "debian-pvh.cfg"
COMMAND_LINE = "root=/dev/xvda1 ro console=hvc0"
LARGE = (65536, 65000)
"""MiB of two guests that are compared."""


def main(runs: int) -> None:
    """Print a table of medians."""
    missing = toolstack.why_no_toolstack() or toolstack.why_no_material()
    if missing:
        sys.exit(f"bench: {missing}")
    material = toolstack.load_material()
    ramdisk = material.synth / "rd.gz"

    def xlbuild(target: Path, *settings: str) -> list[str]:
        kernel = f'kernel="{material.amd64}"'
        return ["xlbuild", "create", "-q", "-o", str(target), str(CONFIG), kernel, *settings]

    def xcbuild(target: Path) -> list[str]:
        guest = ["--type", "pvh", "--kernel", str(material.amd64), "--ramdisk", str(ramdisk)]
        sizes = ["--memory", "1024", "--vcpus", "2", "--cmdline", COMMAND_LINE]
        return [str(toolstack.BUILD / "xcbuild"), *guest, *sizes, "--out", str(target)]

    with tempfile.TemporaryDirectory() as directory:
        out = Path(directory)
        print(material.amd64.name)
        ours = [measure(xlbuild(out / f"ours{n}", f'ramdisk="{ramdisk}"')) for n in range(runs)]
        theirs = [measure(xcbuild(out / f"theirs{n}")) for n in range(runs)]
        for name, measured in (("xlbuild create", ours), ("xcbuild", theirs)):
            seconds = statistics.median(time for time, _ in measured)
            print(f"{name:15} {seconds:.2f} s  {max(memory for _, memory in measured)} MiB")
        for memory in (256, 1 << 20):
            target = out / f"{memory}m"
            _, peak = measure(xlbuild(target, 'ramdisk=""', f"memory={memory}"))
            disk = sum(file.stat().st_blocks for file in target.iterdir()) * 512 >> 20
            print(f"PVH of {memory} MiB: peak memory {peak} MiB, {disk} MiB on disk")
        for kind in ("pv", "pvh"):
            sides = [out / f"{kind}-{memory}" for memory in LARGE]
            for side, memory in zip(sides, LARGE, strict=True):
                measure(xlbuild(side, f'type="{kind}"', 'ramdisk=""', f"memory={memory}"))
            print(f"diff of two {kind.upper()} guests of 64 GiB: {compared(sides, runs)}")
        print(several(out, f'kernel="{material.amd64}"', f'ramdisk="{ramdisk}"'))


def several(out: Path, *settings: str) -> str:
    """Return how long eight guests of one kernel take one by one, and in one go."""
    configs = [out / f"guest{number}.cfg" for number in range(8)]
    for config in configs:
        config.write_text(CONFIG.read_text() + f'name = "{config.stem}"\n')
    create = ["xlbuild", "create", "-q", "-o"]
    alone = [measure([*create, str(out / config.stem), str(config), *settings])[0] for config in configs]
    together, peak = measure([*create, str(out / "all"), *map(str, configs), *settings])
    return f"8 guests: one by one {sum(alone):.2f} s, in one go {together:.2f} s, {peak} MiB in its largest process"


def compared(sides: list[Path], runs: int) -> str:
    """Return how long a comparison takes, the whole process, beside reading each page of both that holds anything."""
    command = ["xlbuild", "diff", "--brief", *map(str, sides)]
    measured = [measure(command, status=1) for _ in range(runs)]
    seconds = statistics.median(time for time, _ in measured)
    start = time.perf_counter()
    pages = sum(1 for side in sides for _ in read_directory(side).memory.pages())
    reading = time.perf_counter() - start
    peak = max(memory for _, memory in measured)
    return f"{seconds:.2f} s, {peak} MiB; reading their {pages} pages alone: {reading:.2f} s"


def measure(command: list[str], status: int = 0) -> tuple[float, int]:
    """Run a command, which ends with a status; return its wall time in seconds and its peak memory in MiB."""
    start = time.perf_counter()
    pid = os.posix_spawnp(
        command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    )
    _, ended, usage = os.wait4(pid, 0)
    assert os.waitstatus_to_exitcode(ended) == status, f"{' '.join(command)} failed: {ended}"
    return time.perf_counter() - start, usage.ru_maxrss >> 10


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
