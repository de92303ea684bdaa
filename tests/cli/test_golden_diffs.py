"""What changes in a guest of Debian's kernel, for the changes that people make: all of it, and nothing else.

That these are the differences between the real toolstack's guests, too, is tests/oracle/test_diff_against_xen.py's.
"""

import gzip
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from guests import Guest
from toolstack import Material

from xlbuild import api
from xlbuild.diff.given import Given
from xlbuild.diff.model import Change, Comparison, OwnerPages
from xlbuild.diff.show.summary import summary
from xlbuild.opening import Opened, built_sides

UNPACKED_MORE = 16
"""Bytes that 4.17 has behind a module that it unpacks (tests/oracle/test_against_xen.py, `pvh32-rd.gz`)."""

PV = Guest("pv", "cloud", 256, ramdisk="ramdisk", cmdline="console=hvc0")
PVH = replace(PV, type="pvh")


@dataclass(frozen=True)
class Told:
    """A comparison, as a test expects one: of what counts."""

    changed: set[str]
    """Fields whose values are others."""
    shifted: set[str]
    """Fields that are the addresses of what moved."""
    pieces: dict[str, tuple[int, int]]
    """Pages by which pieces moved and grew."""
    pages: dict[str, tuple[int, int, int, int]]
    """Pages of each owner that changed, only shifted, are new, are gone."""


