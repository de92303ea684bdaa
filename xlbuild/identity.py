"""What a domain is known by: its digests (docs/digest.md), and whether they are those that its manifest records."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from xlbuild.built import BuiltDomain
from xlbuild.domain import Digests
from xlbuild.errors import Diagnostic, Where
from xlbuild.units import Pfn


class Origin(StrEnum):
    """What a domain was given as."""

    DIRECTORY = "built domain"
    MANIFEST = "manifest"
    CONFIG = "configuration"
    SAVE = "save file"
    CORE = "dump-core"


@dataclass(frozen=True, slots=True)
class Identity:
    """What a domain is known by: its digests, computed of what is there, and those of all that enters them."""

    built: BuiltDomain
    origin: Origin
    digests: Digests
    """Of a manifest alone, `memory` and `segments` are what it records."""
    parts: Mapping[str, str]
    """The digest of each thing that enters the domain digest, by the manifest's members, the memory's first."""
    stray: Pfn | None = None
    """First frame of an image with a non-zero byte where the guest has no memory; it does not enter."""

    @property
    def recorded(self) -> Digests | None:
        """What the manifest says that the digests are; None for a domain that was built of a configuration."""
        return None if self.origin is Origin.CONFIG else self.built.digests

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


_MEMORY = "memory.img was changed since, or is another domain's"
_MEMBER = "one of its members was changed since"


def _by_name(digests: Digests) -> dict[str, str]:
    segments = {f"segment:{name}": digest for name, digest in digests.segments.items()}
    return {"domain": digests.domain, "memory": digests.memory, **segments}
