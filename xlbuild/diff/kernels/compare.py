"""Two kernels compared: where they boot, what they ask for, and what became of their sections and symbols."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from types import MappingProxyType

from xlbuild.diff.facts import Reading, compare_facts
from xlbuild.diff.kernels.fields import by_growth, tell_fields
from xlbuild.diff.kernels.symbols import compare_symbols
from xlbuild.diff.model import Change, Difference, Section
from xlbuild.diff.reading import SectionTitle
from xlbuild.inspect.kernels.describe import answer_of
from xlbuild.inspect.kernels.facts import KernelCore, core_tree, kernel_tree, reason_of, release_answers
from xlbuild.inspect.kernels.file import KernelFile
from xlbuild.inspect.kernels.verdicts import Verdict
from xlbuild.inspect.releases import CONTAINER_NAMES
from xlbuild.inspect.tree import Branch
from xlbuild.inspect.words import counted

READING = Reading(
    MappingProxyType(
        {
            "containers": "container",
            "notes": "name",
            "features": "name",
            "segments": "number",
            "sections": "name",
            "bzimage.header": "name",
        }
    )
)
"""What names the elements of a kernel's description."""

_BY_RELEASE = "where it boots, release by release"
SECTIONS: tuple[SectionTitle, ...] = (
    SectionTitle("file", "the file, and how it is packed", counts=False),
    SectionTitle("program", "what is in it, unpacked"),
    SectionTitle("containers", "decision: where it boots"),
    SectionTitle("releases", _BY_RELEASE),
    SectionTitle("notes", "Xen notes"),
    SectionTitle("features", "features that the notes name"),
    SectionTitle("elf", "ELF header"),
    SectionTitle("segments", "segments (program headers)"),
    SectionTitle("sections", "sections"),
    SectionTitle("symbols", "symbols"),
    SectionTitle("bzimage", "boot header of the bzImage, which no guest sees", counts=False),
)
"""A kernel's sections in the order in which they are told. How it is packed is no part of what is in memory."""


@dataclass(frozen=True, slots=True)
class KernelDifferences:
    """What differs between two kernels."""

    sections: tuple[Section, ...]
    remarks: tuple[str, ...]
    """What was not compared, because there is more of it than any kernel has."""


def compare_kernels(a: KernelFile, b: KernelFile, releases: tuple[str, str]) -> KernelDifferences:
    """Return what differs between two kernel files; `releases` are those that are asked whether the kernels boot.

    Of files that are not packed it is not told twice how large they are.
    """
    one, other = KernelCore(a.core), KernelCore(b.core)
    trees = kernel_tree(a, one, releases[0]), kernel_tree(b, other, releases[1])
    found = {section.name: section for section in _sections(*trees, one, other)}
    if not a.is_packed and not b.is_packed:
        found.pop("file", None)
    if where := found.get("containers"):
        found["containers"] = replace(
            where, title=f"{where.title}, on Xen {' → '.join(dict.fromkeys(releases))}"
        )
    if answers := tuple(_releases(a, b)):
        found["releases"] = Section("releases", _BY_RELEASE, answers)
    ordered = tuple(found[title.name] for title in SECTIONS if title.name in found)
    return KernelDifferences(ordered, tuple(_remarks(one, other)))


def compare_cores(a: KernelCore, b: KernelCore) -> KernelDifferences:
    """Return what differs between the kernels of two domains, beside what the domains' descriptions say of them.

    Paths begin with `kernel.`. None of it counts: what matters to a guest is in its memory.
    """
    if a.sha256 == b.sha256:
        return KernelDifferences((), ())
    sections = (_in_domain(section) for section in _sections(core_tree(a), core_tree(b), a, b))
    return KernelDifferences(tuple(sections), tuple(_remarks(a, b)))


def _in_domain(section: Section) -> Section:
    differences = tuple(replace(each, path=f"kernel.{each.path}") for each in section.differences)
    return Section(f"kernel.{section.name}", f"kernel: {section.title}", differences, counts=False)


def _sections(one: Branch, other: Branch, a: KernelCore, b: KernelCore) -> Iterator[Section]:
    """Yield what differs in two descriptions, and in the symbols of what they were made of."""
    for section in SECTIONS:
        found = compare_facts(one.get(section.name), other.get(section.name), READING, section.name)
        differences = tell_fields(found, a, b)
        if section.name == "sections":
            differences = by_growth(differences)
        if differences:
            yield Section(section.name, section.title, differences, section.counts)
    if a.sha256 != b.sha256:
        symbols = compare_symbols(a.symbols, b.symbols)
        if symbols is not None:
            yield symbols


def _releases(a: KernelFile, b: KernelFile) -> Iterator[Difference]:
    """Yield for each container in which releases only one of two kernels boots, releases in a row together."""
    answers = list(zip(release_answers(a), release_answers(b), strict=True))
    for number, name in enumerate(CONTAINER_NAMES.values()):
        rows = [
            (release, _answer(one[number]), _answer(other[number])) for (release, one), (_, other) in answers
        ]
        for (one_told, other_told), alike in groupby(rows, key=lambda row: row[1:]):
            (one_word, one_why), (other_word, other_why) = one_told, other_told
            if one_word != other_word:
                releases = [release for release, *_ in alike]
                path = f"releases[{_span(releases)}].{name}"
                yield Difference(path, Change.CHANGED, one_word, other_word, one_why, other_why)


def _answer(verdict: Verdict) -> tuple[str, str | None]:
    return answer_of(verdict), reason_of(verdict)


def _span(releases: Sequence[str]) -> str:
    return releases[0] if len(releases) == 1 else f"{releases[0]} to {releases[-1]}"


def _remarks(a: KernelCore, b: KernelCore) -> Iterator[str]:
    for core, which in ((a, "first"), (b, "second")):
        symbols = core.symbols.left_out if core.symbols is not None else 0
        for count, noun in ((core.sections_left_out, "section"), (symbols, "symbol")):
            if count:
                yield f"the {which} kernel has {counted(count, noun)} more than are compared"
