"""What the hooks of each guest type lay out; values are those of the public headers and of Intel's manual."""

import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from kernels import LOAD_ADDRESS, Load, Notes, elf_file, pattern

import xlbuild
from xlbuild.errors import RefusedError
from xlbuild.units import PhysAddr, paddr_of

PV = 'name="g"\nkernel="xlbuild:hello-pv"\nmemory=16\n'
PVH = 'name="g"\ntype="pvh"\nkernel="xlbuild:hello-pvh"\nmemory=32\n'

SPECIAL_PAGES = ["paging", "access", "sharing", "bufioreq", "xenstore", "ioreq", "ident_pt", "console"]
SPECIAL_PAGES_FIRST = 0xFEFF8

START_INFO_MODULES = "<IIIIQQQQII"
"""hvm_start_info: magic, version, flags, nr_modules, modlist, cmdline, rsdp, memmap addresses, entries, reserved."""
MODLIST_ENTRY = "<QQQQ"


@pytest.fixture
def hvm(small_hvm: str) -> str:
    return small_hvm + "vcpus=3\n"


def built(config: str) -> xlbuild.Domain:
    return xlbuild.build(config.encode())


def params(domain: xlbuild.Domain) -> dict[str, int]:
    return {param.name: param.value for param in domain.plan.hvm_params}


def registers(domain: xlbuild.Domain) -> Mapping[str, object]:
    found = domain.plan.vcpus[0].registers
    assert found is not None
    return found


def populated(domain: xlbuild.Domain, pfn: int) -> bool:
    return any(frames.first <= pfn < frames.end for frames in domain.plan.populated)


def read(domain: xlbuild.Domain, address: int, size: int) -> bytes:
    return domain.memory.read(PhysAddr(address), size)


def start_info(domain: xlbuild.Domain) -> tuple[int, ...]:
    """Return the members of hvm_start_info as they lie in the guest's memory."""
    at = registers(domain)["rbx"]
    assert isinstance(at, int)
    return struct.unpack(START_INFO_MODULES, read(domain, at, struct.calcsize(START_INFO_MODULES)))


def string_at(domain: xlbuild.Domain, address: int) -> bytes:
    return read(domain, address, 64).split(b"\0")[0]


def test_the_special_pages_end_below_the_last_frame_before_0xff000(hvm: str) -> None:
    for config in (PVH, hvm):
        domain = built(config)
        assert list(domain.plan.special_pages) == SPECIAL_PAGES
        assert list(domain.plan.special_pages.values()) == [*range(SPECIAL_PAGES_FIRST, 0xFF000)]
        assert params(domain)["CONSOLE_PFN"] == 0xFEFFF
        assert params(domain)["STORE_PFN"] == 0xFEFFC
        assert all(populated(domain, pfn) for pfn in range(SPECIAL_PAGES_FIRST, 0xFF000))


def test_only_a_guest_with_a_device_model_has_ioreq_server_pages(hvm: str) -> None:
    with_model, without = built(hvm), built(PVH)
    assert params(with_model)["IOREQ_SERVER_PFN"] == SPECIAL_PAGES_FIRST - 8
    assert params(with_model)["NR_IOREQ_SERVER_PAGES"] == 8
    assert "IOREQ_SERVER_PFN" not in params(without)
    for pfn in range(SPECIAL_PAGES_FIRST - 8, SPECIAL_PAGES_FIRST):
        assert populated(with_model, pfn)
        assert not populated(without, pfn)


def test_the_identity_page_table_maps_4_gib_to_itself() -> None:
    domain = built(PVH)
    table = struct.unpack("<1024I", read(domain, params(domain)["IDENT_PT"], 4096))
    assert [entry & ~0xFFF for entry in table] == [*range(0, 1 << 32, 4 << 20)]
    assert {entry & 0xFFF for entry in table} == {0xE7}  # present, writable, user, accessed, dirty, 4 MiB


