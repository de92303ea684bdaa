"""Contexts of further vCPUs: the toolstack's state for vCPU 0, the headers' layout, and refusals."""

import json
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from xlbuild.abi.layout import Fields, FieldValue
from xlbuild.errors import RefusedError
from xlbuild.units import Mfn, PhysAddr, VirtAddr
from xlbuild.vcpus import VcpuContext, VcpuKind, decode, long_mode, protected_mode, pv_32, pv_64

ROOT = Path(__file__).parents[2]


def flat(registers: Fields) -> VcpuContext:
    return protected_mode(PhysAddr(0x100000), registers=registers)


def long(registers: Fields) -> VcpuContext:
    return long_mode(VirtAddr(0x101000), cr3=PhysAddr(0x200000), registers=registers)


def kernel_64(registers: Fields) -> VcpuContext:
    at, stack = VirtAddr(0xFFFFFFFF81000000), VirtAddr(0xFFFFFFFF82001000)
    return pv_64(at, stack=stack, page_table=Mfn(0x1234), registers=registers)


def kernel_32(registers: Fields) -> VcpuContext:
    at, stack = VirtAddr(0xC0100000), VirtAddr(0xC0201000)
    return pv_32(at, stack=stack, page_table=Mfn(0x123456), registers=registers)


BUILDERS = [(flat, 128), (long, 128), (kernel_64, 5168), (kernel_32, 2800)]
Builder = Callable[[Fields], VcpuContext]


@pytest.mark.parametrize(("build", "size"), BUILDERS)
def test_what_is_encoded_decodes_to_the_same_context(build: Builder, size: int) -> None:
    context = build({})
    data = context.encode()
    assert len(data) == size
    assert decode(data) == context
    assert decode(data).encode() == data


@pytest.mark.parametrize(("build", "size"), BUILDERS)
def test_a_register_given_by_name_wins(build: Builder, size: int) -> None:
    name = "ebx" if build in (flat, kernel_32) else "rbx"
    assert build({name: 0x1C9000}).registers[name] == 0x1C9000


def toolstacks_vcpu_0(guest: str) -> dict[str, object]:
    golden = json.loads((ROOT / f"tests/golden/{guest}.json").read_text())
    registers: dict[str, object] = golden["expected"]["vcpus"][0]["registers"]
    return registers


def test_protected_mode_is_that_in_which_the_toolstack_starts_vcpu_0() -> None:
    real, ours = toolstacks_vcpu_0("pvh32"), flat({}).registers
    names = {name: name.replace("_ar", "_arbytes") for name in ours if name[0] in "cdest" and "_" in name}
    assert len(names) == 15
    for name, real_name in {**names, "cr0": "cr0", "cr3": "cr3", "cr4": "cr4", "efer": "msr_efer"}.items():
        assert ours[name] == int(str(real[real_name]), 16), name


def test_a_pv_kernels_segments_are_those_with_which_the_toolstack_starts_vcpu_0() -> None:
    real, ours = toolstacks_vcpu_0("pv64-min"), kernel_64({}).registers
    for name in ("cs", "ss", "ds", "es", "fs", "gs", "kernel_ss", "rflags"):
        assert ours[name] == int(str(real[name]), 16), name


def test_a_context_has_its_registers_in_the_headers_order() -> None:
    registers: dict[str, FieldValue] = {
        "rax": 1,
        "rcx": 2,
        "rdx": 3,
        "rbx": 4,
        "rsp": 5,
        "rbp": 6,
        "rsi": 7,
        "rdi": 8,
    }
    expected = struct.pack("<II14Q", 1, 0, *range(1, 9), 0x101000, 2, 0x80000011, 0x200000, 0x20, 0x500)
    assert long(registers).encode() == expected.ljust(128, b"\0")


def test_a_32_bit_kernels_cr3_is_in_the_extended_form() -> None:
    ctrlreg = kernel_32({}).registers["ctrlreg"]
    assert ctrlreg == [0, 0, 0, 0x23456001, 0, 0, 0, 0]


def test_paging_and_compatibility_mode_may_be_on_at_a_32_bit_start() -> None:
    flat({"cr0": 0x80000011, "cr3": 0x1000})
    flat({"cr0": 0x80000011, "cr4": 0x20, "efer": 0xD00})


def test_null_data_segments_are_fine() -> None:
    flat({"ds_ar": 0, "ds_limit": 0, "es_ar": 0, "es_limit": 0})


def test_a_segment_need_not_be_marked_as_used() -> None:
    flat({"cs_ar": 0xC9A, "ss_ar": 0xC92, "tr_ar": 0x89})


