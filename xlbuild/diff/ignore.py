"""Leaving out of a comparison what a user does not want to be told of."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from xlbuild.diff.model import Change, Comparison, OwnerPages, Run
from xlbuild.errors import UsageError
from xlbuild.units import whole_pages

_MOST_SHOWN = 60
"""Characters that a refusal quotes."""


@dataclass(frozen=True, slots=True)
class _Step:
    """A member's name, or (with brackets) what names an element of a list."""

    name: str
    is_element: bool


@dataclass(frozen=True, slots=True)
class Pattern:
    """A path, or the beginning of paths: `start_info.cmd_line`, `vcpus[*].registers[rip]`, `pages[module0]`."""

    _steps: tuple[_Step, ...]
    """Their names as `fnmatch` takes them."""

    @classmethod
    def of(cls, text: str) -> "Pattern":
        """Return a pattern from what a user writes; UsageError for what is no path."""
        steps = _steps(text)
        if not any(step.name for step in steps):
            raise UsageError(
                "ignore-no-path",
                f"{text[:_MOST_SHOWN]!r} is no path of what is compared",
                cause="a path is members by dots, and names of elements in brackets; `*` stands for any characters",
                hint="copy one from the output of --json, or from docs/diff.md",
            )
        return cls(tuple(replace(step, name=_any_characters(step.name)) for step in steps))

    def covers(self, path: str | None) -> bool:
        """Return whether a path is the pattern's, or below it."""
        if path is None:
            return False
        steps = _steps(path)
        return len(steps) >= len(self._steps) and all(
            pattern.is_element == step.is_element and fnmatchcase(step.name, pattern.name)
            for pattern, step in zip(self._steps, steps, strict=False)
        )


def _any_characters(name: str) -> str:
    """Return a name as a pattern in which `*` alone is special: brackets and `?` are in names that there are."""
    return name.replace("[", "[[]").replace("?", "[?]")


def without(comparison: Comparison, patterns: Sequence[Pattern]) -> Comparison:
    """Return a comparison without what patterns cover: fields, the bytes of fields, pieces, and pages."""
    if not patterns:
        return comparison
    sections = (
        replace(section, differences=tuple(d for d in section.differences if not _any(patterns, d.path)))
        for section in comparison.sections
    )
    owners = [_without_runs(owner, patterns) for owner in comparison.pages]
    return with_pages(
        replace(
            comparison,
            sections=tuple(section for section in sections if section.differences),
            pieces=tuple(piece for piece in comparison.pieces if not _any(patterns, piece.path)),
        ),
        [owner for owner in owners if owner is not None],
    )


def with_pages(comparison: Comparison, left: Sequence[OwnerPages]) -> Comparison:
    """Return a comparison with what is left of its pages; the contents of pieces differ no more than they do."""
    gone = {owner.owner for owner in comparison.pages} - {owner.owner for owner in left if owner.has_changed}
    pieces = (
        replace(each, contents_differ=each.contents_differ and each.name not in gone)
        for each in comparison.pieces
    )
    return replace(comparison, pieces=tuple(pieces), pages=tuple(left))


def _any(patterns: Sequence[Pattern], path: str | None) -> bool:
    return any(pattern.covers(path) for pattern in patterns)


def _without_runs(owner: OwnerPages, patterns: Sequence[Pattern]) -> OwnerPages | None:
    """Return what is left of an owner's pages; None where that is nothing."""
    if _any(patterns, owner.path):
        return None
    return left_of(owner, lambda run: _any(patterns, run.field))


def left_of(owner: OwnerPages, is_gone: Callable[[Run], bool]) -> OwnerPages | None:
    """Return what is left of an owner's pages without some runs; None where that is nothing.

    A page counts as the same where all that differs in it is gone. Of owners with more runs than are kept, only all
    can be.
    """
    kept = tuple(run for run in owner.runs if not is_gone(run))
    if len(kept) == len(owner.runs) or owner.runs_left_out:
        return owner
    if not kept:
        return None
    if owner.numbered:
        return _left_of_numbered(owner, kept)
    before, after = _pages(owner.runs), _pages(kept)
    left = replace(
        owner,
        same=owner.same + len(before) - len(after),
        changed=owner.changed + _count(after, Change.CHANGED) - _count(before, Change.CHANGED),
        shifted=owner.shifted + _count(after, Change.SHIFTED) - _count(before, Change.SHIFTED),
        runs=kept,
    )
    return left if left.differing else None


def _left_of_numbered(owner: OwnerPages, kept: tuple[Run, ...]) -> OwnerPages | None:
    """Return what is left of an owner whose pages have each their change."""
    gone = _touched(owner.runs) - _touched(kept)
    no_more = _changed(owner.runs) - _changed(kept)
    left = {
        page: Change.SHIFTED if page in no_more else change
        for page, change in owner.numbered
        if page not in gone
    }
    kinds = Counter(left.values())
    return replace(
        owner,
        same=owner.same + len(owner.numbered) - len(left),
        changed=kinds[Change.CHANGED],
        shifted=kinds[Change.SHIFTED],
        added=kinds[Change.ADDED],
        removed=kinds[Change.REMOVED],
        runs=kept,
        numbered=tuple(left.items()),
    )


def _changed(runs: Sequence[Run]) -> set[int]:
    return _touched([run for run in runs if run.change is not Change.SHIFTED])


def _touched(runs: Sequence[Run]) -> set[int]:
    return {
        page
        for run in runs
        for page in range(whole_pages(run.offset), whole_pages(run.offset + run.size - 1) + 1)
    }


def _pages(runs: Sequence[Run]) -> dict[int, Change]:
    """Return how each page that both sides have differs: a page of which anything is changed is."""
    found: dict[int, Change] = {}
    for run in runs:
        if run.change in (Change.CHANGED, Change.SHIFTED):
            for page in range(whole_pages(run.offset), whole_pages(run.offset + run.size - 1) + 1):
                is_changed = Change.CHANGED in (run.change, found.get(page))
                found[page] = Change.CHANGED if is_changed else Change.SHIFTED
    return found


def _count(pages: dict[int, Change], change: Change) -> int:
    return sum(each is change for each in pages.values())


def _steps(path: str) -> tuple[_Step, ...]:
    """Return a path's steps; what names an element may hold dots, and brackets in pairs."""
    steps: list[_Step] = []
    name, depth = "", 0
    for character in f"{path}.":
        if depth == 0 and character in ".[":
            steps += [_Step(name, is_element=False)] if name else []
            name = ""
        elif depth == 1 and character == "]":
            steps.append(_Step(name, is_element=True))
            name = ""
        else:
            name += character
        depth += (character == "[") - (character == "]" and depth > 0)
    return tuple(steps)
