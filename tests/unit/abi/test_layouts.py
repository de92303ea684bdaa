"""The public structures have the compiler's sizes and offsets."""

import hashlib

import pytest

from xlbuild.abi.hvm_info import HVM_INFO_TABLE, with_checksum
from xlbuild.abi.hvm_save import HVM_HW_CPU, HVM_HW_MTRR, HVM_SAVE_DESCRIPTOR, HVM_SAVE_HEADER
from xlbuild.abi.hvm_start_info import HVM_MEMMAP_TABLE_ENTRY, HVM_MODLIST_ENTRY, HVM_START_INFO
from xlbuild.abi.hypercall import hypercall_page_x86_32, hypercall_page_x86_64
from xlbuild.abi.layout import FieldValue, Layout
from xlbuild.abi.shared_info import initial_shared_info
from xlbuild.abi.start_info import START_INFO_X86_32, START_INFO_X86_64
from xlbuild.abi.vcpu_guest_context import VCPU_GUEST_CONTEXT_X86_32, VCPU_GUEST_CONTEXT_X86_64

# sizeof and offsetof as gcc 12.2 gives them for Debian's libxen-dev 4.17.7 headers.
SIZES = [
    (START_INFO_X86_64, 1168),
    (START_INFO_X86_32, 1112),
    (VCPU_GUEST_CONTEXT_X86_64, 5168),
    (VCPU_GUEST_CONTEXT_X86_32, 2800),
    (HVM_HW_CPU, 1032),
    (HVM_HW_MTRR, 240),
    (HVM_SAVE_DESCRIPTOR, 8),
    (HVM_SAVE_HEADER, 24),
    (HVM_INFO_TABLE, 48),
    (HVM_START_INFO, 56),
    (HVM_MODLIST_ENTRY, 32),
    (HVM_MEMMAP_TABLE_ENTRY, 24),
]
OFFSETS = [
    (START_INFO_X86_64, "flags", 48),
    (START_INFO_X86_64, "cmd_line", 128),
    (START_INFO_X86_64, "nr_p2m_frames", 1160),
    (START_INFO_X86_32, "cmd_line", 80),
    (START_INFO_X86_32, "nr_p2m_frames", 1108),
    (VCPU_GUEST_CONTEXT_X86_64, "rip", 648),
    (VCPU_GUEST_CONTEXT_X86_64, "ctrlreg", 4984),
    (VCPU_GUEST_CONTEXT_X86_64, "gs", 712),
    (VCPU_GUEST_CONTEXT_X86_64, "gs_base_user", 5160),
    (VCPU_GUEST_CONTEXT_X86_32, "eip", 548),
    (VCPU_GUEST_CONTEXT_X86_32, "gs", 580),
    (VCPU_GUEST_CONTEXT_X86_32, "ctrlreg", 2716),
    (VCPU_GUEST_CONTEXT_X86_32, "vm_assist", 2796),
    (HVM_HW_CPU, "rip", 640),
    (HVM_HW_CPU, "cs_arbytes", 888),
    (HVM_HW_CPU, "msr_efer", 992),
    (HVM_HW_CPU, "flags", 1024),
    (HVM_INFO_TABLE, "vcpu_online", 32),
]


@pytest.mark.parametrize(("layout", "size"), SIZES, ids=[layout.name for layout, _ in SIZES])
def test_a_structure_has_the_compilers_size(layout: Layout, size: int) -> None:
    assert layout.size == size


@pytest.mark.parametrize(("layout", "field", "offset"), OFFSETS, ids=[f"{o[0].name}.{o[1]}" for o in OFFSETS])
def test_a_field_has_the_compilers_offset(layout: Layout, field: str, offset: int) -> None:
    assert layout.offset_of(field) == offset


def test_what_is_encoded_decodes_to_the_same() -> None:
    fields: dict[str, FieldValue] = {
        "rip": 0x1000,
        "gdt_frames": [*range(16)],
        "cs": 0xE033,
        "fpu_ctxt": b"f" * 512,
    }
    decoded = VCPU_GUEST_CONTEXT_X86_64.decode(VCPU_GUEST_CONTEXT_X86_64.encode(fields))
    assert {name: decoded[name] for name in fields} == fields
    assert decoded["rax"] == 0
    assert not any(name.startswith("_") for name in decoded)


def test_a_field_that_a_structure_lacks_is_a_bug() -> None:
    with pytest.raises(KeyError, match="no ebx"):
        HVM_HW_CPU.encode({"ebx": 1})


def test_hvm_info_adds_up_to_zero() -> None:
    table = HVM_INFO_TABLE.encode(with_checksum({"signature": b"HVM INFO", "nr_vcpus": 3, "length": 48}))
    assert sum(table) % 256 == 0


def test_events_are_masked_on_each_legacy_vcpu() -> None:
    page = initial_shared_info()
    assert len(page) == 4096
    assert [offset for offset, byte in enumerate(page) if byte] == [64 * vcpu + 1 for vcpu in range(32)]


# The page of a paused PV domain on a running Debian Xen 4.17.7, read through libxenforeignmemory in dom0.
HYPERCALL_PAGE_OF_XEN_4_17 = "cf2dbe4e176b44c72efe0aa2bc8176f2b8d083f6fe205597ed6500ed7a27a78b"


def test_the_hypercall_page_is_the_hypervisors() -> None:
    assert hashlib.sha256(hypercall_page_x86_64()).hexdigest() == HYPERCALL_PAGE_OF_XEN_4_17


def test_the_hypercall_page_has_a_stub_for_each_call() -> None:
    page = hypercall_page_x86_64()
    assert len(page) == 4096
    # push %rcx; push %r11; mov $29,%eax; syscall; pop %r11; pop %rcx; ret (sched_op is call 29)
    assert page[29 * 32 : 30 * 32].rstrip(b"\xcc").hex() == "514153b81d0000000f05415b59c3"
    # iret does not return: its frame has rax, r11 and rcx on top (xen-x86_64.h, struct iret_context)
    assert page[23 * 32 : 24 * 32].rstrip(b"\xcc").hex() == "51415350b8170000000f05"


def test_the_hypercall_page_of_a_32_bit_guest_has_a_stub_for_each_call() -> None:
    page = hypercall_page_x86_32()
    assert len(page) == 4096
    # mov $29,%eax; int $0x82; ret
    assert page[29 * 32 : 30 * 32] == bytes.fromhex("b81d000000cd82c3").ljust(32, b"\xcc")
    # push %eax; mov $23,%eax; int $0x82: iret does not return
    assert page[23 * 32 : 24 * 32] == bytes.fromhex("50b817000000cd82").ljust(32, b"\xcc")
