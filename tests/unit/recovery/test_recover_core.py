"""The domain in a dump-core: as it was built, whatever machine frames it had; a guest that has run is refused."""

import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import corefiles as cf
import pytest
from builtdomains import HELLO
from guests import STANDARD_GUESTS
from kernels import LOAD_ADDRESS, Load, Notes, elf_file, pattern
from realcores import GUESTS, unpack, write_core
from toolstack import XEN_ROOT, Material

import xlbuild
from xlbuild.built import BuiltDomain
from xlbuild.captured.frames import FrameMap
from xlbuild.captured.model import DumpCore
from xlbuild.domain import Domain
from xlbuild.emit.core.read import read_core, read_core_data
from xlbuild.emit.inputs import HostFiles
from xlbuild.emit.readback import in_memory
from xlbuild.errors import RefusedError
from xlbuild.image.model import GuestType
from xlbuild.pipeline import BuildOptions, build_domain
from xlbuild.plan.model import PlanFor
from xlbuild.profiles import NEWEST
from xlbuild.recovery import recover_core
from xlbuild.units import FrameRange, PhysAddr, paddr_of

PAGE = 4096
BASE_32 = 0xC0000000
BASE_64 = 0xFFFF_FFFF_8000_0000
SAYS_XEN: list[tuple[str | int, int | str | bytes]] = [
    ("GUEST_OS", "testos"),
    ("XEN_VERSION", "xen-3.0"),
    ("LOADER", "generic"),
]


def recovered(core: cf.Core) -> BuiltDomain:
    return recover_core(read_core_data(cf.core_file(core), "dir/guest.core"))


def through_a_file(domain: BuiltDomain, directory: Path) -> BuiltDomain:
    write_core(domain, directory / "g.core")
    return recover_core(read_core(directory / "g.core"))


def why_refused(core: cf.Core) -> str:
    with pytest.raises(RefusedError) as caught:
        recovered(core)
    assert caught.value.code == "domain-has-run"
    assert "xl create -p" in (caught.value.hint or "")
    return caught.value.cause or ""


def build(config: bytes, directory: Path, mfn_base: int = 0, plan_for: PlanFor = PlanFor.CREATE) -> Domain:
    options = BuildOptions(NEWEST, mfn_base=mfn_base, plan_for=plan_for)
    return build_domain(
        config, "g.cfg", (), options, HostFiles(NEWEST, (str(directory),)), lambda *_: None, lambda *_: None
    )


def pv_kernel(bits: int, directory: Path) -> bytes:
    """Return the configuration of a PV guest with a ramdisk, whose kernel wants its p2m list elsewhere if it can."""
    base = BASE_32 if bits == 32 else BASE_64
    more: Notes = [("PAE_MODE", "yes,bimodal")]
    if bits == 64:
        more = [("INIT_P2M", 0x80_0000_0000), ("MOD_START_PFN", 1)]
    entry = base + LOAD_ADDRESS
    notes: Notes = [*SAYS_XEN, ("VIRT_BASE", base), ("ENTRY", entry), ("HYPERCALL_PAGE", entry), *more]
    load = Load(base + LOAD_ADDRESS, pattern(0x1234), LOAD_ADDRESS, 0x3000)
    (directory / "kernel").write_bytes(elf_file([load], notes, bits=bits))
    (directory / "ramdisk").write_bytes(pattern(0x2345))
    files = f'kernel="{directory}/kernel"\nramdisk="{directory}/ramdisk"\n'
    return f'name="g"\ntype="pv"\nmemory=16\ncmdline="a b"\n{files}'.encode()


@pytest.mark.parametrize("container", [*HELLO, "pv32"])
def test_a_domain_that_was_written_comes_back_as_it_was_built(container: str, tmp_path: Path) -> None:
    config = pv_kernel(32, tmp_path) if container == "pv32" else HELLO[container]
    check_comes_back(in_memory(build(config, tmp_path), "g"), tmp_path)


@pytest.mark.parametrize("guest", ["hvm-seabios", "pvh-grub", "pv-grub32"])
def test_so_does_one_of_a_real_kernel_or_firmware(guest: str, material: Material, tmp_path: Path) -> None:
    config = STANDARD_GUESTS[guest].config(material).encode()
    check_comes_back(in_memory(xlbuild.build(config, firmware_dirs=[str(XEN_ROOT)]), "g"), tmp_path)


