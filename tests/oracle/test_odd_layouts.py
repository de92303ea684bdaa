"""Kernels whose notes and addresses walk the corners of the layout, built live with Xen's own toolstack and compared.

Verdict, every page and every record. Each case was chosen because the real builder does something there that one
would not guess.
"""

import struct
from pathlib import Path

import pytest
from compare import compare_directories
from guests import Guest
from kernels import Load, elf_file, pattern
from ours import create
from toolstack import Material, Toolstack

HIGH = 0xFFFFFFFF80000000
NAMES = {"GUEST_OS": "test", "XEN_VERSION": "xen-3.0", "LOADER": "generic"}


def pv(base: int, start: int, *, size: int = 9000, **notes: int) -> bytes:
    """Return a PV kernel at `start` bytes above VIRT_BASE."""
    load = Load(base + start, pattern(5000), paddr=start, memsz=size)
    own = {"VIRT_BASE": base, "ENTRY": base + start, **notes}
    return elf_file([load], [*NAMES.items(), *own.items()])


def pv32(base: int, start: int, *, size: int = 9000, pae: str = "yes", **notes: int) -> bytes:
    """Return a 32-bit PV kernel at `start` bytes above VIRT_BASE."""
    load = Load(base + start, pattern(5000), paddr=start, memsz=size)
    own = {"VIRT_BASE": base, "ENTRY": base + start, **notes}
    return elf_file([load], [*NAMES.items(), ("PAE_MODE", pae), *own.items()], bits=32)


def pv32_beyond_4_gib() -> bytes:
    """Return a 32-bit kernel whose notes, of 8 bytes each, put it above 4 GiB."""
    base = 0x140000000
    load = Load(0, pattern(5000), paddr=0x1000, memsz=9000)
    own = [(name, struct.pack("<Q", base + offset)) for name, offset in (("VIRT_BASE", 0), ("ENTRY", 0x1000))]
    return elf_file([load], [*NAMES.items(), ("PAE_MODE", "yes"), *own], bits=32)


def pvh(start: int, *, size: int = 9000, guest_os: str = "test", **notes: int) -> bytes:
    """Return a PVH kernel at physical address `start`."""
    names = {**NAMES, "GUEST_OS": guest_os}
    own = {"PHYS32_ENTRY": start, **notes}
    return elf_file([Load(start, pattern(5000), memsz=size)], [*names.items(), *own.items()])


def size_that_ends_at(page: int) -> int:
    """Return the kernel size with which tables, boot stack and padding end at that page (64 MiB guest)."""
    p2m, magic, tables, stack, padding = 32, 3, 5, 1, 128
    return (page - 0x100 - p2m - magic - tables - stack - padding) * 4096


BUILDS: dict[str, tuple[str, bytes, int]] = {
    "virt-base-unaligned": ("pv", pv(HIGH + 2, 0x100000 - 2), 64),
    "virt-base-unaligned-mod-start-pfn": ("pv", pv(0x1002, 0x100000 - 0x1002, MOD_START_PFN=1), 64),
    "virt-base-zero": ("pv", pv(0, 0x100000), 64),
    "virt-base-next-to-4-mib": ("pv", pv(HIGH + 0x3FF000, 0x1000), 64),
    "p2m-of-half-a-page": ("pv", pv(HIGH, 0x100000), 33),
    "p2m-over-two-leaf-tables": ("pv", pv(HIGH, 0x100000, INIT_P2M=0x80001FF000), 64),
    "p2m-shares-a-leaf-table": ("pv", pv(HIGH + 0x300000, 0x1000, INIT_P2M=HIGH + 0x1FF000), 64),
    "p2m-over-the-kernel-up-high": ("pv", pv(HIGH + 0x1000, 0x1000, INIT_P2M=HIGH - 0x1000), 64),
    "p2m-at-zero": ("pv", pv(0x300000, 0x1000, INIT_P2M=0), 64),
    "mapping-ends-before-4-mib": ("pv", pv(HIGH, 0x100000, size=size_that_ends_at(1023)), 64),
    "mapping-ends-at-4-mib": ("pv", pv(HIGH, 0x100000, size=size_that_ends_at(1024)), 64),
    "mapping-ends-behind-4-mib": ("pv", pv(HIGH, 0x100000, size=size_that_ends_at(1025)), 64),
    "pae-at-zero": ("pv", pv32(0, 0x100000), 64),
    "pae-below-the-fourth-gib": ("pv", pv32(0xBFC00000, 0x1000, size=0x3F0000), 64),
    "pae-into-the-fourth-gib": ("pv", pv32(0xBFF00000, 0x1000, size=0x3F0000), 64),
    "pae-to-the-last-page": ("pv", pv32(0xFFC00000, 0x1000, size=0x360000), 16),
    "pae-beyond-4-gib": ("pv", pv32_beyond_4_gib(), 64),
    "pae-with-an-init-p2m": ("pv", pv32(0xC0000000, 0x1000, INIT_P2M=0x1000), 64),
    "pae-mode-no-but-bimodal": ("pv", pv32(0xC0000000, 0x1000, pae="no,bimodal"), 64),
    "x86_64-to-the-end-of-48-bits": ("pv", pv(0xFFFFFFC00000, 0x1000, size=0x300000), 16),
    "x86_64-over-the-end-of-47-bits": ("pv", pv(0x7FFFFFC00000, 0x1000, size=0x390000), 16),
    "pvh-at-zero": ("pvh", pvh(0), 16),
    "pvh-under-the-low-rsdp": ("pvh", pvh(0xFE000, size=0x3000, guest_os="linux"), 16),
    "pvh-start-info-over-the-low-rsdp": ("pvh", pvh(0xF0000, size=0xF000, guest_os="linux"), 16),
    "pvh-ramdisk-over-the-low-rsdp": (
        "pvh",
        pvh(0xF0000, size=0xE000, guest_os="linux", MOD_START_PFN=1),
        64,
    ),
    "pvh-start-info-behind-the-kernel": ("pvh", pvh(0x200000, MOD_START_PFN=1), 16),
    "pvh-kernel-to-the-last-page-but-one": ("pvh", pvh(0x100000, size=0xEFF000), 16),
}

