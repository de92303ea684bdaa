"""The domain in a save file: its digest is that of the same configuration, built to be restored."""

import lzma
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import savefiles
from builtdomains import PV, PVH
from guests import STANDARD_GUESTS
from kernels import LOAD_ADDRESS, Load, Notes, elf_file, pattern
from realcores import write_save
from toolstack import Material

import xlbuild
from xlbuild.built import BuiltDomain
from xlbuild.captured.model import SavedConfig, SaveFile
from xlbuild.domain import Domain
from xlbuild.emit.inputs import HostFiles
from xlbuild.emit.readback import in_memory
from xlbuild.emit.save.read import read_save, read_save_data
from xlbuild.emit.structures import config_json
from xlbuild.errors import RefusedError
from xlbuild.memory import GuestMemory
from xlbuild.pipeline import BuildOptions, build_domain
from xlbuild.plan.model import PlanFor
from xlbuild.profiles import PROFILES
from xlbuild.recovery import recover_save
from xlbuild.units import FrameRange, Pfn, PhysAddr, paddr_of, pages_for, pfn_of

GOLDEN = Path(__file__).parents[2] / "golden" / "save"
BASE_32 = 0xC0000000


def build(config: bytes, release: str = "4.22", set_memory_map: bool = False) -> Domain:
    """Build a guest for a save file."""
    profile = next(profile for profile in PROFILES if profile.name == release)
    options = BuildOptions(profile, plan_for=PlanFor.RESTORE, set_memory_map=set_memory_map)
    return build_domain(
        config, "g.cfg", (), options, HostFiles(profile, ()), lambda *_: None, lambda *_: None
    )


def saved(domain: Domain, directory: Path) -> SaveFile:
    built = in_memory(domain, "g.cfg")
    write_save(built, config_json(domain), directory / "g.save")
    return read_save(directory / "g.save")


def pv32(directory: Path) -> bytes:
    notes: Notes = [
        ("GUEST_OS", "testos"),
        ("XEN_VERSION", "xen-3.0"),
        ("LOADER", "generic"),
        ("PAE_MODE", "yes,bimodal"),
        ("VIRT_BASE", BASE_32),
        ("ENTRY", BASE_32 + LOAD_ADDRESS),
    ]
    load = Load(BASE_32 + LOAD_ADDRESS, pattern(0x1234), LOAD_ADDRESS, 0x3000)
    (directory / "kernel").write_bytes(elf_file([load], notes, bits=32))
    return f'name="g"\ntype="pv"\nmemory=16\nkernel="{directory}/kernel"\n'.encode()


GUESTS: dict[str, Callable[[Path], bytes]] = {
    "PV": lambda _: PV,
    "PV that may get more": lambda _: PV + b"maxmem=64\n",
    "32-bit PV": pv32,
    "PVH": lambda _: PVH,
    "PVH with another timer": lambda _: PVH + b'timer_mode="delay_for_missed_ticks"\n',
}


@pytest.mark.parametrize("config", GUESTS.values(), ids=list(GUESTS))
@pytest.mark.parametrize("release", ["4.17", "4.22"])
def test_its_digest_is_that_of_the_configuration_built_to_be_restored(
    config: Callable[[Path], bytes], release: str, tmp_path: Path
) -> None:
    domain = build(config(tmp_path), release)
    check_same(recover_save(saved(domain, tmp_path)), domain)


def test_a_pvh_guest_that_sets_its_memory_map_is_known_by_the_code_that_it_starts_in(tmp_path: Path) -> None:
    domain = build(PVH, set_memory_map=True)
    save = saved(domain, tmp_path)
    found = recover_save(save)
    check_same(found, domain)
    assert (found.plan_for, found.kernel.entry) == (PlanFor.RESTORE, domain.plan.entry)
    paging = paddr_of(domain.plan.special_pages["paging"])
    other = recover_save(with_bytes(save, paging + 20, b"\x90"))
    assert (other.plan_for, other.kernel.entry) == (PlanFor.CREATE, paging + 16)


@pytest.mark.parametrize("guest", ["pv-cloud-balloon", "pvh-cloud-5g"])
def test_so_is_that_of_a_real_kernel_s_guest(guest: str, material: Material, tmp_path: Path) -> None:
    domain = build(STANDARD_GUESTS[guest].config(material).encode(), "4.17")
    check_same(recover_save(saved(domain, tmp_path)), domain)


def check_same(found: BuiltDomain, domain: Domain) -> None:
    built, digests = in_memory(domain, "g.cfg"), xlbuild.digests(domain)
    assert found.digests.domain == digests.domain
    assert found.digests == digests
    for member in ("name", "uuid", "kind", "guest_type", "profile", "command_line", "total_pages", "vcpus"):
        assert getattr(found, member) == getattr(built, member), member
    for member in ("special_pages", "start_info", "acpi", "hvm_params", "memory_map", "hypercall_page"):
        assert getattr(found, member) == getattr(built, member), member
    assert found.plan_for is built.plan_for


@pytest.fixture(scope="module")
def pv(tmp_path_factory: pytest.TempPathFactory) -> SaveFile:
    return saved(build(PV), tmp_path_factory.mktemp("save"))


@pytest.fixture(scope="module")
def pvh(tmp_path_factory: pytest.TempPathFactory) -> SaveFile:
    return saved(build(PVH), tmp_path_factory.mktemp("save"))