def check_comes_back(domain: BuiltDomain, tmp_path: Path) -> None:
    found = through_a_file(domain, tmp_path)
    assert found.digests.memory == domain.digests.memory
    assert found.digests.segments == domain.digests.segments
    for member in (
        *("kind", "guest_type", "profile", "command_line", "total_pages", "populated", "special_pages"),
        *("start_info", "hvm_info", "acpi", "hypercall_page", "plan_for"),
    ):
        assert getattr(found, member) == getattr(domain, member), member
    assert [(s.name, s.pfn, s.pages, s.vstart) for s in found.segments] == [
        (s.name, s.pfn, s.pages, s.vstart) for s in domain.segments
    ]
    assert found.structures["start_info.bin"] == domain.structures["start_info.bin"]


def test_what_a_dump_does_not_tell_is_said() -> None:
    pv, pvh = recovered(cf.pv_core()), recovered(cf.pvh_core())
    for domain in (pv, pvh):
        assert {"name", "uuid", "kernel", "inputs", "hvm_params", "grants"} <= domain.untold.members
        assert domain.name == "guest"
        assert domain.document["kernel"] is None
        assert domain.document["name"] is None
        assert set(domain.document) >= {"schema", "container", "populated", "vcpus", "digests"}
    assert "memory_map" in pv.untold.members
    assert pv.untold.frames == ()
    assert "vcpus.registers" in pvh.untold.members
    assert pvh.untold.frames == (FrameRange.of(0xA0, 0x20), FrameRange.of(0xF0000, 0x10000))
    assert {"special_pages", "populate_on_demand"} <= pvh.untold.members


def test_a_dump_with_frames_that_the_stock_tool_leaves_out_tells_them(tmp_path: Path) -> None:
    found = through_a_file(in_memory(xlbuild.build(HELLO["pvh"]), "g"), tmp_path)
    assert found.untold.frames == ()
    assert not {"special_pages", "acpi"} & found.untold.members


@pytest.mark.parametrize("bits", [64, 32])
@pytest.mark.parametrize("plan_for", PlanFor)
def test_machine_frames_are_turned_into_guest_frames_wherever_the_builder_writes_them(
    bits: int, plan_for: PlanFor, tmp_path: Path
) -> None:
    config = pv_kernel(bits, tmp_path)
    base = 0x12345
    plain = in_memory(build(config, tmp_path, plan_for=plan_for), "g")
    on_host = build(config, tmp_path, base, plan_for)
    there = in_memory(on_host, "g")
    assert there.digests.memory != plain.digests.memory
    core = DumpCore(
        source="g.core",
        size=0,
        sections=(),
        notes=(),
        is_pv=True,
        pages=plain.total_pages,
        format_version=1,
        xen_version=(4, 22),
        xen_extra="",
        vcpus=(there.structures["vcpu_context.bin"],),
        shared_info=there.structures["shared_info.bin"],
        memory=there.memory,
        machine_frames=FrameMap([(0, base, plain.total_pages)]),
    )
    found = recover_core(core)
    shared_info = plain.start_info.fields["shared_info"]
    assert found.guest_type is (GuestType.PV32PAE if bits == 32 else GuestType.PV64)
    assert found.plan_for is plan_for
    assert found.special_pages == plain.special_pages
    assert [(s.name, s.pfn, s.pages) for s in found.segments] == [
        (s.name, s.pfn, s.pages) for s in plain.segments
    ]
    assert {**found.start_info.fields, "shared_info": shared_info} == plain.start_info.fields
    assert found.vcpus == plain.vcpus
    pages, expected = dict(found.memory.pages()), dict(plain.memory.pages())
    if found.start_info.fields["shared_info"] != shared_info:  # the host's choice, which is kept
        at = plain.special_pages["start_info"]
        assert found.memory.read(PhysAddr(paddr_of(at) + 0x30), PAGE - 0x30) == expected[at][0x30:]
        del pages[at], expected[at]
    assert pages == expected


