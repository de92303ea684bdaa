"""Multiboot-style kernels, built live with Xen's own toolstack and compared: verdict, every page and every record."""

from pathlib import Path

import pytest
from compare import compare_directories
from guests import Guest
from kernels import LOAD_ADDRESS, Table, binary
from multiboot_cases import multiboot_cases
from ours import create
from toolstack import Material, Toolstack

AT = LOAD_ADDRESS

PLACED: dict[str, bytes] = {
    "frame 0 off a page boundary": binary(Table(header=AT + 0x1504, load=AT + 0x1000), 0x1500),
    "a start off a page boundary": binary(Table(header=AT + 0x404, load=AT + 4)),
    "a start below frame 0": binary(Table(header=0x1400, load=0x1000), 0x1C00),
    "address 0, frame 0 just below 4 GiB": binary(Table(header=0x3FF, load=0)),
    "address 0, frame 0 below, and a bss": binary(Table(header=0x400, load=0, bss_end=0x9000), 0x1400),
    "an end that wraps": binary(Table(header=0xFFFF_F400, load=0xFFFF_F000)),
    "an end at 4 GiB": binary(Table(header=0xFFFF_B400, load=0xFFFF_B000)),
    "a bss as large as the memory": binary(Table(bss_end=AT + (32 << 20))),
    "a bss that leaves little": binary(Table(bss_end=AT + (30 << 20))),
    "a mapping up to 4 MiB": binary(Table(bss_end=AT + 0x259000)),
    "a mapping over 4 MiB": binary(Table(bss_end=AT + 0x25A000)),
    "32-bit, up to the hypervisor's hole": binary(Table(header=0xF4FF_F400, load=0xF4FF_F000, flags=0x1C000)),
    "32-bit, frame 0 just below 4 GiB": binary(Table(header=0x3FF, load=0, flags=0x1C000)),
}
"""Tables about which nothing is wrong by themselves: it is where the guest is placed that decides."""

CASES: dict[str, tuple[str, bytes]] = {
    **{name: case for name, case in multiboot_cases().items() if case[0] != "hvm"},
    **{name: ("pv", file) for name, file in PLACED.items()},
}


@pytest.mark.parametrize("name", CASES)
def test_a_multiboot_style_kernel_is_built_or_refused_as_xen_does(
    name: str, oracle: Toolstack, material: Material, tmp_path: Path
) -> None:
    kind, file = CASES[name]
    (tmp_path / "kernel").write_bytes(file)
    config = Guest(kind, str(tmp_path / "kernel"), 32, "mb-64", "x").config(material)
    reference = oracle.try_xlcreate(config)
    done = create(config, tmp_path / "ours")
    assert done.returncode == (3 if reference.refused else 0), done.stderr
    if not reference.refused:
        assert compare_directories(tmp_path / "ours", reference.directory).differences == []
