"""Kernels given to Xen's own library and to `load_kernel`: both must say the same."""

import random
from pathlib import Path

import pytest
from kernel_answers import agree, our_answer, xens_answer
from kernel_cases import CASES
from toolstack import Material, Toolstack

REAL_KERNELS = [
    (role, kind)
    for role in ("cloud", "pae", "grub64", "grub32", "grub_pvh", "gnumach", "shim", "hvmloader")
    for kind in ("pv", "pvh")
]
DAMAGED = (
    "a plain PV kernel",
    "a __xen_guest string with features",
    "a PVH kernel",
    "firmware",
    "64-bit symbols behind 0x1231, 19 bytes of strings",
    "bzImage, .xz, length +0",
    "bzImage, .zst, length +0",
    "bzImage, .lz4, length +0",
    "gzip",
)
FLIPS = 25


def test_the_recorded_answers_are_still_the_library_s(oracle: Toolstack, tmp_path: Path) -> None:
    differing = {}
    for name, (kind, file) in CASES.items():
        ours, xens = our_answer(kind, file), xens_answer(oracle, kind, file, tmp_path)
        if not agree(ours, xens):
            differing[name] = ours, xens
    assert not differing


@pytest.mark.parametrize(("role", "kind"), REAL_KERNELS)
def test_a_real_kernel(role: str, kind: str, oracle: Toolstack, material: Material, tmp_path: Path) -> None:
    file: bytes = getattr(material, role).read_bytes()
    assert our_answer(kind, file) == xens_answer(oracle, kind, file, tmp_path, memory=256)


@pytest.mark.parametrize("name", DAMAGED)
def test_a_kernel_with_flipped_header_bytes(name: str, oracle: Toolstack, tmp_path: Path) -> None:
    kind, file = CASES[name]
    noise = random.Random(name)  # noqa: S311  # a fixed sequence, nothing secret
    differing = []
    for _ in range(FLIPS):
        flipped = bytearray(file)
        for _ in range(noise.randint(1, 3)):
            flipped[noise.choice(_headers(file, noise))] ^= 1 << noise.randrange(8)
        ours, xens = our_answer(kind, bytes(flipped)), xens_answer(oracle, kind, bytes(flipped), tmp_path)
        if not agree(ours, xens):
            differing.append((bytes(flipped), ours, xens))
    assert not differing


def _headers(file: bytes, noise: random.Random) -> range:
    """A range of offsets that hold a header: an ELF file's lie at both of its ends, a payload's behind the setup."""
    length = len(file)
    return noise.choice((range(min(length, 0x100)), range(max(0, length - 0x300), length), range(length)))