def told(comparison: Comparison) -> Told:
    fields = [found for section in comparison.sections if section.counts for found in section.differences]
    return Told(
        {found.path for found in fields if found.change is not Change.SHIFTED},
        {found.path for found in fields if found.change is Change.SHIFTED},
        {
            piece.name: (piece.moved // 4096, pages_of(piece.b.size) - pages_of(piece.a.size))
            for piece in comparison.pieces
            if piece.a is not None and piece.b is not None and not piece.is_placed_the_same
        },
        {owner.owner: counts(owner) for owner in comparison.pages},
    )


def pages_of(size: int) -> int:
    return -(-size // 4096)


def counts(owner: OwnerPages) -> tuple[int, int, int, int]:
    return owner.changed, owner.shifted, owner.added, owner.removed


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, material: Material) -> Path:
    """A ramdisk, the same with one page more, and gzip'd."""
    place = tmp_path_factory.mktemp("ramdisks")
    ramdisk = (material.synth / "rd.raw").read_bytes()[: 100 * 4096]
    (place / "ramdisk").write_bytes(ramdisk)
    (place / "larger").write_bytes(ramdisk + bytes(range(1, 129)) * 32)
    (place / "ramdisk.gz").write_bytes(gzip.compress(ramdisk, mtime=0))
    return place


@pytest.fixture(scope="module")
def base(files: Path, material: Material) -> dict[str, Given]:
    """The guests that others are compared with."""
    pv, pvh = built_sides((side(PV, files, material), side(PVH, files, material)))
    return {"pv": pv, "pvh": pvh}


def side(guest: Guest, files: Path, material: Material, xen: str = "4.22") -> Opened:
    assert guest.ramdisk is not None
    ramdisk = str(files / guest.ramdisk)
    return api.side(replace(guest, ramdisk=ramdisk).config(material).encode(), xen=xen)


def test_one_byte_more_in_the_command_line(base: dict[str, Given], files: Path, material: Material) -> None:
    for guest, owner, field in ((PV, "start_info", "cmd_line"), (PVH, "HVM start info", "cmdline")):
        longer = side(replace(guest, cmdline="console=hvc0,"), files, material)
        comparison = api.compare(base[guest.type], longer)
        changed = {"decision.command_line", f"start_info.{field}"}
        assert told(comparison) == Told(changed, set(), {}, {owner: (1, 0, 0, 0)})
        [run] = comparison.pages[0].runs
        assert (run.field, run.size, run.a, run.b) == (f"start_info.{field}", 1, b"\0", b",")


def test_twice_the_memory_of_a_pvh_guest(base: dict[str, Given], files: Path, material: Material) -> None:
    comparison = api.compare(base["pvh"], side(replace(PVH, memory=512), files, material))
    changed = {"memory.total_pages", "memory.populated[0x0].end", "memory_map[0x0].size"}
    assert told(comparison) == Told(changed, set(), {}, {"HVM start info": (1, 0, 0, 0)})
    assert {run.field for run in comparison.pages[0].runs} == {"start_info.memmap[0x0].size"}


def test_twice_the_memory_of_a_pv_guest(base: dict[str, Given], files: Path, material: Material) -> None:
    found = told(api.compare(base["pv"], side(replace(PV, memory=512), files, material)))
    assert found.changed >= {
        "memory.total_pages",
        "memory_map[0x0].size",
        "start_info.nr_pages",
        "p2m.entries",
    }
    assert found.pieces == {"phys2mach": (0, 128)}
    assert set(found.pages) == {"start_info", "phys2mach", "page tables"}
    assert found.pages["start_info"] == (1, 0, 0, 0)
    changed, _, new, gone = found.pages["phys2mach"]
    assert (changed, new, gone) == (0, 128, 0)
    assert found.pages["page tables"][0] == 0


def test_a_ramdisk_of_one_page_more_in_a_pvh_guest(
    base: dict[str, Given], files: Path, material: Material
) -> None:
    comparison = api.compare(base["pvh"], side(replace(PVH, ramdisk="larger"), files, material))
    pages = {"HVM start info": (1, 0, 0, 0), "module0": (0, 0, 1, 0)}
    assert told(comparison) == Told({"start_info.modlist[0].size"}, set(), {"module0": (0, 1)}, pages)
    added = next(run for owner in comparison.pages for run in owner.runs if run.change is Change.ADDED)
    assert (added.place, added.size) == ("module0+0x64000", 4096)


def test_a_ramdisk_of_one_page_more_in_a_pv_guest_shifts_what_lies_behind_it(
    base: dict[str, Given], files: Path, material: Material
) -> None:
    found = told(api.compare(base["pv"], side(replace(PV, ramdisk="larger"), files, material)))
    assert found.changed == {"start_info.mod_len"}
    assert "start_info.first_p2m_pfn" in found.shifted
    assert found.pieces == {"module0": (0, 1), "phys2mach": (1, 0)}
    assert found.pages["module0"] == (0, 0, 1, 0)
    assert found.pages["phys2mach"][0] == found.pages["page tables"][0] == 0


def test_another_kernel_pushes_up_what_lies_behind_it(
    base: dict[str, Given], files: Path, material: Material
) -> None:
    comparison = api.compare(base["pvh"], side(replace(PVH, kernel="amd64"), files, material))
    found = told(comparison)
    _, grown = found.pieces["kernel"]
    assert grown > 0
    assert found.pieces == {"kernel": (0, grown), "HVM start info": (grown, 0), "module0": (grown, 0)}
    assert not found.changed
    assert {"start_info.addr", "start_info.modlist[0].addr", "vcpus[0].registers[rbx]"} <= found.shifted
    assert set(found.pages) == {"kernel", "HVM start info"}
    assert found.pages["HVM start info"] == (0, 1, 0, 0)
    about = {section.name: section for section in comparison.sections if not section.counts}
    assert {"made_from", "kernel", "kernel.program", "kernel.sections"} <= set(about)
    versions = next(each for each in about["kernel.program"].differences if each.path.endswith("version"))
    assert "cloud" in str(versions.a)
    assert "cloud" not in str(versions.b)
    assert summary(comparison).startswith(f"different: kernel {versions.a} → {versions.b}; kernel grew by ")


def test_a_later_release_that_leaves_a_ramdisk_packed(files: Path, material: Material) -> None:
    guest = replace(PVH, ramdisk="ramdisk.gz")
    found = told(api.compare(*(side(guest, files, material, xen) for xen in ("4.17", "4.21"))))
    unpacked = pages_of((files / "ramdisk").stat().st_size + UNPACKED_MORE)
    packed = pages_of((files / "ramdisk.gz").stat().st_size)
    assert "start_info.modlist[0].size" in found.changed
    assert found.pieces["module0"] == (0, packed - unpacked)
    assert found.pieces["RSDP"][0] < 0
    assert found.changed >= {
        "hvm_params[ALTP2M]",
        "memory_map[0xfc000000].type",
        "memory_map[0xfc001000].type",
    }
    assert "start_info.rsdp_paddr" in found.shifted
    assert found.pages["RSDP"] == (0, 1, 0, 0)


def test_pv_and_pvh_of_one_kernel(base: dict[str, Given]) -> None:
    comparison = api.compare(base["pvh"], base["pv"])
    found = {d.path: d for section in comparison.sections for d in section.differences}
    assert (found["decision.container"].a, found["decision.container"].b) == ("pvh", "pv")
    assert not any(path.startswith("kernel") for path in found)
    kernel, module = (next(p for p in comparison.pieces if p.name == name) for name in ("kernel", "module0"))
    assert kernel.a is not None
    assert kernel.b is not None
    assert kernel.a.first == kernel.b.first
    assert module.moved > 0
    owners = {owner.owner: counts(owner) for owner in comparison.pages}
    assert "module0" not in owners
    fills_a_page = "hypercall_page" in found  # for a PV guest; kernels that ask for none have it
    assert owners.get("kernel") == ((1, 0, 0, 0) if fills_a_page else None)
    gone = {piece.name for piece in comparison.pieces if piece.b is None}
    new = {piece.name for piece in comparison.pieces if piece.a is None}
    assert {"HVM start info", "ACPI tables", "RSDP", "ident_pt"} <= gone
    assert {"start_info", "page tables", "phys2mach", "boot_stack"} == new