def with_bytes(save: SaveFile, address: int, data: bytes) -> SaveFile:
    """Return a save file whose stream has other bytes in a guest's page."""
    memory = GuestMemory(save.memory.populated)
    for pfn, page in save.memory.pages():
        memory.claim("page", FrameRange.of(pfn, 1))
        memory.write("page", paddr_of(pfn), page)
    changed = FrameRange(pfn_of(PhysAddr(address)), Pfn(pages_for(address + len(data))))
    memory.claim("change", changed)
    memory.replace("change", PhysAddr(address), data)
    return replace(save, memory=memory)


def test_what_the_stream_has_in_the_p2m_list_is_not_looked_at(pv: SaveFile) -> None:
    assert pv.p2m is not None
    first = pv.p2m.frames[0]
    other = recover_save(with_bytes(pv, paddr_of(first), b"\xee" * 4096))
    assert other.digests == recover_save(pv).digests
    assert other.memory.read(PhysAddr(paddr_of(first) + 24), 8) == (3).to_bytes(8, "little")


def test_a_frame_that_the_stream_does_not_have_is_none_in_the_p2m_list(pv: SaveFile) -> None:
    hole = 4095
    assert pv.p2m is not None
    populated = (FrameRange.of(0, hole),)
    memory = GuestMemory(populated)
    for pfn, page in pv.memory.pages():
        memory.claim("page", FrameRange.of(pfn, 1))
        memory.write("page", paddr_of(pfn), page)
    found = recover_save(replace(pv, memory=memory))
    at = paddr_of(pv.p2m.frames[-1]) + 4096 - 16
    assert found.memory.read(PhysAddr(at), 16) == (hole - 1).to_bytes(8, "little") + b"\xff" * 8


def test_machine_frames_of_rings_are_the_guest_s_where_the_saved_p2m_list_says_so(pv: SaveFile) -> None:
    """A guest that never ran has not made guest frames of them; that list still has the host's frames."""
    plain = recover_save(pv)
    mfn = (0x13AF0C).to_bytes(8, "little")
    assert pv.p2m is not None
    entry = paddr_of(pv.p2m.frames[0]) + 8 * plain.special_pages["xenstore"]
    named = with_bytes(pv, plain.start_info.address + 56, mfn)
    assert recover_save(with_bytes(named, entry, mfn)).digests == plain.digests


def test_a_host_s_own_save_file_of_a_guest_that_never_ran_is_read_as_it_was_built(tmp_path: Path) -> None:
    place = tmp_path / "host.save"
    place.write_bytes(lzma.decompress((GOLDEN / "never-run-pv.save.xz").read_bytes()))
    found = recover_save(read_save(place))
    fields = found.start_info.fields
    assert (fields["store_mfn"], fields["console_mfn"]) == (0x10C, 0x10D)
    assert found.special_pages["xenstore"] == 0x10C


def test_machine_frames_of_rings_that_no_list_explains_are_told_as_they_stand(pv: SaveFile) -> None:
    plain = recover_save(pv)
    at = plain.start_info.address + 56
    found = recover_save(with_bytes(pv, at, (0x13AF0C).to_bytes(8, "little")))
    assert found.start_info.fields["store_mfn"] == 0x13AF0C
    assert found.special_pages == plain.special_pages


@pytest.mark.parametrize(
    "config", [None, SavedConfig(b"not JSON", is_json=True), SavedConfig(b"[]", is_json=True)]
)
def test_a_file_without_a_configuration_is_called_by_its_name(
    config: SavedConfig | None, pv: SaveFile, pvh: SaveFile
) -> None:
    one = recover_save(replace(pv, config=config, source="dir/guest.save"))
    other = recover_save(replace(pvh, config=config, source="guest"))
    assert (one.name, other.name) == ("guest", "guest")
    assert {"name", "uuid", "memory_map"} <= one.untold.members
    assert {"name", "uuid", "hvm_params"} <= other.untold.members
    assert other.kind is recover_save(pvh).kind


def test_a_pv_guest_s_memory_map_that_is_the_host_s_is_not_told(pv: SaveFile) -> None:
    config = SavedConfig(b'{"b_info": {"max_memkb": 16384, "type.pv": {"e820_host": "True"}}}', is_json=True)
    assert "memory_map" in recover_save(replace(pv, config=config)).untold.members


def test_a_real_guest_that_was_running_is_refused() -> None:
    data = lzma.decompress((GOLDEN / "running-pv.save.xz").read_bytes())
    with pytest.raises(RefusedError) as caught:
        recover_save(read_save_data(data, "running-pv.save"))
    assert caught.value.code == "domain-has-run"


@pytest.mark.parametrize("pieces", [savefiles.pv_pieces(1), savefiles.pvh_pieces()], ids=["pv", "pvh"])
def test_a_file_without_a_start_info_is_refused(pieces: list[bytes]) -> None:
    with pytest.raises(RefusedError) as caught:
        recover_save(read_save_data(savefiles.save_file(pieces), "g.save"))
    assert caught.value.code == "domain-has-run"


@pytest.mark.parametrize(
    ("context", "cause"),
    [
        (savefiles.hvm_context()[:300], "ends before"),
        (savefiles.hvm_context()[:-8], "without an end record"),
        (
            savefiles.hvm_context()[:32]
            + savefiles.hvm_record(2, 0, bytes(1040))
            + savefiles.hvm_record(0, 0),
            "struct hvm_hw_cpu has 1032",
        ),
        (None, "0 of its vCPUs have been started"),
    ],
    ids=["cut off", "no end", "a larger vCPU", "none"],
)
def test_an_hvm_context_that_is_not_whole_is_refused(
    pvh: SaveFile, context: bytes | None, cause: str
) -> None:
    with pytest.raises(RefusedError) as caught:
        recover_save(replace(pvh, hvm_context=context))
    assert cause in (caught.value.cause or "")
