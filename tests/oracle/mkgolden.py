#!/usr/bin/env python3
"""Record golden values of the real toolstack for synthetic kernels, into tests/golden: mkgolden.py [GUEST]..."""

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import mksynth
import toolstack
from compare import Document, dsdt_ranges, expected_document, read_document
from golden import DIRECTORY, GUESTS, KERNELS, GoldenGuest, summarise


def record(guest: GoldenGuest, kernels: Path, oracle: toolstack.Toolstack) -> Document:
    """Return a guest as the real toolstack builds it; the other packings of its kernel must make no difference."""
    built = build(guest.config(kernels), oracle)
    for kernel in guest.also:
        assert build(guest.config(kernels, kernel), oracle) == built, kernel
    files = [name for name in sorted(mksynth.all_files()) if f"{KERNELS}/{name}" in guest.settings.split('"')]
    return {
        "provenance": {
            "toolstack": installed_version("libxenmisc4.17"),
            "command": "xlcreate: the real `xl create -p` over the fake hypervisor of tests/oracle",
            "recorded by": "tests/oracle/mkgolden.py",
        },
        "config": guest.config(),
        "also built from": list(guest.also),
        "files": {
            name: hashlib.sha256((kernels / name).read_bytes()).hexdigest()
            for name in files
            if ".gz" not in name
        },
        **built,
    }


def build(config: str, oracle: toolstack.Toolstack) -> Document:
    """Build with the real toolstack and summarise what came out."""
    directory = oracle.xlcreate(config)
    document = read_document(directory)
    image = directory / "memory.img"
    built = {"expected": expected_document(document), "image": summarise(image, dsdt_ranges(document, image))}
    oracle.discard(directory)
    return built


def installed_version(package: str) -> str:
    """Return an installed Debian package's name and version."""
    command = ["dpkg-query", "-W", "-f", "${Package} ${Version}", package]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def main(names: list[str]) -> int:
    """Record the named guests, or all."""
    reason = toolstack.why_no_toolstack()
    if reason:
        print(f"mkgolden: {reason}", file=sys.stderr)
        return 2
    outputs = Path(tempfile.mkdtemp(prefix="mkgolden."))
    try:
        mksynth.write_files(outputs / "kernels")
        for name in names or GUESTS:
            document = record(GUESTS[name], outputs / "kernels", toolstack.Toolstack(outputs))
            (DIRECTORY / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n")
    finally:
        shutil.rmtree(outputs)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
