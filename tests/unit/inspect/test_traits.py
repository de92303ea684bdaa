"""Each trait that the history of releases speaks of is found in files that have it, and in no others."""

import gzip
import lzma
from collections.abc import Callable

import pytest
from kernel_cases import PV, PVH, legacy, pv, pvh
from kernels import EM_AARCH64, LOAD_ADDRESS, Load, binary, bzimage, elf_file, packed, pattern, sized
from toolstack import Material

from xlbuild.image.parameters import MOST_FEATURES
from xlbuild.inspect.kernels.file import take_apart
from xlbuild.inspect.kernels.traits import TESTS, facts_of, traits_of
from xlbuild.inspect.releases import Trait
from xlbuild.profiles import NEWEST

KERNEL = packed()


def payload(suffix: str, size: int = len(KERNEL)) -> bytes:
    """A bzImage packed by a real tool."""
    return bzimage(sized(packed(suffix), size))


def dictionary(mib: int) -> bytes:
    """A bzImage whose xz payload has a dictionary of so many MiB."""
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": mib << 20}]
    return bzimage(
        sized(lzma.compress(KERNEL, lzma.FORMAT_XZ, lzma.CHECK_CRC32, filters=filters), len(KERNEL))
    )


ARM = elf_file([Load(LOAD_ADDRESS, pattern(64))], PV, header={"e_machine": EM_AARCH64})
NO_NOTES = [Load(LOAD_ADDRESS, pattern(64))]

HAVE: dict[Trait, Callable[[], bytes]] = {
    Trait.GZIP_FILE: lambda: gzip.compress(pv(), mtime=0),
    Trait.OTHER_PACKED_FILE: lambda: packed(".zst"),
    Trait.OLD_BZIMAGE: lambda: bzimage(KERNEL, version=0x0207),
    Trait.PAYLOAD_ELF: lambda: bzimage(pv()),
    Trait.PAYLOAD_GZIP: lambda: bzimage(packed(".gz")),
    Trait.PAYLOAD_BZIP2: lambda: payload(".bz2"),
    Trait.PAYLOAD_LZMA: lambda: payload(".lzma"),
    Trait.PAYLOAD_XZ: lambda: payload(".xz"),
    Trait.PAYLOAD_LZO: lambda: payload(".lzo"),
    Trait.PAYLOAD_LZ4: lambda: payload(".lz4"),
    Trait.LZ4_SHORT: lambda: payload(".lz4", len(KERNEL) + 16),
    Trait.PAYLOAD_ZSTD: lambda: payload(".zst"),
    Trait.DECODER_OVER_128_MIB: lambda: dictionary(192),
    Trait.DECODER_OVER_256_MIB: lambda: dictionary(512),
    Trait.ZBOOT: lambda: b"MZ\0\0zimg" + pattern(64),
    Trait.ARM: lambda: ARM,
    Trait.NOT_XEN: lambda: elf_file(NO_NOTES),
    Trait.NO_SECTION_NAMES: lambda: pv(header={"e_shstrndx": 0xFFFF}),
    Trait.GUEST_STRING: lambda: legacy("LOADER=generic,XEN_VER=xen-3.0"),
    Trait.MULTIBOOT_STYLE: binary,
    Trait.NO_PHYS32_ENTRY: pv,
    Trait.PHYS32_ENTRY: pvh,
    Trait.PHYS32_ENTRY_ONLY: pvh,
    Trait.ENTRY_NOT_MAPPED: lambda: pv([*PV, ("ENTRY", 0x1000)]),
    Trait.PADDR_OFFSET_ALONE: lambda: pvh([*PVH, ("PADDR_OFFSET", 0)]),
    Trait.MOD_START_PFN: lambda: pv([*PV, ("MOD_START_PFN", 1)]),
    Trait.INIT_P2M: lambda: pv([*PV, ("INIT_P2M", 0x8000000000)]),
    Trait.SUPPORTED_FEATURES: lambda: pv([*PV, ("SUPPORTED_FEATURES", 1)]),
    Trait.REQUIRES_HVM_CALLBACK_VECTOR: lambda: pv([*PV, ("FEATURES", "!hvm_callback_vector")]),
    Trait.REQUIRES_AUTO_TRANSLATED: lambda: pv([*PV, ("FEATURES", "!auto_translated_physmap")]),
    Trait.REQUIRES_DOM0: lambda: pv([*PV, ("FEATURES", "dom0|!dom0")]),
    Trait.REQUIRES_UNKNOWN: lambda: pv([*PV, ("FEATURES", "!tea")]),
    Trait.PV32: pvh,
    Trait.NO_PAE: pvh,
    Trait.FIRMWARE: lambda: elf_file(NO_NOTES, bits=32),
    Trait.FIRMWARE_64: lambda: elf_file(NO_NOTES),
}
"""For each trait a file that has it; of more than 1 GiB there is no small one."""

