"""Save files described: what is in them, the guest's state, and what a restore would not take."""

import struct
from pathlib import Path
from typing import Any

import pytest
from savefiles import (
    BROKEN,
    END,
    HVM_CONTEXT,
    HVM_PARAMS,
    LIBXC_CONTEXT,
    NOTAB,
    P2M_FRAMES,
    PAGE,
    PV_FRAMES,
    PV_INFO,
    SHARED_INFO,
    TOP_TABLE,
    VCPU_BASIC,
    VIRTUAL_BASE,
    XALLOC,
    config_text,
    hvm_context,
    hvm_record,
    libxc_headers,
    page,
    page_data,
    pv_context,
    pv_pieces,
    pv_tables,
    pvh_pieces,
    record,
    save_file,
    with_device_model,
    xl_header,
)

import xlbuild
from xlbuild.abi.hvm_save import HVM_HW_CPU
from xlbuild.abi.vcpu_guest_context import VCPU_GUEST_CONTEXT_X86_32
from xlbuild.errors import UsageError
from xlbuild.inspect.subject import Subject

ROOT = Path(__file__).parents[3]
CR0_OF_LINUX, EFER_LMA = 0x80050033, 0x500


def subject_of(pieces: list[bytes]) -> Subject:
    return xlbuild.examine(save_file(pieces), source="guest.save")


def described(pieces: list[bytes]) -> Any:
    return subject_of(pieces).describe()


def of_kind(pieces: list[bytes], kind: int, *bodies: bytes) -> list[bytes]:
    """Return pieces with other bodies in the place of the records of a type, or none."""
    at = next(at for at, piece in enumerate(pieces) if piece.startswith(struct.pack("<I", kind)))
    others = [piece for piece in pieces if not piece.startswith(struct.pack("<I", kind))]
    return [*others[:at], *(record(kind, body) for body in bodies), *others[at:]]


def test_a_save_file_is_described_whole() -> None:
    tree = described(pv_pieces())
    assert (tree["kind"], tree["header"]["guest"], tree["header"]["xen_version"]) == (
        "saved guest",
        "PV",
        "4.17",
    )
    assert tree["header"]["mandatory_flags_means"] == (
        "the configuration is JSON, libxl's stream is of version 2"
    )
    configuration = tree["configuration"]
    assert (configuration["name"], configuration["type"], configuration["max_vcpus"]) == ("saved", "pv", 2)
    assert configuration["devices"] == [{"kind": "disks", "count": 1}]
    assert tree["p2m_frames"]["list_in"] == [{"first": "0x8", "end": "0x9"}]
    assert tree["tsc_info"]["mode_means"] == "default"


def test_records_and_pages_are_counted() -> None:
    tree = described(pv_pieces())
    rows = {(row["stream"], row["record"]): row for row in tree["records"]}
    assert rows["libxc", "PAGE_DATA"]["count"] == 3
    assert rows["libxc", "X86_PV_VCPU_BASIC"]["size"] == 2 * (8 + 5168)
    assert rows["libxl", "LIBXC_CONTEXT"]["first_offset"] == hex(len(save_file(pv_pieces()[:2])))
    pages = tree["pages"]
    assert (pages["frames"], pages["entries_with_data"], pages["repeated"]) == (PV_FRAMES, 6, 0)
    types = {row["means"]: row["entries"] for row in pages["types"]}
    assert types["L4 page tables, pinned"] == 1
    assert types["pages to be allocated, all zero"] == PV_FRAMES - 6


def test_registers_of_every_vcpu_are_told_with_where_they_lead() -> None:
    tree = described(pv_pieces())
    assert [vcpu["id"] for vcpu in tree["vcpus"]] == [0, 1]
    means = {row["name"]: row["means"] for row in tree["vcpus"][1]["registers"]}
    assert means["rip"] == "goes on at the physical address 0x100"
    assert means["ctrlreg[3]"] == f"cr3: page tables from frame {TOP_TABLE:#x} on"


def test_a_32_bit_guests_registers_have_their_names() -> None:
    context = VCPU_GUEST_CONTEXT_X86_32.encode({"eip": 0xC0100000, "edx": 3})
    pieces = of_kind(pv_pieces(), PV_INFO, bytes([4, 3]) + bytes(6))
    pieces = of_kind(pieces, P2M_FRAMES, struct.pack("<IIQ", 0, PV_FRAMES - 1, 8))
    tree = described(of_kind(pieces, VCPU_BASIC, struct.pack("<II", 0, 0) + context))
    (vcpu,) = tree["vcpus"]
    assert {row["name"] for row in vcpu["registers"]} == {"edx", "eip"}


