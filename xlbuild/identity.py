"""What a domain is known by: its digests (docs/digest.md), and whether they are those that its manifest records."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from xlbuild.built import BuiltDomain, Origin, Untold
from xlbuild.domain import Digests
from xlbuild.errors import Diagnostic, Where
from xlbuild.units import Pfn

__all__ = ["DOMAIN_DIGEST_PARTS", "Identity", "Origin", "part_words", "untold_parts"]

DOMAIN_DIGEST_PARTS: tuple[str, ...] = (
    "memory",
    "container",
    "guest_type",
    "populated",
    "vcpus",
    "hvm_params",
    "memory_map",
    "grants",
    "event_channels",
    "hypercall_page",
)
"""The manifest's members, and the memory digest, that the domain digest covers: in the order of telling them."""

_OF_MEMORY = frozenset({"memory", "populated"})
"""Those of them that say which frames there are, and what they hold."""


def untold_parts(untold: Untold) -> tuple[str, ...]:
    """Return those things of a domain digest that are not told, or not wholly."""
    members = {member.partition(".")[0] for member in untold.members}
    lacking = members | _OF_MEMORY if untold.frames else members
    return tuple(name for name in DOMAIN_DIGEST_PARTS if name in lacking)


@dataclass(frozen=True, slots=True)
class Identity:
    """What a domain is known by: its digests, computed of what is there, and those of all that enters them."""

    built: BuiltDomain
    digests: Digests
    """Of a manifest alone, `memory` and `segments` are what it records."""
    parts: Mapping[str, str]
    """The digest of each thing that enters the domain digest, by the manifest's members, the memory's first.

    Of what a host wrote without those that it does not tell: in the domain digest they stand as null.
    """
    stray: Pfn | None = None
    """First frame of an image with a non-zero byte where the guest has no memory; it does not enter."""

    @property
    def origin(self) -> Origin:
        """What the domain was given as."""
        return self.built.origin

    @property
    def untold(self) -> tuple[str, ...]:
        """The names of what is not told, or not wholly, of all that enters a domain digest."""
        return untold_parts(self.built.untold)

    @property
    def recorded(self) -> Digests | None:
        """What the manifest says that the digests are; None for a domain without one."""
        return self.built.digests if self.origin in (Origin.DIRECTORY, Origin.MANIFEST) else None

    @property
    def differing(self) -> tuple[str, ...]:
        """The names of the digests of which the manifest records others; of segments `segment:` and their name."""
        if self.recorded is None:
            return ()
        found, recorded = _by_name(self.digests), _by_name(self.recorded)
        return tuple(name for name in found if found[name] != recorded[name])

    def warnings(self) -> Iterator[Diagnostic]:
        """Yield what a user should know who takes the digest for that of the domain that was built."""
        where = Where(self.built.source)
        if differing := self.differing:
            changed = _MEMORY if self.digests.memory != self.built.digests.memory else _MEMBER
            yield Diagnostic(
                "domain-digest-differs",
                f"this is not the domain as it was built: domain.json records other digests: {', '.join(differing)}",
                where,
                f"{changed}; the digest is that of what is there",
            )
        if self.stray is not None:
            yield Diagnostic(
                "domain-image-stray",
                f"memory.img is not zero in frame {self.stray:#x}, where the guest has no memory",
                where,
                "it does not enter the digest; build the domain again to be rid of it",
            )
        if self.untold:
            yield Diagnostic(
                "digest-incomplete",
                f"this is the digest of a part of the guest: a {self.origin.value} does not tell all of "
                f"{part_words(self.untold)}",
                where,
                f"it compares with those of other {self.origin.value}s that lack the same; `xlbuild diff` compares "
                "with a configuration what it tells",
            )


_MEMORY = "memory.img was changed since, or is another domain's"
_MEMBER = "one of its members was changed since"


def part_words(names: Iterable[str]) -> str:
    """Return things that enter a domain digest, as a sentence lists them."""
    return ", ".join(_PART_WORDS.get(name, name.replace("_", " ")) for name in names)


_PART_WORDS = {"vcpus": "registers", "hvm_params": "HVM parameters", "vnuma": "virtual NUMA nodes"}
"""Where a manifest's name is none that people use."""


def _by_name(digests: Digests) -> dict[str, str]:
    segments = {f"segment:{name}": digest for name, digest in digests.segments.items()}
    return {"domain": digests.domain, "memory": digests.memory, **segments}
