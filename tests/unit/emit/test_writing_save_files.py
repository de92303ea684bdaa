"""A save file is what Xen's documents say, and holds the domain; an independent decoder reads it."""

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from builtdomains import PV, PVH, poke
from savedecoder import (
    HVM_CONTEXT,
    HVM_PARAMS,
    NOTAB,
    P2M_FRAMES,
    PAGE_DATA,
    SHARED_INFO,
    STATIC_DATA_END,
    VCPU_BASIC,
    X86_PV_INFO,
    XALLOC,
    ZERO_PAGE,
    Saved,
    decode,
    frame_at,
    hvm_params_of,
    p2m_of,
    start_info_of,
    tables_of,
    vcpu_of,
)

import xlbuild
from xlbuild.built import BuiltDomain, Untold
from xlbuild.emit.readback import in_memory
from xlbuild.emit.save.stream import save_stream
from xlbuild.errors import FilesError, RefusedError, XlbuildError
from xlbuild.image.model import GuestType
from xlbuild.travel import check_travel

MIB = 1 << 20

GUESTS: dict[str, str | bytes] = {
    "pv64-hello": PV,
    "pv64-without-init-p2m": 'name="g"\ntype="pv"\nkernel="{}/pv64-min"\nmemory=16\n',
    "pv64-init-p2m": 'name="g"\ntype="pv"\nkernel="{}/pv64-p2m"\nmemory=16\n',
    "pv64-unmapped-ramdisk": 'name="g"\ntype="pv"\nkernel="{}/pv64-p2m-modpfn"\nramdisk="{}/rd.gz"\nmemory=16\n',
    "pv64-tables-shared": 'name="g"\ntype="pv"\nkernel="{}/pv64-p2m-samel4"\nmemory=24\nmaxmem=32\n',
    "pv32": 'name="g"\ntype="pv"\nkernel="{}/pv32-modpfn"\nramdisk="{}/rd.gz"\nmemory=16\nvcpus=2\n',
    "pv32-low": 'name="g"\ntype="pv"\nkernel="{}/pv32-low"\nmemory=16\n',
    "pvh-hello": PVH,
    "pvh-above-4g": 'name="g"\ntype="pvh"\nkernel="xlbuild:hello-pvh"\nmemory=4100\n',
}


PV_GUESTS = pytest.mark.parametrize(
    "guest", [name for name in GUESTS if not name.startswith("pvh")], indirect=True
)


@dataclass(frozen=True)
class Both:
    """A guest that was built for a save file, and the file taken apart."""

    built: BuiltDomain
    save: Saved


@pytest.fixture(scope="module", params=GUESTS)
def guest(
    request: pytest.FixtureRequest, synthetic_kernels: Path, tmp_path_factory: pytest.TempPathFactory
) -> Both:
    config = GUESTS[request.param]
    if isinstance(config, str):
        config = config.replace("{}", str(synthetic_kernels)).encode()
    built = in_memory(xlbuild.build(config, xen="4.17", restorable=True), "g")
    return Both(built, saved(built, tmp_path_factory.mktemp("saved")))


def saved(built: BuiltDomain, place: Path) -> Saved:
    file = place / "g.save"
    file.write_bytes(b"".join(save_stream(built, b"{}\n")))
    return decode(file)


def test_records_come_in_the_order_in_which_a_restore_wants_them(guest: Both) -> None:
    built, save = guest.built, guest.save
    assert save.xen == (4, 17)
    if built.is_pv:
        pv = [X86_PV_INFO, STATIC_DATA_END, P2M_FRAMES, PAGE_DATA, SHARED_INFO, VCPU_BASIC]
        assert (save.domain_type, save.order) == (1, pv)
        assert save.bodies[X86_PV_INFO].hex() == (
            "0403000000000000" if built.guest_type is GuestType.PV32PAE else "0804000000000000"
        )
    else:
        assert (save.domain_type, save.order) == (2, [STATIC_DATA_END, PAGE_DATA, HVM_CONTEXT, HVM_PARAMS])
    assert save.bodies[STATIC_DATA_END] == b""


def test_every_frame_that_exists_is_there_once_and_no_other(guest: Both) -> None:
    frames = [pfn for frames in guest.built.populated for pfn in range(frames.first, frames.end)]
    assert list(guest.save.types) == frames


