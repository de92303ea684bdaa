"""Two domains compared: sections, pieces, shifts, and what a manifest alone can say."""

import gzip
import shutil
from pathlib import Path

import pytest
from builtdomains import HELLO, PV, PVH, Document, change_manifest, poke, write
from kernels import bzimage

from xlbuild import api
from xlbuild.diff.model import Change, Comparison, Difference
from xlbuild.diff.show.summary import summary
from xlbuild.errors import UsageError
from xlbuild.hello import hello_kernel
from xlbuild.opening import Opened


def side(config: bytes | Path, *overrides: str, xen: str | None = None) -> Opened:
    return api.side(config, overrides=overrides, xen=xen)


def fields(comparison: Comparison) -> dict[str, Difference]:
    return {found.path: found for section in comparison.sections for found in section.differences}


def changed(comparison: Comparison) -> set[str]:
    """Return what is another one in the guest, not only elsewhere."""
    return {
        found.path
        for section in comparison.sections
        for found in section.differences
        if section.counts and found.change is not Change.SHIFTED
    }


@pytest.fixture
def ramdisk(tmp_path: Path) -> Path:
    file = tmp_path / "ramdisk"
    file.write_bytes(b"ramdisk" * 1500)
    return file


@pytest.mark.parametrize("config", HELLO.values(), ids=HELLO)
def test_a_guest_is_the_same_as_itself(config: bytes) -> None:
    comparison = api.compare(side(config), side(config))
    assert comparison.same
    assert not comparison.sections
    assert not comparison.remarks
    assert all(piece.is_placed_the_same and not piece.contents_differ for piece in comparison.pieces)


def test_name_uuid_and_place_of_a_configuration_make_no_other_guest() -> None:
    uuid = 'uuid="f1f1f1f1-0000-4000-8000-000000000001"'
    comparison = api.compare(
        side(PV), api.side(PV, overrides=['name="another"', uuid], source="elsewhere.cfg")
    )
    assert comparison.same
    assert [section.name for section in comparison.sections] == ["made_from"]
    assert {"made_from.name", "made_from.uuid", "made_from.reason"} == set(fields(comparison))


def test_two_guests_of_one_digest_are_the_same(tmp_path: Path) -> None:
    packed = tmp_path / "packed"
    packed.write_bytes(bzimage(gzip.compress(hello_kernel("pv"))))
    bare = PV.replace(b'cmdline="greeting=hello"\n', b"")
    pairs = (
        (side(PV), side(PV, f'kernel="{packed}"')),
        (side(PVH, "memory=64"), side(PVH, "maxmem=64")),
        (side(PVH, "memory=64"), side(PVH, "maxmem=64", "memory=40")),
        (side(bare), side(bare, 'cmdline=""')),
    )
    for a, b in pairs:
        comparison = api.compare(a, b)
        assert comparison.a.digest == comparison.b.digest
        assert comparison.same, summary(comparison)
    assert not api.compare(
        *(side(PVH.replace(b"cmdline", b"#"), *more) for more in ((), ('cmdline=""',)))
    ).same


def test_more_memory_of_a_pv_guest_makes_its_p2m_list_grow() -> None:
    comparison = api.compare(side(PV), side(PV, "memory=20"))
    assert changed(comparison) >= {
        "memory.total_pages",
        "memory_map[0x0].size",
        "start_info.nr_pages",
        "p2m.entries",
    }
    p2m = next(piece for piece in comparison.pieces if piece.name == "phys2mach")
    assert (p2m.moved, p2m.grown) == (0, 1024 * 8)


def test_what_a_ramdisk_pushes_away_is_shifted_and_not_changed(ramdisk: Path) -> None:
    before, after = side(PV), side(PV, f'ramdisk="{ramdisk}"')
    comparison = api.compare(before, after)
    moved = {piece.name: piece.moved for piece in comparison.pieces if piece.moved}
    assert set(moved.values()) == {0x3000}
    assert {"start_info", "phys2mach", "page tables", "xenstore", "console", "boot_stack"} == set(moved)
    found = fields(comparison)
    for path, name in {
        "start_info.pt_base": "page tables",
        "start_info.mfn_list": "phys2mach",
        "start_info.store_mfn": "xenstore",
        "start_info.console_mfn": "console",
        "vcpus[0].registers[rsi]": "start_info",
        "vcpus[0].registers[rsp]": "boot_stack",
        "vcpus[0].registers[ctrlreg[3]]": "page tables",
        "grants[0].frame": "console",
        "page_tables.cr3_frame": "page tables",
    }.items():
        assert (found[path].change, found[path].why) == (Change.SHIFTED, f"{name} moved by 0x3000"), path
    assert {"start_info.mod_start", "start_info.mod_len"} <= changed(comparison)
    assert not any(path.startswith("vcpus") for path in changed(comparison))


def test_an_address_of_something_else_is_changed_even_where_things_move(
    ramdisk: Path, tmp_path: Path
) -> None:
    write(PV, tmp_path / "a")
    write(PV, tmp_path / "b", overrides=[f'ramdisk="{ramdisk}"'])
    change_manifest(tmp_path / "b", lambda document: document["grants"][0].update(frame="0x10f"))
    comparison = api.compare(side(tmp_path / "a"), side(tmp_path / "b"))
    assert fields(comparison)["grants[0].frame"].change is Change.CHANGED


