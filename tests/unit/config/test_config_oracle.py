"""The tables of the grammar's and values' tests against the real xl, live, and whole configurations besides."""

import json
from pathlib import Path
from typing import Any

import pytest
from config_texts import NESTINGS, PREFIX, TEXTS
from toolstack import Toolstack

from xlbuild.config import read
from xlbuild.errors import ConfigError

pytestmark = pytest.mark.oracle

_BASE = 'name = "n"\nkernel = "/k"\n'
_CONFIGS = (
    "",
    "memory = 64",
    "memory = 64; maxmem = 128",
    "maxmem = 128",
    'memory = "64"',
    'memory = "64 "',
    'memory = "64m"',
    'memory = "+0x40"',
    "memory = 010",
    "memory = 08",
    "memory = [64]",
    "memory = 1; memory += 2",
    "memory += 64",
    "memory = 0",
    'memory = "-1"',
    "memory = 9223372036854775808",
    "maxmem = 0x",
    "videoram = 16",
    'videoram = "x"',
    "vcpus = 4",
    "vcpus = 2; maxvcpus = 4",
    "maxvcpus = 3",
    'type = "pvh"',
    'type = ["pvh"]',
    "type = 'pv'; type += 'h'",
    'builder = "generic"',
    'name = ["x"]',
    "name = 7",
    'name = ""',
    'name = "\\t\\\\"',
    'name += "o"',
    'uuid = "5A1B3F40-af80-44dd-ac6e-a9e2a891a05b"',
    'uuid = "5A1B3F40"',
    'uuid = ["x"]',
    'ramdisk = "/r"',
    'ramdisk = ""',
    'cmdline = "c"',
    'cmdline = ""',
    'root = "r"',
    'root = "r"; extra = "e"',
    'extra = "e"',
    'cmdline = "c"; root = "r"; extra = "e"',
    'cmdline = ["c"]; extra = "e"',
    "max_grant_frames = 1",
    'max_grant_frames = "x"',
    "max_grant_frames = [1]",
    "max_maptrack_frames = 2147483648",
    'max_grant_version = "-1"',
    "max_event_channels = 5",
    'max_event_channels = "x"',
    'type = "pvh"; pvshim = 1; pvshim_path = "/s"; pvshim_cmdline = "a"; pvshim_extra = "b"',
    'type = "pvh"; pvshim = "yes"',
    "e820_host = 1",
    "e820_host = 0",
    'pci = "01:00.0"',
    "pci = []",
    'vnuma = "x"',
    'type = "hvm"; bios = "ovmf"; apic = 0; hpet = 0; vpt_align = 1',
    'type = "hvm"; mmio_hole = 512; acpi_firmware = "/a"; smbios_firmware = "/b"',
    'type = "hvm"; bios_path_override = "/b"; firmware_override = "/f"',
    'type = "hvm"; nestedhvm = 1; altp2mhvm = 0',
    'type = "hvm"; apic = "on"',
    'kernel = "/a"; made_up = [ 1, [ 2 ] ]; A = 1',
    "made_up = [ 1, [ 2 ] ]; made.up = 'x'",
)
_OVERRIDES = (
    (),
    ("vcpus=3",),
    ("vcpus=3;maxvcpus=4",),
    ("name='o'", "vcpus=0x2 # x"),
    ("vcpus=3", "="),
    ("vcpus=-1",),
    ("name=o",),
    ("kernel+='x'",),
    ("a=[", "b=2"),
    ("a=[", "1,]#="),
)
_STRING_FIELDS = (
    "kernel",
    "ramdisk",
    "bios_path_override",
    "firmware_override",
    "acpi_firmware",
    "smbios_firmware",
)


