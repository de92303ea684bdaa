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
    error = refused(HELLO_PV + ramdisk(5 * MIB), 3)
    assert error.message == "the guest's memory is too small: no room for the ramdisk"
    first, *more = (error.cause or "").splitlines()
    terms, _, rest = first.partition(" = ")
    parts = {
        what: f"{size} {unit}" for what, size, unit in (term.rsplit(" ", 2) for term in terms.split(" + "))
    }
    assert list(parts)[:5] == ["below the kernel", "kernel", "ramdisk", "p2m list", "page tables"]
    assert parts["ramdisk"] == "5 MiB"
    assert rest == f"8 MiB > 3 MiB: needs memory >= {named(error)}"
    assert more == [
        "it takes 5 MiB behind the 1 MiB in use, and the guest has 3 MiB",
        "placed so far:",
        "  kernel       0x100000..0x102804  12 KiB",
    ]


def test_the_map_goes_as_far_as_the_layout_got(ramdisk: Callable[[int], str]) -> None:
    error = refused(HELLO_PV + ramdisk(5 * MIB), 7)
    lines = (error.cause or "").splitlines()
    assert [line.split()[0] for line in lines[lines.index("placed so far:") + 1 :]] == [
        "kernel",
        "ramdisk",
        "p2m",
    ]
    assert "initial mapping" in error.message


def test_maxmem_and_video_memory_count_where_they_decide(small_hvm: str) -> None:
    with pytest.raises(LayoutError) as caught:
        xlbuild.build(small_hvm.replace("memory=64", "memory=10\nmaxmem=9").encode())
    first = (caught.value.cause or "").splitlines()[0]
    assert "+ video memory 8 MiB = " in first
    assert first.endswith(" > 9 MiB: needs maxmem >= 10")
    assert caught.value.hint == "give the guest at least maxmem = 10"


def test_a_kernel_over_a_hole_is_told_where_the_hole_is_however_little_memory_there_is(
    tmp_path: Path,
) -> None:
    (tmp_path / "kernel").write_bytes(
        elf_file([Load(0xFE00_0000, pattern(0x1000))], [("PHYS32_ENTRY", 0xFE00_0000)], bits=32)
    )
    error = refused(f'type="pvh"\nkernel="{tmp_path}/kernel"\n', 64)
    assert (error.code, error.message) == (
        "segment-over-hole",
        "the kernel would lie where the guest has no memory",
    )
    assert "with 4 TiB, more than any guest has: it takes 0xfe000000" in (error.cause or "")
    assert "memory =" not in (error.hint or "")


def test_memory_that_no_amount_helps_is_given_no_number(tmp_path: Path) -> None:
    """A PVH kernel over the hole below 4 GiB fits no guest, however large."""
    kernel = tmp_path / "kernel"
    kernel.write_bytes(
        elf_file([Load(0xFF00_0000, pattern(0x1000))], [("PHYS32_ENTRY", LOAD_ADDRESS)], bits=32)
    )
    with pytest.raises(xlbuild.RefusedError) as caught:
        build(f'type="pvh"\nkernel="{kernel}"\n', 64)
    assert "memory =" not in (caught.value.hint or "")
