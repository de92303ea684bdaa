"""Golden values: what the real toolstack builds from synthetic kernels, small enough to keep.

`tests/oracle/mkgolden.py` records them in tests/golden, one JSON file a guest; tests/golden/test_golden.py builds the
same guests and compares. An image is kept as the sha256 of each run of pages that hold anything.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from compare import Document, compare_values, memory_digest, nonzero_pages

DIRECTORY = Path(__file__).parents[1] / "golden"
KERNELS = "@KERNELS@"
"""Stands for the directory of the synthetic kernels in a recorded configuration."""


@dataclass(frozen=True)
class GoldenGuest:
    """A guest of synthetic files only: its settings, `@KERNELS@` being their directory."""

    settings: str
    kernel: str
    also: Sequence[str] = field(default=())
    """Kernels of other packings from which the toolstack builds the same."""

    def config(self, directory: Path | str = KERNELS, kernel: str | None = None) -> str:
        """Return the configuration, with another kernel if one is given."""
        settings = self.settings.replace(f"{KERNELS}/{self.kernel}", f"{KERNELS}/{kernel or self.kernel}")
        return settings.replace(KERNELS, str(directory))


def _guest(kind: str, kernel: str, more: str = "", also: Sequence[str] = ()) -> GoldenGuest:
    key = "firmware_override" if kind == "hvm" else "kernel"
    lines = ['name="golden"', f'type="{kind}"', f'{key}="{KERNELS}/{kernel}"']
    memory = "" if "memory=" in more else "memory=32"
    return GoldenGuest("\n".join([*lines, *filter(None, [memory, *more.split("; ")]), ""]), kernel, also)


_RAMDISK = f'ramdisk="{KERNELS}/rd.raw"'
_GZ_RAMDISK = f'ramdisk="{KERNELS}/rd.gz"'
_BIOS = f'vnc=0; bios_path_override="{KERNELS}/mb-64"'
_PACKED = (
    "bz-gzip", "bz-xz", "bz-lzma", "bz-lz4-stored", "bz-zstd-stored", "bz-none", "gz-elf", "gz-bz-xz",
)  # fmt: skip

GUESTS = {
    "pv64-min": _guest("pv", "pv64-min", 'cmdline="console=hvc0"', _PACKED),
    "pv64-min-ramdisk": _guest("pv", "pv64-min", _RAMDISK),
    "pv64-min-ramdisk-gz": _guest("pv", "pv64-min", f"{_GZ_RAMDISK}; vcpus=4"),
    "pv64-min-5g": _guest("pv", "pv64-min", "memory=5120"),
    "pv64-min-balloon": _guest("pv", "pv64-min", "memory=33; maxmem=64"),
    "pv64-p2m": _guest("pv", "pv64-p2m", _RAMDISK),
    "pv64-modpfn": _guest("pv", "pv64-modpfn", _GZ_RAMDISK),
    "pv64-p2m-modpfn": _guest("pv", "pv64-p2m-modpfn", _RAMDISK),
    "pv64-p2m-samel4": _guest("pv", "pv64-p2m-samel4"),
    "pv64-p2m-samel3": _guest("pv", "pv64-p2m-samel3"),
    "pv64-p2m-unaligned": _guest("pv", "pv64-p2m-unaligned"),
    "pv64-p2m-above": _guest("pv", "pv64-p2m-above"),
    "pv64-paddroff": _guest("pv", "pv64-paddroff"),
    "pv64-shtnote": _guest("pv", "pv64-shtnote"),
    "pv64-noentry": _guest("pv", "pv64-noentry"),
    "pv64-novbase": _guest("pv", "pv64-novbase"),
    "pv64-bsd": _guest("pv", "pv64-bsd"),
    "pv64-4mtail": _guest("pv", "pv64-4mtail"),
    "pv64-legacy": _guest("pv", "pv64-legacy"),
    "pv32-extcr3": _guest("pv", "pv32-extcr3", f'{_RAMDISK}; cmdline="console=hvc0"'),
    "pv32-bimodal": _guest("pv", "pv32-bimodal", "memory=5120"),
    "pv32-low": _guest("pv", "pv32-low", _GZ_RAMDISK),
    "pv32-modpfn": _guest("pv", "pv32-modpfn", _RAMDISK),
    "pv32-bsd": _guest("pv", "pv32-bsd"),
    "pv32-legacy-yes": _guest("pv", "pv32-legacy-yes", "vcpus=3"),
    "pv32-legacy-ext": _guest("pv", "pv32-legacy-ext"),
    "mb-64": _guest("pv", "mb-64", _RAMDISK),
    "mb-64-whole": _guest("pv", "mb-64-whole"),
    "mb-64-part": _guest("pv", "mb-64-part"),
    "mb-32p": _guest("pv", "mb-32p", _RAMDISK),
    "mb-32x": _guest("pv", "mb-32x"),
    "mb-elf": _guest("pv", "mb-elf"),
    "pvh32": _guest("pvh", "pvh32", 'cmdline="console=hvc0"'),
    "pvh32-ramdisk-gz": _guest("pvh", "pvh32", f'{_GZ_RAMDISK}; cmdline=""; vcpus=2'),
    "pvh32-5g": _guest("pvh", "pvh32", "memory=5120; vcpus=3; maxvcpus=10"),
    "pvh32-pod": _guest("pvh", "pvh32", "memory=32; maxmem=5000"),
    "pvh32-only": _guest("pvh", "pvh32-only"),
    "pvh64": _guest("pvh", "pvh64", _RAMDISK),
    "pvh-linuxos": _guest("pvh", "pvh-linuxos", _RAMDISK),
    "pvh-linuxos-rsdp": _guest("pvh", "pvh-linuxos-rsdp"),
    "hvm": _guest("hvm", "fw32", f"{_BIOS}; vcpus=2"),
    "hvm-5g": _guest("hvm", "fw32", f'{_BIOS}; memory=5120; vga="stdvga"; mmio_hole=1024'),
    "hvm-pod": _guest("hvm", "fw32", f"{_BIOS}; memory=64; maxmem=5000"),
}
"""Every golden guest by its file's name. The compressors' output does not reach any of them."""


def summarise(image: Path, masks: Sequence[range]) -> Document:
    """Return a memory image as its size and its runs of non-zero pages; masked bytes count as zero."""
    runs = [
        {"first": f"{first:#x}", "pages": pages, "sha256": digest}
        for first, pages, digest in _runs(image, masks)
    ]
    return {
        "size": image.stat().st_size,
        "masked": [[f"{mask.start:#x}", f"{mask.stop:#x}"] for mask in masks],
        "runs": runs,
        "memory_digest": memory_digest(image, masks),
    }


def _runs(image: Path, masks: Sequence[range]) -> Iterator[tuple[int, int, str]]:
    first, pages, digest = 0, 0, hashlib.sha256()
    for pfn, page in nonzero_pages(image, masks):
        if pages and pfn != first + pages:
            yield first, pages, digest.hexdigest()
            pages = 0
        if not pages:
            first, digest = pfn, hashlib.sha256()
        digest.update(page)
        pages += 1
    if pages:
        yield first, pages, digest.hexdigest()


def compare_image(image: Path, golden: Document) -> Iterator[str]:
    """Compare a memory image with a recorded summary."""
    masks = [range(int(start, 16), int(end, 16)) for start, end in golden["masked"]]
    yield from compare_values("memory.img", summarise(image, masks), golden)