REFUSALS: dict[str, tuple[str, bytes, int]] = {
    "kernel-unaligned": ("pv", pv(HIGH, 0x100100), 64),
    "p2m-in-the-kernels-leaf-table": ("pv", pv(HIGH + 0x100000, 0x1000, INIT_P2M=HIGH), 64),
    "p2m-over-the-kernel": ("pv", pv(0x40000000, 0x1000, INIT_P2M=0x3FFF0000), 64),
    "mapping-larger-than-the-guest": ("pv", pv(HIGH, 0x100000, size=size_that_ends_at(1100)), 7),
    "pae-mode-no": ("pv", pv32(0xC0000000, 0x1000, pae="no"), 64),
    "pae-over-the-end-of-4-gib": ("pv", pv32(0xFFC00000, 0x1000, size=0x390000), 16),
    "x86_64-over-the-end-of-48-bits": ("pv", pv(0xFFFFFFC00000, 0x1000, size=0x390000), 16),
    "no-page-for-the-start-info": ("pvh", pvh(0x100000, size=0xF00000), 16),
    "kernel-behind-the-memory": ("pvh", pvh(0x1100000), 16),
}

CRASHES: dict[str, tuple[str, bytes, int]] = {
    "p2m-around-the-kernel": ("pv", pv(HIGH, 0x1000, INIT_P2M=HIGH - 0x200000), 3841),
    "mapping-past-the-address-space": ("pv", pv(0xFFFFFFFFFFE00000, 0x1000), 64),
    "hypercall-page-outside-the-guest": ("pv", pv(HIGH, 0x100000, HYPERCALL_PAGE=HIGH + 0x10000000), 64),
}
"""Where Xen's builder aborts, never ends, or asks the hypervisor for a frame that does not exist."""


def config_of(case: tuple[str, bytes, int], material: Material, directory: Path) -> str:
    kind, kernel, memory = case
    (directory / "kernel").write_bytes(kernel)
    guest = Guest(
        kind, str(directory / "kernel"), memory, ramdisk="rd.gz" if memory > 16 else None, cmdline="x"
    )
    return guest.config(material)


@pytest.mark.parametrize("name", BUILDS)
def test_an_odd_layout_is_built_as_xen_builds_it(
    name: str, oracle: Toolstack, material: Material, tmp_path: Path
) -> None:
    config = config_of(BUILDS[name], material, tmp_path)
    reference = oracle.xlcreate(config)
    done = create(config, tmp_path / "ours")
    assert done.returncode == 0, done.stderr
    assert compare_directories(tmp_path / "ours", reference).differences == []


@pytest.mark.parametrize("name", REFUSALS)
def test_an_impossible_layout_is_refused_as_xen_refuses_it(
    name: str, oracle: Toolstack, material: Material, tmp_path: Path
) -> None:
    config = config_of(REFUSALS[name], material, tmp_path)
    assert oracle.try_xlcreate(config).refused
    done = create(config, tmp_path / "ours")
    assert done.returncode == 3
    assert "cause:" in done.stderr
    assert "mend:" in done.stderr
    assert not (tmp_path / "ours").exists()


@pytest.mark.parametrize("name", CRASHES)
def test_what_the_real_builder_cannot_survive_is_refused(name: str, tmp_path: Path) -> None:
    kind, kernel, memory = CRASHES[name]
    (tmp_path / "kernel").write_bytes(kernel)
    done = create(
        f'name="g"\ntype="{kind}"\nkernel="{tmp_path}/kernel"\nmemory={memory}\n', tmp_path / "ours"
    )
    assert done.returncode == 3
    assert "mend:" in done.stderr
