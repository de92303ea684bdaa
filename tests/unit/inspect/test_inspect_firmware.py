"""Firmware images: Debian's own, and damaged and hand-made ones."""

import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toolstack import XEN_ROOT, Material

from xlbuild.inspect.firmware.describe import describe_firmware, title_of_kernel
from xlbuild.inspect.kernels.describe import describe_kernel
from xlbuild.inspect.kernels.file import take_apart
from xlbuild.profiles import NEWEST

SHARE = XEN_ROOT / "usr/share"


def described(data: bytes) -> Any:
    told = describe_firmware(data)
    assert told is not None
    return told


def words(told: Any) -> str:
    return "\n".join(problem["problem"] for problem in told["problems"])


def debian_version(file: str) -> str:
    """Return the upstream version in the directory of a package's documentation, by its change log."""
    package = Path(file).parts[0]
    done = subprocess.run(
        ["zcat", SHARE / "doc" / package / "changelog.Debian.gz"], capture_output=True, check=True
    )
    return done.stdout.split(b"(")[1].split(b"-")[0].split(b"+")[0].decode()


@pytest.mark.parametrize("name", ["bios.bin", "bios-256k.bin", "bios-microvm.bin"])
def test_seabios_is_told_with_its_version(material: Material, name: str) -> None:
    data = (material.seabios.parent / name).read_bytes()
    told = described(data)
    assert "SeaBIOS" in told["what"]
    assert told["setting"] == 'bios_path_override, with bios = "seabios"'
    offset = int(told["version_offset"], 16)
    assert data[offset:].startswith(told["version"].encode() + b"\0")
    assert told["version"].startswith(debian_version("seabios"))
    assert told["reset_vector"] == "jumps to f000:e05b"
    assert told["problems"] == []


def test_hvmloader_is_told_and_the_shim_is_a_kernel(material: Material) -> None:
    told = described(material.hvmloader.read_bytes())
    assert told["what"].startswith("hvmloader")
    assert "firmware_override" in told["setting"]
    assert describe_firmware(material.shim.read_bytes()) is None


@pytest.mark.parametrize(
    ("role", "title"),
    [("cloud", "Linux"), ("pae", "Linux"), ("gnumach", "GNU Mach"), ("xen", "Xen"), ("grub64", "GRUB")],
)
def test_a_kernel_is_told_with_the_version_that_its_package_has(
    material: Material, role: str, title: str
) -> None:
    path: Path = getattr(material, role)
    program = str(describe_kernel(take_apart(path.read_bytes(), path.name, NEWEST), NEWEST.name)["program"])
    name, version, *_ = program.split(", ")
    assert name == title
    # /boot/vmlinuz-6.1.0-56-cloud-amd64, gnumach-1.8-xen-486.gz, xen-4.17-amd64.gz
    assert version.startswith(path.name.split("-")[1] if role != "grub64" else "2.06")


def test_a_shim_is_told_from_xen_itself(material: Material) -> None:
    shim = title_of_kernel(material.shim.read_bytes())
    assert shim is not None
    assert shim[0] == "Xen, as the PV shim"
    assert title_of_kernel(b"\x7fELF" + bytes(5000)) is None


@pytest.mark.parametrize(
    ("name", "kinds", "problem"),
    [
        (
            "ovmf/OVMF.fd",
            ["variables", "firmware files (FFS 2)", "firmware files (FFS 2)"],
            None,
        ),
        (
            "OVMF/OVMF_CODE_4M.fd",
            ["firmware files (FFS 2)", "firmware files (FFS 2)"],
            "no place for variables",
        ),
        ("OVMF/OVMF_VARS.fd", ["variables"], "the variables alone"),
    ],
)
def test_uefi_firmware_is_told_by_its_volumes(
    material: Material, name: str, kinds: list[str], problem: str | None
) -> None:
    told = described((SHARE / name).read_bytes())
    assert [volume["what"] for volume in told["volumes"]] == kinds
    assert "ovmf" in told["setting"]
    assert problem in words(told) if problem else not told["problems"]
    ends = [int(volume["offset"], 16) + volume["size"] for volume in told["volumes"]]
    assert ends[-1] <= told["size"]


def test_firmware_that_is_cut_short_says_so(material: Material) -> None:
    assert "before its last volume" in words(described(material.ovmf.read_bytes()[:-4096]))
    seabios = material.seabios.read_bytes()
    assert "SeaBIOS is 64, 128 or 256 KiB" in words(described(seabios[4096:]))


