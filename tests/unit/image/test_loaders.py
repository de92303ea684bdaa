"""`load_kernel`: the order of the loaders, and what it says when none takes a file."""

import struct

import pytest
from kernels import (
    EM_AARCH64,
    EM_ARM,
    LOAD_ADDRESS,
    Load,
    Notes,
    binary,
    bzimage,
    elf_file,
    gzip_stored,
    packed,
    pattern,
    sized,
)

from xlbuild.errors import RefusedError
from xlbuild.image import LOADERS, KernelImage, load_kernel
from xlbuild.image.model import GuestType
from xlbuild.profiles import NEWEST, PROFILES, Profile

XEN_4_17, XEN_4_18 = PROFILES[:2]
SAYS_XEN: Notes = (("XEN_VERSION", "xen-3.0"), ("LOADER", "generic"))
SEGMENT = Load(LOAD_ADDRESS, pattern(0x100))
PVH = elf_file([SEGMENT], [("PHYS32_ENTRY", LOAD_ADDRESS)], bits=32)
PV = packed()
FIRMWARE = elf_file([SEGMENT], bits=32, header={"e_entry": LOAD_ADDRESS})


def loaded(data: bytes, *, hvm_container: bool = False, profile: Profile = NEWEST) -> KernelImage:
    return load_kernel(data, name="vmlinuz", hvm_container=hvm_container, profile=profile)


def refusal(data: bytes, *, hvm_container: bool = False, profile: Profile = NEWEST) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        loaded(data, hvm_container=hvm_container, profile=profile)
    return caught.value


def test_the_loaders_are_in_upstream_s_order() -> None:
    assert [loader.name for loader in LOADERS] == [
        "multiboot-style binary",
        "HVM firmware",
        "Linux bzImage",
        "ELF with Xen notes",
    ]


@pytest.mark.parametrize(
    ("file", "hvm_container", "format_name", "packing", "guest_type"),
    [
        (binary(), False, "multiboot-style binary", (), GuestType.PV64),
        (gzip_stored(binary()), False, "multiboot-style binary", ("gzip",), GuestType.PV64),
        (FIRMWARE, True, "HVM firmware", (), GuestType.HVM),
        (gzip_stored(FIRMWARE), True, "HVM firmware", ("gzip",), GuestType.HVM),
        (bzimage(sized(packed(".xz"), len(PV))), False, "Linux bzImage", ("bzImage", "xz"), GuestType.PV64),
        (
            gzip_stored(bzimage(packed(".gz"))),
            False,
            "Linux bzImage",
            ("gzip", "bzImage", "gzip"),
            GuestType.PV64,
        ),
        (bzimage(PV), False, "ELF with Xen notes", ("bzImage",), GuestType.PV64),
        (PV, False, "ELF with Xen notes", (), GuestType.PV64),
        (PVH, True, "ELF with Xen notes", (), GuestType.HVM),
    ],
)
def test_each_loader_takes_its_files(
    file: bytes, hvm_container: bool, format_name: str, packing: tuple[str, ...], guest_type: GuestType
) -> None:
    image = loaded(file, hvm_container=hvm_container)
    assert (image.format, image.packing, image.guest_type) == (format_name, packing, guest_type)


def test_a_refusal_gives_every_loader_s_reason_and_the_place() -> None:
    error = refusal(bytes(1000))
    assert error.code == "kernel-not-recognised"
    assert (error.cause or "").splitlines() == [
        "it starts with nothing but zeros: it was never written, or is damaged",
        "multiboot-style binary: its first 8 KiB hold no table with the magic 0x336ec578",
        "HVM firmware: it is for HVM containers (PVH and HVM) only",
        "Linux bzImage: it has no `HdrS` at 0x202",
        "ELF with Xen notes: it is not an ELF file",
    ]
    assert str(error.where) == "vmlinuz"


@pytest.mark.parametrize("start", [bytes(0x28) + b"_FVH", b""])
def test_firmware_in_a_kernel_s_place_is_named_with_its_own_key(start: bytes) -> None:
    image = bytearray(128 << 10)
    image[: len(start)] = start
    if not start:
        image[-16:-11] = bytes.fromhex("ea5be000f0")
    error = refusal(bytes(image))
    assert (error.cause or "").startswith("it is UEFI firmware" if start else "it is a BIOS")
    assert "bios_path_override" in (error.hint or "")
    assert "starts with nothing but zeros" in (refusal(bytes(image[:-1])).cause or "") or start


def test_a_truncated_bzimage_is_named_as_such() -> None:
    error = refusal(bzimage(sized(packed(".xz"), len(PV)))[:0xC00])
    assert "it is a Linux bzImage" in (error.cause or "")
    assert "does not fit into the file's 3072 bytes" in (error.cause or "")
    assert "cut short" in (error.hint or "")


