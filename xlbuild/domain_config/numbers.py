"""Numbers as libxl's structures keep them: xl assigns a C long without a look at how much of it fits."""

from xlbuild.libxl.domain import MEMKB_DEFAULT
from xlbuild.units import KIB, UINT32, UINT64


def kib(mib: int | None) -> int:
    """Return a number of MiB in KiB, 64 bits; MEMKB_DEFAULT for none."""
    return MEMKB_DEFAULT if mib is None else mib * KIB % UINT64


def uint32(number: int | None, otherwise: int = 0) -> int:
    """Return what a uint32_t keeps."""
    return otherwise if number is None else number % UINT32


def int32(number: int | None, otherwise: int = 0) -> int:
    """Return what an int keeps."""
    if number is None:
        return otherwise
    return (number + UINT32 // 2) % UINT32 - UINT32 // 2