@pytest.mark.parametrize(("text", "outcome"), TEXTS)
def test_xl_gives_the_same_verdict_on_a_text(
    oracle: Toolstack, tmp_path: Path, text: bytes, outcome: str | int | None
) -> None:
    parsed = _xl(oracle, tmp_path, PREFIX + text)
    if isinstance(outcome, int):
        assert parsed is None
    else:
        assert parsed is not None
        assert parsed["b_info"].get("cmdline") == outcome


@pytest.mark.parametrize(("start", "inner", "end", "most"), NESTINGS)
def test_xl_takes_lists_just_as_deep(
    oracle: Toolstack, tmp_path: Path, start: bytes, inner: bytes, end: bytes, most: int
) -> None:
    for depth, accepted in ((most, True), (most + 1, False)):
        text = b"a=" + start * depth + inner + end * depth
        assert (_xl(oracle, tmp_path, PREFIX + text) is not None) is accepted


@pytest.mark.parametrize("text", _CONFIGS)
def test_xl_reads_a_configuration_just_so(oracle: Toolstack, tmp_path: Path, text: str) -> None:
    _compare(oracle, tmp_path, (_BASE + text + "\n").encode(), ())


@pytest.mark.parametrize("overrides", _OVERRIDES)
def test_xl_takes_arguments_just_so(oracle: Toolstack, tmp_path: Path, overrides: tuple[str, ...]) -> None:
    _compare(oracle, tmp_path, _BASE.encode() + b"# the end", overrides)


def test_xl_does_not_read_features(oracle: Toolstack, tmp_path: Path) -> None:
    parsed = _xl(oracle, tmp_path, _BASE.encode() + b'features = "writable_page_tables"\n')
    assert parsed is not None
    assert parsed["b_info"]["type.pv"] == {}


@pytest.mark.parametrize("argument", ["vcpus", "other.cfg"])
def test_xl_takes_no_argument_without_equals_either(oracle: Toolstack, tmp_path: Path, argument: str) -> None:
    file = tmp_path / "guest.cfg"
    file.write_text(_BASE)
    assert oracle.xlparse(file, argument).returncode == 2


def _xl(oracle: Toolstack, tmp_path: Path, data: bytes, overrides: tuple[str, ...] = ()) -> Any:
    """Return what the real xl reads, or None when it refuses."""
    file = tmp_path / "guest.cfg"
    file.write_bytes(data)
    done = oracle.xlparse(file, *overrides)
    return None if done.returncode else json.loads(done.stdout, strict=False)


def _compare(oracle: Toolstack, tmp_path: Path, data: bytes, overrides: tuple[str, ...]) -> None:
    real = _xl(oracle, tmp_path, data, overrides)
    if real is None:
        with pytest.raises(ConfigError):
            read(data, "guest.cfg", overrides)
        return
    config = read(data, "guest.cfg", overrides)
    domain, build = real["c_info"], real["b_info"]
    kind = build.get(f"type.{domain['type']}", {})
    assert config.name == domain["name"]
    assert config.uuid in (None, domain["uuid"])
    assert config.command_line == build.get("cmdline")
    assert _kib(config.memory) == build.get("target_memkb")
    assert _kib(config.maxmem if config.maxmem is not None else config.memory) == build.get("max_memkb")
    assert _kib(config.videoram) == build.get("video_memkb")
    assert (config.max_event_channels or None) == build.get("event_channels")
    for name in _STRING_FIELDS:
        place = {"bios_path_override": "system_firmware", "firmware_override": "firmware"}.get(name, name)
        assert getattr(config, name) == build.get(place, kind.get(place))
    if domain["type"] == "pvh":
        assert config.pvshim_path == kind.get("pvshim_path")
        assert config.pvshim_cmdline == kind.get("pvshim_cmdline")
    if domain["type"] == "hvm":
        for name in ("apic", "hpet", "vpt_align"):
            assert {None: None, True: "True", False: "False"}[getattr(config, name)] == build.get(
                name, kind.get(name)
            )


def _kib(mib: int | None) -> int | None:
    return None if mib is None else mib * 1024 % 2**64
