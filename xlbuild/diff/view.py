"""A domain as it is compared: its description, or its manifest alone, by the sections that are told."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from xlbuild.built import BuiltDomain
from xlbuild.diff.reading import SECTIONS
from xlbuild.inspect.domains.subject import describe_whole_domain
from xlbuild.inspect.tree import Branch, Tree

View = Mapping[str, Tree]
"""What is said of a domain under each section's name."""


def described(built: BuiltDomain) -> tuple[View, Branch]:
    """Return a domain's sections as they are decoded from its memory, and its whole description.

    A section is null that the domain does not tell.
    """
    told = describe_whole_domain(built)
    untold = built.untold.members
    return {name: None if name in untold else section for name, section in _sections(told).items()}, told


def recorded(built: BuiltDomain) -> View:
    """Return a domain's sections as its manifest has them: nothing of its memory is read."""
    document: Branch = built.document  # type: ignore[assignment]  # what was parsed from JSON is a Tree
    return {**_sections(document), "digests": document["digests"]}


def _sections(told: Branch) -> View:
    return {section.name: _SOURCES.get(section.name, _as_it_is(section.name))(told) for section in SECTIONS}


def _as_it_is(name: str) -> Callable[[Branch], Tree]:
    return lambda told: told.get(name)


def _decision(told: Branch) -> Tree:
    kernel = _branch(told["kernel"])
    members = {name: told[name] for name in ("container", "guest_type")}
    # none and an empty one are told apart by an HVM kind's start info, and not by a PV guest
    return {**members, "command_line": told["command_line"] or None, "entry": kernel["entry"]}


def _made_from(told: Branch) -> Tree:
    members = {name: told[name] for name in ("name", "uuid", "profile", "reason", "inputs")}
    kernel = _branch(told["kernel"])
    return {**members, "format": kernel["format"], "packing": kernel["packing"]}


def _kernel(told: Branch) -> Tree:
    kernel = _branch(told["kernel"])
    return {name: kernel[name] for name in kernel if name not in ("format", "entry", "packing")}


def _memory(told: Branch) -> Tree:
    """Return a description's `memory`, or a manifest's members of these names."""
    if "memory" in told:
        memory = _branch(told["memory"])
        return {name: memory[name] for name in ("total_pages", "populated")}
    return {"total_pages": told["total_pages"], "populated": _ranges(told["populated"])}


def _on_demand(told: Branch) -> Tree:
    """Return how much of memory is there at start, where that is not all of it."""
    memory = _branch(told["memory"]) if "memory" in told else told
    found = memory.get("populate_on_demand")
    if found is None:
        return {"target_pages": memory.get("target_pages")}
    on_demand = _branch(found)
    populated = on_demand["populated"] if memory is not told else _ranges(on_demand["populated"])
    return {"target_pages": memory["target_pages"], "target": on_demand["target"], "populated": populated}


def _memory_map(told: Branch) -> Tree:
    """Return the memory map, the meaning of each entry's type beside that."""
    rows = told.get("memory_map", ())
    assert isinstance(rows, Sequence)
    return [{**_branch(row), "type_means": _branch(row).get("means")} for row in rows]


def _ranges(recorded: Tree) -> Tree:
    """Return ranges of frames as descriptions have them."""
    assert isinstance(recorded, Sequence)
    return [{"first": first, "end": end} for first, end in (_pair(each) for each in recorded)]


def _pair(recorded: Tree) -> tuple[Tree, Tree]:
    assert isinstance(recorded, Sequence)
    first, end = recorded
    return first, end


def _branch(tree: Tree) -> Branch:
    assert isinstance(tree, Mapping)
    return tree


_SOURCES: Mapping[str, Callable[[Branch], Tree]] = MappingProxyType(
    {
        "made_from": _made_from,
        "decision": _decision,
        "kernel": _kernel,
        "memory": _memory,
        "populate_on_demand": _on_demand,
        "memory_map": _memory_map,
    }
)
"""Sections that are not a member as it stands."""
