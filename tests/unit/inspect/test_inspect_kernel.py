"""What is told of kernels is what other programs, and the headers, say of them."""

import io
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import NoteSection
from elftools.elf.segments import NoteSegment
from headers import values_of
from kernel_cases import legacy, load, pv, pvh
from kernels import Load, bzimage, elf_file, packed, pattern, sized
from toolstack import Material

import xlbuild
from xlbuild.errors import RefusedError, UsageError
from xlbuild.hello import HELLO_KERNELS
from xlbuild.image.blob import Blob
from xlbuild.image.codecs import CODECS, Codec
from xlbuild.image.notes import GUEST_STRING_NAMES, NoteType
from xlbuild.image.unpackonce import UnpackOnce
from xlbuild.inspect.kernels.address import describe_kernel_address
from xlbuild.inspect.kernels.bzimage import SETUP_HEADER, SETUP_HEADER_OFFSET
from xlbuild.inspect.kernels.describe import describe_kernel
from xlbuild.inspect.kernels.features import FEATURES
from xlbuild.inspect.kernels.file import take_apart
from xlbuild.inspect.kernels.names import KernelNames
from xlbuild.inspect.kernels.parts import kernel_parts
from xlbuild.profiles import NEWEST, PROFILES, Profile
from xlbuild.units import paddr_of

ROLES = ("cloud", "pae", "grub64", "grub32", "grub_pvh", "gnumach", "xen", "shim", "hvmloader")


def described(data: bytes) -> Mapping[str, Any]:
    return describe_kernel(take_apart(data, "kernel", NEWEST), "4.22")


def described_and_core(file: Path) -> tuple[Mapping[str, Any], ELFFile]:
    """Return what is told of a kernel, and the ELF file at its core as pyelftools reads it."""
    taken = take_apart(file.read_bytes(), "kernel", NEWEST)
    return describe_kernel(taken, "4.22"), ELFFile(io.BytesIO(taken.core.data))


@pytest.mark.parametrize("role", ROLES)
def test_segments_and_sections_are_those_that_pyelftools_reads(material: Material, role: str) -> None:
    told, theirs = described_and_core(getattr(material, role))
    ours = told["elf"]
    assert [
        (s["offset"], s["p_paddr"], s["p_vaddr"], s["file_size"], s["memory_size"]) for s in ours["segments"]
    ] == [
        (hex(s["p_offset"]), hex(s["p_paddr"]), hex(s["p_vaddr"]), s["p_filesz"], s["p_memsz"])
        for s in theirs.iter_segments()
    ]
    assert [(s["name"], s["address"], s["size"]) for s in ours["sections"]] == [
        (s.name, hex(s["sh_addr"]), s["sh_size"])
        for s in theirs.iter_sections()
        if s["sh_type"] != "SHT_NULL"
    ]


@pytest.mark.parametrize("role", ROLES)
def test_notes_are_those_that_pyelftools_reads(material: Material, role: str) -> None:
    told, elf = described_and_core(getattr(material, role))
    segments = [s for s in elf.iter_segments() if isinstance(s, NoteSegment)]
    places: list[Any] = segments or [s for s in elf.iter_sections() if isinstance(s, NoteSection)]
    theirs = [n for place in places for n in place.iter_notes() if n["n_name"] == "Xen"]
    ours = [note for note in told["notes"] if note.get("in") != "__xen_guest"]
    assert sorted(note["size"] for note in ours) == sorted(n["n_descsz"] for n in theirs)
    texts = {n["n_descdata"].rstrip(b"\0").decode("latin-1") for n in theirs}
    assert all(note["value"] in texts for note in ours if not note["value"].startswith(("0x", "0")))


def test_a_real_kernel_is_told_from_its_header_to_its_notes(material: Material) -> None:
    told = described(material.cloud.read_bytes())
    assert told["packing"] == ["bzImage", "lz4", "ELF"]
    assert told["bzimage"]["kernel_version"].startswith(material.cloud.name.removeprefix("vmlinuz-"))
    assert told["bzimage"]["boot_protocol"] == "2.15"
    notes = {note["name"]: note for note in told["notes"]}
    assert notes["GUEST_OS"]["value"] == "linux"
    assert "PVH starts it" in notes["PHYS32_ENTRY"]["meaning"]
    assert {row["feature"] for row in told["features"]} >= {"writable_page_tables", "linux_rsdp_unrestricted"}
    loaded = {row["container"]: row for row in told["loaded"]}
    assert loaded["pvh"]["entry"] == notes["PHYS32_ENTRY"]["value"]
    assert loaded["pv64"]["entry"] == notes["ENTRY"]["value"]


