"""Disks, network interfaces, framebuffers and keyboards, read just as the real xl reads them."""

import json
from pathlib import Path
from typing import Any

import pytest
from device_texts import DISKS, LISTS, VFBS, VIFS, VKBS
from toolstack import Toolstack

from xlbuild.libxl.json import json_text
from xlbuild.profiles import PROFILES
from xlbuild.reading import read_config

pytestmark = pytest.mark.oracle

_KINDS = ("pv", "pvh", "hvm")
_LISTS = ("disks", "nics", "vfbs", "vkbs")


@pytest.mark.parametrize("text", DISKS)
def test_xl_reads_a_disk_just_so(oracle: Toolstack, tmp_path: Path, text: str) -> None:
    _compare(oracle, tmp_path, f"disk = [ {_quoted(text)} ]", "pv")


@pytest.mark.parametrize("text", VIFS)
def test_xl_reads_a_network_interface_just_so(oracle: Toolstack, tmp_path: Path, text: str) -> None:
    _compare(oracle, tmp_path, f"vif = [ {_quoted(text)} ]", "pvh")


@pytest.mark.parametrize("text", VFBS)
def test_xl_reads_a_framebuffer_just_so(oracle: Toolstack, tmp_path: Path, text: str) -> None:
    _compare(oracle, tmp_path, f"vfb = [ {_quoted(text)} ]", "pv")


@pytest.mark.parametrize("text", VKBS)
def test_xl_reads_a_keyboard_just_so(oracle: Toolstack, tmp_path: Path, text: str) -> None:
    _compare(oracle, tmp_path, f"vkb = [ {_quoted(text)} ]", "hvm")


@pytest.mark.parametrize("kind", _KINDS)
@pytest.mark.parametrize("text", LISTS)
def test_xl_makes_the_same_lists(oracle: Toolstack, tmp_path: Path, text: str, kind: str) -> None:
    _compare(oracle, tmp_path, text, kind)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace("\n", "\\n") + '"'


def _compare(oracle: Toolstack, tmp_path: Path, text: str, kind: str) -> None:
    data = f'name = "n"\nkernel = "/k"\ntype = "{kind}"\n{text}\n'.encode()
    file = tmp_path / "guest.cfg"
    file.write_bytes(data)
    done = oracle.xlparse(file)
    read = read_config(data, str(file), (), PROFILES[0])
    assert bool(read.errors) == bool(done.returncode), done.stderr
    if not read.errors:
        assert read.domain_config is not None
        assert _devices(json_text(read.domain_config)) == _devices(done.stdout)


def _devices(document: str) -> str:
    """Return the lists, in the document's own order of members."""
    parsed: dict[str, Any] = json.loads(document, strict=False)
    return json.dumps({name: parsed.get(name) for name in _LISTS}, indent=1)
