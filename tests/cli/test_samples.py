"""The sample configurations: each builds, as it is or with files in the place of those that a host has installed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from kernels import LOAD_ADDRESS, Load, elf_file, pattern
from ours import Ended, xlbuild
from toolstack import Material

CONFIGS = Path(__file__).parents[2] / "configs"

BUILT_AS_THEY_ARE = {"hello-pv.cfg": "pv", "hello-pvh.cfg": "pvh"}
"""Samples that need no file, and what they become."""

GIVEN_FILES = {"debian-pvh.cfg", "hvm-seabios.cfg"}
"""Samples that need a kernel or firmware; a test of its own gives each of them some."""

CODE = Load(LOAD_ADDRESS, pattern(0x3000))
RAMDISK = b"ramdisk" * 1000


def manifest(ended: Ended) -> dict[str, object]:
    """Return the manifest that a run printed."""
    assert (ended.returncode, ended.stderr) == (0, "")
    document: dict[str, object] = json.loads(ended.stdout)
    return document


def inputs(document: dict[str, object]) -> list[tuple[str, int]]:
    """Return role and size of each file that went in."""
    listed = document["inputs"]
    assert isinstance(listed, list)
    return [(entry["role"], entry["size"]) for entry in listed]


def test_every_sample_is_built_by_a_test() -> None:
    assert {entry.name for entry in CONFIGS.iterdir()} == set(BUILT_AS_THEY_ARE) | GIVEN_FILES


@pytest.mark.parametrize(("sample", "container"), BUILT_AS_THEY_ARE.items())
def test_a_hello_sample_builds_as_it_is(tmp_path: Path, sample: str, container: str) -> None:
    target = tmp_path / "guest"
    document = manifest(xlbuild("create", "--json", "-o", target, CONFIGS / sample))
    assert (document["name"], document["container"]) == (sample.removesuffix(".cfg"), container)
    assert (target / "memory.img").exists()


def test_the_debian_sample_builds_with_any_kernel_and_initrd(tmp_path: Path) -> None:
    kernel, ramdisk = tmp_path / "vmlinuz", tmp_path / "initrd.img"
    kernel.write_bytes(elf_file([CODE], [("PHYS32_ENTRY", LOAD_ADDRESS)]))
    ramdisk.write_bytes(RAMDISK)
    files = [f'kernel="{kernel}"', f'ramdisk="{ramdisk}"']
    document = manifest(
        xlbuild("create", "--json", "-o", tmp_path / "guest", CONFIGS / "debian-pvh.cfg", *files)
    )
    assert (document["name"], document["container"]) == ("debian-pvh", "pvh")
    assert document["command_line"] == "root=/dev/xvda1 ro console=hvc0"
    assert inputs(document) == [("kernel", kernel.stat().st_size), ("ramdisk", len(RAMDISK))]


def test_the_hvm_sample_builds_with_the_firmware_of_a_root_tree(tmp_path: Path) -> None:
    hvmloader = tmp_path / "usr/lib/xen-4.17/boot/hvmloader"
    seabios = tmp_path / "usr/share/seabios/bios-256k.bin"
    for file, data in (
        (hvmloader, elf_file([CODE], bits=32, header={"e_entry": LOAD_ADDRESS})),
        (seabios, pattern(0x40000)),
    ):
        file.parent.mkdir(parents=True)
        file.write_bytes(data)
    options = ["--xen", "4.17", "--firmware-dir", str(tmp_path), "-o", str(tmp_path / "guest")]
    document = manifest(xlbuild("create", "--json", *options, CONFIGS / "hvm-seabios.cfg"))
    assert (document["name"], document["container"]) == ("hvm-seabios", "hvm")
    assert [size for _, size in inputs(document)] == [hvmloader.stat().st_size, 0x40000]
    modules = document["firmware_modules"]
    assert isinstance(modules, list)
    assert [module["pages"] for module in modules] == [0x40]


def test_the_debian_sample_builds_with_debians_kernel(tmp_path: Path, material: Material) -> None:
    (tmp_path / "initrd.img").write_bytes(RAMDISK)
    files = [f'kernel="{material.cloud}"', f'ramdisk="{tmp_path / "initrd.img"}"']
    document = manifest(xlbuild("create", "--json", "-n", CONFIGS / "debian-pvh.cfg", *files))
    assert document["container"] == "pvh"
    assert inputs(document) == [("kernel", material.cloud.stat().st_size), ("ramdisk", len(RAMDISK))]


def test_the_readme_shows_what_create_prints(tmp_path: Path) -> None:
    checkout = CONFIGS.parent
    (tmp_path / "configs").symlink_to(CONFIGS)
    command = [sys.executable, "-m", "xlbuild", "create", "configs/hello-pvh.cfg"]
    printed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert f"$ xlbuild create configs/hello-pvh.cfg\n{printed}```" in (checkout / "README.md").read_text()
