"""The traits that the facts about releases speak of: which of them a file has."""

from __future__ import annotations

import lzma
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from xlbuild.image.bzimage import OLDEST_VERSION, codec_of, protocol_version
from xlbuild.image.elf import ElfFile
from xlbuild.image.features import AUTO_TRANSLATED_PHYSMAP, DOM0, HVM_CALLBACK_VECTOR, parse_features
from xlbuild.image.model import PaeMode, XenParameters
from xlbuild.image.multiboot import find_table
from xlbuild.image.notes import NoteType, RawNote, guest_string, xen_notes
from xlbuild.image.parameters import MOST_FEATURES, load_range, parse_kernel
from xlbuild.image.recognise import arm_kind
from xlbuild.inspect.kernels.file import KernelFile
from xlbuild.inspect.releases import Trait
from xlbuild.profiles import XC_DOM_DECOMPRESS_MAX
from xlbuild.units import MIB

_ZBOOT_OFFSET, _ZBOOT_MAGIC = 4, b"zimg"
_HEADER_SAMPLE = 64
"""Bytes of an xz or lzma stream after which its decoder has asked for its memory."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the tests below look at."""

    file: KernelFile
    notes: frozenset[int]
    """The types of Xen's notes that there are."""
    features: str
    """The FEATURES notes' texts, as far as a builder reads them."""
    parameters: XenParameters | None
    """What the notes say, read as for PV; None without an ELF file."""
    has_guest_string: bool

    @property
    def codec(self) -> str | None:
        """How the payload is packed."""
        return self.file.codec.name if self.file.codec is not None else None

    @property
    def says_xen(self) -> bool:
        """Whether the notes that every PV kernel needs are there."""
        said = self.parameters
        if said is None:
            return False
        known = said.loader.startswith("generic") or said.guest_os.startswith("linux")
        return known and said.xen_version.startswith("xen-3.0")


def facts_of(file: KernelFile) -> Facts:
    """Return what the tests look at of a file."""
    elf = file.elf
    if elf is None:
        return Facts(file, frozenset(), "", None, has_guest_string=False)
    notes = list(xen_notes(elf))
    return Facts(
        file,
        frozenset(note.type for note in notes),
        "|".join(_features(elf, notes)),
        parse_kernel(elf, hvm_container=False, profile=file.given.profile).parameters,
        has_guest_string=not notes and guest_string(elf) is not None,
    )


def _features(elf: ElfFile, notes: Iterable[RawNote]) -> Iterator[str]:
    """Yield the texts of the FEATURES notes; a file may have far more of them than a builder reads."""
    left = MOST_FEATURES
    for note in notes:
        text = elf.text(note.offset) if note.type == NoteType.FEATURES else None
        if text:
            left -= len(text)
            if left < 0:
                return
            yield text


def _packed_with(codec: str) -> Callable[[Facts], bool]:
    return lambda facts: facts.codec == codec


def _has(kind: NoteType) -> Callable[[Facts], bool]:
    return lambda facts: kind in facts.notes


def _requires(feature: int) -> Callable[[Facts], bool]:
    return lambda facts: facts.parameters is not None and bool(facts.parameters.features_required & feature)


def _decoder_over(limit: int) -> Callable[[Facts], bool]:
    return lambda facts: _needs_more(facts, limit)


def _needs_more(facts: Facts, limit: int) -> bool:
    """Return whether an xz or lzma payload's decoder needs more memory than `limit` bytes."""
    form = {"xz": lzma.FORMAT_XZ, "lzma": lzma.FORMAT_ALONE}.get(facts.codec or "")
    if form is None or facts.file.payload is None:
        return False
    try:
        lzma.LZMADecompressor(form, memlimit=limit).decompress(
            facts.file.payload.blob.read(0, _HEADER_SAMPLE), 1
        )
    except lzma.LZMAError as error:
        return "emory" in str(error)
    return False


def _is_over_the_limit(facts: Facts) -> bool:
    cores = (facts.file.given.blob, facts.file.core)
    return any(blob.size > XC_DOM_DECOMPRESS_MAX for blob in cores)


def _lz4_is_short(facts: Facts) -> bool:
    unpacked = facts.file.unpacked
    return facts.codec == "lz4" and unpacked is not None and len(unpacked.data) < unpacked.size


def _is_packed(facts: Facts) -> bool:
    codec = codec_of(facts.file.given.blob)
    return codec is not None and codec.name != "gzip"


def _is_old(facts: Facts) -> bool:
    blob = (facts.file.opened or facts.file.given).blob
    return facts.file.is_bzimage and protocol_version(blob) < OLDEST_VERSION


def _payload_is_elf(facts: Facts) -> bool:
    file = facts.file
    return file.payload is not None and file.codec is None and file.elf is not None


def _is_arm(facts: Facts) -> bool:
    return arm_kind((facts.file.opened or facts.file.given).blob) is not None


