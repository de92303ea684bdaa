"""Which Xen release's toolstack takes which image: facts with their sources, from 4.2 on.

A fact is about one trait of an image, what it is or needs, and about guests of some containers: from one release
to another the trait makes the builder refuse the image (or lets it depend on how Xen was built). What no fact
speaks of is taken by all releases. `docs/image-history.md` is made from this table.

A source is the commit that made the change, by title and id, where one is known; else the document that says so.
A release has what was committed before its branch was made, so a date of a commit gives the release.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from xlbuild.profiles import in_releases
from xlbuild.units import MIB

RELEASES: tuple[str, ...] = (
    *("4.2", "4.3", "4.4", "4.5", "4.6", "4.7", "4.8", "4.9", "4.10", "4.11", "4.12"),
    *("4.13", "4.14", "4.15", "4.16", "4.17", "4.18", "4.19", "4.20", "4.21", "4.22"),
)
"""Every release that the facts cover, oldest first."""


class Target(StrEnum):
    """What a guest is built as: the containers, PV by its width."""

    PV64 = "PV 64"
    PV32 = "PV 32"
    PVH = "PVH"
    HVM = "HVM firmware"


PV = (Target.PV64, Target.PV32)
HVM_CONTAINERS = (Target.PVH, Target.HVM)
KERNELS = (*PV, Target.PVH)
ALL = tuple(Target)


class Trait(StrEnum):
    """What an image can be or need; the values are the words for it."""

    GZIP_FILE = "the whole file is packed with gzip"
    PAYLOAD_GZIP = "a bzImage whose payload is gzip"
    PAYLOAD_BZIP2 = "a bzImage whose payload is bzip2"
    PAYLOAD_LZMA = "a bzImage whose payload is lzma"
    PAYLOAD_XZ = "a bzImage whose payload is xz"
    PAYLOAD_LZO = "a bzImage whose payload is lzo"
    PAYLOAD_LZ4 = "a bzImage whose payload is lz4"
    PAYLOAD_LZ4_SHORT = "an lz4 payload that unpacks to less than its length field says"
    PAYLOAD_ZSTD = "a bzImage whose payload is zstd"
    DECODER_OVER_128_MIB = "an xz or lzma payload whose decoder needs more than 128 MiB"
    DECODER_OVER_256_MIB = "an xz or lzma payload whose decoder needs more than 256 MiB"
    OVER_1_GIB = "more than 1 GiB, as a file or unpacked"
    ZBOOT = "an EFI zboot image"
    GUEST_STRING = "a `__xen_guest` section in place of notes"
    PHYS32_ENTRY = "started by its note PHYS32_ENTRY"
    PADDR_OFFSET_ALONE = "the note PADDR_OFFSET without VIRT_BASE"
    REQUIRES_HVM_CALLBACK_VECTOR = "requires the feature `hvm_callback_vector`"
    REQUIRES_DOM0 = "requires the feature `dom0`"
    NO_PAE = "a 32-bit PV kernel without PAE"
    PV32 = "a 32-bit PV kernel"
    MULTIBOOT_STYLE = "a multiboot-style binary"
    MOD_START_PFN = "the note MOD_START_PFN"
    INIT_P2M = "the note INIT_P2M"
    FIRMWARE_64 = "64-bit HVM firmware"


class Effect(StrEnum):
    """What a fact means for an image with the trait."""

    TAKEN = "taken"
    """Worth saying: it is taken, though one might doubt it."""
    DEPENDS = "depends"
    """On how Xen was built or set up, or on the point release."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Fact:
    """What releases from `since` to `until` do with images that have the trait."""

    id: str
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
    """A commit or a document."""
    verified: bool = True
    """False: the release was not found in any source, and is the cautious guess that `source` explains."""


@dataclass(frozen=True, slots=True)
class DecoderLimit:
    """Memory in bytes that the decoders for xz and lzma payloads may use, in releases from `since` to `until`."""

    since: str | None
    until: str | None
    first: int
    """In the release itself."""
    today: int
    """In its last stable update."""


DECODER_LIMITS: tuple[DecoderLimit, ...] = (
    DecoderLimit(None, "4.16", 128 * MIB, 128 * MIB),
    DecoderLimit("4.17", "4.19", 128 * MIB, 256 * MIB),
    DecoderLimit("4.20", None, 256 * MIB, 256 * MIB),
)

_REPACK = "pack the kernel with gzip (Linux: CONFIG_KERNEL_GZIP), or give the unpacked vmlinux"

FACTS: tuple[Fact, ...] = (
    Fact(
        "lz4-4.4",
        Trait.PAYLOAD_LZ4,
        KERNELS,
        Effect.REFUSED,
        None,
        "4.3",
        "The builder unpacks lz4 payloads from Xen 4.4 on.",
        _REPACK,
        "libxc: add LZ4 decompression support, 84f04d8f0dbf (October 2013, after 4.3.0)",
    ),
    Fact(
        "zstd-4.15",
        Trait.PAYLOAD_ZSTD,
        KERNELS,
        Effect.REFUSED,
        None,
        "4.14",
        "The builder unpacks zstd payloads from Xen 4.15 on.",
        _REPACK,
        "libxenguest: support zstd compressed kernels, 8169f82049ef; CHANGELOG.md of 4.15.0",
    ),
)
"""Every fact, by subject."""


def facts_about(release: str, target: Target, traits: Collection[Trait]) -> tuple[Fact, ...]:
    """Return what is known about an image with the traits in a release, in the table's order."""
    return tuple(
        fact
        for fact in FACTS
        if fact.trait in traits and target in fact.targets and in_releases(release, fact.since, fact.until)
    )


def refusals(release: str, target: Target, traits: Collection[Trait]) -> tuple[Fact, ...]:
    """Return the facts for which a release's toolstack refuses an image with the traits."""
    return tuple(fact for fact in facts_about(release, target, traits) if fact.effect is Effect.REFUSED)


def conditions(release: str, target: Target, traits: Collection[Trait]) -> tuple[Fact, ...]:
    """Return the facts by which it depends on the build or the point release whether it takes the image."""
    return tuple(fact for fact in facts_about(release, target, traits) if fact.effect is Effect.DEPENDS)


def decoder_limit(release: str) -> DecoderLimit:
    """Return the memory that a release's decoders for xz and lzma may use."""
    return next(limit for limit in DECODER_LIMITS if in_releases(release, limit.since, limit.until))


def decoder_traits(needed: int) -> frozenset[Trait]:
    """Return the traits of an xz or lzma payload whose decoder needs so many bytes of memory."""
    over = ((128 * MIB, Trait.DECODER_OVER_128_MIB), (256 * MIB, Trait.DECODER_OVER_256_MIB))
    return frozenset(trait for limit, trait in over if needed > limit)
