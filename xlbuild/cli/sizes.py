"""Sizes on the command line: bytes, or a number with a unit, as `64M`."""

import re

import click

from xlbuild.profiles import XC_DOM_DECOMPRESS_MAX
from xlbuild.units import GIB, KIB, MIB, human_size

_UNITS = {"": 1, "k": KIB, "m": MIB, "g": GIB}
_SIZE = re.compile(r"([0-9]{1,18})(?:([kmg])(?:ib)?)?", re.IGNORECASE)
"""Digits, then nothing or a unit: `M`, or `MiB`."""


def kernel_size(text: str) -> int:
    """Return what --max-kernel-size says, in bytes: 1 GiB at most, Xen's own limit; else click.BadParameter."""
    return _size(text, XC_DOM_DECOMPRESS_MAX)


kernel_size_option = click.option(
    "--max-kernel-size",
    metavar="SIZE",
    type=kernel_size,
    help="Refuse a kernel that is larger, packed or unpacked: bytes, or a size as 64M (default: 1G).",
)
"""Of every command that reads a kernel."""


def _size(text: str, most: int) -> int:
    found = _SIZE.fullmatch(text)
    if found is None:
        raise click.BadParameter(f"{text!r} is no size: give bytes, or a number with K, M or G behind it")
    size = int(found[1]) * _UNITS[(found[2] or "").lower()]
    if not 0 < size <= most:
        raise click.BadParameter(f"{text!r} is not from 1 byte to {human_size(most)}")
    return size