def _is_no_xen_kernel(facts: Facts) -> bool:
    return facts.file.elf is not None and not facts.notes and not facts.has_guest_string


def _has_no_section_names(facts: Facts) -> bool:
    """Return whether e_shstrndx names no section header; that of no section will do (elf_init upstream)."""
    elf = facts.file.elf
    return elf is not None and elf.header.shstrndx >= elf.section_count


def _entry_is_not_mapped(facts: Facts) -> bool:
    """Return whether the PV entry point is outside, whatever else is wrong (elf_xen_addr_calc_check upstream)."""
    elf, said = facts.file.elf, facts.parameters
    if elf is None or said is None or not facts.notes or not elf.loadable:
        return False
    start, end = load_range(elf)
    shift = (said.virt_base or 0) - (said.elf_paddr_offset or 0)
    entry = elf.header.entry if said.virt_entry is None else said.virt_entry
    return not start + shift <= entry <= end + shift


def _bits(bits: int) -> Callable[[Facts], bool]:
    return lambda facts: facts.file.elf is not None and facts.file.elf.bits == bits


TESTS: Mapping[Trait, Callable[[Facts], bool]] = MappingProxyType(
    {
        Trait.GZIP_FILE: lambda facts: facts.file.opened is not None and bool(facts.file.opened.packing),
        Trait.OTHER_PACKED_FILE: _is_packed,
        Trait.OLD_BZIMAGE: _is_old,
        Trait.PAYLOAD_ELF: _payload_is_elf,
        Trait.PAYLOAD_GZIP: _packed_with("gzip"),
        Trait.PAYLOAD_BZIP2: _packed_with("bzip2"),
        Trait.PAYLOAD_LZMA: _packed_with("lzma"),
        Trait.PAYLOAD_XZ: _packed_with("xz"),
        Trait.PAYLOAD_LZO: _packed_with("lzo"),
        Trait.PAYLOAD_LZ4: _packed_with("lz4"),
        Trait.LZ4_SHORT: _lz4_is_short,
        Trait.PAYLOAD_ZSTD: _packed_with("zstd"),
        Trait.DECODER_OVER_128_MIB: _decoder_over(128 * MIB),
        Trait.DECODER_OVER_256_MIB: _decoder_over(256 * MIB),
        Trait.OVER_1_GIB: _is_over_the_limit,
        Trait.ZBOOT: lambda facts: facts.file.given.blob.read(_ZBOOT_OFFSET, 4) == _ZBOOT_MAGIC,
        Trait.ARM: _is_arm,
        Trait.NOT_XEN: _is_no_xen_kernel,
        Trait.NO_SECTION_NAMES: _has_no_section_names,
        Trait.GUEST_STRING: lambda facts: facts.has_guest_string,
        Trait.MULTIBOOT_STYLE: lambda facts: (
            find_table((facts.file.opened or facts.file.given).blob) is not None
        ),
        Trait.NO_PHYS32_ENTRY: lambda facts: NoteType.PHYS32_ENTRY not in facts.notes,
        Trait.PHYS32_ENTRY: _has(NoteType.PHYS32_ENTRY),
        Trait.PHYS32_ENTRY_ONLY: lambda facts: NoteType.PHYS32_ENTRY in facts.notes and not facts.says_xen,
        Trait.ENTRY_NOT_MAPPED: _entry_is_not_mapped,
        Trait.PADDR_OFFSET_ALONE: lambda facts: (
            NoteType.PADDR_OFFSET in facts.notes and NoteType.VIRT_BASE not in facts.notes
        ),
        Trait.MOD_START_PFN: _has(NoteType.MOD_START_PFN),
        Trait.INIT_P2M: _has(NoteType.INIT_P2M),
        Trait.SUPPORTED_FEATURES: _has(NoteType.SUPPORTED_FEATURES),
        Trait.REQUIRES_HVM_CALLBACK_VECTOR: _requires(HVM_CALLBACK_VECTOR),
        Trait.REQUIRES_AUTO_TRANSLATED: _requires(AUTO_TRANSLATED_PHYSMAP),
        Trait.REQUIRES_DOM0: _requires(DOM0),
        Trait.REQUIRES_UNKNOWN: lambda facts: parse_features(facts.features)[2] is not None,
        Trait.PV32: _bits(32),
        Trait.NO_PAE: lambda facts: facts.parameters is not None and facts.parameters.pae is PaeMode.NO,
        Trait.FIRMWARE: lambda facts: _is_no_xen_kernel(facts) and _bits(32)(facts),
        Trait.FIRMWARE_64: lambda facts: _is_no_xen_kernel(facts) and _bits(64)(facts),
    }
)
"""For each trait, how it is found. A fact that no longer matters for its container is sorted out by its targets."""


def traits_of(file: KernelFile) -> frozenset[Trait]:
    """Return the traits of a file."""
    facts = facts_of(file)
    return frozenset(trait for trait, has in TESTS.items() if has(facts))
