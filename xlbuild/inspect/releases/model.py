"""What a fact about images and Xen releases is."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Target(StrEnum):
    """What a guest is built as: its container, PV by width."""

    PV64 = "PV 64"
    PV32 = "PV 32"
    PVH = "PVH"
    HVM = "HVM firmware"


PV: tuple[Target, ...] = (Target.PV64, Target.PV32)
KERNELS: tuple[Target, ...] = (*PV, Target.PVH)
HVM_CONTAINERS: tuple[Target, ...] = (Target.PVH, Target.HVM)
ALL: tuple[Target, ...] = tuple(Target)

CONTAINER_NAMES: Mapping[Target, str] = MappingProxyType(
    {Target.PV64: "pv64", Target.PV32: "pv32", Target.PVH: "pvh", Target.HVM: "hvm"}
)
"""What the containers are called in descriptions, among parts and by `--require`."""


class Trait(StrEnum):
    """What an image can be or need; the values are the words for it."""

    GZIP_FILE = "the whole file is packed with gzip"
    OTHER_PACKED_FILE = "the whole file is packed, with something other than gzip"
    OLD_BZIMAGE = "a bzImage of a boot protocol older than 2.08"
    PAYLOAD_ELF = "a bzImage whose payload is not packed"
    PAYLOAD_GZIP = "a bzImage whose payload is gzip"
    PAYLOAD_BZIP2 = "a bzImage whose payload is bzip2"
    PAYLOAD_LZMA = "a bzImage whose payload is lzma"
    PAYLOAD_XZ = "a bzImage whose payload is xz"
    PAYLOAD_LZO = "a bzImage whose payload is lzo"
    PAYLOAD_LZ4 = "a bzImage whose payload is lz4"
    LZ4_SHORT = "an lz4 payload that unpacks to less than its length field says"
    PAYLOAD_ZSTD = "a bzImage whose payload is zstd"
    DECODER_OVER_128_MIB = "an xz or lzma payload whose decoder needs more than 128 MiB"
    DECODER_OVER_256_MIB = "an xz or lzma payload whose decoder needs more than 256 MiB"
    OVER_1_GIB = "more than 1 GiB, as a file or unpacked"
    ZBOOT = "an EFI zboot image"
    ARM = "a kernel for Arm"
    NOT_XEN = "an ELF file with neither Xen notes nor a `__xen_guest` section"
    NO_SECTION_NAMES = "an ELF file without a table of section names (e_shstrndx)"
    GUEST_STRING = "a `__xen_guest` section in place of notes"
    MULTIBOOT_STYLE = "a multiboot-style binary"
    NO_PHYS32_ENTRY = "a kernel without the note PHYS32_ENTRY"
    PHYS32_ENTRY = "a kernel with the note PHYS32_ENTRY"
    PHYS32_ENTRY_ONLY = "PHYS32_ENTRY without the notes of a PV kernel (XEN_VERSION, and LOADER or GUEST_OS)"
    ENTRY_NOT_MAPPED = (
        "the note ENTRY, or without it the ELF header's entry point, lies outside of the kernel as VIRT_BASE and "
        "PADDR_OFFSET place it"
    )
    PADDR_OFFSET_ALONE = "the note PADDR_OFFSET without VIRT_BASE"
    MOD_START_PFN = "the note MOD_START_PFN"
    INIT_P2M = "the note INIT_P2M"
    SUPPORTED_FEATURES = "the note SUPPORTED_FEATURES"
    REQUIRES_HVM_CALLBACK_VECTOR = "requires the feature `hvm_callback_vector`"
    REQUIRES_AUTO_TRANSLATED = "requires the feature `auto_translated_physmap`"
    REQUIRES_DOM0 = "requires the feature `dom0`"
    REQUIRES_UNKNOWN = "requires a feature that is not known by name"
    PV32 = "a 32-bit PV kernel"
    NO_PAE = "a 32-bit PV kernel without PAE"
    FIRMWARE = "HVM firmware (hvmloader)"
    FIRMWARE_64 = "64-bit HVM firmware"


class Effect(StrEnum):
    """What a fact means for an image that has the trait."""

    TAKEN = "taken"
    """It is loaded: worth saying where one might doubt it."""
    DEPENDS = "depends"
    """On how this Xen was built or set up, or on the point release."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Fact:
    """What the toolstacks of the releases from `since` to `until` do with images that have a trait."""

    id: str
    """Stable, in kebab-case."""
    trait: Trait
    targets: tuple[Target, ...]
    effect: Effect
    since: str | None
    """The first release that it holds for; None: from the oldest on."""
    until: str | None
    """The last release that it holds for; None: up to the newest."""
    rule: str
    """What decides, as a sentence."""
    mend: str
    """What to do about it; empty for what is taken."""
    source: str
    """A commit (its title and id), or a document."""
    verified: bool = True
    """Whether a source says that it is so, and in which releases; else the source tells what is inferred."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Facts that belong together."""

    title: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class DecoderLimit:
    """Memory in bytes that the decoders of xz and lzma payloads get in releases from `since` to `until`."""

    since: str | None
    until: str | None
    first: int
    """In the release itself."""
    today: int
    """In its last stable update."""
