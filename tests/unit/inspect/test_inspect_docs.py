"""docs/inspect.md: every member of a description is in it."""

import gzip
import re
from pathlib import Path

import pytest
from kernel_cases import PV, PVH, pv
from kernels import bzimage, packed, sized
from savefiles import pv_pieces, save_file, with_device_model
from toolstack import Material

import xlbuild

_PAGE = (Path(__file__).parents[3] / "docs" / "inspect.md").read_text()
_NAMED = set(re.findall(r"`([a-z_0-9]+)`", _PAGE))

_CONFIG = b'name = "g"\ntype = "TYPE"\nkernel = "xlbuild:hello-TYPE"\nmemory = 32\n'


def members(file: bytes | Path) -> set[str]:
    """Return the members of a description, but for those that say what others mean."""
    return {name for name in xlbuild.examine(file).describe() if not name.endswith("_means")}


@pytest.mark.parametrize("kind", ["pv", "pvh"])
def test_members_of_a_built_domain_are_documented(kind: str, tmp_path: Path) -> None:
    xlbuild.write(xlbuild.build(_CONFIG.replace(b"TYPE", kind.encode())), tmp_path / "g")
    assert members(tmp_path / "g") - _NAMED == set()


@pytest.mark.parametrize("kind", ["pv", "pvh"])
def test_members_of_a_dump_core_are_documented(kind: str, tmp_path: Path) -> None:
    xlbuild.write_core(xlbuild.build(_CONFIG.replace(b"TYPE", kind.encode())), tmp_path / "g")
    assert members(tmp_path / "g") - _NAMED == set()


def test_members_of_an_hvm_domain_are_documented(small_hvm: str, tmp_path: Path) -> None:
    xlbuild.write(xlbuild.build(small_hvm.encode()), tmp_path / "g")
    assert members(tmp_path / "g") - _NAMED == set()


@pytest.mark.parametrize(
    "file",
    [
        pv([*PV, *PVH]),
        bzimage(sized(packed(".xz"), len(packed()))),
        b"",
        b"\x1f\x8b" + bytes(50),
        gzip.compress(b"070701" + b"0" * 200, mtime=0),
        b"hsqs" + bytes(5000),
        _CONFIG.replace(b"TYPE", b"pvh"),
        save_file(pv_pieces()),
        save_file(with_device_model()),
    ],
    ids=["ELF", "bzImage", "empty", "no gzip", "ramdisk", "squashfs", "configuration", "PV save", "HVM save"],
)
def test_members_of_files_are_documented(file: bytes) -> None:
    assert members(file) - _NAMED == set()


@pytest.mark.parametrize("role", ["hvmloader", "seabios", "ovmf", "shim"])
def test_members_of_real_firmware_are_documented(material: Material, role: str) -> None:
    assert members(getattr(material, role)) - _NAMED == set()
