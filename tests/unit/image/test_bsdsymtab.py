"""The symbol tables behind a BSD kernel are an ELF file that a debugger in the guest can read."""

import struct

import pytest
from kernel_answers import segment_bytes
from kernel_cases import with_symtab
from kernels import pattern

from xlbuild.errors import RefusedError
from xlbuild.image import load_kernel
from xlbuild.profiles import NEWEST


@pytest.mark.parametrize("bits", [32, 64])
def test_its_section_headers_lead_to_the_tables(bits: int) -> None:
    image = load_kernel(
        with_symtab(bits, strings=19, end=0x1231), name="netbsd", hvm_container=False, profile=NEWEST
    )
    memory = segment_bytes(image)
    header = memory.index(b"\x7fELF", 0x1231)
    (size,) = struct.unpack_from("<I", memory, header - 4)
    table, entry, count = (
        header + 0x40,
        *struct.unpack_from("<HH", memory, header + (58 if bits == 64 else 46)),
    )
    assert count == 3
    shape, fields = ("<4xI16xQQI", 40) if bits == 64 else ("<4xI8xIII", 28)
    assert struct.calcsize(shape) == fields + (4 if bits == 64 else 0)
    kind, offset, length, link = struct.unpack_from(shape, memory, table + entry)
    assert (kind, link) == (2, 2)
    assert memory[header + offset :][:length] == pattern(length, 3)
    kind, offset, length, _ = struct.unpack_from(shape, memory, table + 2 * entry)
    assert (kind, length) == (3, 19)
    assert memory[header + offset :][:length] == pattern(length, 5)
    assert size == offset + length


def test_tables_for_which_xen_reserves_too_little_are_refused() -> None:
    with pytest.raises(RefusedError) as caught:
        load_kernel(with_symtab(32, end=0xED0), name="netbsd", hvm_container=False, profile=NEWEST)
    assert caught.value.code == "kernel-bsd-symtab"
    assert str(caught.value.where) == "netbsd"
