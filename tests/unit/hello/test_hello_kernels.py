"""The hello guests as files: what a loader finds in them."""

import io
import struct

import pytest
from elftools.elf.elffile import ELFFile

from xlbuild.hello import HELLO_KERNELS, hello_kernel
from xlbuild.hello.__main__ import main

NOTES = {
    "pv": {
        6: b"hello\0",  # GUEST_OS
        5: b"xen-3.0\0",  # XEN_VERSION
        8: b"generic\0",  # LOADER
        3: struct.pack("<Q", 0),  # VIRT_BASE
        1: struct.pack("<Q", 0x10_0000),  # ENTRY
        2: struct.pack("<Q", 0x10_1000),  # HYPERCALL_PAGE
    },
    "pvh": {
        6: b"hello\0",
        5: b"xen-3.0\0",
        18: struct.pack("<I", 0x10_0000),  # PHYS32_ENTRY
    },
}
FILES = {"pv": (64, "EM_X86_64"), "pvh": (32, "EM_386")}


@pytest.mark.parametrize("container", ["pv", "pvh"])
def test_a_kernel_is_an_elf_file_that_a_reader_of_elf_understands(container: str) -> None:
    elf = ELFFile(io.BytesIO(HELLO_KERNELS[f"hello-{container}"]()))
    assert (elf.elfclass, elf["e_machine"]) == FILES[container]
    assert elf["e_type"] == "ET_EXEC"
    assert elf["e_entry"] == 0x10_0000
    assert [segment["p_type"] for segment in elf.iter_segments()] == ["PT_LOAD", "PT_NOTE"]


@pytest.mark.parametrize("container", ["pv", "pvh"])
def test_a_kernel_carries_the_notes_its_container_asks_for(container: str) -> None:
    elf = ELFFile(io.BytesIO(HELLO_KERNELS[f"hello-{container}"]()))
    (segment,) = elf.iter_segments("PT_NOTE")
    assert _notes(segment.data()) == NOTES[container]


def _notes(data: bytes) -> dict[int, bytes]:
    """Read notes owned by Xen, by the layout of elf(5)."""
    notes = {}
    while data:
        name_size, size, kind = struct.unpack_from("<III", data)
        assert data[12 : 12 + name_size] == b"Xen\0"
        notes[kind] = data[16 : 16 + size]
        data = data[16 + (size + 3) // 4 * 4 :]
    return notes


@pytest.mark.parametrize("container", ["pv", "pvh"])
def test_a_kernel_leaves_its_zeros_out_of_the_file(container: str) -> None:
    elf = ELFFile(io.BytesIO(HELLO_KERNELS[f"hello-{container}"]()))
    (segment,) = elf.iter_segments("PT_LOAD")
    assert segment["p_filesz"] < 1024 < 2 * 4096 < segment["p_memsz"]
    assert segment["p_paddr"] == segment["p_vaddr"] == 0x10_0000
    assert segment["p_offset"] % segment["p_align"] == 0


def test_a_kernel_has_the_same_bytes_every_time() -> None:
    assert hello_kernel("pv") == hello_kernel("pv") == HELLO_KERNELS["hello-pv"]()
    assert hello_kernel("pvh") == hello_kernel("pvh") == HELLO_KERNELS["hello-pvh"]()


@pytest.mark.parametrize("container", ["pv", "pvh"])
def test_the_module_writes_a_kernel_to_standard_output(
    container: str, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main([container]) == 0
    assert capfdbinary.readouterr().out == HELLO_KERNELS[f"hello-{container}"]()


@pytest.mark.parametrize("arguments", [[], ["hvm"], ["pv", "pvh"]])
def test_the_module_explains_itself_when_it_is_not_told_which(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("usage: ")
