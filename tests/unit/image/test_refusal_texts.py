"""Every refusal of kernels, modules and container decisions says what was found, where, and what to do about it."""

import gzip

import pytest
from kernels import (
    EM_AARCH64,
    LOAD_ADDRESS,
    Load,
    Notes,
    Table,
    binary,
    bzimage,
    elf_file,
    packed,
    pattern,
    sized,
)

from xlbuild.config import read
from xlbuild.container import decide
from xlbuild.errors import ConfigError, RefusedError
from xlbuild.image import load_kernel, prepare_module
from xlbuild.profiles import NEWEST, PROFILES, Profile

SEGMENT = Load(LOAD_ADDRESS, pattern(0x100))
AT_START = {"e_entry": LOAD_ADDRESS}
SAYS_XEN: Notes = (("XEN_VERSION", "xen-3.0"), ("LOADER", "generic"))
NOISE = bytes(pattern(4096))

KERNELS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "ELF file"),
    "zeros": (bytes(5000), "checksum"),
    "one zero": (b"\0", "checksum"),
    "noise": (NOISE, "vmlinux"),
    "noise in gzip": (gzip.compress(NOISE), "vmlinux"),
    "gzip in gzip": (gzip.compress(gzip.compress(NOISE)), "gunzip"),
    "text": (b"kernel=vmlinuz\n", "the kernel itself"),
    "gzip cut short": (packed(".gz")[:2000] + b"\xff\xff\xff\xff", "gunzip"),
    "gzip's magic": (b"\x1f\x8b", "gunzip"),
    "damaged gzip": (packed(".gz")[:-20] + bytes(4), "gunzip"),
    "gzip that claims 1 GiB": (sized(packed(".gz"), 1 << 30), "gunzip"),
    "multiboot, bad flags": (binary(Table(flags=0)), ""),
    "multiboot without PAE": (binary(Table(flags=0x10000)), ""),
    "multiboot, bad addresses": (binary(Table(load=0)), ""),
    "multiboot, bad checksum": (binary(Table(sum=1)), "correct"),
    "multiboot, at an odd place": (binary(at=0x402), "correct"),
    "archive": (b"!<arch>\n" + NOISE, "vmlinux"),
    "ELF's magic": (b"\x7fELF", "cut short"),
    "ELF, 32-bit, cut in its header": (elf_file([SEGMENT], bits=32)[:20], "cut short"),
    "ELF cut behind its header": (elf_file([SEGMENT], SAYS_XEN)[:70], "cut short"),
    "ELF without segments": (elf_file([], SAYS_XEN, header=AT_START), ""),
    "ELF without notes": (elf_file([SEGMENT]), "note"),
    "ELF for Arm": (elf_file([SEGMENT], SAYS_XEN, header={"e_machine": EM_AARCH64}), "x86"),
    "ELF for another machine": (elf_file([], header={"e_machine": 8}), ""),
    "ELF that needs dom0": (
        elf_file(
            [SEGMENT], [*SAYS_XEN, ("PHYS32_ENTRY", LOAD_ADDRESS), ("FEATURES", "!dom0")], header=AT_START
        ),
        "guest",
    ),
    "ELF with an unknown feature": (elf_file([SEGMENT], [*SAYS_XEN, ("FEATURES", "!flux")]), ""),
    "ELF with its entry outside": (elf_file([SEGMENT], [*SAYS_XEN, ("ENTRY", 16)]), "note"),
    "ELF with a high VIRT_BASE": (elf_file([SEGMENT], [*SAYS_XEN, ("VIRT_BASE", 1 << 40)]), ""),
    "bzImage, cut": (bzimage(packed(".gz"))[:0xC00], "cut short"),
    "bzImage of noise": (bzimage(NOISE), ""),
    "bzImage, damaged xz": (bzimage(b"\xfd7zXZ\0" + NOISE), ""),
}
"""By what it is: a kernel that no container takes, and a word of the mend."""


@pytest.mark.parametrize("profile", [PROFILES[0], NEWEST], ids=lambda profile: profile.name)
@pytest.mark.parametrize("container", ["PV", "PVH", "HVM"])
@pytest.mark.parametrize("what", KERNELS)
def test_a_refused_kernel_comes_with_file_cause_and_mend(what: str, container: str, profile: Profile) -> None:
    data, word = KERNELS[what]
    hvm = container == "HVM"
    with pytest.raises(RefusedError) as caught:
        load_kernel(data, name="FILE", hvm_container=container != "PV", profile=profile, firmware=hvm)
    error = caught.value
    assert error.cause
    assert error.hint
    assert error.where.file == "FILE"
    if hvm:
        assert ("kernel" in error.message) == (error.code == "kernel-features")
    else:
        assert word in error.hint


@pytest.mark.parametrize(
    ("notes", "word"),
    [
        ([("ENTRY", 16)], "VIRT_BASE"),
        (
            [("VIRT_BASE", 1 << 40), ("PADDR_OFFSET", 1 << 30), ("ENTRY", (1 << 40) - (1023 << 20))],
            "PADDR_OFFSET",
        ),
        ([("INIT_P2M", LOAD_ADDRESS)], "INIT_P2M"),
    ],
)
def test_the_mend_for_wrong_addresses_is_the_notes(notes: Notes, word: str) -> None:
    kernel = elf_file([SEGMENT], [*SAYS_XEN, *notes], header=AT_START)
    with pytest.raises(RefusedError) as caught:
        load_kernel(kernel, name="FILE", hvm_container=False, profile=NEWEST)
    assert word in str(caught.value.hint)