def test_checksums_follow_where_a_table_differs_by_addresses_alone() -> None:
    comparison = api.compare(side(PVH), side(PVH, "vcpus=9", "maxvcpus=9"))
    found = fields(comparison)
    assert found["acpi.rsdp.checksum"].change is Change.SHIFTED
    assert found["acpi.contents.madt.checksum"].change is Change.CHANGED
    assert found["acpi.contents.madt.entries.local_apic[3]"].change is Change.ADDED


def test_registers_that_a_description_leaves_out_are_zero() -> None:
    comparison = api.compare(side(PVH), side(PVH, "vcpus=1"))
    assert fields(comparison)["vcpus[1]"].change is Change.REMOVED


def test_pv_and_pvh_of_one_guest_have_each_other_s_structures_added_and_removed() -> None:
    comparison = api.compare(side(PVH), side(PV))
    found = fields(comparison)
    assert (found["decision.container"].a, found["decision.container"].b) == ("pvh", "pv")
    assert found["acpi"].change is Change.REMOVED
    assert found["page_tables"].change is Change.ADDED
    assert found["start_info.pt_base"].change is Change.ADDED
    assert found["vcpus[0].registers[cr0]"].change is Change.REMOVED


def test_releases_of_one_configuration_are_told_by_what_changes_in_the_guest() -> None:
    comparison = api.compare(side(PVH, xen="4.17"), side(PVH, xen="4.22"))
    found = fields(comparison)
    assert (found["made_from.profile"].a, found["made_from.profile"].b) == ("4.17", "4.22")
    assert found["hvm_params[ALTP2M]"].change is Change.REMOVED


def test_of_a_manifest_alone_contents_are_compared_by_digests(tmp_path: Path) -> None:
    write(PV, tmp_path / "a")
    manifest = tmp_path / "golden.json"
    shutil.copy(tmp_path / "a" / "domain.json", manifest)
    assert api.compare(side(manifest), side(tmp_path / "a")).same
    comparison = api.compare(side(manifest), side(PV, 'kernel="xlbuild:hello-pv"', 'cmdline="another"'))
    found = fields(comparison)
    assert (found["start_info.cmd_line"].a, found["start_info.cmd_line"].b) == ("greeting=hello", "another")
    assert {"digests.memory", "digests.domain"} <= set(found)
    assert comparison.remarks == (
        f"of {manifest} there is only the manifest: contents are compared by their digests",
    )


def test_an_image_that_was_changed_is_found_by_its_pages_and_not_by_its_manifest(tmp_path: Path) -> None:
    write(PV, tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    poke(tmp_path / "b", 0x100123, b"\xff")
    comparison = api.compare(side(tmp_path / "a"), side(tmp_path / "b"))
    assert not comparison.same
    assert not comparison.sections
    assert [(owner.owner, owner.changed) for owner in comparison.pages] == [("kernel", 1)]
    assert comparison.pages[0].runs[0].place == "kernel+0x123"
    assert any("changed since it was built" in remark for remark in comparison.remarks)


@pytest.mark.parametrize("config", HELLO.values(), ids=HELLO)
@pytest.mark.parametrize("first", [0, (1 << 64) - 4097], ids=["low", "high"])
def test_segments_that_are_empty_or_lie_in_one_another_are_compared(
    config: bytes, first: int, tmp_path: Path
) -> None:
    def misplace(document: Document) -> None:
        for segment in document["segments"]:
            if segment["name"] == "kernel":
                start = hex(first) if document["container"] == "pv" else segment["vstart"]
                segment |= {"pages": 0, "vstart": start, "vend": start}
            elif segment["name"] in ("phys2mach", "page tables"):
                segment |= {"pages": 1, "pfn": "0x101", "vstart": hex(first), "vend": hex(first + 4096)}

    for name in ("a", "b"):
        write(config, tmp_path / name)
    change_manifest(tmp_path / "b", misplace)
    comparison, back = (
        api.compare(side(tmp_path / one), side(tmp_path / other)) for one, other in ("ab", "ba")
    )
    kernel = next(piece for piece in comparison.pieces if piece.name == "kernel")
    assert kernel.a is not None
    assert kernel.b is None
    assert not comparison.same
    assert not back.same
    assert api.compare(side(tmp_path / "b"), side(tmp_path / "b")).same


def test_a_domain_cannot_be_compared_with_a_kernel() -> None:
    with pytest.raises(UsageError, match="cannot be compared"):
        api.compare(side(PV), api.side("xlbuild:hello-pv"))


def test_settings_are_for_configurations(tmp_path: Path) -> None:
    write(PV, tmp_path / "a")
    for given in (tmp_path / "a", tmp_path / "a" / "domain.json", "xlbuild:hello-pv"):
        with pytest.raises(UsageError, match="settings are for configurations"):
            api.side(given, overrides=["memory=1"])