def test_scattered_machine_frames_are_turned_into_guest_frames_too() -> None:
    found = recovered(cf.pv_core())
    pages = [found.memory.read(PhysAddr(pfn * PAGE), PAGE) for pfn in range(cf.PV_FRAMES)]
    assert pages == cf.pv_pages(lambda pfn: pfn)
    assert dict(found.memory.pages()) == {pfn: page for pfn, page in enumerate(pages) if page.strip(b"\0")}
    assert found.vcpus[0].registers is not None
    assert found.vcpus[0].registers["ctrlreg"] == [0, 0, 0, cf.L4 * PAGE, 0, 0, 0, 0]


def test_what_the_hypervisor_adds_to_page_tables_is_left_out() -> None:
    marked = recovered(cf.pv_core(pages=cf.pv_pages(marks=1 << 52 | 1 << 2, xens=0x1234063)))
    assert dict(marked.memory.pages()) == dict(recovered(cf.pv_core()).memory.pages())


def test_a_leaf_that_the_guest_itself_has_given_to_its_users_stays(tmp_path: Path) -> None:
    found = recovered(cf.pv_core(pages=cf.pv_pages(marks=1 << 2)))
    leaf = int.from_bytes(found.memory.read(PhysAddr(cf.L1 * PAGE), 8), "little")
    assert leaf == 0x27


def test_what_is_read_does_not_depend_on_how_much_is_read_at_once() -> None:
    memory = recovered(cf.pv_core()).memory
    whole = memory.read(PhysAddr(0), cf.PV_FRAMES * PAGE)
    assert b"".join(memory.read(PhysAddr(at), 680) for at in range(0, len(whole), 680))[: len(whole)] == whole
    some = FrameRange.of(cf.L4, 2)
    assert [pfn for pfn, _ in memory.pages_in(some)] == [cf.L4, cf.L3]


@pytest.mark.parametrize("container", GUESTS)
def test_a_real_host_s_guest_differs_from_ours_in_what_the_hypervisor_writes_alone(
    container: str, tmp_path: Path
) -> None:
    ours = in_memory(xlbuild.build(GUESTS[container], xen="4.17"), "g")
    real = recover_core(read_core(unpack(container, tmp_path)))
    assert real.populated == ours.populated
    mine, theirs = dict(ours.memory.pages()), dict(real.memory.pages())
    different = {pfn for pfn in mine.keys() | theirs.keys() if mine.get(pfn) != theirs.get(pfn)}
    xenstore = ours.special_pages["xenstore"]
    zeros = bytes(PAGE)
    # xenstored has told which features it has, in the ring's page.
    assert _words(mine.get(xenstore, zeros), theirs[xenstore]) == {258: (0, 1)}
    if container == "pv":
        start_info = ours.special_pages["start_info"]
        # The shared info page is where the host has put it.
        assert _words(mine[start_info], theirs[start_info]) == {5: (0xFFFFE000, 0xBFC5A000)}
        assert different == {xenstore, start_info}
        assert _changed(ours, real) == {"ctrlreg": ([0x80050033, 0, 0, 0x10E000, 0x660, 0, 0, 0])}
    else:
        acpi_tables = set(range(0xFC001, 0xFC008))  # blanked in the golden file
        assert different - acpi_tables == {xenstore}
        assert _changed(ours, real) == {"rflags": 2}
    assert real.special_pages == ours.special_pages
    assert real.hypercall_page == ours.hypercall_page


def _words(mine: bytes, theirs: bytes) -> dict[int, tuple[int, int]]:
    pairs = enumerate(zip(struct.unpack("<512Q", mine), struct.unpack("<512Q", theirs), strict=True))
    return {at: pair for at, pair in pairs if pair[0] != pair[1]}


def _changed(ours: BuiltDomain, real: BuiltDomain) -> dict[str, object]:
    mine, theirs = ours.vcpus[0].registers, real.vcpus[0].registers
    assert mine is not None
    assert theirs is not None
    return {name: value for name, value in theirs.items() if mine[name] != value}


