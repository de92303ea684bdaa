"""PVH's ACPI against the real xl, live: everything but the DSDT's own bytes."""

import json
import struct
from pathlib import Path
from typing import Protocol

import pytest

from xlbuild.acpi import Table, build_acpi

pytestmark = pytest.mark.oracle

XEN_4_17_DSDT_OFFSET = 64


class Oracle(Protocol):
    """The part of the `oracle` fixture that is used here."""

    def xlcreate(self, cfg_text: str, *args: str) -> Path:
        """Run the real `xl create` and return its output directory."""
        ...


@pytest.mark.parametrize("guest_os", ["linux", "other"])
@pytest.mark.parametrize(
    ("max_vcpus", "online"), [(1, 1), (9, 9), (10, 10), (10, 1), (33, 33), (33, 17), (128, 128), (128, 100)]
)
def test_the_real_toolstack_builds_the_same(
    oracle: Oracle, tmp_path: Path, max_vcpus: int, online: int, guest_os: str
) -> None:
    kernel = tmp_path / "kernel"
    kernel.write_bytes(_pvh_kernel(guest_os))
    config = f'name = "acpi"\ntype = "pvh"\nkernel = "{kernel}"\nmemory = 16\n'
    built = oracle.xlcreate(f"{config}maxvcpus = {max_vcpus}\nvcpus = {online}\n")
    real = _blobs(built)
    xens_dsdt = _dsdt_length(real[-1][1])
    acpi = build_acpi(max_vcpus, online, dsdt_length=xens_dsdt, rsdp_in_low_memory=guest_os == "linux")
    ours = [(hex(blob.address), blob.data) for blob in acpi.blobs]
    assert _without_dsdt(ours, xens_dsdt) == _without_dsdt(real, xens_dsdt)
    assert [(hex(b.map_start), hex(b.map_size)) for b in acpi.blobs] == _acpi_in_memory_map(built)
    assert acpi.tables[1].table is Table.DSDT


def _blobs(built: Path) -> list[tuple[str, bytes]]:
    """Return address and bytes of acpi0, acpi1, acpi2: files named `acpiN@ADDRESS.bin`."""
    files = sorted(built.glob("acpi?@*.bin"))
    assert len(files) == 3
    return [(file.stem.partition("@")[2], file.read_bytes()) for file in files]


def _dsdt_length(area: bytes) -> int:
    signature, length = struct.unpack_from("<4sI", area, XEN_4_17_DSDT_OFFSET)
    assert signature == b"DSDT"
    return int(length)


def _without_dsdt(blobs: list[tuple[str, bytes]], dsdt_length: int) -> list[tuple[str, bytes]]:
    *others, (address, area) = blobs
    end = XEN_4_17_DSDT_OFFSET + dsdt_length
    return [*others, (address, area[:XEN_4_17_DSDT_OFFSET] + bytes(dsdt_length) + area[end:])]


def _acpi_in_memory_map(built: Path) -> list[tuple[str, str]]:
    entries = json.loads((built / "domain.json").read_text())["e820"]
    return [(entry["addr"], entry["size"]) for entry in entries if entry["type"] == 3]


def _pvh_kernel(guest_os: str) -> bytes:
    """Return a 32-bit ELF file of one page with the notes that PVH looks at."""
    entry = 0x100000
    notes = _note(6, guest_os.encode() + b"\0") + _note(18, struct.pack("<I", entry))
    code_at, notes_at = 0x1000, 52 + 2 * 32
    load = struct.pack("<8I", 1, code_at, entry, entry, 4, 4, 7, 0x1000)
    note = struct.pack("<8I", 4, notes_at, 0, 0, len(notes), len(notes), 4, 4)
    ident = b"\x7fELF\x01\x01\x01".ljust(16, b"\0")
    header = struct.pack("<2H5I6H", 2, 3, 1, entry, 52, 0, 0, 52, 32, 2, 40, 0, 0)
    return (ident + header + load + note + notes).ljust(code_at, b"\0") + b"\xf4\xeb\xfd\0"


def _note(kind: int, value: bytes) -> bytes:
    return struct.pack("<3I", 4, len(value), kind) + b"Xen\0" + value + b"\0" * (-len(value) % 4)