@pytest.mark.headers
def test_the_boot_header_is_laid_out_as_in_linuxs_header() -> None:
    struct = "struct setup_header"
    names = SETUP_HEADER.field_names
    offsets = values_of([f"offsetof({struct}, {name})" for name in names], ["asm/bootparam.h"])
    sizes = values_of([f"sizeof((({struct} *)0)->{name})" for name in names], ["asm/bootparam.h"])
    (start,) = values_of(["offsetof(struct boot_params, hdr)"], ["asm/bootparam.h"])
    assert start == SETUP_HEADER_OFFSET
    assert dict(zip(names, zip(offsets, sizes, strict=True), strict=True)) == {
        name: (SETUP_HEADER.offset_of(name), SETUP_HEADER.size_of(name)) for name in names
    }


@pytest.mark.headers
def test_features_have_the_bits_of_the_public_header() -> None:
    no_longer_used = "grant_map_identity"  # in a comment only
    ours = {name: bit for bit, (name, _) in FEATURES.items() if name != no_longer_used}
    theirs = values_of([f"XENFEAT_{name}" for name in ours])
    assert dict(zip(ours, theirs, strict=True)) == ours


ANY: dict[NoteType, int | str] = {
    **dict.fromkeys(NoteType, 1),
    **dict.fromkeys((NoteType.XEN_VERSION, NoteType.GUEST_OS, NoteType.GUEST_VERSION), "text"),
    **dict.fromkeys((NoteType.LOADER, NoteType.PAE_MODE, NoteType.FEATURES, NoteType.BSD_SYMTAB), "text"),
}


@pytest.mark.parametrize("kind", NoteType, ids=lambda kind: kind.name)
def test_every_note_has_a_meaning(kind: NoteType) -> None:
    (note,) = described(pv([(kind.name, ANY[kind])]))["notes"]
    assert note["name"] == kind.name
    assert len(note["meaning"]) > 10


def test_every_name_of_a_guest_string_has_a_meaning() -> None:
    text = ",".join(f"{name}=yes" for name in GUEST_STRING_NAMES)
    notes = described(legacy(text))["notes"]
    assert [note["name"] for note in notes] == list(GUEST_STRING_NAMES)
    assert all(len(note["meaning"]) > 10 for note in notes)


def test_notes_that_nobody_reads_are_told_too() -> None:
    data = elf_file([Load(0, pattern(64))], [("INFO", "x"), (0x99, "y")])
    assert [note["name"] for note in described(data)["notes"]] == ["INFO", "type 0x99"]


def test_firmware_is_described_without_a_warning_that_its_build_does_not_have() -> None:
    told = described(pvh([], header={"e_entry": 0x100000}))
    assert [row["container"] for row in told["loaded"]] == ["hvm"]
    assert told["warnings"] == []


def test_a_note_that_claims_more_than_the_file_has_is_called_damaged() -> None:
    data = bytearray(pv())
    name = bytes(data).index(b"Xen\0")
    data[name - 8 : name - 4] = b"\xff\xff\xff\x7f"  # n_descsz, before n_type and the name
    assert "has not the 2147483647 bytes" in described(bytes(data))["notes"][0]["meaning"]
    assert not [note for note in described(pv())["notes"] if "damaged" in note["meaning"]]


@pytest.mark.headers
def test_symbols_are_those_that_pyelftools_reads(tmp_path: Path) -> None:
    source = "int data = 7; int other(int x) { return x + data; } int _start(void) { return other(2); }"
    program = tmp_path / "program"
    command: list[str | Path] = ["gcc", "-O0", "-nostdlib", "-static", "-x", "c", "-", "-o", program]
    subprocess.run(command, input=source, text=True, check=True, capture_output=True)
    elf = take_apart(program.read_bytes(), "program", NEWEST).elf
    assert elf is not None
    table: Any = ELFFile(io.BytesIO(program.read_bytes())).get_section_by_name(".symtab")
    places = {s.name: s["st_value"] for s in table.iter_symbols() if s.name in ("data", "other", "_start")}
    assert len(places) == 3
    for name, address in places.items():
        assert KernelNames(elf).symbol_at(address) == (name, 0)
        assert KernelNames(elf).symbol_at(address + 2) == (name, 2)
    symbols = described(program.read_bytes())["elf"]["symbols"]
    assert symbols["functions"] == sum(s["st_info"]["type"] == "STT_FUNC" for s in table.iter_symbols())


@pytest.mark.parametrize("name", HELLO_KERNELS)
def test_our_own_kernels_are_told_whole(name: str) -> None:
    told = described(HELLO_KERNELS[name]())
    assert told["packing"] == ["ELF"]
    assert [row["container"] for row in told["loaded"]] == ["pv64" if name == "hello-pv" else "pvh"]