def test_a_page_travels_as_it_is_and_one_of_zeros_without_its_bytes(guest: Both) -> None:
    built, save = guest.built, guest.save
    built_pages = {int(pfn): page for pfn, page in built.memory.pages()}
    p2m, tables = set(p2m_of(save)), set(tables_of(save)) if built.is_pv else set()
    assert save.pages.keys() == built_pages.keys() | p2m | tables
    for pfn, page in save.pages.items():
        assert page == (ZERO_PAGE if pfn in p2m else built_pages.get(pfn, ZERO_PAGE))


def test_page_tables_have_the_type_of_their_level_and_the_top_one_is_pinned(guest: Both) -> None:
    built, save = guest.built, guest.save
    expected = {}
    if built.is_pv:
        top, levels = vcpu_of(save).top_table, save.bodies[X86_PV_INFO][1]
        expected = tables_of(save) | {top: 8 | levels}
        assert len(expected) > levels
    assert {pfn: kind for pfn, kind in save.types.items() if kind not in (NOTAB, XALLOC)} == expected


@PV_GUESTS
def test_a_restore_finds_start_info_the_p2m_list_and_the_ramdisk_of_a_pv_guest(guest: Both) -> None:
    built, save = guest.built, guest.save
    info, width, p2m = start_info_of(save), save.bodies[X86_PV_INFO][0], p2m_of(save)
    assert frame_at(save, guest_address(built, "rsi", "esi")) == vcpu_of(save).start_info
    assert info.flags == 0
    assert {info.store_mfn, info.console_mfn} <= save.types.keys()
    assert struct.unpack_from("<II", save.bodies[P2M_FRAMES]) == (0, info.nr_pages - 1)
    assert len(p2m) == -(-info.nr_pages * width // 4096)
    assert [frame_at(save, info.mfn_list + 4096 * n) for n in range(len(p2m))] == list(p2m)
    module = built.segment("module0")
    assert bool(info.mod_len) is (module is not None)
    if module is not None:
        pages = -(-info.mod_len // 4096)
        found = [frame_at(save, info.mod_start + 4096 * n) for n in range(pages)]
        assert found == list(range(module.pfn, module.pfn + pages))


def guest_address(built: BuiltDomain, *names: str) -> int:
    """Return the address that a register of vCPU 0 holds, by its name in either width."""
    registers = built.vcpus[0].registers or {}
    (value,) = (registers[name] for name in names if name in registers)
    assert isinstance(value, int)
    return value


def test_structures_travel_as_the_directory_has_them(guest: Both) -> None:
    built, save = guest.built, guest.save
    if built.is_pv:
        assert save.bodies[SHARED_INFO] == built.structures["shared_info.bin"]
        assert save.bodies[VCPU_BASIC] == bytes(8) + built.structures["vcpu_context.bin"]
    else:
        assert save.bodies[HVM_CONTEXT] == built.structures["hvm_context.bin"]


def test_a_pvh_guest_has_the_parameters_that_xl_saves_of_one_and_no_others(tmp_path: Path) -> None:
    save = saved(in_memory(xlbuild.build(PVH, xen="4.17"), "g"), tmp_path)
    assert hvm_params_of(save) == [
        (1, 0xFEFFC),
        (5, 0xFEFFD),
        (6, 0xFEFFB),
        (27, 0xFEFF8),
        (28, 0xFEFF9),
        (29, 0xFEFFA),
        (17, 0xFEFFF),
        (12, 0xFEFFE000),
    ]


def test_the_configuration_is_the_one_that_xl_would_embed(tmp_path: Path) -> None:
    config = b'name="web"\ntype="pvh"\nkernel="xlbuild:hello-pvh"\nmemory=32\nvif=["bridge=br0"]\n'
    xlbuild.write_save(xlbuild.build(config, restorable=True), tmp_path / "g.save")
    save = decode(tmp_path / "g.save")
    assert save.config == json.loads(xlbuild.xl_json(config))
    assert save.config["c_info"]["name"] == "web"


def test_a_large_guest_is_a_small_file_of_small_pieces(tmp_path: Path) -> None:
    domain = xlbuild.build(PV, overrides=["memory=8192"], restorable=True)
    built = in_memory(domain, "g")
    assert max(map(len, save_stream(built, b"{}\n"))) <= 4 * MIB
    xlbuild.write_save(domain, tmp_path / "g.save")
    status = (tmp_path / "g.save").stat()
    entries, p2m = 8 * built.total_pages, 8 * built.total_pages
    assert entries < status.st_size < entries + p2m + MIB
    assert status.st_blocks * 512 < entries + MIB


# From a directory


def exported(directory: Path) -> Path:
    target = directory.with_suffix(".save")
    xlbuild.write_save(xlbuild.open_domain(directory), target)
    return target


@pytest.mark.parametrize("config", [PV, PVH], ids=["pv", "pvh"])
def test_a_directory_becomes_the_same_file_as_the_build(config: bytes, tmp_path: Path) -> None:
    domain = xlbuild.build(config, restorable=True)
    xlbuild.write(domain, tmp_path / "g")
    xlbuild.write_save(domain, tmp_path / "built.save")
    assert exported(tmp_path / "g").read_bytes() == (tmp_path / "built.save").read_bytes()


def test_a_directory_that_was_laid_out_for_a_creation_can_travel_all_the_same(tmp_path: Path) -> None:
    domain = xlbuild.build(PV)
    xlbuild.write(domain, tmp_path / "g")
    start_info = domain.plan.special_pages["start_info"]
    assert vcpu_of(decode(exported(tmp_path / "g"))).start_info == start_info


def test_what_a_user_changes_in_the_configuration_travels(tmp_path: Path) -> None:
    xlbuild.write(xlbuild.build(PVH, restorable=True), tmp_path / "g")
    file = tmp_path / "g" / "config.json"
    file.write_text(file.read_text().replace('"g"', '"other"').rstrip("\n"))
    assert decode(exported(tmp_path / "g")).config["c_info"]["name"] == "other"


def test_a_configuration_with_bytes_that_are_no_text_travels_as_it_is(tmp_path: Path) -> None:
    config = PVH.replace(b"greeting=hello", b"greeting=\xff")
    domain = xlbuild.build(config, restorable=True)
    xlbuild.write(domain, tmp_path / "g")
    xlbuild.write_save(domain, tmp_path / "built.save")
    assert b'"greeting=\xff"' in (tmp_path / "built.save").read_bytes()
    assert exported(tmp_path / "g").read_bytes() == (tmp_path / "built.save").read_bytes()


def refusal(directory: Path) -> XlbuildError:
    """Return the error of making a save file of a directory; it is whole, and there is no file."""
    with pytest.raises(XlbuildError) as caught:
        exported(directory)
    assert caught.value.cause
    assert caught.value.hint
    assert str(directory) in (caught.value.where.file or "")
    assert not list(directory.parent.glob("*.save*"))
    assert not list(directory.parent.glob(".xlbuild*"))
    return caught.value


def test_a_configuration_that_xl_could_not_read_is_refused(tmp_path: Path) -> None:
    xlbuild.write(xlbuild.build(PVH), tmp_path / "g")
    file = tmp_path / "g" / "config.json"
    codes = []
    for text in ("{", "[]", '{"c_info": {}}'):
        file.write_text(text)
        codes.append(refusal(tmp_path / "g").code)
    file.unlink()
    codes.append(refusal(tmp_path / "g").code)
    invalid = "domain-config-invalid"
    assert codes == ["domain-config-syntax", invalid, invalid, "domain-config-missing"]


def test_a_structure_that_is_missing_or_of_another_size_is_refused(tmp_path: Path) -> None:
    xlbuild.write(xlbuild.build(PV), tmp_path / "g")
    file = tmp_path / "g" / "vcpu_context.bin"
    file.write_bytes(file.read_bytes()[:-1])
    assert refusal(tmp_path / "g").cause == "it has 5167 bytes, and must have 5168"
    file.unlink()
    error = refusal(tmp_path / "g")
    assert (error.code, error.cause) == ("domain-structure-damaged", "it is missing")


def test_page_tables_that_no_xen_takes_are_refused(tmp_path: Path) -> None:
    domain = xlbuild.build(PV)
    xlbuild.write(domain, tmp_path / "g")
    top = domain.plan.page_tables[0].tables.first
    poke(tmp_path / "g", 4096 * top, (0xFFFF << 12 | 0x67).to_bytes(8, "little"))
    error = refusal(tmp_path / "g")
    assert error.code == "save-page-tables"
    assert "0xffff" in (error.cause or "")


# What cannot travel


@pytest.fixture(scope="module")
def unmapped(synthetic_kernels: Path) -> BuiltDomain:
    config = GUESTS["pv64-unmapped-ramdisk"]
    assert isinstance(config, str)
    return in_memory(xlbuild.build(config.replace("{}", str(synthetic_kernels)).encode()), "g")


def code_of(built: BuiltDomain) -> str:
    with pytest.raises(RefusedError) as caught:
        check_travel(built)
    assert caught.value.cause
    assert caught.value.hint
    assert caught.value.where.file == built.source
    return caught.value.code


def test_a_ramdisk_that_only_the_flags_tell_of_is_refused_with_the_way_to_build_it(
    unmapped: BuiltDomain,
) -> None:
    with pytest.raises(RefusedError, match="laid out for `xl create`") as caught:
        check_travel(unmapped)
    assert caught.value.code == "save-unmapped-ramdisk"
    assert "xlbuild create --format save" in (caught.value.hint or "")


def test_an_empty_hypercall_page_is_refused(synthetic_kernels: Path) -> None:
    config = f'name="g"\ntype="pv"\nkernel="{synthetic_kernels}/pv64-min"\nmemory=16\n'.encode()
    domain = xlbuild.build(config, hypercall_page=False, restorable=True)
    assert code_of(in_memory(domain, "g")) == "save-hypercall-page-empty"
    check_travel(in_memory(xlbuild.build(config, restorable=True), "g"))


def test_hvm_and_populate_on_demand_are_refused_when_they_are_built_already(small_hvm: str) -> None:
    hvm = in_memory(xlbuild.build(small_hvm.encode()), "g")
    assert code_of(hvm) == "save-hvm"
    on_demand = in_memory(xlbuild.build(PVH, overrides=["maxmem=64"]), "g")
    assert code_of(on_demand) == "save-populate-on-demand"


def test_what_is_not_known_whole_is_refused(tmp_path: Path) -> None:
    xlbuild.write(xlbuild.build(PV), tmp_path / "g")
    assert code_of(xlbuild.open_domain(tmp_path / "g" / "domain.json")) == "save-without-memory"
    captured = replace(xlbuild.open_domain(tmp_path / "g"), untold=Untold(frozenset({"vcpus.registers"})))
    assert code_of(captured) == "save-untold"


def test_frames_that_no_build_makes_are_refused(tmp_path: Path) -> None:
    xlbuild.write(xlbuild.build(PV), tmp_path / "g")
    built = xlbuild.open_domain(tmp_path / "g")
    assert code_of(replace(built, total_pages=1 << 40)) == "save-not-as-built"
    short = tuple(
        replace(segment, pages=7) if segment.name == "phys2mach" else segment for segment in built.segments
    )
    assert code_of(replace(built, segments=short)) == "save-not-as-built"


def test_more_memory_than_it_starts_with_is_no_matter_to_a_pv_guest(tmp_path: Path) -> None:
    domain = xlbuild.build(PV, overrides=["maxmem=64"], restorable=True)
    xlbuild.write_save(domain, tmp_path / "g.save")
    assert len(decode(tmp_path / "g.save").types) == 16 * 256


# The file


def test_a_target_that_is_there_is_replaced_only_on_request(tmp_path: Path) -> None:
    domain, target = xlbuild.build(PVH), tmp_path / "g.save"
    xlbuild.write_save(domain, target)
    before = target.read_bytes()
    larger = xlbuild.build(PVH, overrides=["memory=64"])
    with pytest.raises(FilesError) as caught:
        xlbuild.write_save(larger, target)
    assert (caught.value.code, target.read_bytes()) == ("target-exists", before)
    xlbuild.write_save(larger, target, force=True)
    assert len(decode(target).types) > 64 * 256
    target.write_text("mine")
    with pytest.raises(FilesError, match="is not replaced, even with --force"):
        xlbuild.write_save(larger, target, force=True)
    assert target.read_text() == "mine"
    with pytest.raises(FilesError, match="cannot be written"):
        xlbuild.write_save(domain, tmp_path / "none" / "g.save")


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_on_the_way_leaves_nothing(
    failure: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(built: BuiltDomain, config: bytes) -> Iterator[bytes]:
        yield b"x" * 4096
        if not sizing:
            sizing.append(True)
            raise failure

    sizing: list[bool] = []
    monkeypatch.setattr("xlbuild.emit.save.write.save_stream", half)
    with pytest.raises((FilesError, KeyboardInterrupt)) as caught:
        xlbuild.write_save(xlbuild.build(PVH), tmp_path / "g.save")
    assert list(tmp_path.iterdir()) == []
    if isinstance(caught.value, FilesError):
        assert caught.value.code == "target-no-space"
        assert "it takes 4 KiB in 1 file" in (caught.value.cause or "")