def test_an_hvm_containers_hardware_is_told() -> None:
    tree = described(pvh_pieces(vcpus=2))
    assert [(row["record"], row["instance"]) for row in tree["hvm_context"]] == [
        ("HEADER", 0),
        ("CPU", 0),
        ("CPU", 1),
        ("MTRR", 0),
        ("MTRR", 1),
        ("END", 0),
    ]
    assert [vcpu["id"] for vcpu in tree["vcpus"]] == [0, 1]
    assert tree["vcpus"][1]["mtrr"] == "as vCPU 0's"
    assert [(row["name"], row["value"]) for row in tree["hvm_params"]] == [
        ("STORE_PFN", "0xfeffc"),
        ("CONSOLE_PFN", "0xf"),
    ]


def test_addresses_of_a_pv_guest_go_through_its_page_tables() -> None:
    found: Any = subject_of(pv_pieces()).describe_address(hex(VIRTUAL_BASE + PAGE + 16), 4)
    assert (found["physical"], found["dump"][0]["bytes"]) == (hex(PAGE + 16), "02 02 02 02")
    table: Any = subject_of(pv_pieces()).describe_address(f"frame:{TOP_TABLE:#x}", 4)
    assert table["what"].endswith("L4 of 0x0, read-only because it is a table")


def test_addresses_of_a_guest_in_long_mode_go_through_its_page_tables() -> None:
    cpu = HVM_HW_CPU.encode(
        {"cr0": CR0_OF_LINUX, "cr3": TOP_TABLE * PAGE | 0x18, "msr_efer": EFER_LMA, "rip": VIRTUAL_BASE}
    )
    pieces = of_kind(pvh_pieces(), HVM_CONTEXT, hvm_record(2, 0, cpu) + hvm_record(0, 0))
    tables = page_data([(NOTAB, TOP_TABLE + level) for level in range(4)], pv_tables())
    pieces.insert(8, tables)
    found: Any = subject_of(pieces).describe_address(hex(VIRTUAL_BASE + 7 * PAGE), 4)
    assert (found["physical"], found["dump"][0]["bytes"]) == (hex(7 * PAGE), "07 07 07 07")


def test_what_parameters_name_is_named_at_an_address() -> None:
    found: Any = subject_of(pvh_pieces()).describe_address("frame:0xfeffc")
    assert found["what"] == "STORE_PFN"


def test_parts_are_what_the_file_has() -> None:
    parts = {part.name: part for part in subject_of(pv_pieces()).parts()}
    assert set(parts) == {"config", "memory", "shared_info", "vcpu0", "vcpu1"}
    assert b"".join(parts["config"].read()) == config_text()
    assert b"".join(parts["vcpu1"].read()) == pv_context()
    memory = b"".join(parts["memory"].read())
    assert memory[: 2 * PAGE] == page(1) + page(2)
    assert len(memory) == PV_FRAMES * PAGE
    assert "hvm_context" in {part.name for part in subject_of(pvh_pieces()).parts()}


def test_what_device_models_saved_is_told_and_taken_out() -> None:
    tree = described(with_device_model())
    (row,) = tree["emulators"]
    assert (row["record"], row["emulator"], row["size"]) == ("EMULATOR_CONTEXT", "qemu-xen", 4)
    assert tree["problems"] == []
    (part,) = (part for part in subject_of(with_device_model()).parts() if part.name == "emulator0")
    assert b"".join(part.read()) == b"QEVM"


def test_it_has_no_verdicts() -> None:
    with pytest.raises(UsageError):
        subject_of(pv_pieces()).verdicts()


def test_a_path_and_its_bytes_are_described_alike(tmp_path: Path) -> None:
    (tmp_path / "guest.save").write_bytes(save_file(pvh_pieces()))
    tree: Any = xlbuild.examine(tmp_path / "guest.save").describe()
    assert tree | {"file": "guest.save", "no_domain": None} == described(pvh_pieces()) | {"no_domain": None}


@pytest.mark.parametrize("kind", ["pv", "pvh"])
def test_a_guest_that_has_not_run_is_described_as_the_domain_that_it_is(kind: str, tmp_path: Path) -> None:
    domain = xlbuild.build(ROOT / "configs" / f"hello-{kind}.cfg", restorable=True)
    xlbuild.write_save(domain, tmp_path / "guest.save")
    subject = xlbuild.examine(tmp_path / "guest.save")
    tree: Any = subject.describe()
    assert tree["problems"] == tree["domain"]["problems"] == []
    told = xlbuild.manifest(domain)
    assert tree["domain"]["command_line"] == told["command_line"]
    assert [row["name"] for row in tree["domain"]["map"] if row["name"] == "kernel"] == ["kernel"]
    start_info: Any = subject.describe_address(tree["domain"]["start_info"]["addr"])
    assert start_info["what"] == "start_info.magic"


def test_why_a_guest_is_no_domain_is_told() -> None:
    tree = described(pv_pieces())
    assert tree["domain"] is None
    assert tree["no_domain"]