def test_a_pvh_guest_without_modules_has_no_module_list() -> None:
    domain = built(PVH + 'cmdline="quiet"\n')
    magic, version, flags, modules, modlist, cmdline, rsdp, _, _, _ = start_info(domain)
    assert (magic, version, flags) == (0x336EC578, 1, 0)
    assert (modules, modlist) == (0, 0)
    assert string_at(domain, cmdline) == b"quiet"
    assert read(domain, rsdp, 8) == b"RSD PTR "


def test_a_pvh_guest_without_a_command_line_has_address_0_for_it() -> None:
    assert start_info(built(PVH))[5] == 0


def test_a_pvh_guest_finds_its_ramdisk_through_the_module_list(tmp_path: Path) -> None:
    ramdisk = pattern(5000)
    (tmp_path / "ramdisk").write_bytes(ramdisk)
    domain = built(PVH + f'ramdisk="{tmp_path}/ramdisk"\n')
    _, _, _, modules, modlist, *_ = start_info(domain)
    paddr, size, cmdline, reserved = struct.unpack(MODLIST_ENTRY, read(domain, modlist, 32))
    assert (modules, size, reserved) == (1, 5000, 0)
    assert cmdline == 0
    assert read(domain, paddr, size) == ramdisk


def linux_below_1_mib(size: int, directory: Path) -> xlbuild.Domain:
    kernel = elf_file(
        [Load(0xF0000, pattern(size))],
        [("GUEST_OS", "linux"), ("PHYS32_ENTRY", 0xF0000), ("MOD_START_PFN", 1)],
        bits=32,
    )
    (directory / "kernel").write_bytes(kernel)
    (directory / "ramdisk").write_bytes(pattern(5000))
    files = f'kernel="{directory}/kernel"\nramdisk="{directory}/ramdisk"\n'
    return built(f'name="g"\ntype="pvh"\nmemory=32\n{files}')


@pytest.mark.parametrize(("size", "late"), [(0xF000, "HVM start info"), (0xE000, "module0")])
def test_the_rsdp_below_1_mib_does_not_wipe_out_what_xen_places_later(
    size: int, late: str, tmp_path: Path
) -> None:
    domain = linux_below_1_mib(size, tmp_path)
    segment = domain.plan.segment(late)
    assert segment is not None
    assert segment.pfn == 0xFF
    assert start_info(domain)[:4] == (0x336EC578, 1, 0, 1)
    ramdisk = domain.plan.segment("module0")
    assert ramdisk is not None
    assert read(domain, paddr_of(ramdisk.pfn), 5000) == pattern(5000)


@pytest.mark.parametrize(
    ("size", "what", "lost"),
    [
        (0xF000, "start info", "there is no RSDP"),
        (0xE000, "ramdisk", "there is no RSDP"),
        (0x11000, "kernel", "that page of it is lost"),
    ],
)
def test_what_lies_over_the_rsdp_below_1_mib_is_told(size: int, what: str, lost: str, tmp_path: Path) -> None:
    (warning,) = linux_below_1_mib(size, tmp_path).warnings
    assert warning.code == "acpi-rsdp-collision"
    assert warning.message.startswith(f"the {what} lies over")
    assert lost in warning.message


def test_a_kernel_from_1_mib_on_does_not_meet_the_rsdp(synthetic_kernels: Path) -> None:
    domain = built(f'name="g"\ntype="pvh"\nmemory=32\nkernel="{synthetic_kernels}/pvh-linuxos"\n')
    assert domain.plan.start_info.fields["rsdp_paddr"] == 0xFFFC0
    assert domain.warnings == ()


def test_hvmloader_finds_its_firmware_as_the_module_of_that_name(hvm: str) -> None:
    domain = built(hvm)
    _, _, _, modules, modlist, cmdline, rsdp, *_ = start_info(domain)
    paddr, size, name, _ = struct.unpack(MODLIST_ENTRY, read(domain, modlist, 32))
    assert (modules, size, cmdline, rsdp) == (1, 0x20000, 0, 0)
    assert string_at(domain, name) == b"firmware"
    assert read(domain, paddr, size) == pattern(0x20000)


