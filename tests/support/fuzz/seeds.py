"""The files that inputs are made from: small ones, made here or kept with the tests."""

import json
from functools import cache
from pathlib import Path

from kernel_cases import CASES
from kernels import packed
from randomconfig import make_config

from fuzz.elffields import seed
from fuzz.model import Field, Seed, Seeds
from fuzz.packers import PACKERS, bzimage_around, gzip_whole
from xlbuild import vcpus
from xlbuild.config import read_settings
from xlbuild.config.keys import KEYS
from xlbuild.errors import ConfigSyntaxError
from xlbuild.image.features import FEATURE_NAMES
from xlbuild.image.notes import GUEST_STRING_NAMES
from xlbuild.units import Mfn, PhysAddr, VirtAddr

TESTS = Path(__file__).parents[2]
_LARGEST = 24 << 10
_MANY = b"\xff\xff"
"""Headers that claim 65,535 of something: such files have tests of their own, and take very long."""
_CONFIGS = 150
"""How many random configurations there are among the seeds, beside the real ones."""


@cache
def elf_files() -> Seeds:
    """ELF files of every kind: PV, PVH, firmware, old ones, with symbols, odd ones."""
    files = dict.fromkeys(file for _, file in CASES.values() if file.startswith(b"\x7fELF"))
    return tuple(seed(file) for file in files if len(file) <= _LARGEST and _MANY not in file[:64])


@cache
def small_elf_files() -> Seeds:
    """Some that a container takes, for what is packed: packing takes time."""
    names = ("a plain PV kernel", "a PVH kernel", "firmware", "a __xen_guest string with features")
    return tuple(seed(CASES[name][1]) for name in names)


@cache
def bzimages() -> Seeds:
    """A bzImage for each codec."""
    return tuple(seed(bzimage_around(pack(packed()))) for pack in PACKERS.values())


@cache
def payloads(codec: str) -> Seeds:
    """A payload as a real tool packed it, and its length."""
    suffix = {"gzip": ".gz", "bzip2": ".bz2", "zstd": ".zst"}.get(codec, f".{codec}")
    stream = packed(suffix)
    size = b"" if codec == "gzip" else len(packed()).to_bytes(4, "little")
    return (seed(stream + size), seed(PACKERS[codec](packed())))


@cache
def gzip_files() -> Seeds:
    """Whole files in gzip: an ELF file, and a bzImage."""
    return tuple(seed(data) for data in (packed(".gz"), gzip_whole(packed()), gzip_whole(bzimages()[0].data)))


@cache
def multiboot_files() -> Seeds:
    """Binaries with a table of Xen's own."""
    files = dict.fromkeys(file for name, (_, file) in CASES.items() if name.startswith("multiboot"))
    return tuple(seed(file) for file in files if len(file) <= _LARGEST)


@cache
def modules() -> Seeds:
    """Ramdisks: plain, and in gzip."""
    return (*gzip_files(), Seed(b"070701" + b"0" * 104 + b"x" * 400), Seed(b"x"))