GOOD = pv([*PV, *PVH, ("PAE_MODE", "yes")])
"""A PV and PVH kernel with nothing odd to it."""


def traits(data: bytes) -> frozenset[Trait]:
    return traits_of(take_apart(data, "kernel", NEWEST))


def test_every_trait_has_a_test() -> None:
    assert TESTS.keys() == set(Trait)
    assert HAVE.keys() == set(Trait) - {Trait.OVER_1_GIB}


@pytest.mark.parametrize("trait", HAVE, ids=lambda trait: trait.name)
def test_a_trait_is_found(trait: Trait) -> None:
    assert trait in traits(HAVE[trait]())


def test_a_plain_kernel_has_no_odd_traits() -> None:
    assert traits(GOOD) == {Trait.PHYS32_ENTRY}


def test_an_entry_point_is_looked_for_where_the_notes_place_the_kernel() -> None:
    base = 0xFFFF_FFFF_8000_0000
    linux = [("PHYS32_ENTRY", LOAD_ADDRESS), ("VIRT_BASE", base)]
    assert Trait.ENTRY_NOT_MAPPED in traits(pvh(linux, header={"e_entry": LOAD_ADDRESS}, bits=64))
    assert Trait.ENTRY_NOT_MAPPED not in traits(pvh([*linux, ("ENTRY", base + LOAD_ADDRESS)], bits=64))
    moved = [*linux, ("ENTRY", base + LOAD_ADDRESS), ("PADDR_OFFSET", LOAD_ADDRESS)]
    assert Trait.ENTRY_NOT_MAPPED in traits(pvh(moved, bits=64))


def test_the_section_header_of_no_section_is_a_table_of_names_to_old_builders() -> None:
    assert Trait.NO_SECTION_NAMES not in traits(pv(header={"e_shstrndx": 0}))
    assert Trait.NO_SECTION_NAMES in traits(pv(header={"e_shoff": 0, "e_shnum": 0, "e_shstrndx": 0}))


def test_the_dictionary_of_128_mib_that_linux_uses_is_over_the_old_limit() -> None:
    found = traits(dictionary(128))
    assert Trait.DECODER_OVER_128_MIB in found
    assert Trait.DECODER_OVER_256_MIB not in found


def test_real_kernels_have_the_traits_they_are_known_for(material: Material) -> None:
    cloud = traits(material.cloud.read_bytes())
    assert {Trait.PAYLOAD_LZ4, Trait.PHYS32_ENTRY, Trait.MOD_START_PFN, Trait.INIT_P2M} <= cloud
    assert {Trait.PAYLOAD_XZ, Trait.ENTRY_NOT_MAPPED} <= traits(material.pae.read_bytes())
    assert Trait.GUEST_STRING in traits(material.gnumach.read_bytes())
    assert Trait.FIRMWARE in traits(material.hvmloader.read_bytes())


def test_no_more_of_the_features_is_looked_at_than_a_builder_reads() -> None:
    notes = [("FEATURES", "dom0|" * 800)] * 300 + [("FEATURES", "!flux")]
    found = facts_of(take_apart(pv(notes), "kernel", NEWEST))
    assert MOST_FEATURES - 4096 <= len(found.features) <= MOST_FEATURES + len(notes)
    assert Trait.REQUIRES_UNKNOWN not in traits(pv(notes))
