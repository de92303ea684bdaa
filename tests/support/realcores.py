"""Dump-cores of a real Xen (tests/golden/core), unpacked, what guests they are of, and domains written likewise."""

import lzma
from pathlib import Path

from xlbuild.built import BuiltDomain
from xlbuild.emit.formats import CORE, SAVE, Target
from xlbuild.emit.writers import write_domain

_GOLDEN = Path(__file__).parents[1] / "golden" / "core"
_PAGE = 4096

GUESTS = {
    "pv": b'name="pv-hello"\ntype="pv"\nkernel="xlbuild:hello-pv"\nmemory=16\n',
    "pvh": b'name="pvh-hello"\ntype="pvh"\nkernel="xlbuild:hello-pvh"\nmemory=16\n',
}
"""The configurations that the host had, by the containers."""


def unpack(container: str, directory: Path) -> Path:
    """Return a dump as a file in a directory, its zeros as holes."""
    data = lzma.decompress((_GOLDEN / f"hello-{container}.core.xz").read_bytes())
    file = directory / f"hello-{container}.core"
    with file.open("wb") as out:
        out.truncate(len(data))
        for at in range(0, len(data), _PAGE):
            piece = data[at : at + _PAGE]
            if piece.strip(b"\0"):
                out.seek(at)
                out.write(piece)
    return file


def write_core(built: BuiltDomain, file: Path, *, force: bool = False) -> None:
    """Write a domain as a dump-core."""
    write_domain(built, b"", [Target(CORE, file)], force=force)


def write_save(built: BuiltDomain, config: bytes, file: Path) -> None:
    """Write a domain as a save file."""
    write_domain(built, config, [Target(SAVE, file)], force=False)