IMPOSSIBLE: list[tuple[Builder, dict[str, FieldValue], str]] = [
    (flat, {"cs_ar": 0x1C9B}, "cs_ar is 0x1c9b"),
    (flat, {"cs_ar": 0}, "cs is not present"),
    (flat, {"ss_ar": 0}, "ss is not present"),
    (flat, {"ds_ar": 0xC13}, "ds is not present"),
    (flat, {"cs_ar": 0xC93}, "cs_ar is 0xc93"),
    (flat, {"ss_ar": 0xC91}, "ss_ar is 0xc91"),
    (flat, {"es_ar": 0xC99}, "es_ar is 0xc99"),
    (flat, {"tr_ar": 0x83}, "tr_ar is 0x83"),
    (flat, {"tr_ar": 0x9B}, "tr_ar is 0x9b"),
    (flat, {"cs_ar": 0xCFB}, "privilege levels are 3 (cs), 0 (ss), 0 (ds) and 0 (es)"),
    (flat, {"es_ar": 0xCF3}, "privilege levels are 0 (cs), 0 (ss), 0 (ds) and 3 (es)"),
    (flat, {"cs_ar": 0xA9B}, "cs is a 64-bit segment"),
    (flat, {"cs_limit": 0xFFFFF}, "eip is 0x100000"),
    (flat, {"ds_limit": 0x12345678}, "ds_limit is 0x12345678"),
    (flat, {"tr_limit": 0x100000}, "tr_limit is 0x100000"),
    (flat, {"efer": 1}, "efer is 0x1"),
    (flat, {"cr0": 0x80000011, "efer": 0x400, "cr4": 0x20}, "efer is 0x400"),
    (flat, {"cr0": 0x80000011, "efer": 0x500}, "cr4 is 0x0"),
    (flat, {"cr0": 0x80000010}, "cr0 is 0x80000010"),
    (long, {"cr0": 0x11}, "cr0 is 0x11"),
    (long, {"cr4": 0}, "cr4 is 0x0"),
    (long, {"cr0": 0x80000010}, "cr0 is 0x80000010"),
    (long, {"efer": 0x400}, "efer is 0x400"),
    (long, {"rip": 1 << 47}, "rip is 0x800000000000"),
    (kernel_64, {"rip": 0x7FFF_8000_0000_0000}, "rip is 0x7fff800000000000"),
    (kernel_64, {"cs": 0}, "cs is null"),
    (kernel_64, {"ctrlreg": [0] * 8}, "ctrlreg[3] is 0"),
    (kernel_64, {"gs_base_kernel": 1 << 63}, "gs_base_kernel is 0x8000000000000000"),
    (kernel_32, {"ss": 3}, "ss is null"),
    (kernel_32, {"gdt_ents": 7169}, "gdt_ents is 7169"),
    (kernel_32, {"ldt_ents": 8193}, "ldt_ents is 8193"),
]


@pytest.mark.parametrize(("build", "registers", "problem"), IMPOSSIBLE, ids=[row[2] for row in IMPOSSIBLE])
def test_a_state_in_which_no_vcpu_starts_is_refused(
    build: Builder, registers: dict[str, FieldValue], problem: str
) -> None:
    with pytest.raises(RefusedError) as caught:
        build(registers)
    assert caught.value.code == "vcpu-context-invalid"
    assert caught.value.message.endswith(f": {problem}")
    assert caught.value.cause
    assert caught.value.hint


@pytest.mark.parametrize(
    ("registers", "code", "message"),
    [
        ({"rax": 1}, "vcpu-register-unknown", "hvm/hvm_vcpu.h struct vcpu_hvm_x86_32 has no rax"),
        (
            {"eax": 1 << 32},
            "vcpu-register-range",
            "eax does not fit into hvm/hvm_vcpu.h struct vcpu_hvm_x86_32",
        ),
        (
            {"cs_ar": -1},
            "vcpu-register-range",
            "cs_ar does not fit into hvm/hvm_vcpu.h struct vcpu_hvm_x86_32",
        ),
    ],
)
def test_a_register_that_the_structure_cannot_hold_is_refused(
    registers: dict[str, FieldValue], code: str, message: str
) -> None:
    with pytest.raises(RefusedError) as caught:
        flat(registers)
    assert (caught.value.code, caught.value.message) == (code, message)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("registers", "name"),
    [
        ({"gdt_frames": [0] * 16 + [1]}, "gdt_frames"),
        ({"ctrlreg": [1 << 64] * 8}, "ctrlreg"),
        ({"ctrlreg": 0x1000}, "ctrlreg"),
        ({"fpu_ctxt": b"x"}, "fpu_ctxt"),
    ],
)
def test_an_array_that_does_not_fit_is_refused(registers: dict[str, FieldValue], name: str) -> None:
    with pytest.raises(RefusedError, match=f"^{name} does not fit into"):
        kernel_64(registers)


def test_a_bad_context_can_be_decoded_but_not_encoded() -> None:
    data = bytearray(flat({}).encode())
    cs_limit = 8 + 84  # behind ten registers, cr0, cr3, cr4, efer and the bases
    struct.pack_into("<I", data, cs_limit, 0xFFFF)
    context = decode(bytes(data))
    assert context.kind is VcpuKind.HVM_32
    assert context.registers["cs_limit"] == 0xFFFF
    with pytest.raises(RefusedError, match="eip is 0x100000"):
        context.encode()


@pytest.mark.parametrize("size", [0, 120, 127, 129, 2799, 5169])
def test_bytes_of_another_size_are_no_context(size: int) -> None:
    with pytest.raises(RefusedError, match=f"^{size} bytes are no vCPU context") as caught:
        decode(bytes(size))
    assert caught.value.code == "vcpu-context-size"
    assert caught.value.hint


def test_a_mode_that_is_not_known_is_refused() -> None:
    with pytest.raises(RefusedError, match="mode 2 is not known") as caught:
        decode(b"\2".ljust(128, b"\0"))
    assert caught.value.code == "vcpu-context-mode"
    assert caught.value.hint


def test_the_documents_example_runs() -> None:
    text = (ROOT / "docs/vcpus.md").read_text()
    exec(text.partition("```python\n")[2].partition("```")[0], {})  # noqa: S102 - our own document's code
