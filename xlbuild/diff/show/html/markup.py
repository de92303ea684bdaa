"""Elements of HTML and SVG, and how they are written: whatever is text or an attribute's value is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import TypeAlias

from xlbuild.visible import visible


@dataclass(frozen=True, slots=True)
class Element:
    """An element with what is in it."""

    name: str
    attributes: Mapping[str, str]
    children: tuple[Node, ...]


Node: TypeAlias = "Element | str"
"""An element, or text."""

_VOID = frozenset({"meta", "col", "br"})
"""Elements that have no end."""
_RAW = frozenset({"style"})
"""Elements whose text a browser takes as it stands."""


def element(name: str, attributes: Mapping[str, str], *children: Node | None) -> Element:
    """Return an element; children that are None are left out."""
    return Element(name, attributes, tuple(child for child in children if child is not None))


def plain(name: str, *children: Node | None) -> Element:
    """Return an element without attributes."""
    return element(name, {}, *children)


def classed(name: str, classes: str, *children: Node | None) -> Element:
    """Return an element with nothing but classes."""
    return element(name, {"class": classes}, *children)


def table(caption: str, columns: Iterable[str], rows: Iterable[Element]) -> Element:
    """Return a table with a caption for those who do not see it, and a header for each column."""
    heads = (element("th", {"scope": "col"}, column) for column in columns)
    return plain(
        "table",
        classed("caption", "unseen", caption),
        plain("thead", plain("tr", *heads)),
        plain("tbody", *rows),
    )


def folded(title: str, classes: str, *children: Node | None) -> Element:
    """Return something that a reader opens."""
    return classed("details", classes, plain("summary", title), *children)


def markup(node: Node) -> str:
    """Return a tree of elements as text."""
    return "".join(_pieces(node))


def _pieces(node: Node) -> Iterator[str]:
    if isinstance(node, str):
        yield escape(visible(node))
        return
    attributes = "".join(f' {name}="{escape(visible(value))}"' for name, value in node.attributes.items())
    yield f"<{node.name}{attributes}>"
    for child in node.children:
        if node.name in _RAW:
            assert isinstance(child, str)
            assert "<" not in child
            yield child
        else:
            yield from _pieces(child)
    if node.name not in _VOID:
        yield f"</{node.name}>"