@pytest.mark.parametrize("container", ["pvh", "hvm"])
def test_an_hvm_container_starts_in_flat_protected_mode(hvm: str, container: str) -> None:
    domain = built(PVH if container == "pvh" else hvm)
    state = registers(domain)
    assert (state["rip"], state["rbx"]) == (domain.plan.entry, domain.plan.start_info.address)
    assert state["cr0"] == 0x11  # protected mode; paging is off
    assert (state["cr3"], state["cr4"], state["msr_efer"], state["rflags"]) == (0, 0, 0, 0)
    assert all(state[f"{segment}_base"] == 0 for segment in ("cs", "ds", "es", "ss"))
    assert all(state[f"{segment}_limit"] == 0xFFFFFFFF for segment in ("cs", "ds", "es", "ss"))


def test_hvm_info_sums_up_to_zero_and_counts_the_vcpus(hvm: str) -> None:
    table = read(built(hvm), 0x9F800, 0x800)
    signature, length = struct.unpack_from("<8sI", table)
    assert signature == b"HVM INFO"
    assert sum(table[:length]) % 256 == 0
    assert table[length:] == bytes(0x800 - length)
    domain = built(hvm)
    assert domain.plan.hvm_info is not None
    assert domain.plan.hvm_info["nr_vcpus"] == 3
    assert built(PVH).plan.hvm_info is None


def test_a_pv_guest_starts_at_its_entry_with_start_info_stack_and_page_tables() -> None:
    domain = built(PV)
    plan, state = domain.plan, registers(domain)
    base = plan.request.image.parameters.virt_base or 0
    pages = plan.special_pages
    assert state["rip"] == plan.entry
    assert state["rsi"] == base + paddr_of(pages["start_info"])
    assert read(domain, paddr_of(pages["start_info"]), 14) == b"xen-3.0-x86_64"
    stack = state["rsp"]
    assert isinstance(stack, int)
    assert stack == state["kernel_sp"] == base + paddr_of(pages["boot_stack"]) + 4096
    assert state["rflags"] == 1 << 9  # interrupts on
    assert (state["cs"], state["ss"]) == (0xE033, 0xE02B)  # FLAT_RING3_CS64, FLAT_RING3_SS64
    control = state["ctrlreg"]
    assert isinstance(control, Sequence)
    tables = plan.segment("page tables")
    assert tables is not None
    assert plan.p2m is not None
    assert control[3] == plan.p2m.mfn(tables.pfn) << 12


def test_a_hypercall_page_outside_the_guest_is_refused_with_file_and_note(tmp_path: Path) -> None:
    notes: Notes = [("XEN_VERSION", "xen-3.0"), ("LOADER", "generic"), ("HYPERCALL_PAGE", 1 << 40)]
    kernel = elf_file([Load(LOAD_ADDRESS, pattern(64))], notes, header={"e_entry": LOAD_ADDRESS})
    (tmp_path / "kernel").write_bytes(kernel)
    with pytest.raises(xlbuild.RefusedError) as caught:
        built(f'name="g"\nmemory=16\nkernel="{tmp_path}/kernel"\n')
    assert (caught.value.where.file, caught.value.where.note) == (f"{tmp_path}/kernel", "HYPERCALL_PAGE")


def test_a_pv_guest_leaves_only_its_first_vcpu_to_start() -> None:
    assert [vcpu.id for vcpu in built(PV + "vcpus=4\n").plan.vcpus] == [0]


def test_what_lies_over_reserved_memory_is_told_what_made_the_hole(hvm: str, tmp_path: Path) -> None:
    host = tmp_path / "host.json"
    reserved = [{"addr": "0x80000", "size": "0x1000", "devices": []}]
    host.write_text(json.dumps({"schema": "xlbuild.host/1", "reserved_device_memory": reserved}))
    config = hvm + 'rdm="strategy=host"\nrdm_mem_boundary=0\n'
    with pytest.raises(RefusedError) as caught:
        xlbuild.build(config.encode(), host=host)
    assert caught.value.code == "segment-over-hole"
    assert "remove rdm" in str(caught.value.hint)
    assert "memory is 0x0..0x80000, 0x100000000.." in str(caught.value.cause)
