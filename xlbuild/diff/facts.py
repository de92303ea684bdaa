"""Two descriptions compared, value by value, whatever they describe.

A description (inspect/tree.py) is members within members; lists of objects are compared by what names their elements,
not by their order, so that one more element is one difference.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from xlbuild.diff.model import Change, Difference, Scalar
from xlbuild.inspect.tree import Branch, Tree
from xlbuild.inspect.words import counted

_MEANS = "_means"
"""Ends the name of a member that says what another one means."""
_OWN_MEANING = "means"
"""An object's member that says what it means as a whole."""
_VALUE = "value"
_MOST_SHOWN = 4
"""Members of an object that only one side has."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a kind of description is read. Paths are members by dots, without what names an element."""

    names: Mapping[str, str]
    """The member that names the elements of a list of objects, by the list's path; others go by their number."""
    skipped: frozenset[str] = frozenset()
    """Paths of what is not compared: it says in other words what other members say."""
    absent: Mapping[str, Scalar] = field(default_factory=dict)
    """What an element that is not there stands for, by the list's path: a register that is not listed is zero."""


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A value, and what it means."""

    value: Scalar
    means: str | None = None


_NOTHING = _Leaf(None)
"""Null: what has no value has none on that side, as if it were not there."""

_Node = dict[str, "_Leaf | _Inner"]


@dataclass(frozen=True, slots=True)
class _Inner:
    """Members or named elements."""

    pattern: str
    is_list: bool
    nodes: _Node
    means: str | None = None


def compare_facts(a: Tree, b: Tree, reading: Reading, name: str = "") -> Iterator[Difference]:
    """Yield what differs between two descriptions in the order in which they tell it.

    name        the member of a whole description that both are; paths begin with it

    What only one side has is one difference, however much it holds.
    """
    yield from _compare(_node(a, name, reading, None), _node(b, name, reading, None), reading, name)


def _compare(a: "_Leaf | _Inner", b: "_Leaf | _Inner", reading: Reading, path: str) -> Iterator[Difference]:
    if isinstance(a, _Leaf) or isinstance(b, _Leaf) or (a.nodes and b.nodes and a.is_list != b.is_list):
        yield from _compare_leaves(_as_leaf(a), _as_leaf(b), path)
        return
    shape = a if a.nodes else b
    stand_in = _Leaf(reading.absent[shape.pattern]) if shape.pattern in reading.absent else None
    for name in _in_order(list(a.nodes), list(b.nodes)):
        below = f"{path}[{name}]" if shape.is_list else f"{path}.{name}".lstrip(".")
        one, other = a.nodes.get(name, stand_in), b.nodes.get(name, stand_in)
        if one is not None and other is not None:
            yield from _compare(one, other, reading, below)
        else:
            yield from _one_sided(one, other, below)


def _compare_leaves(a: _Leaf, b: _Leaf, path: str) -> Iterator[Difference]:
    if a == _NOTHING or b == _NOTHING:
        yield from _one_sided(a, b, path)
    elif a.value != b.value or (a.value is None and a.means != b.means):
        yield Difference(path, Change.CHANGED, a.value, b.value, a.means, b.means)


def _one_sided(a: "_Leaf | _Inner | None", b: "_Leaf | _Inner | None", path: str) -> Iterator[Difference]:
    """Yield what one side has and the other has not, unless that says nothing."""
    one, other = (_NOTHING if node is None else _as_leaf(node) for node in (a, b))
    if other != _NOTHING:
        yield Difference(path, Change.ADDED, None, other.value, None, other.means)
    elif one != _NOTHING:
        yield Difference(path, Change.REMOVED, one.value, None, one.means, None)


def _as_leaf(node: "_Leaf | _Inner") -> _Leaf:
    """Return a node as one value; an object is told by the first of its members, unless it has a meaning."""
    if isinstance(node, _Leaf):
        return node
    if not node.nodes:
        return _NOTHING
    told = (
        f"{name} {leaf.value}"
        for name, leaf in node.nodes.items()
        if isinstance(leaf, _Leaf) and leaf.value is not None
    )
    return _Leaf(
        None,
        node.means or ", ".join(islice(told, _MOST_SHOWN)) or counted(len(node.nodes), "member"),
    )


def _in_order(a: Sequence[str], b: Sequence[str]) -> Iterator[str]:
    """Yield the names of both sides: in the first's order, those that only the second has behind what they follow."""
    known = set(a)
    behind: dict[str | None, list[str]] = {}
    last: str | None = None
    for name in b:
        if name in known:
            last = name
        else:
            behind.setdefault(last, []).append(name)
    yield from behind.get(None, ())
    for name in a:
        yield name
        yield from behind.get(name, ())


def _members(branch: Branch, pattern: str, reading: Reading) -> _Node:
    nodes: _Node = {}
    for name, value in branch.items():
        below = f"{pattern}.{name}".lstrip(".")
        is_meaning = name == _OWN_MEANING or (name.endswith(_MEANS) and name.removesuffix(_MEANS) in branch)
        if is_meaning or below in reading.skipped:
            continue
        nodes[name] = _node(value, below, reading, _text(branch.get(name + _MEANS)))
    return nodes


def _node(value: Tree, pattern: str, reading: Reading, means: str | None) -> _Leaf | _Inner:
    if isinstance(value, Mapping):
        return _object(value, pattern, reading, means)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return _list(value, pattern, reading, means)
    return _Leaf(value, means)


def _object(value: Branch, pattern: str, reading: Reading, means: str | None) -> _Leaf | _Inner:
    means = means or _text(value.get(_OWN_MEANING))
    nodes = _members(value, pattern, reading)
    only = nodes.get(_VALUE)
    if len(nodes) == 1 and isinstance(only, _Leaf):
        return _Leaf(only.value, only.means or means)
    return _Inner(pattern, is_list=False, nodes=nodes, means=means)


def _list(values: Sequence[Tree], pattern: str, reading: Reading, means: str | None) -> _Leaf | _Inner:
    if values and all(isinstance(value, str) and not value.startswith("0x") for value in values):
        return _Leaf(", ".join(str(value) for value in values), means)
    nodes: _Node = {}
    uses: Counter[str] = Counter()
    for number, value in enumerate(values):
        name, rest = _named(value, reading.names.get(pattern), number)
        numbered = name
        while numbered in nodes:  # as `madt#2`, the second of that name
            uses[name] += 1
            numbered = f"{name}#{uses[name] + 1}"
        nodes[numbered] = _node(rest, pattern, reading, None)
    return _Inner(pattern, is_list=True, nodes=nodes, means=means)


def _named(value: Tree, member: str | None, number: int) -> tuple[str, Tree]:
    """Return what an element is called, and what is left of it then."""
    if member is None or not isinstance(value, Mapping) or value.get(member) is None:
        return str(number), value
    return str(value[member]), {name: each for name, each in value.items() if name != member}


def _text(value: Tree) -> str | None:
    return None if value is None or isinstance(value, Mapping | list | tuple) else str(value)