HAS_RUN: dict[str, tuple[Callable[[], cf.Core], str]] = {
    "rsi elsewhere": (lambda: cf.pv_core(contexts=[cf.context(rsi=cf.BASE)]), "no start_info is there"),
    "rsi in a page": (lambda: cf.pv_core(contexts=[cf.context(rsi=cf.BASE + 8)]), "no page begins there"),
    "rsi nowhere": (lambda: cf.pv_core(contexts=[cf.context(rsi=8)]), "no page begins there"),
    "cr3 elsewhere": (lambda: cf.pv_core(contexts=[cf.context(cr3=PAGE)]), "its cr3 names frame 0x1"),
    "two vCPUs": (lambda: cf.pv_core(contexts=[cf.context()] * 2), "2 of its vCPUs have been started"),
    "no vCPU": (lambda: cf.pv_core(contexts=[]), "0 of its vCPUs have been started"),
    "no page tables": (lambda: _with_page(cf.L1, cf.page()), "no page begins there"),
    "a ring elsewhere": (
        lambda: _with_page(cf.START_INFO, cf.start_info(cf.mfn(3), cf.mfn(4), mod_start=8, mod_len=8)),
        "places module0 at 0x8",
    ),
    "much memory": (
        lambda: _with_page(cf.START_INFO, cf.start_info(cf.mfn(3), cf.mfn(4), nr_pages=1 << 40)),
        "no room for their p2m list",
    ),
    "PVH, paging": (lambda: cf.pvh_core(contexts=[cf.hvm_context(cr0=0x80000011)]), "paging is on"),
    "PVH, rbx elsewhere": (lambda: cf.pvh_core(contexts=[cf.hvm_context(rbx=0)]), "ebx is 0x0"),
    "PVH, rbx nowhere": (
        lambda: cf.pvh_core(contexts=[cf.hvm_context(rbx=1 << 40)]),
        "no start info is there",
    ),
    "PVH, two vCPUs": (lambda: cf.pvh_core(contexts=[cf.hvm_context()] * 2), "2 of its vCPUs"),
    "PVH, a long map": (lambda: _with_start_info(entries=129), "a memory map of 129 entries"),
    "PVH, a map nowhere": (lambda: _with_start_info(memmap=1 << 50), "a memory map of 1 entries"),
    "PVH, many modules": (lambda: _with_start_info(modules=1 << 30), "1073741824 modules"),
}


def _with_page(pfn: int, page: bytes) -> cf.Core:
    core = cf.pv_core()
    return core.changed(pages=[*core.pages[:pfn], page, *core.pages[pfn + 1 :]])


def _with_start_info(**fields: int) -> cf.Core:
    core = cf.pvh_core()
    return core.changed(pages=[*core.pages[:2], cf.hvm_start_info(**fields), *core.pages[3:]])


@pytest.mark.parametrize(("core", "cause"), HAS_RUN.values(), ids=list(HAS_RUN))
def test_a_guest_that_is_not_as_it_was_built_is_refused_with_what_shows_it(
    core: Callable[[], cf.Core], cause: str
) -> None:
    assert cause in why_refused(core())


def test_page_tables_that_lead_to_themselves_come_to_an_end() -> None:
    loop = cf.words(
        {index: cf.mfn(cf.L4) * PAGE | 0x67 for index in range(511)} | {511: cf.mfn(cf.L3) * PAGE | 0x67}
    )
    found = recovered(_with_page(cf.L4, loop))
    assert found.memory.read(PhysAddr(cf.L4 * PAGE), 8) == struct.pack("<Q", cf.L4 * PAGE | 0x67)


def test_more_page_tables_than_any_builder_makes_are_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xlbuild.recovery.machine.MOST_TABLES", 3)
    assert "page tables, and no builder makes so many" in why_refused(cf.pv_core())


def test_a_kernel_s_first_page_is_where_it_begins_and_what_lies_behind_it_is_where_it_ends(
    tmp_path: Path,
) -> None:
    domain = in_memory(build(pv_kernel(64, tmp_path), tmp_path), "g")
    found = through_a_file(replace(domain, name="g"), tmp_path)
    (kernel, module, p2m, tables), expected = found.segments, domain.segments
    assert [s.name for s in expected] == ["kernel", "module0", "phys2mach", "page tables"]
    assert (kernel.vstart, kernel.frames) == (expected[0].vstart, expected[0].frames)
    assert (module.vstart, module.frames) == (expected[1].vstart, expected[1].frames)
    assert (p2m, tables) == (expected[2], expected[3])