@pytest.mark.parametrize(
    "file",
    [
        b"\0" * 0x38 + b"ARM\x64" + bytes(100),
        gzip_stored(b"\0" * 0x38 + b"ARM\x64" + bytes(100)),
        b"\0" * 0x24 + b"\x18\x28\x6f\x01" + bytes(100),
        elf_file([SEGMENT], [("PHYS32_ENTRY", LOAD_ADDRESS)], header={"e_machine": EM_AARCH64}),
        elf_file([SEGMENT], bits=32, header={"e_machine": EM_ARM}),
        elf_file([SEGMENT], bits=32, order=">", header={"e_machine": EM_ARM}),
    ],
)
@pytest.mark.parametrize("hvm_container", [False, True])
def test_an_arm_kernel_is_refused_by_name(file: bytes, hvm_container: bool) -> None:
    error = refusal(file, hvm_container=hvm_container)
    assert (error.code, error.message) == (
        "kernel-arm",
        "the kernel is for Arm, and xlbuild builds x86 guests",
    )


@pytest.mark.parametrize(
    ("file", "hvm_container", "code", "mend"),
    [
        (PV, True, "kernel-not-pvh", 'type="pv"'),
        (bzimage(packed(".gz")), True, "kernel-not-recognised", 'type="pv"'),
        (
            elf_file([SEGMENT], SAYS_XEN, header={"e_entry": LOAD_ADDRESS}),
            True,
            "kernel-not-pvh",
            'type="pv"',
        ),
        (PVH, False, "kernel-not-recognised", 'type="pvh"'),
        (
            elf_file(
                [SEGMENT],
                [*SAYS_XEN, ("PHYS32_ENTRY", LOAD_ADDRESS)],
                bits=32,
                header={"e_entry": LOAD_ADDRESS},
            ),
            False,
            "kernel-not-pae",
            'type="pvh"',
        ),
        (
            elf_file([SEGMENT], SAYS_XEN, bits=32, header={"e_entry": LOAD_ADDRESS}),
            False,
            "kernel-not-pae",
            "PAE",
        ),
        (elf_file([SEGMENT]), True, "kernel-not-pvh", "PHYS32_ENTRY"),
        (elf_file([SEGMENT]), False, "kernel-not-recognised", "CONFIG_XEN_PV"),
        (elf_file([]), True, "kernel-not-pvh", "PHYS32_ENTRY"),
        (b"070701" + bytes(500), False, "kernel-not-recognised", "ramdisk"),
        (packed(".xz"), True, "kernel-not-recognised", "xz -d"),
        (packed(".gz")[:-20], False, "kernel-bad-gzip", "gunzip"),
        (b"MZ\0\0zimg" + bytes(500), False, "kernel-not-recognised", "bzImage"),
        (b"MZ\0\0" + bytes(500), False, "kernel-not-recognised", "bzImage"),
        (b"#!/bin/sh\n", False, "kernel-not-recognised", "the kernel itself"),
        (b"kernel=vmlinuz\n", True, "kernel-not-recognised", "the kernel itself"),
    ],
)
def test_a_refusal_names_the_mend(file: bytes, hvm_container: bool, code: str, mend: str) -> None:
    error = refusal(file, hvm_container=hvm_container)
    assert error.code == code
    assert mend in (error.hint or "")


def test_an_empty_file_is_refused() -> None:
    assert refusal(b"").code == "kernel-empty"


def test_firmware_without_a_segment_is_refused() -> None:
    assert refusal(elf_file([], bits=32), hvm_container=True).code == "kernel-nothing-to-load"


def test_a_gzip_file_that_claims_a_gibibyte_is_refused() -> None:
    error = refusal(sized(packed(".gz"), 1 << 30))
    assert (error.code, error.cause) == (
        "kernel-too-large",
        "it needs room for 1,073,741,840 bytes, 16 more than the gzip stream claims to unpack to; the limit is 1 GiB",
    )


@pytest.mark.parametrize("feature", ["dom0", "auto_translated_physmap"])
def test_a_required_feature_that_no_guest_gets_is_refused(feature: str) -> None:
    notes: Notes = [*SAYS_XEN, ("FEATURES", f"!{feature}")]
    error = refusal(elf_file([SEGMENT], notes, header={"e_entry": LOAD_ADDRESS}))
    assert error.code == "kernel-features"
    assert f"`{feature}`" in (error.cause or "")


