"""Built domains on disk, and damage to them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from guests import STANDARD_GUESTS

import xlbuild
from xlbuild.built import BuiltDomain
from xlbuild.emit.readback import read_directory

PV = b'name="g"\ntype="pv"\nkernel="xlbuild:hello-pv"\nmemory=16\ncmdline="greeting=hello"\n'
PVH = b'name="g"\ntype="pvh"\nkernel="xlbuild:hello-pvh"\nmemory=32\nvcpus=3\ncmdline="greeting=hello"\n'
HELLO = {"pv": PV, "pvh": PVH}
"""Guests that need no files, by their containers."""

REAL = {name: guest for name, guest in STANDARD_GUESTS.items() if "amd64" not in name}
"""One of each kind, with real kernels that unpack quickly."""

Document = dict[str, Any]
"""A manifest that may be changed."""


def write(config: bytes, directory: Path, **options: Any) -> xlbuild.Domain:
    """Build a guest into a directory, and return it as it was built."""
    domain = xlbuild.build(config, **options)
    xlbuild.write(domain, directory)
    return domain


def built(config: bytes, directory: Path, **options: Any) -> BuiltDomain:
    """Build a guest into a directory, and read it back."""
    write(config, directory, **options)
    return read_directory(directory)


def change_manifest(directory: Path, change: Callable[[Document], None]) -> None:
    """Change a domain's manifest in place."""
    file = directory / "domain.json"
    document = json.loads(file.read_text())
    change(document)
    file.write_text(json.dumps(document))


def poke(directory: Path, address: int, data: bytes) -> None:
    """Put bytes into a domain's memory image."""
    with (directory / "memory.img").open("r+b") as image:
        image.seek(address)
        image.write(data)
