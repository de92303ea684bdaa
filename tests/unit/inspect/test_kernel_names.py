"""An address of a kernel is called by its section and symbol, as other programs find them."""

import re
import struct
import subprocess
from pathlib import Path

import pytest
from kernels import SHT_SYMTAB, VIRT_BASE_64, bzimage, packed, pattern, sized
from symboltables import BASE, LABEL, OBJECT, Part, Symbol, kernel

import xlbuild
from xlbuild.image import load_kernel
from xlbuild.image.elf import ElfFile
from xlbuild.inspect.kernels.file import take_apart
from xlbuild.inspect.kernels.names import KernelNames
from xlbuild.inspect.kernels.notes import build_id
from xlbuild.inspect.kernels.symbols import named_symbols, symbols
from xlbuild.profiles import NEWEST

DATA = BASE + 0x1000
PARTS = [Part(".text", BASE, pattern(0x800)), Part(".data", DATA, pattern(0x100))]
SYMBOLS = [
    Symbol("label", BASE, kind=LABEL),
    Symbol("start", BASE, 0x20),
    Symbol("helper", BASE + 0x20, 0x10, is_local=True),
    Symbol("table", DATA + 0x40, 0x40, OBJECT, ".data"),
    Symbol("CONSTANT", BASE + 0x30, section=None),
]


def elf_of(data: bytes) -> ElfFile:
    elf = take_apart(data, "kernel", NEWEST).elf
    assert elf is not None
    return elf


def test_an_address_is_called_by_its_section_and_the_nearest_symbol_in_it() -> None:
    names = KernelNames(elf_of(kernel(PARTS, SYMBOLS)))
    expected = {
        BASE: ".text (start)",
        BASE + 0x1F: ".text + 0x1f (start + 0x1f)",
        BASE + 0x7FF: ".text + 0x7ff (helper + 0x7df)",
        DATA: ".data",
        DATA + 0x41: ".data + 0x41 (table + 0x1)",
        BASE + 0x800: None,
        DATA + 0x100: None,
        5: None,
    }
    assert {address: names.of(address) for address in expected} == expected
    for address, name in expected.items():
        if name is not None:
            assert names.of(address - VIRT_BASE_64) == name
            assert names.of_offset(address - BASE) == name


def test_a_kernel_without_sections_in_memory_is_named_by_its_symbols_alone() -> None:
    parts = [Part(".text", BASE, pattern(0x800), flags=0)]
    names = KernelNames(elf_of(kernel(parts, SYMBOLS[1:3])))
    assert names.of(BASE + 0x21) == "helper + 0x1"
    assert names.of(BASE + 0x1000) is None


def test_a_kernel_without_any_names_has_none() -> None:
    assert KernelNames(elf_of(kernel([Part("", BASE, pattern(16), flags=0)]))).of(BASE) is None


@pytest.mark.headers
def test_symbols_are_called_what_nm_calls_them(tmp_path: Path) -> None:
    source = (
        "static int hidden(int x) { static int calls; calls++; return x + calls; }"
        "int data = 7, zero; int other(int x) { return hidden(x) + data; } int _start(void) { return other(zero); }"
    )
    program = tmp_path / "program"
    command: list[str | Path] = ["gcc", "-O0", "-nostdlib", "-static", "-Wl,--build-id", "-x", "c", "-"]
    subprocess.run([*command, "-o", program], input=source, text=True, check=True, capture_output=True)
    listed = subprocess.run(["nm", "-S", program], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in listed.splitlines()]
    sized_ones = {
        name.partition(".")[0]: (int(at, 16), int(size, 16)) for at, size, _, name in filter(len4, rows)
    }
    elf = elf_of(program.read_bytes())
    found = named_symbols(elf)
    assert found is not None
    ours = {symbol.name: (symbol.address, symbol.size) for symbol in found.symbols if symbol.size}
    assert ours == sized_ones
    assert {"hidden", "calls", "data", "zero", "other", "_start"} <= set(ours)
    names = KernelNames(elf)
    for name, (address, size) in ours.items():
        assert re.search(rf"\({name}(\.\d)?\)$", str(names.of(address)))
        assert re.search(rf"\({name}(\.\d)? \+ {size - 1:#x}\)$", str(names.of(address + size - 1)))
    told = subprocess.run(["readelf", "-n", program], capture_output=True, text=True, check=True).stdout
    assert f"Build ID: {build_id(elf)}" in told


def len4(row: list[str]) -> bool:
    return len(row) == 4


@pytest.mark.parametrize("bits", [32, 64])
def test_a_symbol_that_stands_for_nothing_in_memory_is_no_address(bits: int) -> None:
    found = named_symbols(elf_of(kernel(PARTS, SYMBOLS, bits=bits)))
    assert found is not None
    assert [(s.name, s.size, s.kind, s.section, s.is_local) for s in found.symbols] == [
        ("label", 0, "label", ".text", False),
        ("start", 0x20, "function", ".text", False),
        ("helper", 0x10, "function", ".text", True),
        ("table", 0x40, "object", ".data", False),
    ]


def test_a_compilers_numbers_are_no_part_of_a_static_symbols_name() -> None:
    made = [
        Symbol("__func__.7", BASE, 8, OBJECT, is_local=True),
        Symbol("part.constprop.0.cold", BASE, 8, is_local=True),
        Symbol("version.7", BASE, 8),
    ]
    found = named_symbols(elf_of(kernel(PARTS, made)))
    assert found is not None
    assert [symbol.name for symbol in found.symbols] == ["__func__", "part.constprop.cold", "version.7"]


def test_names_that_overlap_are_read_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xlbuild.inspect.kernels.symbols._MOST_NAMES", 5000)
    data = kernel(PARTS, [Symbol("x" * 4500, BASE, 4), Symbol("y", BASE, 4), Symbol("z" * 600, BASE, 4)])
    found = named_symbols(elf_of(data))
    assert found is not None
    assert [len(symbol.name) for symbol in found.symbols] == [
        4096,
        1,
        496,
    ]  # the table of names is cut as well
    assert found.left_out == 0
    monkeypatch.setattr("xlbuild.inspect.kernels.symbols._MOST_NAMES", 4090)
    found = named_symbols(elf_of(data))
    assert found is not None
    assert (len(found.symbols), found.left_out) == (1, 2)


def test_a_symbol_table_that_leaves_the_file_ends_with_it() -> None:
    data = bytearray(kernel(PARTS, SYMBOLS))
    elf = elf_of(bytes(data))
    number, table = next((n, s) for n, s in enumerate(elf.section_headers(), 1) if s.type == SHT_SYMTAB)
    size_field = elf.section_offset(number) + 32
    struct.pack_into("<Q", data, size_field, 1 << 62)
    found = list(symbols(elf_of(bytes(data))))
    assert found[:4] == list(symbols(elf))
    assert len(found) <= (len(data) - table.offset) // 24


def test_what_a_kernel_was_loaded_from_is_kept_unpacked() -> None:
    data = bzimage(sized(packed(".xz"), len(packed())))
    image = load_kernel(data, name="kernel", hvm_container=False, profile=NEWEST)
    assert bytes(image.core.data) == packed()
    domain = xlbuild.build(b'name="g"\nkernel="xlbuild:hello-pv"\nmemory=16\n')
    assert bytes(domain.plan.request.image.core.data) == domain.inputs[0].data