@cache
def foreign_files() -> Seeds:
    """Files of many kinds that are no kernels."""
    starts: tuple[tuple[int, bytes], ...] = (
        *(
            (0, magic)
            for magic in (b"070701", b"\xfd7zXZ\0", b"BZh9", b"QFI\xfb", b"!<arch>\n", b"MZ", b"#!/bin/sh")
        ),
        *(
            (0, magic)
            for magic in (b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18", b"\x27\x05\x19\x56")
        ),
        *(
            (4, b"zimg"),
            (0x38, b"ARM\x64"),
            (0x24, b"\x18\x28\x6f\x01"),
            (0x202, b"HdrS"),
            (0x8001, b"CD001"),
        ),
        *((0x400, b"\x02\xb0\xad\x1b" + bytes(4) + b"\xfe\x4f\x52\xe4"), (0, b"plain text\n")),
    )
    return tuple(Seed(bytes(offset) + magic + bytes(64)) for offset, magic in starts)


@cache
def configurations() -> Seeds:
    """Real people's configurations, and random ones."""
    real = [path.read_bytes() for path in sorted((TESTS / "corpus").glob("*.cfg"))]
    return tuple(Seed(data) for data in (*real, *(make_config(number).data for number in range(_CONFIGS))))


@cache
def sound_configurations() -> Seeds:
    """Those of them that are in xl's language."""
    return tuple(seed for seed in configurations() if _is_sound(seed.data))


def _is_sound(data: bytes) -> bool:
    try:
        read_settings(data, "guest.cfg", ())
    except ConfigSyntaxError:
        return False
    return True


@cache
def settings() -> Seeds:
    """Single settings, a line each."""
    lines = dict.fromkeys(
        line for config in configurations() for line in config.data.split(b"\n") if b"=" in line
    )
    return tuple(Seed(line) for line in lines if len(line) < 300)


def config_words() -> tuple[bytes, ...]:
    """What xl's language is made of, every key among it."""
    keys = [key.name.encode() for key in KEYS]
    signs = [*b"= += [ ] ' \" , ; # \n \\ ( ) : - ^ / @".split(b" "), b"\n", b"'x'", b"[]", b"['a','b']"]
    words = (
        b"pv pvh hvm all none nodes: vdev= format= target= access= mac= bridge= size= file: phy: raw:,xvda,w"
    )
    return (*keys, *signs * 3, *words.split(b" "))


def guest_string_words() -> tuple[bytes, ...]:
    """What `__xen_guest` strings and FEATURES are made of."""
    names = [name.encode() + b"=" for name in GUEST_STRING_NAMES]
    values = b"linux xen-3.0 generic yes yes[extended-cr3] no bimodal 0xffffffff80000000 0xc0000000".split(
        b" "
    )
    features = [name.encode() for name in FEATURE_NAMES]
    return (*names, *values, *features, b"|", b"!", b",", b"=", b"|!", b"0x")


@cache
def guest_strings() -> Seeds:
    """Texts of `__xen_guest` sections."""
    base = b"GUEST_OS=linux,XEN_VER=xen-3.0,LOADER=generic,VIRT_BASE=0xffffffff80000000"
    more = (
        b"",
        b",PAE=yes[extended-cr3],BSD_SYMTAB=yes",
        b",FEATURES=writable_page_tables|!pae_pgdir_above_4gb",
        b",HYPERCALL_PAGE=0x101,VIRT_ENTRY=0xffffffff80100040,ELF_PADDR_OFFSET=0xffffffff80000000",
    )
    return tuple(Seed(base + text) for text in more)


HOST_WORDS = (
    *(b'"schema"', b'"xlbuild.host/1"', b'"comment"', b'"memory_map"', b'"reserved_device_memory"'),
    *(b'"addr"', b'"size"', b'"type"', b'"devices"', b'"0000:00:1a.0"', b'"0x1000"', b'"0xffffffffffffffff"'),
    *(b"{", b"}", b"[", b"]", b",", b":", b"null", b"true", b"1e3", b"NaN", b"-Infinity", b'"\\ud800"', b'"'),
)


@cache
def host_files() -> Seeds:
    """Descriptions of hosts."""
    example = (TESTS.parent / "docs" / "host-example.json").read_bytes()
    small = {"schema": "xlbuild.host/1", "memory_map": [{"addr": 0, "size": "0x1000", "type": 1}]}
    return (Seed(example), Seed(json.dumps(small).encode()))


@cache
def vcpu_contexts() -> Seeds:
    """Contexts for VCPUOP_initialise, of each kind."""
    contexts = (
        vcpus.protected_mode(PhysAddr(0x10_0000)),
        vcpus.long_mode(VirtAddr(0xFFFF_FFFF_8010_0000), cr3=PhysAddr(0x1000)),
        vcpus.pv_64(
            VirtAddr(0xFFFF_FFFF_8010_0000), stack=VirtAddr(0xFFFF_FFFF_8020_0000), page_table=Mfn(1)
        ),
        vcpus.pv_32(VirtAddr(0xC010_0000), stack=VirtAddr(0xC020_0000), page_table=Mfn(1)),
    )
    return tuple(_words(context.encode()) for context in contexts)


def _words(data: bytes) -> Seed:
    """Return a structure of numbers as a seed."""
    return Seed(data, tuple(Field(offset, 4) for offset in range(0, len(data) - 3, 4)))
