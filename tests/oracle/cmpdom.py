#!/usr/bin/env python3
"""Compare two directories of the real toolstack, field by field and page by page: cmpdom.py A B.

Both must have been written by xlcreate or xcbuild. What is only about the run (times, counts of calls) is left out.
Status 0 when they are the same, else 1.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from compare import compare_images, page_names, read_document

_ABOUT_THE_RUN = {"seconds", "stats", "image_nonzero_bytes"}


def compare(one: Path, other: Path) -> list[str]:
    """Return the differences, one readable line each."""
    first, second = (
        {name: value for name, value in read_document(path).items() if name not in _ABOUT_THE_RUN}
        for path in (one, other)
    )
    images = compare_images(one / "memory.img", other / "memory.img", names=page_names(first))
    return [*_walk(first, second, ""), *_compare_contexts(one, other), *images.differences]


def _walk(one: Any, other: Any, where: str) -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        for name in sorted(one.keys() | other.keys()):
            yield from _walk(one.get(name, "absent"), other.get(name, "absent"), f"{where}/{name}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (a, b) in enumerate(zip(one, other, strict=True)):
            yield from _walk(a, b, f"{where}/{index}")
    elif one != other:
        yield f"{where}: {one} | {other}"


def _compare_contexts(one: Path, other: Path) -> Iterator[str]:
    for name in ("vcpu_contexts.bin", "hvm_contexts.bin"):
        contents = [(path / name).read_bytes() if (path / name).exists() else None for path in (one, other)]
        if contents[0] != contents[1]:
            yield f"{name} differs"


if __name__ == "__main__":
    found = compare(Path(sys.argv[1]), Path(sys.argv[2]))
    print("\n".join(found) or "the same")
    sys.exit(1 if found else 0)
