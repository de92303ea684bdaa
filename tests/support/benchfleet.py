"""benchfleet.py [GUESTS]: time the ninja rules of scripts/recipes, and one `xlbuild create` for all.

scripts/bench-fleet calls it.
"""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import recipes
import toolstack

JOBS = len(os.sched_getaffinity(0))
KINDS = (
    ("pvh", "kernels/amd64", "kernels/initrd"),
    ("pv", "kernels/cloud", "kernels/initrd"),
    ("pvh", "xlbuild:hello-pvh", ""),
    ("pv", "xlbuild:hello-pv", ""),
)
"""Type, kernel and ramdisk, in turn."""


def main(guests: int) -> None:
    """Print a table of times."""
    missing = toolstack.why_no_material() or (shutil.which("ninja") is None and "ninja is not installed")
    if missing:
        sys.exit(f"bench-fleet: {missing}")
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        configs = make_fleet(directory, guests)
        one, kernel = directory / configs[0], directory / "kernels" / "amd64"
        print(f"{guests} guests, -j{JOBS}\n\n| | guests built | time | processor time |\n|---|---|---|---|")
        ninja(directory, "ninja, nothing there yet")
        taken = int(subprocess.check_output(["du", "-sm", "build"], cwd=directory).split()[0])
        ninja(directory, "ninja, nothing changed")
        one.write_text(one.read_text() + "vcpus = 2\n")
        ninja(directory, "ninja, one configuration changed")
        kernel.touch()
        ninja(directory, f"ninja, the kernel of {guests // len(KINDS)} guests touched")
        create(directory, configs)
        print(f"\n{taken} MiB on disk")


def make_fleet(directory: Path, guests: int) -> list[str]:
    """Make kernels, configurations and build.ninja; the configurations' names."""
    material = toolstack.load_material()
    for subdirectory in ("kernels", "guests"):
        (directory / subdirectory).mkdir()
    for role, path in (
        ("amd64", material.amd64),
        ("cloud", material.cloud),
        ("initrd", material.synth / "rd.gz"),
    ):
        shutil.copyfile(path, directory / "kernels" / role)
    configs = [f"guests/g{number:03}.cfg" for number in range(guests)]
    for number, config in enumerate(configs):
        kind, kernel, ramdisk = KINDS[number % len(KINDS)]
        (directory / config).write_text(
            f'name = "g{number:03}"\ntype = "{kind}"\nkernel = "{kernel}"\nramdisk = "{ramdisk}"\n'
            f'cmdline = "guest={number}"\nmemory = {256 + number}\n'
        )
    shutil.copyfile(recipes.RECIPES / "xlbuild.ninja", directory / "xlbuild.ninja")
    lines = subprocess.check_output([recipes.RECIPES / "ninja-guests", *configs], cwd=directory)
    (directory / "build.ninja").write_bytes(lines)
    return configs


def ninja(directory: Path, what: str) -> None:
    """Run ninja, and print a row."""
    said, spent = run(directory, "ninja", f"-j{JOBS}")
    print(f"| {what} | {said.count('] guest ')} | {spent} |", flush=True)
    time.sleep(0.1)  # times of files have steps: what is changed now is to be newer


def create(directory: Path, configs: list[str]) -> None:
    """Run one `xlbuild create` for all, and print a row."""
    _, spent = run(directory, "xlbuild", "create", "-q", "-j", str(JOBS), "-o", "all", *configs)
    print(f"| `xlbuild create -j{JOBS}`, nothing there yet | {len(configs)} | {spent} |")


def run(directory: Path, *command: str) -> tuple[str, str]:
    """Run a command; what it says, and its wall time and its processes' processor time."""
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    said = subprocess.check_output(command, cwd=directory, text=True)
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return said, f"{seconds:.2f} s | {busy:.2f} s"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