def test_the_place_is_the_file_alone_for_what_is_no_bzimage() -> None:
    with pytest.raises(RefusedError) as caught:
        load_kernel(NOISE, name="FILE", hvm_container=False, profile=NEWEST)
    assert str(caught.value.where) == "FILE"


@pytest.mark.parametrize("container", [False, True])
def test_an_elf_file_that_ends_in_its_header_is_said_to(container: bool) -> None:
    with pytest.raises(RefusedError) as caught:
        load_kernel(b"\x7fELF", name="FILE", hvm_container=container, profile=NEWEST)
    assert "it ends inside its ELF header" in (caught.value.cause or "")


def test_a_program_of_the_host_is_no_firmware() -> None:
    with pytest.raises(RefusedError) as caught:
        load_kernel(elf_file([SEGMENT]), name="FILE", hvm_container=True, profile=NEWEST, firmware=True)
    error = caught.value
    assert error.message == "the firmware cannot be started in an HVM guest"
    assert "hvmloader" in (error.hint or "")
    assert "PVH" not in f"{error.cause}{error.hint}"


@pytest.mark.parametrize(("what", "name"), [("ramdisk", "initrd"), ("module", "x.bin")])
def test_an_empty_module_is_called_by_what_the_user_knows(what: str, name: str) -> None:
    with pytest.raises(RefusedError) as caught:
        prepare_module(b"", NEWEST, name=name, what=what)
    error = caught.value
    assert error.message == f"the {what} {name} is empty"
    assert error.cause
    assert error.hint
    assert error.where.file == name


CONTAINERS: dict[str, str] = {
    'type = "pv"': "kernel",
    'type = "pvh"': "memory",
    'type = "hvm"': "memory",
    'type = "pvh"; kernel = [1]; memory = 64': "kernel",
    'type = "pvh"; kernel = "/k"; memory = "64M"': "memory",
    'type = "pvh"; kernel = ""; memory = 64': "kernel",
    'type = "pvh"; kernel = "/k"; firmware = "pvgrub64"; memory = 64': "firmware",
    'type = "pvh"; firmware = "x"; memory = 64': "firmware",
    'type = "x"': "type",
    'type = "PVH"': "type",
    'builder = "x"': "builder",
    'type = "pv"; builder = "hvm"': "builder",
    'bootloader = "pygrub"': "bootloader",
    'kernel = "/k"; vnuma = [["x"]]': "vnuma",
    'kernel = "/k"; pci = ["1.0"]': "pci",
    'type = "pvh"; kernel = "/k"; memory = 64; pci = ["0:1.0"]': "pci",
    'kernel = "/k"; max_event_channels = 1': "max_event_channels",
    'kernel = "/k"; device_model_version = "x"': "device_model_version",
    'kernel = "/k"; memory = 0': "memory",
    'kernel = "/k"; memory = "-1"': "memory",
    'kernel = "/k"; maxvcpus = "-1"': "maxvcpus",
    'kernel = "/k"; vcpus = 4; maxvcpus = 2': "maxvcpus",
    'kernel = "/k"; vcpus = 9000': "vcpus",
    'kernel = "/k"; timer_mode = 1': "timer_mode",
    'type = "hvm"; memory = 300; videoram = 300': "memory",
    'type = "hvm"; memory = 300; maxmem = 0': "maxmem",
    'type = "hvm"; memory = 300; videoram = 1': "videoram",
    'type = "hvm"; memory = 300; vga = "x"': "vga",
    'type = "hvm"; memory = 300; bios = "x"': "bios",
    'type = "hvm"; memory = 300; bios = "rombios"': "bios",
    'type = "hvm"; memory = 300; ramdisk = "/r"': "ramdisk",
    'type = "hvm"; memory = 300; firmware_override = ""': "firmware_override",
    'type = "hvm"; memory = 300; mmio_hole = 1': "mmio_hole",
    'type = "hvm"; memory = 300; maxmem = 400; pci = ["0:1.0"]': "maxmem",
    'type = "hvm"; vnuma = [["size=8"]]': "vnuma",
    'type = "hvm"; memory = 300; viridian = ["x"]': "viridian",
    'type = "hvm"; memory = 300; viridian = ["freq"]': "viridian",
    'type = "hvm"; memory = 300; viridian = ["!base", "all"]': "viridian",
    'type = "hvm"; memory = 300; mca_caps = ["x"]': "mca_caps",
    'type = "hvm"; memory = 300; mca_caps = 1': "mca_caps",
    'type = "hvm"; memory = 300; altp2m = "x"': "altp2m",
    'type = "hvm"; memory = 300; altp2m = 1; nestedhvm = 1': "altp2m",
    'type = "hvm"; memory = 300; device_model_stubdomain_override = 1': "device_model_stubdomain_override",
}
"""Configurations that are refused, and the key that the refusal is to name."""


@pytest.mark.parametrize("text", CONTAINERS)
def test_a_refused_configuration_comes_with_key_cause_and_mend(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        decide(read(f'name = "n"; {text}\n'.encode(), "guest.cfg"), NEWEST)
    error = caught.value
    assert error.cause
    assert error.hint
    assert (error.where.file, error.where.key) == ("guest.cfg", CONTAINERS[text])
