"""The table of which Xen release takes which image: whole, documented, and right where it can be compared."""

from itertools import combinations, pairwise
from pathlib import Path

import pytest

from xlbuild.inspect.releases import (
    DECODER_LIMITS,
    FACTS,
    RELEASES,
    DecoderLimit,
    Effect,
    Fact,
    Target,
    Trait,
    conditions,
    facts_about,
    refusals,
)
from xlbuild.inspect.releases.page import page
from xlbuild.profiles import PROFILES, Profile, in_releases, release_order
from xlbuild.units import MIB

_PAGE = Path(__file__).parents[3] / "docs" / "image-history.md"

_COLUMNS = 6
_EVERY_FACT = pytest.mark.parametrize("fact", FACTS, ids=[fact.id for fact in FACTS])


def ids(facts: tuple[Fact, ...]) -> list[str]:
    return [fact.id for fact in facts]


def holds_in(fact: Fact) -> set[str]:
    return {release for release in RELEASES if in_releases(release, fact.since, fact.until)}


def takers(target: Target, traits: set[Trait]) -> tuple[str, ...]:
    return tuple(release for release in RELEASES if not refusals(release, target, traits))


def decoder_limit(release: str) -> DecoderLimit:
    return next(limit for limit in DECODER_LIMITS if in_releases(release, limit.since, limit.until))


def decoder_traits(needed: int) -> set[Trait]:
    """Return the traits of an xz or lzma payload whose decoder needs that many bytes of memory."""
    over = {Trait.DECODER_OVER_128_MIB: 128 * MIB, Trait.DECODER_OVER_256_MIB: 256 * MIB}
    return {trait for trait, limit in over.items() if needed > limit}


def test_the_page_is_what_the_table_makes() -> None:
    assert _PAGE.read_text() == page(), "run scripts/docs"


def test_releases_are_in_order_and_end_with_the_newest_that_is_built_for() -> None:
    assert list(RELEASES) == sorted(RELEASES, key=release_order)
    assert tuple(profile.name for profile in PROFILES) == RELEASES[-len(PROFILES) :]


def test_ids_are_unique() -> None:
    assert len({fact.id for fact in FACTS}) == len(FACTS)


def test_every_trait_has_a_fact() -> None:
    assert {fact.trait for fact in FACTS} == set(Trait)


@_EVERY_FACT
def test_a_fact_holds_for_releases_that_exist(fact: Fact) -> None:
    assert {fact.since, fact.until} <= {None, *RELEASES}
    assert holds_in(fact), "its last release comes before its first"
    assert fact.since != RELEASES[0], "None says so"
    assert fact.until != RELEASES[-1], "None says so"
    assert fact.targets


@_EVERY_FACT
def test_a_fact_is_told_in_sentences_with_a_source_and_a_mend_where_one_is_needed(fact: Fact) -> None:
    assert fact.rule.endswith(".")
    assert fact.source
    assert bool(fact.mend) == (fact.effect is not Effect.TAKEN)
    assert not fact.mend.endswith(".")


@_EVERY_FACT
def test_a_fact_has_its_row_in_the_page(fact: Fact) -> None:
    rows = [line for line in page().splitlines() if f"(`{fact.id}`)" in line]
    assert len(rows) == 1
    cells = [cell.strip() for cell in rows[0].strip("|").split(" | ")]
    assert len(cells) == _COLUMNS
    assert cells[1] == ", ".join(fact.targets)
    assert fact.rule in cells[4]
    assert fact.source in cells[5]
    assert ("**inferred**" in cells[5]) == (not fact.verified)


def test_no_two_facts_say_the_same_or_the_contrary_of_one_image() -> None:
    for one, other in combinations(FACTS, 2):
        if one.trait is other.trait and set(one.targets) & set(other.targets):
            assert not holds_in(one) & holds_in(other), f"{one.id} and {other.id}"


@pytest.mark.parametrize("profile", PROFILES, ids=[profile.name for profile in PROFILES])
def test_facts_agree_with_the_builds_of_each_release(profile: Profile) -> None:
    assert decoder_limit(profile.name).today == profile.lzma_memory_limit
    alone = refusals(profile.name, Target.PVH, {Trait.PADDR_OFFSET_ALONE})
    assert bool(alone) == profile.pvh_paddr_offset_needs_virt_base


def test_decoder_limits_cover_every_release_once_and_never_shrink() -> None:
    for release in RELEASES:
        assert sum(in_releases(release, limit.since, limit.until) for limit in DECODER_LIMITS) == 1
    for before, after in pairwise(DECODER_LIMITS):
        assert before.first <= before.today <= after.today
        assert before.first <= after.first


