"""Which Xen release's toolstack takes which image: facts with their sources, from 4.2 on.

A fact is about one trait of an image, what it is or needs, and about some containers: it says what the builders of
some releases do with such an image. What no fact refuses is taken. docs/image-history.md is made from the table.

A source is the commit that made the change, where it is known; else a document. A release has what was committed
before its branch was made, so a commit's date tells its release.
"""

from collections.abc import Collection

from xlbuild.inspect.releases.containers import CONTAINERS, FIRMWARE
from xlbuild.inspect.releases.model import CONTAINER_NAMES, DecoderLimit, Effect, Fact, Subject, Target, Trait
from xlbuild.inspect.releases.notes import NOTES
from xlbuild.inspect.releases.packing import DECODER_LIMITS, PACKING
from xlbuild.profiles import in_releases

__all__ = [
    "CONTAINER_NAMES",
    "DECODER_LIMITS",
    "FACTS",
    "RELEASES",
    "SUBJECTS",
    "DecoderLimit",
    "Effect",
    "Fact",
    "Subject",
    "Target",
    "Trait",
    "conditions",
    "facts_about",
    "refusals",
]

RELEASES: tuple[str, ...] = (
    *("4.2", "4.3", "4.4", "4.5", "4.6", "4.7", "4.8", "4.9", "4.10", "4.11", "4.12"),
    *("4.13", "4.14", "4.15", "4.16", "4.17", "4.18", "4.19", "4.20", "4.21", "4.22"),
)
"""Every release that the facts cover, oldest first."""

SUBJECTS: tuple[Subject, ...] = (PACKING, CONTAINERS, NOTES, FIRMWARE)
"""The table, in the order of the documentation."""

FACTS: tuple[Fact, ...] = tuple(fact for subject in SUBJECTS for fact in subject.facts)
"""Every fact."""


def facts_about(release: str, target: Target, traits: Collection[Trait]) -> tuple[Fact, ...]:
    """Return what is known of images with the traits in a release, in the table's order."""
    return tuple(
        fact
        for fact in FACTS
        if fact.trait in traits and target in fact.targets and in_releases(release, fact.since, fact.until)
    )


def refusals(release: str, target: Target, traits: Collection[Trait]) -> tuple[Fact, ...]:
    """Return the facts for which a release's toolstack refuses an image with the traits; none: it takes it."""
    return _with_effect(Effect.REFUSED, release, target, traits)


def conditions(release: str, target: Target, traits: Collection[Trait]) -> tuple[Fact, ...]:
    """Return what it depends on whether a release's toolstack takes an image that it does not refuse."""
    return _with_effect(Effect.DEPENDS, release, target, traits)


def _with_effect(effect: Effect, release: str, target: Target, traits: Collection[Trait]) -> tuple[Fact, ...]:
    return tuple(fact for fact in facts_about(release, target, traits) if fact.effect is effect)
