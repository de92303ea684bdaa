"""Sizes as libxl's structures keep them."""

from xlbuild.libxl.domain import MEMKB_DEFAULT
from xlbuild.units import KIB, UINT64


def kib(mib: int | None) -> int:
    """Return a number of MiB in KiB, 64 bits; MEMKB_DEFAULT for none."""
    return MEMKB_DEFAULT if mib is None else mib * KIB % UINT64
