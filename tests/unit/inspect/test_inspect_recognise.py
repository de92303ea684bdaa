"""What a file is told to be: real ones of every kind, and those that are easily taken for another."""

import gzip
import lzma
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernels import Load, elf_file
from toolstack import ROOT, Material

from xlbuild.image.recognise import SIGNATURES
from xlbuild.inspect.recognise import FileKind, Recognition, recognise
from xlbuild.inspect.subject import File
from xlbuild.profiles import NEWEST

CORPUS = sorted((ROOT / "tests" / "corpus").glob("*.cfg"))


@pytest.mark.parametrize(
    "path", [*CORPUS, *sorted((ROOT / "configs").glob("*.cfg"))], ids=lambda path: path.name
)
def test_a_configuration_that_somebody_wrote_is_one(path: Path) -> None:
    found = recognise(path.read_bytes())
    assert found.kind is FileKind.CONFIG
    assert "keys of xl" in found.why


def source_files() -> list[Path]:
    suffixes = (".py", ".md", ".toml", ".tsv", ".json")
    files = [file for name in ("xlbuild", "tests", "docs") for file in sorted((ROOT / name).rglob("*"))]
    return [ROOT / "README.md", *(ROOT / "scripts").iterdir(), *(f for f in files if f.suffix in suffixes)]


def test_no_source_file_or_document_is_taken_for_anything_but_text() -> None:
    wrong = [
        (file.name, found.what)
        for file in source_files()
        if file.is_file() and file.stat().st_size
        if (found := recognise(file.read_bytes())).kind
        not in (FileKind.TEXT, FileKind.SCRIPT, FileKind.DOCUMENT)
    ]
    assert not wrong


@pytest.mark.parametrize(
    ("role", "kind", "packing"),
    [
        ("amd64", FileKind.KERNEL, ()),
        ("cloud", FileKind.KERNEL, ()),
        ("pae", FileKind.KERNEL, ()),
        ("grub64", FileKind.KERNEL, ()),
        ("grub32", FileKind.KERNEL, ()),
        ("grub_pvh", FileKind.KERNEL, ()),
        ("gnumach", FileKind.KERNEL, ("gzip",)),
        ("xen", FileKind.KERNEL, ("gzip",)),
        ("shim", FileKind.KERNEL, ()),
        ("hvmloader", FileKind.FIRMWARE, ()),
        ("seabios", FileKind.FIRMWARE, ()),
        ("ovmf", FileKind.FIRMWARE, ()),
    ],
)
def test_real_kernels_and_firmware_are_told_apart(
    material: Material, role: str, kind: FileKind, packing: tuple[str, ...]
) -> None:
    found = recognise(getattr(material, role).read_bytes())
    assert (found.kind, found.packing) == (kind, packing)


@pytest.mark.parametrize(
    "name", ["fw32", "bz-xz", "gz-bz-xz", "mb-64", "mb-gz", "mb-elf", "pv64-min", "pvh32"]
)
def test_a_synthetic_kernel_is_a_kernel(synthetic_kernels: Path, name: str) -> None:
    assert recognise((synthetic_kernels / name).read_bytes()).kind is FileKind.KERNEL


