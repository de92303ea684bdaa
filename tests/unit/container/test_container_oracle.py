"""Decisions against the real libxl, live: what it builds, or that it refuses."""

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from decisions import decided
from toolstack import Built, Toolstack

from xlbuild.container import Container, Kind
from xlbuild.errors import ConfigError

pytestmark = pytest.mark.oracle

_BASES = {
    Kind.PV: 'name = "n"; type = "pv"; kernel = "{pv}"; memory = 64\n',
    Kind.PVH: 'name = "n"; type = "pvh"; kernel = "{pvh}"; memory = 64\n',
    Kind.HVM: 'name = "n"; type = "hvm"; vnc = 0; memory = 64\n',
}
_ALL = (
    "",
    "memory = 0",
    "maxmem = 128",
    "maxmem = 32",
    "maxmem = 0",
    "memory = 18014398509481984",
    "vcpus = 2; maxvcpus = 4",
    "vcpus = 0",
    'vcpus = "-1"',
    "maxvcpus = 3",
    "vcpus = 4; maxvcpus = 2",
    "vcpus = 1025",
    "videoram = 16",
    "videoram = 64",
    "timer_mode = 3",
    'timer_mode = "x"',
    "altp2m = 1",
    'altp2m = "x"',
    "altp2m = 1; maxmem = 128",
    "altp2m = 1; nestedhvm = 1",
    "altp2mhvm = 1",
    "hpet = 0; apic = 0; vpt_align = 0",
    'device_model_version = "x"',
    'bios = "x"',
    'vga = "x"',
    'viridian = [ "x" ]',
    "mmio_hole = 1",
    'vnuma = [ [ "x" ] ]',
    'vnuma = [ [ "size=64", "vcpus=0-1" ] ]',
    "vnuma = []",
    'bootloader = ""',
    'kernel = ""',
    'type = "x"',
    'builder = "linux"',
    'cmdline = "c"',
    'cmdline = ""',
    'ramdisk = "{ramdisk}"',
    'ramdisk = ""',
    'pci = [ [ "x" ] ]',
)
_PVH = (
    "pvshim = 1",
    'pvshim = 1; cmdline = "g"; ramdisk = "{ramdisk}"',
    'pvshim_path = "{pvh}"; pvshim_extra = "e"',
    'pvshim_path = "{pvh}"; pvshim_cmdline = "c"; pvshim_extra = "e"',
    'pvshim_path = ""',
)
_HVM = (
    "viridian = 1",
    'viridian = [ "all", "!stimer", "!synic" ]',
    'viridian = [ "!freq", "defaults" ]',
    'viridian = [ "!synic", "all" ]',
    'viridian = [ "freq" ]',
    'mca_caps = [ "lmce" ]; viridian = [ "base" ]',
    'mca_caps = "lmce"',
    'vga = "none"',
    'vga = "stdvga"',
    'vga = "stdvga"; videoram = 8',
    "stdvga = 1",
    "mmio_hole = 1024",
    'bios = "ovmf"',
    'bios = "rombios"',
    'firmware = "ue"',
    'firmware = "bios"',
    'firmware_override = ""',
    'kernel = "/x/hvmloader"',
    'kernel = "/x/hvmloader"; extra = "e"',
    'kernel = "/k"; extra = "e"',
    'device_model_version = "qemu-xen-traditional"',
    'device_model_version = "qemu-xen-traditional"; bios = "ovmf"',
    'device_model_version = "qemu-xen-traditional"; vga = "stdvga"',
    'device_model_version = "qemu-xen-traditional"; videoram = 3',
    "device_model_stubdomain_override = 1",
    'device_model_stubdomain_override = 1; device_model_version = "qemu-xen"',
    'acpi_firmware = "{ramdisk}"; smbios_firmware = "{ramdisk}"',
    "maxmem = 72; memory = 8",
)
_GUESTS = [
    *((kind, text) for kind in Kind for text in _ALL),
    *((Kind.PVH, text) for text in _PVH),
    *((Kind.HVM, text) for text in _HVM),
]
_PARAMETERS = {
    "HPET_ENABLED": "hpet",
    "VPT_ALIGN": "vpt_align",
    "MCA_CAP": "mca_caps",
    "TIMER_MODE": "timer_mode",
    "ALTP2M": "altp2m",
    "VIRIDIAN": "viridian",
}


@pytest.mark.parametrize(("kind", "text"), _GUESTS, ids=lambda part: str(part))
def test_libxl_decides_just_so(
    oracle: Toolstack, synthetic_kernels: Path, tmp_path: Path, kind: Kind, text: str
) -> None:
    ramdisk = tmp_path / "ramdisk"
    ramdisk.write_bytes(b"ramdisk")
    kernels = {
        "{pv}": synthetic_kernels / "pv64-min",
        "{pvh}": synthetic_kernels / "pvh32",
        "{ramdisk}": ramdisk,
    }
    guest = _BASES[kind] + text + "\n"
    for name, path in kernels.items():
        guest = guest.replace(name, str(path))
    built = oracle.try_xlcreate(guest)
    if built.refused:
        with pytest.raises(ConfigError):
            decided(guest)
    else:
        assert _ours(decided(guest)) == _real(built)
    oracle.discard(built.directory)


def _ours(container: Container) -> dict[str, Any]:
    memory, hvm = container.memory, container.kind is Kind.HVM
    pv = container.kind is Kind.PV
    parameters = asdict(container.parameters)
    return {
        "total_pages": (memory.target_kib if pv else memory.max_kib - memory.video_kib) // 4,
        "target_pages": None if pv else (memory.target_kib - memory.video_kib) // 4,
        "max_vcpus": container.max_vcpus,
        "online": container.vcpus if hvm else None,
        "apic": container.apic if hvm else None,
        "mmio_mib": max(container.mmio_hole_mib or 0, 256) if hvm else None,
        "command_line": container.command_line,
        "module_command_lines": [module.command_line for module in container.modules],
        "firmware": {name for name, request in container.firmware_modules if request},
        "parameters": [
            (name, int(parameters[field]))
            for name, field in _PARAMETERS.items()
            if parameters[field] is not None
        ],
    }


def _real(built: Built) -> dict[str, Any]:
    domain = json.loads((built.directory / "domain.json").read_text())
    info, pv = domain.get("hvm_info_table"), domain["type"] == "pv"
    return {
        "total_pages": domain["total_pages"],
        "target_pages": None if pv else domain["target_pages"],
        "max_vcpus": domain["max_vcpus"],
        "online": int(info["vcpu_online"], 16).bit_count() if info else None,
        "apic": bool(info["apic_mode"]) if info else None,
        "mmio_mib": int(domain["layout"]["mmio_size"], 16) >> 20 if info else None,
        "command_line": domain["cmdline"],
        "module_command_lines": [module["cmdline"] for module in domain["modules"]],
        "firmware": set(re.findall(r"xc_dom_alloc_segment: +(\S.* module) *:", built.log)),
        "parameters": [
            (param["name"], int(param["value"], 16))
            for param in domain["hvm_params"]
            if param["name"] in _PARAMETERS
        ],
    }
