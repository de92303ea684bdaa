"""What each Xen release makes of a file: its builder's word where that is known here, and what its history says."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from xlbuild.inspect.kernels.file import KernelFile
from xlbuild.inspect.kernels.traits import traits_of
from xlbuild.inspect.kernels.verdicts import Verdict, verdicts
from xlbuild.inspect.releases import RELEASES, Target, Trait, conditions, refusals
from xlbuild.profiles import PROFILES, Profile


def profile_of(release: str, limits: Profile | None = None) -> Profile:
    """Return how a release builds; for one older than all that are known, how the oldest of those does.

    What else the older ones did differently is in the facts. `limits` has the limit on a kernel's size, if any.
    """
    known = next((profile for profile in PROFILES if profile.name == release), PROFILES[0])
    return known if limits is None else replace(known, kernel_max_size=limits.kernel_max_size)


def release_verdicts(file: KernelFile, release: str) -> tuple[Verdict, ...]:
    """Return the verdict for each container in a release."""
    return _in_release(verdicts(file, profile_of(release, file.given.profile)), release, traits_of(file))


def _in_release(found: tuple[Verdict, ...], release: str, traits: Collection[Trait]) -> tuple[Verdict, ...]:
    return tuple(_with_facts(verdict, release, traits) for verdict in found)


def _with_facts(verdict: Verdict, release: str, traits: Collection[Trait]) -> Verdict:
    """Let the history decide what the builder of today takes."""
    if not verdict.boots:
        return verdict
    for fact in refusals(release, verdict.target, traits):
        rule = f"Xen {release} ({fact.id})"
        return Verdict(verdict.target, False, rule, fact.rule, fact.mend, is_history=True)
    depends = tuple(fact.rule for fact in conditions(release, verdict.target, traits))
    return replace(verdict, conditions=depends)


@dataclass(frozen=True, slots=True)
class Span:
    """Releases in a row that make the same of a file."""

    first: str
    last: str
    verdicts: tuple[Verdict, ...]

    def of(self, target: Target) -> Verdict:
        """Return the verdict for a container."""
        return next(verdict for verdict in self.verdicts if verdict.target is target)


def spans(file: KernelFile) -> tuple[Span, ...]:
    """Return what all releases make of a file, oldest first, with those together that agree."""
    traits = traits_of(file)
    known: dict[tuple[object, ...], tuple[Verdict, ...]] = {}
    found: list[Span] = []
    for release in RELEASES:
        profile = profile_of(release, file.given.profile)
        alike = file.goes_by(profile)
        if alike not in known:
            known[alike] = verdicts(file, profile)
        here = _in_release(known[alike], release, traits)
        if found and _agree(found[-1].verdicts, here):
            found[-1] = replace(found[-1], last=release)
        else:
            found.append(Span(release, release, here))
    return tuple(found)


def _agree(some: tuple[Verdict, ...], others: tuple[Verdict, ...]) -> bool:
    return all(_in_short(one) == _in_short(other) for one, other in zip(some, others, strict=True))


def _in_short(verdict: Verdict) -> tuple[object, ...]:
    """Return what a release has to differ in to be told apart; not how its builder words a refusal."""
    return verdict.boots, verdict.conditions, verdict.because if verdict.is_history else None