BROKEN: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "is empty"),
    "one byte": (lambda: b"\x7f", "not an ELF file"),
    "cut in the ELF header": (lambda: pv()[:40], "ELF"),
    "bzImage without payload": (lambda: bzimage(b"")[:0x250], "payload"),
    "unknown packing": (lambda: bzimage(pattern(100)), "none of gzip"),
    "damaged xz": (lambda: bzimage(sized(packed(".xz")[:-200], len(packed()))), "xz"),
    "gzip that lies": (lambda: b"\x1f\x8b" + pattern(200), "gzip"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_told_as_far_as_it_goes(name: str) -> None:
    make, words = BROKEN[name]
    told = described(make())
    assert not any(row["boots"] for row in told["containers"])
    assert words in str(told["containers"]) + str(told["loaders"])


def test_what_is_taken_out_of_a_bzimage_is_what_was_put_in() -> None:
    parts = {
        part.name: part
        for part in kernel_parts(
            take_apart(bzimage(sized(packed(".xz"), len(packed()))), "k", NEWEST), "4.22"
        )
    }
    assert b"".join(parts["payload"].read()) == packed()
    assert b"".join(parts["packed-payload"].read()) == sized(packed(".xz"), len(packed()))
    assert all(sum(map(len, part.read())) == part.size for part in parts.values())


def test_a_loaded_kernel_is_what_a_build_puts_into_memory() -> None:
    data = HELLO_KERNELS["hello-pvh"]()
    (part,) = (p for p in kernel_parts(take_apart(data, "k", NEWEST), "4.22") if p.name == "loaded-pvh")
    domain = xlbuild.build(b'name="g"\ntype="pvh"\nkernel="xlbuild:hello-pvh"\nmemory=32\n')
    kernel = domain.plan.segment("kernel")
    assert kernel is not None
    assert b"".join(part.read()) == domain.memory.read(paddr_of(kernel.pfn), part.size)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("0x100010", "a physical address"),
        ("phys:0x100010", "a physical address"),
        ("virt:0xffffffff80100010", "a virtual address"),
        ("0xffffffff80100010", "a virtual address"),
    ],
)
def test_an_address_of_a_kernel_leads_to_its_bytes(asked: str, words: str) -> None:
    told: Mapping[str, Any] = describe_kernel_address(take_apart(pv(), "kernel", NEWEST), asked, 32)
    assert words in told["understood"]
    assert "segment 0 (rwx)" in told["what"]
    shown = "".join(row["bytes"] for row in told["dump"])
    assert bytes.fromhex(shown.replace(" ", "")) == pattern(0x1234)[0x10:0x30]


def test_an_offset_in_a_note_leads_to_its_name() -> None:
    notes = {note["name"]: int(note["offset"], 16) for note in described(pv())["notes"]}
    told = describe_kernel_address(take_apart(pv(), "kernel", NEWEST), f"file:{notes['ENTRY'] + 2:#x}", 8)
    assert str(told["what"]).endswith("note ENTRY + 0x2")


def test_a_file_without_an_elf_file_has_no_addresses_of_its_own() -> None:
    with pytest.raises(RefusedError) as caught:
        describe_kernel_address(take_apart(b"text", "kernel", NEWEST), "0x10", 8)
    assert "--at ADDR DIR" in str(caught.value.hint)


def test_what_is_behind_the_files_bytes_is_zero() -> None:
    told = describe_kernel_address(take_apart(pv(), "kernel", NEWEST), "phys:0x102fff", 32)
    assert "zero when it is loaded" in str(told["what"])
    assert told["dump"] == []


@pytest.mark.parametrize("asked", ["", "0x", "-1", "page:1", ":1", "0x1g", "1" * 40])
def test_what_is_no_address_is_refused(asked: str) -> None:
    with pytest.raises(UsageError, match="is no address"):
        describe_kernel_address(take_apart(pv(), "kernel", NEWEST), asked, 32)


def test_an_address_outside_the_kernel_is_refused_with_what_there_is() -> None:
    with pytest.raises(RefusedError) as caught:
        describe_kernel_address(take_apart(pv(), "kernel", NEWEST), "phys:0x5000000000", 32)
    assert "0xffffffff80100000..0xffffffff80103000" in str(caught.value.cause)


@pytest.mark.parametrize("name", [codec.name for codec in CODECS])
def test_a_payload_is_unpacked_once_for_all_releases_that_unpack_it_alike(name: str) -> None:
    unpacked_for: list[Profile] = []

    def unpack(payload: Blob, profile: Profile) -> Blob:
        unpacked_for.append(profile)
        return Blob.of(profile.name.encode())

    once, codec = UnpackOnce(), Codec(name, b"", unpack)
    for profile in (*PROFILES, *PROFILES):
        once(codec, Blob.of(b"packed"), profile)
    differ = {"lz4": 2, "xz": len(limits := {p.lzma_memory_limit for p in PROFILES}), "lzma": len(limits)}
    assert len(unpacked_for) == differ.get(name, 1)


def test_a_kernel_in_very_many_pieces_is_described_in_part() -> None:
    loads = [load(page << 13, 16, 4096) for page in range(300)]
    kernel = described(pv(loads=loads))["loaded"][0]
    assert len(kernel["pieces"]) == 256
    assert kernel["pieces_left_out"] == 300 - 256
    assert kernel["pieces"][1]["start"] == hex(int(kernel["pieces"][0]["start"], 16) + 8192)