@pytest.mark.parametrize(
    ("name", "vendor", "device"),
    [
        ("vgabios-stdvga.bin", "0x1234", "0x1111"),  # QEMU's standard VGA
        ("vgabios-cirrus.bin", "0x1013", "0xb8"),  # Cirrus Logic GD 5446
        ("vgabios-isavga.bin", None, None),
    ],
)
def test_option_roms_are_told_by_their_device(
    material: Material, name: str, vendor: str | None, device: str | None
) -> None:
    data = (SHARE / "seabios" / name).read_bytes()
    told = described(data)
    (image,) = told["images"]
    assert (image["vendor"], image["device"]) == (vendor, device)
    assert told["problems"] == []
    if vendor:
        damaged = bytearray(data)
        damaged[-1] ^= 1
        assert "make zero in sum" in words(described(bytes(damaged)))


def test_an_option_rom_that_is_cut_short_says_so(material: Material) -> None:
    data = (SHARE / "seabios" / "vgabios-stdvga.bin").read_bytes()
    assert "512 of them are missing" in words(described(data[:-512]))


@pytest.mark.iasl
def test_acpi_tables_are_told_as_iasl_made_them(tmp_path: Path) -> None:
    for name in ("SSDT", "OEM1"):
        source = f'DefinitionBlock ("", "{name}", 2, "MAKER", "TABLE", 1) {{ Name (ABCD, 1) }}\n'
        (tmp_path / f"{name}.asl").write_text(source)
        subprocess.run(
            [shutil.which("iasl") or "", f"{name}.asl"], cwd=tmp_path, check=True, capture_output=True
        )
    first, second = (tmp_path / "SSDT.aml").read_bytes(), (tmp_path / "OEM1.aml").read_bytes()
    told = described(first + second)
    assert told["setting"] == "acpi_firmware"
    rows = [(row["signature"], row["size"], row["maker"], row["name"]) for row in told["tables"]]
    assert rows == [("SSDT", len(first), "MAKER", "TABLE"), ("OEM1", len(second), "MAKER", "TABLE")]
    assert {row["checksum"] for row in told["tables"]} == {"good"}
    damaged = first[:-1] + bytes([first[-1] ^ 1])
    assert "make zero in sum" in words(described(second + damaged))
    assert "are missing" in words(described(first[:-1]))
    assert "no ACPI table starts there" in words(described(first + b"rest"))


def smbios(kind: int, *texts: bytes) -> bytes:
    body = struct.pack("<BBH", kind, 8, 0x100) + bytes(4) + b"".join(text + b"\0" for text in texts) + b"\0"
    return struct.pack("<I", len(body)) + body


def test_smbios_structures_are_told_one_by_one() -> None:
    told = described(smbios(1, b"Maker", b"Product") + smbios(200, b"x"))
    assert told["setting"] == "smbios_firmware"
    assert [(row["type"], row["what"], row["texts"]) for row in told["structures"]] == [
        (1, "system", 2),
        (200, "a vendor's own", 1),
    ]
    assert "no sound structure" in words(described(smbios(1, b"Maker") + b"\xff" * 9))


@pytest.mark.parametrize("data", [b"", b"\x55\xaa", b"\x7fELF", b"Copyright of much text" * 90, bytes(4096)])
def test_what_is_no_firmware_is_not_taken_for_it(data: bytes) -> None:
    assert describe_firmware(data) is None


VOLUME = bytes(16) + bytes(range(16)) + struct.pack("<Q4sIHHHBB", 72, b"_FVH", 0, 72, 0, 0, 0, 2) + bytes(16)
ROM = b"\x55\xaa\1" + bytes(21) + b"\x1c\0\0\0PCIR" + bytes(480)


@settings(max_examples=300)
@given(
    st.sampled_from((VOLUME * 4, ROM * 2, smbios(1, b"a") * 3, b"SSDT" + struct.pack("<I", 40) + bytes(60))),
    st.integers(0, 1 << 12),
    st.binary(max_size=9),
)
def test_damaged_firmware_is_described_or_not_known(seed: bytes, at: int, change: bytes) -> None:
    at %= len(seed)
    damaged = seed[:at] + change + seed[at + len(change) :]
    told = describe_firmware(damaged)
    assert told is None or told["kind"] == "firmware"


@pytest.mark.parametrize(
    "data",
    [
        b"SeaBIOS (version %s)\0" + b"1.1.1" * 400_000 + b"\xea" + bytes(15),
        VOLUME[:40] + b"_FVH" + struct.pack("<IHHHBB", 0, 4096, 0, 0, 0, 2) + b"\0\0\0\0_FVH" * 250_000,
        ROM * 2048,
    ],
    ids=["versions", "volumes", "images"],
)
def test_files_made_to_be_slow_are_not(data: bytes) -> None:
    # Where what repeats is not bounded, each of these takes minutes, and the test does not end.
    told = describe_firmware(data)
    assert told is None or told["version"] is None