def test_facts_about_decoders_agree_with_their_limits() -> None:
    for release in RELEASES:
        limit = decoder_limit(release)
        for needed in (64 * MIB, 128 * MIB, 129 * MIB, 256 * MIB, 257 * MIB):
            traits = decoder_traits(needed)
            assert bool(refusals(release, Target.PV64, traits)) == (needed > limit.today)
            if needed <= limit.today:
                assert bool(conditions(release, Target.PV64, traits)) == (needed > limit.first)


TAKEN: list[tuple[Target, set[Trait], str]] = [
    (Target.PV64, set(), "4.2 to 4.22"),
    (Target.PV64, {Trait.PAYLOAD_XZ}, "4.2 to 4.22"),
    (Target.PV64, {Trait.PAYLOAD_LZ4}, "4.4 to 4.22"),
    (Target.PV64, {Trait.PAYLOAD_LZ4, Trait.LZ4_SHORT}, "4.4 to 4.21"),
    (Target.PV64, {Trait.PAYLOAD_ZSTD}, "4.15 to 4.22"),
    (Target.PV64, {Trait.PAYLOAD_XZ, Trait.DECODER_OVER_128_MIB}, "4.17 to 4.22"),
    (Target.PV64, {Trait.PHYS32_ENTRY}, "4.2 to 4.22"),
    (Target.PVH, {Trait.PHYS32_ENTRY}, "4.7 to 4.22"),
    (Target.PVH, {Trait.PHYS32_ENTRY, Trait.PAYLOAD_ZSTD}, "4.15 to 4.22"),
    (Target.PVH, {Trait.PHYS32_ENTRY, Trait.PHYS32_ENTRY_ONLY}, "4.10 to 4.22"),
    (Target.PVH, {Trait.PHYS32_ENTRY, Trait.ENTRY_NOT_MAPPED}, "4.16 to 4.22"),
    (Target.PVH, {Trait.PHYS32_ENTRY, Trait.PADDR_OFFSET_ALONE}, "4.18 to 4.22"),
    (Target.PVH, {Trait.NO_PHYS32_ENTRY}, ""),
    (Target.PV32, {Trait.PV32}, "4.2 to 4.22"),
    (Target.PV32, {Trait.PV32, Trait.NO_PAE}, ""),
    (Target.HVM, {Trait.FIRMWARE}, "4.2 to 4.22"),
    (Target.HVM, {Trait.FIRMWARE, Trait.FIRMWARE_64}, ""),
]


@pytest.mark.parametrize(("target", "traits", "releases"), TAKEN)
def test_the_releases_that_take_an_image(target: Target, traits: set[Trait], releases: str) -> None:
    first, _, last = releases.partition(" to ")
    expected = RELEASES[RELEASES.index(first) : RELEASES.index(last) + 1] if releases else ()
    assert takers(target, traits) == expected


def test_a_zstd_kernel_is_refused_up_to_4_14_with_the_rule_and_a_mend() -> None:
    (fact,) = refusals("4.14", Target.PVH, {Trait.PHYS32_ENTRY, Trait.PAYLOAD_ZSTD})
    assert fact.id == "payload-zstd"
    assert "4.15" in fact.rule
    assert "CONFIG_KERNEL_GZIP" in fact.mend
    assert not facts_about("4.15", Target.PV64, {Trait.PAYLOAD_ZSTD})


def test_several_reasons_are_told_in_the_order_of_the_table() -> None:
    traits = {Trait.PHYS32_ENTRY, Trait.PADDR_OFFSET_ALONE, Trait.PAYLOAD_ZSTD}
    assert ids(refusals("4.6", Target.PVH, traits)) == ["payload-zstd", "pvh", "paddr-offset-alone-pvh"]


def test_what_depends_on_the_build_of_xen_is_no_refusal() -> None:
    assert ids(conditions("4.17", Target.PV32, {Trait.PV32, Trait.PAYLOAD_LZO})) == ["payload-lzo", "pv32"]
    assert not refusals("4.17", Target.PV32, {Trait.PV32, Trait.PAYLOAD_LZO})
    assert ids(conditions("4.22", Target.PV64, {Trait.PAYLOAD_LZ4})) == ["payload-lz4-library"]
    assert not conditions("4.21", Target.PV64, {Trait.PAYLOAD_LZ4})


def test_what_a_payload_needs_does_not_matter_to_a_container_that_takes_none() -> None:
    assert not facts_about("4.2", Target.HVM, {Trait.PAYLOAD_ZSTD})
