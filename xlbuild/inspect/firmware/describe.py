"""Firmware images: what each is, its version, and the setting of a configuration that it is for."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from xlbuild.image.elf import EM_386, MAGIC
from xlbuild.inspect.firmware.acpi import describe_acpi_file
from xlbuild.inspect.firmware.option_rom import describe_option_rom
from xlbuild.inspect.firmware.smbios import describe_smbios_file
from xlbuild.inspect.firmware.volumes import NVRAM, read_volumes
from xlbuild.inspect.problems import Problem, problem_rows
from xlbuild.inspect.tree import Branch, Tree, hexadecimal
from xlbuild.units import KIB, MIB
from xlbuild.visible import visible

MOST_SIZE = 64 * MIB
"""Bytes of a file in which texts are looked for."""

_CLASS32, _ELF_MACHINE = b"\1", 18
_RESET_VECTOR = 16
"""Bytes before the end of a BIOS image, which ends at 4 GiB: there a processor starts."""
_FAR_JUMP = b"\xea"
_BIOS_DATE = slice(-11, -3)
_SEABIOS_SIZES = (64 * KIB, 128 * KIB, 256 * KIB)
_VERSION = rb"\0((?:rel-)?[0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4}[-+.~:\w]{0,60})\0"
_XEN_VERSION = rb"\0([0-9]{1,2}\.[0-9]{1,2}[.-][-+.~\w]{1,60})\0"
# What repeats is bounded, so that no file makes the search slow.


@dataclass(frozen=True, slots=True)
class _Program:
    """A program that texts in it give away."""

    title: str
    marks: tuple[bytes, ...]
    """Regular expressions, all of which find something."""
    version: bytes | None
    """Regular expression that finds its version, in a group."""


_HVMLOADER = _Program("hvmloader", (rb"HVM Loader", rb"hvmloader/"), None)
_SEABIOS = _Program("SeaBIOS", (rb"SeaBIOS \(version ",), _VERSION)

_KERNELS = (
    _Program("GNU Mach", (rb"GNU Mach [0-9]",), rb"GNU Mach ([0-9][\w.+-]{0,60})"),
    _Program("Linux", (rb"Linux version [0-9]",), rb"Linux version ([0-9][\w.+~-]{0,60})"),
    _Program("Xen, as the PV shim", (rb"Xen version %d\.%d", rb"pv-shim"), _XEN_VERSION),
    _Program("Xen", (rb"Xen version %d\.%d",), _XEN_VERSION),
    _Program("GRUB", (rb"Welcome to GRUB!",), rb"\0(2\.[0-9][-+.~\w]{0,60})\0"),
)
"""Programs that Xen starts as guests' kernels, the surest first."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version that stands in a file as a text."""

    text: str
    offset: int


def title_of_kernel(data: bytes | memoryview) -> tuple[str, Version | None] | None:
    """Return which program a kernel's unpacked file is, and its version; None: it is none that is known."""
    return _find(_KERNELS, memoryview(data)[:MOST_SIZE])


def _find(programs: Sequence[_Program], data: memoryview) -> tuple[str, Version | None] | None:
    for program in programs:
        if all(re.search(mark, data) for mark in program.marks):
            found = re.search(program.version, data) if program.version else None
            return program.title, found and Version(visible(found[1].decode("latin-1")), found.start(1))
    return None


@dataclass(frozen=True, slots=True)
class _Found:
    """What a firmware image is."""

    what: str
    setting: str
    """How a configuration names it, in words."""
    version: Version | None = None
    facts: Branch = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


def _hvmloader(data: memoryview) -> _Found | None:
    machine = int.from_bytes(data[_ELF_MACHINE : _ELF_MACHINE + 2], "little")
    if bytes(data[:5]) != MAGIC + _CLASS32 or machine != EM_386:
        return None
    if _find((_HVMLOADER,), data) is None:
        return None
    return _Found(
        "hvmloader, which starts HVM guests",
        "firmware_override; without it, the hvmloader of the Xen release is used",
    )


