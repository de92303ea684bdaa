"""Guests with too little memory: the least that is named is the least that works."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from kernels import LOAD_ADDRESS, Load, elf_file, pattern

import xlbuild
from xlbuild.plan.layout import LayoutError

MIB = 1 << 20
HELLO_PV = 'kernel="xlbuild:hello-pv"\n'
HELLO_PVH = 'type="pvh"\nkernel="xlbuild:hello-pvh"\n'


@pytest.fixture
def ramdisk(tmp_path: Path) -> Callable[[int], str]:
    def setting(size: int) -> str:
        file = tmp_path / f"ramdisk-{size}"
        file.write_bytes(pattern(4096) * (size // 4096))
        return f'ramdisk="{file}"\n'

    return setting


def refused(config: str, memory: int) -> LayoutError:
    with pytest.raises(LayoutError) as caught:
        build(config, memory)
    return caught.value


def build(config: str, memory: int) -> xlbuild.Domain:
    return xlbuild.build(f'name="g"\n{config}memory={memory}\n'.encode())


def named(error: LayoutError) -> int:
    """Return the memory that the hint names."""
    found = re.search(r"memory = (\d+)", error.hint or "")
    assert found, error.hint
    return int(found[1])


@pytest.mark.parametrize("ramdisk_mib", [0, 5, 40])
@pytest.mark.parametrize("config", [HELLO_PV, HELLO_PVH], ids=["pv", "pvh"])
def test_the_memory_named_is_enough_and_one_mib_less_is_not(
    ramdisk: Callable[[int], str], config: str, ramdisk_mib: int
) -> None:
    if ramdisk_mib:
        config += ramdisk(ramdisk_mib * MIB)
    needed = named(refused(config, 1))
    assert needed > ramdisk_mib
    assert build(config, needed).plan.layout.total_pages == needed * 256
    if needed > 1:
        assert named(refused(config, needed - 1)) == needed


def test_the_cause_says_what_the_memory_is_needed_for(ramdisk: Callable[[int], str]) -> None:
    cause = refused(HELLO_PV + ramdisk(5 * MIB), 3).cause or ""
    parts = cause.split("needed: ")[1].split(", ")
    assert "module0 5 MiB" in parts
    names = " ".join(parts)
    assert names.index("kernel") < names.index("module0") < names.index("phys2mach")


def test_memory_that_no_amount_helps_is_given_no_number(tmp_path: Path) -> None:
    """A PVH kernel over the hole below 4 GiB fits no guest, however large."""
    kernel = tmp_path / "kernel"
    kernel.write_bytes(
        elf_file([Load(0xFF00_0000, pattern(0x1000))], [("PHYS32_ENTRY", LOAD_ADDRESS)], bits=32)
    )
    with pytest.raises(xlbuild.RefusedError) as caught:
        build(f'type="pvh"\nkernel="{kernel}"\n', 64)
    assert "memory =" not in (caught.value.hint or "")
