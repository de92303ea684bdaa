"""bench.py [RUNS]: time `xlbuild create` beside the real library's xcbuild; scripts/bench calls it."""

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import toolstack

CONFIG = toolstack.ROOT / "configs" / "debian-pvh.cfg"
COMMAND_LINE = "root=/dev/xvda1 ro console=hvc0"


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


def measure(command: list[str]) -> tuple[float, int]:
    """Run a command; return its wall time in seconds and its peak memory in MiB."""
    start = time.perf_counter()
    pid = os.posix_spawnp(
        command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    )
    _, status, usage = os.wait4(pid, 0)
    assert status == 0, f"{command[0]} failed: {status}"
    return time.perf_counter() - start, usage.ru_maxrss >> 10


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