def _seabios(data: memoryview) -> _Found | None:
    found = _find((_SEABIOS,), data)
    if found is None or bytes(data[:2]) == b"\x55\xaa" or data[-_RESET_VECTOR:][:1] != _FAR_JUMP:
        return None
    problems = []
    if len(data) not in _SEABIOS_SIZES:
        words = f"it has {len(data)} bytes, and SeaBIOS is 64, 128 or 256 KiB"
        problems.append(Problem(None, words, "compare its size and checksum with the original"))
    offset, segment = struct.unpack("<HH", data[-_RESET_VECTOR + 1 :][:4])
    facts: dict[str, Tree] = {
        "reset_vector": f"jumps to {segment:04x}:{offset:04x}",
        "bios_date": visible(bytes(data[_BIOS_DATE]).decode("latin-1")),
    }
    return _Found(
        "SeaBIOS, a BIOS for HVM guests",
        'bios_path_override, with bios = "seabios"',
        found[1],
        facts,
        tuple(problems),
    )


def _edk2(data: memoryview) -> _Found | None:
    volumes = read_volumes(data)
    if not volumes:
        return None
    has_code = any(volume.guid != NVRAM for volume in volumes)
    has_variables = any(volume.guid == NVRAM for volume in volumes)
    what, problems = "UEFI firmware (EDK II, OVMF)", []
    if not has_code:
        what = "UEFI variables (EDK II, OVMF)"
        words = "it has the variables alone, and no firmware that could start"
        problems.append(Problem(None, words, "give the image with both in it, OVMF.fd"))
    elif not has_variables:
        words = "it has no place for variables: what the guest's firmware sets is lost"
        problems.append(Problem(None, words, "give the image with both in it, OVMF.fd"))
    end = max(volume.offset + volume.size for volume in volumes)
    if end > len(data):
        words = f"the file ends {end - len(data)} bytes before its last volume"
        problems.append(Problem(None, words, "compare its size and checksum with the original"))
    facts: dict[str, Tree] = {
        "volumes": [
            {
                "offset": hexadecimal(volume.offset),
                "size": volume.size,
                "guid": volume.guid,
                "what": volume.what,
            }
            for volume in volumes
        ]
    }
    return _Found(what, 'bios_path_override, with bios = "ovmf"', None, facts, tuple(problems))


def _option_rom(data: memoryview) -> _Found | None:
    described = describe_option_rom(data)
    if described is None:
        return None
    images, problems = described
    kind = next((title for title, mark in _ROMS if re.search(mark, data)), "an option ROM")
    version = re.search(_VERSION, data)
    return _Found(
        kind,
        "none: the device model brings its own; hvmloader places those of passed-through devices itself",
        version and Version(visible(version[1].decode("latin-1")), version.start(1)),
        {"images": images},
        problems,
    )


_ROMS = (
    ("iPXE, which boots from a network", rb"iPXE"),
    ("SeaVGABIOS, a VGA BIOS", rb"SeaVGABIOS"),
)


def _acpi(data: memoryview) -> _Found | None:
    described = describe_acpi_file(data)
    if described is None:
        return None
    return _Found("ACPI tables", "acpi_firmware", None, {"tables": described[0]}, described[1])


def _smbios(data: memoryview) -> _Found | None:
    described = describe_smbios_file(data)
    if described is None:
        return None
    return _Found("SMBIOS structures", "smbios_firmware", None, {"structures": described[0]}, described[1])


_KINDS: tuple[Callable[[memoryview], _Found | None], ...] = (
    _hvmloader,
    _option_rom,
    _edk2,
    _seabios,
    _acpi,
    _smbios,
)
"""Every kind of firmware, in the order in which they are tried."""


def describe_firmware(data: bytes | bytearray | memoryview) -> Branch | None:
    """Return what a firmware image is; None for a file that is none. Shims and other Xen kernels are kernels."""
    view = memoryview(data)
    found = next((found for kind in _KINDS if (found := kind(view[:MOST_SIZE]))), None)
    if found is None:
        return None
    version = found.version
    return {
        "kind": "firmware",
        "what": found.what,
        "version": version.text if version else None,
        "version_offset": hexadecimal(version.offset) if version else None,
        "size": len(view),
        "setting": found.setting,
        **found.facts,
        "problems": problem_rows(found.problems),
    }