def elf_of(machine: int, kind: int = 2) -> bytes:
    data = bytearray(elf_file([Load(0x100000, b"x" * 64)]))
    data[16:20] = struct.pack("<HH", kind, machine)
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "kind", "what", "why"),
    [
        (b"", FileKind.EMPTY, "empty", "no bytes"),
        (b"\x7fELF", FileKind.KERNEL, "beginning of an ELF", "no machine"),
        (elf_of(62)[:19], FileKind.KERNEL, "beginning of an ELF", "no machine"),
        (elf_of(62), FileKind.KERNEL, "ELF", "7f 45 4c 46"),
        (elf_of(183), FileKind.FOREIGN, "AArch64", "183"),
        (elf_of(243), FileKind.FOREIGN, "RISC-V", "243"),
        (elf_of(62, kind=4), FileKind.UNKNOWN, "core of a program", "without a section .note.Xen"),
        (bytes(0x38) + b"ARM\x64" + bytes(99), FileKind.FOREIGN, "arm64", "Arm's boot protocol"),
        (b"Xen saved domain, xl format\n \0 \r" + bytes(99), FileKind.SAVE, "xl", "at 0x0"),
        (b"LibxlFmt" + bytes(99), FileKind.SAVE, "libxl", '("LibxlFmt") at 0x0'),
        (b"\xff" * 8 + b"XENF" + bytes(99), FileKind.SAVE, "libxc", "at 0x0"),
        (b"LinuxGuestRecord" + bytes(99), FileKind.SAVE, "xm", "at 0x0"),
        (struct.pack("<I", 0xF00FEBED) + bytes(99), FileKind.CORE, "dump", "at 0x0"),
        (b"QFI\xfb" + bytes(99), FileKind.DISK, "qcow2", "at 0x0"),
        (bytes(0x8001) + b"CD001", FileKind.DISK, "ISO", "at 0x8001"),
        (b"070701" + bytes(99), FileKind.RAMDISK, "cpio", "at 0x0"),
        (b"hsqs" + bytes(99), FileKind.RAMDISK, "squashfs", "at 0x0"),
        (b"PK\3\4" + bytes(99), FileKind.ARCHIVE, "zip", "at 0x0"),
        (b"#!/bin/sh\nkernel=/boot/vmlinuz\nmemory=3\n", FileKind.SCRIPT, "script", "#!"),
        (b"#!/usr/sbin/xl create\nkernel='k'\nmemory=3\n", FileKind.CONFIG, "xl", "kernel, memory"),
        (b"\xef\xbb\xbfname='x'\nmemory=3\n", FileKind.CONFIG, "xl", "memory"),
        (b"CONFIG_XEN=y\nCONFIG_XEN_PV=y\n", FileKind.TEXT, "text", "byte"),
        (b"Dear all,\nmemory = 3 is what I wrote\nand it did\nnot help.\n", FileKind.TEXT, "text", "byte"),
        (b"<!DOCTYPE html><title>404</title>", FileKind.TEXT, "web page", "at 0x0"),
        (b'{"schema": "xlbuild.domain/1"}', FileKind.DOCUMENT, "domain.json", "schema"),
        (b'{ "domid": null, "config": { "c_info": {} } }', FileKind.DOCUMENT, "xl -N create", "c_info"),
        (bytes(5000), FileKind.UNKNOWN, "zeros", "zeros"),
        (b"\x80\x81\x82\x83", FileKind.UNKNOWN, "no known kind", "80 81 82 83"),
        (gzip.compress(elf_of(62), mtime=0), FileKind.KERNEL, "ELF file, packed with gzip", "gzip at 0x0"),
        (lzma.compress(b"070701" + bytes(99)), FileKind.RAMDISK, "packed with xz", "xz at 0x0"),
        (gzip.compress(b"\x80\x81", mtime=0), FileKind.UNKNOWN, "gzip file, of which nothing", "80 81"),
        (lzma.compress(b"\x80\x81"), FileKind.UNKNOWN, "an xz file, of which nothing", "80 81"),
        (b"\x1f\x8bbroken", FileKind.UNKNOWN, "broken gzip", "gzip at 0x0"),
    ],
)
def test_each_kind_is_told_with_what_decided(data: bytes, kind: FileKind, what: str, why: str) -> None:
    found = recognise(data)
    assert found.kind is kind
    assert what in found.what
    assert why in found.why


def test_a_dump_of_a_guest_is_known_by_xens_section() -> None:
    names = b"\0.note.Xen\0.shstrtab\0"
    header = struct.pack(
        "<16sHHIQQQIHHHHHH",
        b"\x7fELF\2\1\1" + bytes(9),
        *(4, 62, 1, 0, 0, 64 + len(names), 0, 64, 56, 0, 64, 3, 2),
    )
    sections = [
        bytes(64),
        struct.pack("<II56x", 1, 7),
        struct.pack("<IIQQQQ24x", 11, 3, 0, 0, 64, len(names)),
    ]
    found = recognise(header + names + b"".join(sections))
    assert found.kind is FileKind.CORE
    assert ".note.Xen" in found.why


def test_every_signature_says_what_a_file_is() -> None:
    for signature in SIGNATURES:
        head = bytearray(signature.offset + len(signature.magic) + 16)
        head[signature.offset : signature.offset + len(signature.magic)] = signature.magic
        assert recognise(bytes(head)).why


@settings(max_examples=300)
@given(
    st.sampled_from([b"", b"\x7fELF\2\1\1", *(signature.magic for signature in SIGNATURES)]),
    st.binary(max_size=600),
)
def test_any_bytes_are_told_to_be_something(magic: bytes, rest: bytes) -> None:
    assert recognise(magic + rest).what


@pytest.mark.parametrize("kind", FileKind)
def test_every_kind_of_file_can_be_described_and_taken_apart(kind: FileKind) -> None:
    file = File("file", b"some bytes", Recognition(kind, "a file", "because"), NEWEST.name, NEWEST)
    assert file.describe()["kind"] == kind.value
    assert isinstance(file.parts(), tuple)
