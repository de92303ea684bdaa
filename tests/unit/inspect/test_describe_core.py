"""Dump-cores described: of a host, of a guest that has run, and such as lack something."""

import struct
from pathlib import Path
from typing import Any

import corefiles as cf
import pytest
from realcores import unpack

from xlbuild import api
from xlbuild.abi.vcpu_guest_context import VCPU_GUEST_CONTEXT_X86_32
from xlbuild.emit.core.read import read_core, read_core_data
from xlbuild.image.model import GuestType
from xlbuild.inspect.captures.core import core_parts, describe_core
from xlbuild.inspect.captures.corevcpus import core_page_tables, guest_type_of
from xlbuild.inspect.memory.paging import translate
from xlbuild.units import Mfn, PhysAddr, extended_cr3

PAGE = 4096


def described(core: cf.Core) -> Any:
    return describe_core(read_core_data(cf.core_file(core), "g.core"))


def registers(vcpu: Any) -> dict[str, tuple[str, str | None]]:
    return {row["name"]: (row["value"], row["means"]) for row in vcpu["registers"]}


def test_a_real_dump_is_told_with_its_machine_frames_and_the_domain_in_it(tmp_path: Path) -> None:
    told: Any = api.examine(unpack("pv", tmp_path)).describe()
    assert told["header"]["guest"] == "PV"
    assert told["header"]["xen_version"] == "4.17.7"
    assert [section["name"] for section in told["sections"]] == [
        *(".shstrtab", ".note.Xen", ".xen_prstatus", ".xen_shared_info", ".xen_pages", ".xen_p2m")
    ]
    assert told["pages"]["machine_frames"] == "in 8 runs"
    assert told["pages"]["machine_frames_means"] == "the first is 0x0+512 at 0x13ae00"
    assert told["problems"] == []
    assert registers(told["vcpus"][0])["rip"] == ("0x100000", "goes on at the physical address 0x100000")
    assert registers(told["vcpus"][0])["ctrlreg[3]"][1] == "cr3: page tables from machine frame 0x13af0e on"
    assert told["domain"]["map"][0]["name"] == "kernel"


@pytest.mark.parametrize("container", ["pv", "pvh"])
def test_what_the_host_has_written_is_no_problem_of_the_domain(container: str, tmp_path: Path) -> None:
    told: Any = api.examine(unpack(container, tmp_path)).describe()
    problems = [
        problem for problem in told["domain"]["problems"] if "dsdt" not in problem
    ]  # blanked: its checksum
    assert problems == []


def test_acpi_that_the_stock_tool_leaves_out_is_no_problem(tmp_path: Path) -> None:
    core = read_core(unpack("pvh", tmp_path))
    frames = [(pfn, pfn) for pfn in (0, *range(0x100, 0x104))]
    pages = [core.memory.read(PhysAddr(pfn * PAGE), PAGE) for pfn, _ in frames]
    left = cf.Core(is_pv=False, contexts=core.vcpus, frames=frames, pages=pages)
    told: Any = api.examine(cf.core_file(left), source="g.core").describe()
    assert told["domain"]["problems"] == []
    assert "acpi" not in told["domain"]


def test_a_dump_of_ours_says_that_no_host_gave_it_memory() -> None:
    core = cf.pv_core(
        frames=[(pfn, pfn) for pfn in range(cf.PV_FRAMES)],
        pages=cf.pv_pages(lambda pfn: pfn),
        contexts=[cf.context(cr3=cf.L4 * PAGE)],
    )
    assert "no host was asked" in described(core)["pages"]["machine_frames"]


def test_of_a_guest_that_has_run_the_dump_itself_is_told_and_why_there_is_no_domain() -> None:
    subject = api.examine(cf.core_file(cf.pv_core(contexts=[cf.context()] * 2)), source="g.core")
    told: Any = subject.describe()
    assert told["domain"] is None
    assert "2 of its vCPUs have been started" in told["no_domain"]
    assert [vcpu["id"] for vcpu in told["vcpus"]] == [0, 1]
    at: Any = subject.describe_address(f"virt:{cf.BASE + cf.START_INFO * PAGE:#x}", 16)
    assert at["physical"] == hex(cf.START_INFO * PAGE)
    assert at["dump"][0]["text"].startswith("xen-3.0-x86_64")


def test_a_kernel_of_64_bits_in_an_hvm_container_is_followed_through_its_page_tables() -> None:
    running = cf.hvm_context(rip=cf.ENTRY, cr0=0x80050033)
    data = bytearray(running)
    struct.pack_into("<QQ", data, 4984 + 24, 0x100000, 0x6F0)  # cr3 and cr4
    table = cf.words({511: 0x101067}), cf.words({510: 0x102067}), cf.words({0: 0xE7})
    core = cf.pvh_core(contexts=[bytes(data)], pages=[cf.page(), *table])
    read = read_core_data(cf.core_file(core), "g.core")
    tables = core_page_tables(read)
    assert tables is not None
    assert translate(tables, cf.ENTRY).address == 0x10
    told = registers(described(core)["vcpus"][0])
    assert told["rip"] == (hex(cf.ENTRY), "goes on at the physical address 0x10")
    assert "with paging" in (told["cr0"][1] or "")
    assert core_page_tables(read_core_data(cf.core_file(cf.pvh_core()), "g.core")) is None


@pytest.mark.parametrize("size", [2800, 5168])
def test_a_32_bit_guest_s_registers_are_known_by_where_its_cr3_leads(size: int) -> None:
    control = [0, 0, 0, extended_cr3(Mfn(cf.mfn(cf.L4))), 0, 0, 0, 0]
    context = VCPU_GUEST_CONTEXT_X86_32.encode({"eip": 0xC0100000, "ctrlreg": control}).ljust(size, b"\0")
    core = cf.pv_core(contexts=[context])
    assert guest_type_of(read_core_data(cf.core_file(core), "g.core")) is GuestType.PV32PAE
    assert registers(described(core)["vcpus"][0])["eip"][0] == "0xc0100000"


def test_what_a_dump_should_have_and_has_not_is_told() -> None:
    core = cf.pvh_core(frames=[(0, 0), (0x100, 0), (0x101, 0), ((1 << 64) - 1, 0)])
    whole = cf.notes(core)
    told = described(core.changed(notes=whole[: 16 + 16 + 32]))
    assert told["header"]["xen_version"] is None
    assert [problem.partition(",")[0] for problem in told["problems"]] == [
        "there is no note 0x2000002",
        "there is no note 0x2000003",
        "the format's version is 0",
        "1 of its pages have no frame of their own: what dumped them left some out",
    ]


def test_memory_and_states_can_be_taken_out() -> None:
    parts = {part.name: part for part in core_parts(read_core_data(cf.core_file(cf.pv_core()), "g.core"))}
    assert list(parts) == ["memory", "shared_info", "vcpu0"]
    assert b"".join(bytes(piece) for piece in parts["memory"].read()) == b"".join(cf.pv_pages())
    assert b"".join(bytes(piece) for piece in parts["vcpu0"].read()) == cf.context()
    assert all(sum(map(len, part.read())) == part.size for part in parts.values())
