"""Multiboot-style binaries: what is said of tables that are refused. What is loaded: test_kernel_cases.py."""

import pytest
from kernels import LOAD_ADDRESS, Table, binary
from multiboot_cases import multiboot_cases

from xlbuild.errors import RefusedError
from xlbuild.image import KernelImage, load_kernel
from xlbuild.image.model import GuestType, PaeMode
from xlbuild.profiles import NEWEST

AT = 0x400


def loaded(data: bytes, *, hvm_container: bool = False, firmware: bool = False) -> KernelImage:
    return load_kernel(
        data, name="kernel.bin", hvm_container=hvm_container, profile=NEWEST, firmware=firmware
    )


def refusal(data: bytes, *, hvm_container: bool = False, firmware: bool = False) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        loaded(data, hvm_container=hvm_container, firmware=firmware)
    return caught.value


@pytest.mark.parametrize(
    ("table", "field", "place"),
    [
        (Table(flags=0), "flags", 4),
        (Table(flags=0x18002), "flags", 4),
        (Table(load=LOAD_ADDRESS - 0x1000), "load_addr", 16),
        (Table(load=LOAD_ADDRESS + 0x1000), "load_addr", 16),
        (Table(load_end=LOAD_ADDRESS), "load_end_addr", 20),
        (Table(load_end=LOAD_ADDRESS + 0x5001), "load_end_addr", 20),
        (Table(header=0xFFFF_F400, load=0xFFFF_F000), "load_end_addr", 20),
        (Table(bss_end=LOAD_ADDRESS + 0x4FFF), "bss_end_addr", 24),
    ],
)
def test_a_table_that_xen_refuses_is_refused_with_its_field(table: Table, field: str, place: int) -> None:
    error = refusal(binary(table))
    assert error.code == "kernel-multiboot"
    assert (error.where.file, error.where.offset, error.where.note) == ("kernel.bin", AT + place, field)
    assert field.split("_")[0] in (error.cause or "")
    assert "correct the table" in (error.hint or "")


def test_a_32_bit_kernel_without_pae_is_refused_as_such() -> None:
    error = refusal(binary(Table(flags=0x10000)))
    assert (error.code, error.where.note) == ("kernel-not-pae", "flags")


def test_it_is_a_pv_kernel_in_any_case() -> None:
    error = refusal(binary(), hvm_container=True)
    assert (error.code, error.hint) == ("kernel-not-pvh", 'set type="pv"')
    error = refusal(binary(), hvm_container=True, firmware=True)
    assert "hvmloader" in (error.hint or "")


def test_an_elf_file_is_what_its_table_makes_of_it() -> None:
    _, file = multiboot_cases()["multiboot, an ELF file, pv"]
    error = refusal(file, hvm_container=True)
    assert "without that table" in (error.hint or "")
    assert loaded(file).format == "multiboot-style binary"


@pytest.mark.parametrize(
    ("field", "guest_type", "pae"),
    [
        (1, GuestType.PV32PAE, PaeMode.NO),
        (2, GuestType.PV64, PaeMode.NO),
        (3, GuestType.PV32PAE, PaeMode.EXTENDED_CR3),
    ],
)
def test_the_pae_field_is_the_guest_type(field: int, guest_type: GuestType, pae: PaeMode) -> None:
    image = loaded(binary(Table(flags=0x10000 | field << 14)))
    assert (image.guest_type, image.parameters.pae) == (guest_type, pae)


@pytest.mark.parametrize(
    ("entry", "warned"),
    [(LOAD_ADDRESS - 1, True), (LOAD_ADDRESS, False), (LOAD_ADDRESS + 0x4FFF, False), (0xFFFF_FFFF, True)],
)
def test_an_entry_outside_is_a_warning(entry: int, warned: bool) -> None:
    image = loaded(binary(Table(entry=entry)))
    assert image.entry == entry
    assert [warning.code for warning in image.warnings] == ["kernel-entry-outside"] * warned


def test_its_bytes_are_a_view_of_the_file() -> None:
    file = binary()
    (piece,) = loaded(file).pieces
    assert isinstance(piece.data, memoryview)
    assert piece.data.obj is file


def test_it_supports_no_features() -> None:
    def requesting(features: str) -> KernelImage:
        return load_kernel(
            binary(), name="kernel.bin", hvm_container=False, profile=NEWEST, features=features
        )

    assert requesting("nonsense").features_active == 0
    with pytest.raises(RefusedError, match="does not support"):
        requesting("writable_page_tables")