def test_auto_translated_physmap_is_what_pvh_has() -> None:
    notes: Notes = [("PHYS32_ENTRY", LOAD_ADDRESS), ("FEATURES", "!auto_translated_physmap")]
    assert loaded(elf_file([SEGMENT], notes), hvm_container=True).features_active == 1 << 2


def test_an_unknown_required_feature_is_named() -> None:
    error = refusal(elf_file([SEGMENT], [*SAYS_XEN, ("FEATURES", "dom0|!flux_capacitor")]))
    assert "it requires the feature `flux_capacitor`" in (error.cause or "")
    assert error.where.note == "FEATURES"


def test_a_paddr_offset_alone_is_taken_for_pvh_from_4_18_on() -> None:
    file = elf_file([SEGMENT], [("PHYS32_ENTRY", LOAD_ADDRESS), ("PADDR_OFFSET", 0)])
    error = refusal(file, hvm_container=True, profile=XEN_4_17)
    assert "Xen 4.18" in (error.hint or "")
    assert loaded(file, hvm_container=True, profile=XEN_4_18).entry == LOAD_ADDRESS


def test_what_xen_leaves_out_of_a_damaged_kernel_is_a_warning() -> None:
    notes: Notes = [("PHYS32_ENTRY", LOAD_ADDRESS)]
    good, cut = (
        Load(LOAD_ADDRESS, pattern(100), memsz=0x1000),
        Load(LOAD_ADDRESS + 0x1000, b"x", header={"p_offset": 1 << 20}),
    )
    image = loaded(elf_file([good, cut], notes), hvm_container=True)
    (warning,) = image.warnings
    assert warning.code == "kernel-segment-left-out"
    assert "the segment at 0x101000 (1 byte at file offset 0x100000) is left out" in warning.message
    assert [piece.offset for piece in image.pieces] == [0]
    assert warning.where.offset is None  # the file does not reach so far


@pytest.mark.parametrize(
    ("bits", "field", "offset"),
    [(64, "e_phoff", 32), (64, "e_shoff", 40), (32, "e_phoff", 28), (32, "e_shoff", 32)],
)
def test_a_header_table_outside_the_file_is_told_by_the_field_that_says_so(
    bits: int, field: str, offset: int
) -> None:
    file = elf_file([Load(LOAD_ADDRESS, pattern(100))], bits=bits, header={field: 1 << 30})
    error = refusal(file)
    assert (error.where.note, error.where.offset) == (field, offset)
    assert f"at {1 << 30:#x}) does not fit into" in (error.cause or "")


def test_the_pieces_are_views_of_the_file() -> None:
    image = loaded(PV)
    (piece,) = image.pieces
    assert isinstance(piece.data, memoryview)
    assert piece.data.obj is PV


@pytest.mark.parametrize("pae", ["yes", "bimodal"])
def test_a_32_bit_pv_kernel_says_that_not_every_host_runs_it(pae: str) -> None:
    notes = [("XEN_VERSION", "xen-3.0"), ("LOADER", "generic"), ("PAE_MODE", pae)]
    data = elf_file([SEGMENT], notes, bits=32, header={"e_entry": SEGMENT.vaddr})
    image = load_kernel(data, name="kernel", hvm_container=False, profile=NEWEST)
    (warning,) = image.warnings
    assert (warning.code, warning.where.file) == ("kernel-pv32-host", "kernel")
    assert "pvshim = 1" in (warning.hint or "")


MULTIBOOT_1 = struct.pack("<III", 0x1BADB002, 3, -(0x1BADB002 + 3) & 0xFFFFFFFF)
MULTIBOOT_2 = struct.pack("<IIII", 0xE85250D6, 0, 24, -(0xE85250D6 + 24) & 0xFFFFFFFF)


@pytest.mark.parametrize(
    ("header", "at", "name"),
    [
        (MULTIBOOT_1, 0, "a Multiboot header"),
        (MULTIBOOT_1, 8180, "a Multiboot header"),
        (MULTIBOOT_1, 8184, None),
        (MULTIBOOT_1, 2, None),
        (MULTIBOOT_1[:8] + bytes(4), 0, None),
        (MULTIBOOT_2, 32752, "a Multiboot 2 header"),
        (MULTIBOOT_2, 4, None),
    ],
)
def test_a_kernel_for_grub_is_told_that_xen_does_not_read_its_header(
    header: bytes, at: int, name: str | None
) -> None:
    file = bytearray(pattern(40_000))
    file[at : at + len(header)] = header
    with pytest.raises(RefusedError) as caught:
        loaded(bytes(file), hvm_container=False)
    assert (f"it has {name}" in (caught.value.cause or "")) == (name is not None)
    assert ("for GRUB" in (caught.value.cause or "")) == (name is not None)
