#!/usr/bin/env python3
"""Check the harness against itself: xcbuild must build what the real xl builds, image and record.

selftest.py [GUEST]...: the guests of tests/support/guests.py. This shows that xcbuild makes libxl's calls in libxl's
order; it says nothing about xlbuild.
"""

import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import toolstack
from cmpdom import compare
from guests import STANDARD_GUESTS, Guest


def check(guest: Guest, oracle: toolstack.Toolstack, material: toolstack.Material) -> list[str]:
    """Return how the two builds of one guest differ."""
    by_xl = oracle.xlcreate(guest.config(material))
    status, by_xcbuild = oracle.xcbuild(*guest.xcbuild_arguments(material, by_xl))
    return compare(by_xl, by_xcbuild) if status == 0 else ["xcbuild refused it"]


def main(names: list[str]) -> int:
    """Check the named guests, or all; 0 when every pair is the same."""
    reason = toolstack.why_no_toolstack() or toolstack.why_no_material()
    if reason:
        print(f"selftest: {reason}", file=sys.stderr)
        return 2
    outputs = Path(tempfile.mkdtemp(prefix="selftest."))
    different = 0
    try:
        for name in names or STANDARD_GUESTS:
            oracle = toolstack.Toolstack(outputs)
            differences = check(STANDARD_GUESTS[name], oracle, toolstack.load_material())
            different += bool(differences)
            print(f"{name:18} {'DIFFERENT' if differences else 'same'}", *differences[:20], sep="\n  ")
    finally:
        shutil.rmtree(outputs)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
