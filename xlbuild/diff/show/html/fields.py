"""The fields of a section as a table: what was and what is beside each other, what only shifted behind a fold."""

from collections.abc import Sequence

from xlbuild.diff.model import Change, Difference, Section
from xlbuild.diff.show.fields import split_shifts
from xlbuild.diff.show.html.markup import Element, Node, classed, element, folded, plain, table
from xlbuild.diff.show.words import CHANGE_WORDS, NOTHING, common_start, field_name, note, value_texts
from xlbuild.inspect.words import counted

_SHIFTS_SHOWN = 3
"""Shifted fields that are shown without being asked for."""
_SHOWN = 60
"""Fields that are shown without being asked for."""
_MOST = 2000
"""Fields of a section that are in the page at all, so that a browser can hold it."""
_LONG = 8
"""Characters of a text that is not compared at a glance."""


def section_block(section: Section, anchor: str) -> Element:
    """Return a section of the page: its title, its fields, and its shifts by what caused them."""
    told, causes = split_shifts(section.differences, _SHIFTS_SHOWN)
    shifted = [each for each in section.differences if each.change is Change.SHIFTED] if causes else []
    words = "; ".join(f"{counted(count, 'field')} only shifted: {why}" for why, count in causes.items())
    made_from = "This is no part of the guest: it does not count as a difference."
    left_out = max(0, len(told) - _MOST) + max(0, len(shifted) - _MOST)
    return element(
        "section",
        {"aria-labelledby": anchor},
        element("h2", {"id": anchor}, _capital(section.title)),
        None if section.counts else classed("p", "note", made_from),
        _table(section, told[:_SHOWN]) if told else None,
        _folded_table(f"{counted(len(told) - _SHOWN, 'field')} more", "more", section, told[_SHOWN:_MOST]),
        _folded_table(words, "shifts", section, shifted[:_MOST]),
        classed("p", "note", f"{counted(left_out, 'field')} of them are not on this page")
        if left_out
        else None,
    )


def _folded_table(title: str, classes: str, section: Section, rows: Sequence[Difference]) -> Element | None:
    return folded(title, classes, _table(section, rows)) if rows else None


def _capital(title: str) -> str:
    return title[:1].upper() + title[1:]


def _table(section: Section, differences: Sequence[Difference]) -> Element:
    rows = (_row(section, difference) for difference in differences)
    return classed(
        "div", "fields", table(f"Fields of {section.title} that differ", ("field", "a", "b"), rows)
    )


def _row(section: Section, difference: Difference) -> Element:
    said = note(difference)
    is_shifted = difference.change is Change.SHIFTED
    marked = _marked(difference)
    return classed(
        "tr",
        difference.change.value,
        element(
            "th",
            {"scope": "row"},
            plain("code", field_name(section, difference)),
            classed("span", "said", said) if said else None,
        ),
        *(
            plain("td", classed("span", f"value {'shift' if is_shifted else tone}", *value))
            if value != (NOTHING,)
            else plain("td", classed("span", "quiet", CHANGE_WORDS[difference.change]) if number else NOTHING)
            for number, (tone, value) in enumerate(zip(("old", "new"), marked, strict=True))
        ),
    )


def _marked(difference: Difference) -> tuple[tuple[Node, ...], tuple[Node, ...]]:
    """Return both values; of texts that are alike, the part that is not is marked."""
    a, b = value_texts(difference)
    if not (isinstance(difference.a, str) and isinstance(difference.b, str)) or a.startswith("0x"):
        return (a,), (b,)
    start = common_start(a, b)
    end = min(common_start(a[::-1], b[::-1]), min(len(a), len(b)) - start)
    if min(len(a), len(b)) < _LONG or 2 * (start + end) < min(len(a), len(b)):
        return (a,), (b,)
    return _parts(a, start, len(a) - end), _parts(b, start, len(b) - end)


def _parts(text: str, start: int, end: int) -> tuple[Node, ...]:
    marked = plain("mark", text[start:end]) if end > start else None
    parts = (text[:start], marked, text[end:])
    return tuple(part for part in parts if part)