def test_a_plain_configuration_is_told_in_short() -> None:
    pieces = [xl_header(b'name = "x"\ntype = "pvh"\nkernel = "k"\nmemory = 64\n', flags=2), *pvh_pieces()[1:]]
    configuration = described(pieces)["configuration"]
    assert configuration["form"] == "xl's configuration, a text"
    assert configuration["guest"]["name"] == "x"


PV_PROBLEMS: dict[str, tuple[list[bytes], str]] = {
    "no configuration": ([xl_header(None), *pv_pieces()[1:]], "it has no configuration"),
    "no JSON": ([xl_header(b"{"), *pv_pieces()[1:]], "its configuration says that it is JSON, and is none"),
    "another type": (
        [xl_header(config_text("pvh")), *pv_pieces()[1:]],
        "its configuration is of type pvh, and its stream is a PV guest's",
    ),
    "a record to come": (
        [*pv_pieces()[:-2], record(0x77), *pv_pieces()[-2:]],
        "a restore stops at unknown (0x77) at",
    ),
    "no shared info": (of_kind(pv_pieces(), SHARED_INFO), "there is no SHARED_INFO record"),
    "no vCPU": (of_kind(pv_pieces(), VCPU_BASIC), "there is no X86_PV_VCPU_BASIC record"),
    "half a vCPU": (
        of_kind(pv_pieces(), VCPU_BASIC, bytes(8 + 100)),
        "vCPU 0 has 100 bytes of state, and foreign/x86_64.h struct vcpu_guest_context_x86_64 has 5168",
    ),
    "static data late": (
        [*pv_pieces()[:6], *pv_pieces()[7:9], pv_pieces()[6], *pv_pieces()[9:]],
        "STATIC_DATA_END at",
    ),
    "an HVM record": (
        [*pv_pieces()[:-2], record(HVM_CONTEXT, hvm_context()), *pv_pieces()[-2:]],
        "HVM_CONTEXT at",
    ),
    "no libxl": (pv_pieces()[3:-1], "there is no stream of libxl's around it"),
    "broken pages": (
        [*pv_pieces()[:8], page_data([(BROKEN, 20)]), *pv_pieces()[8:]],
        "1 page could not be read",
    ),
    "more behind": ([*pv_pieces(), b"more"], "4 bytes behind the last record belong to nothing"),
    "another top table": (
        [*pv_pieces()[:10], page_data([(XALLOC, TOP_TABLE)]), *pv_pieces()[10:]],
        f"vCPU 0's cr3 names frame {TOP_TABLE:#x}, which is no L4 page table by its type",
    ),
    "a p2m list nowhere": (
        of_kind(pv_pieces(), P2M_FRAMES, struct.pack("<IIQ", 0, PV_FRAMES - 1, 0x777)),
        "page 0 of the p2m list is to be in frame 0x777",
    ),
    "no start info": (
        of_kind(pv_pieces(), VCPU_BASIC, bytes(8) + pv_context(rdx=0x999)),
        "vCPU 0's rdx is 0x999, which is no frame of the guest's",
    ),
}


@pytest.mark.parametrize(("pieces", "said"), PV_PROBLEMS.values(), ids=PV_PROBLEMS.keys())
def test_what_a_restore_would_not_take_is_a_problem(pieces: list[bytes], said: str) -> None:
    problems = described(pieces)["problems"]
    assert [problem for problem in problems if problem.startswith(said)], problems


HVM_PROBLEMS: dict[str, tuple[list[bytes], str]] = {
    "no parameters": (of_kind(pvh_pieces(), HVM_PARAMS), "there is no HVM_PARAMS record"),
    "a context cut off": (
        of_kind(pvh_pieces(), HVM_CONTEXT, hvm_context()[:-8]),
        "HVM_CONTEXT: it ends at offset",
    ),
    "no device model": (
        [xl_header(config_text("hvm")), *pvh_pieces()[1:]],
        "there is no EMULATOR_CONTEXT record",
    ),
    "a PV record": (
        [*pvh_pieces()[:5], record(PV_INFO, bytes([8, 4]) + bytes(6)), *pvh_pieces()[5:]],
        "X86_PV_INFO at",
    ),
}


@pytest.mark.parametrize(("pieces", "said"), HVM_PROBLEMS.values(), ids=HVM_PROBLEMS.keys())
def test_what_an_hvm_container_lacks_is_a_problem(pieces: list[bytes], said: str) -> None:
    problems = described(pieces)["problems"]
    assert [problem for problem in problems if problem.startswith(said)], problems


def test_a_file_that_can_be_restored_has_no_problems() -> None:
    assert described(pvh_pieces())["problems"] == []


def test_a_stream_in_which_little_is_left_is_described() -> None:
    tree = described(
        [libxc_headers(1), page_data([(XALLOC, 1)]), record(END)],
    )
    assert (tree["pages"]["frames"], "vcpus" in tree, "configuration" in tree) == (1, False, False)
    assert described([*pv_pieces()[1:2], record(LIBXC_CONTEXT), libxc_headers(2), record(END), record(END)])
