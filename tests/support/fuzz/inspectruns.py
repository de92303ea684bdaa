"""Running inputs through what describes files."""

import json
from collections.abc import Iterator, Mapping, Sequence

from fuzz.kernelruns import too_much
from fuzz.model import promise
from xlbuild.cli.tree import plain_text
from xlbuild.inspect.kernel import describe_kernel
from xlbuild.inspect.kernel_file import take_apart
from xlbuild.inspect.kernel_parts import kernel_parts
from xlbuild.inspect.tree import Branch, Part, Tree
from xlbuild.profiles import PROFILES
from xlbuild.units import MIB

_MOST_TEXT = 4 * MIB
_MOST_READ = 16 * MIB
"""Bytes that are read of a part; the rest of a larger one is zeros."""
_DEEPEST = 40
_VERDICTS = {True: "boots", False: "does not"}


def run_kernel_description(data: bytes) -> str:
    """Describe a file as a kernel: packing, notes, verdicts of every release; and read its parts."""
    if too_much(data):
        return "too much claimed"
    profile = PROFILES[0]
    file = take_apart(data, "kernel", profile)
    tree = describe_kernel(file, profile.name)
    check_tree(tree)
    check_parts(kernel_parts(file, profile.name))
    containers = tree["containers"]
    assert isinstance(containers, Sequence)
    return ", ".join(_verdict(container) for container in containers)


def _verdict(container: Tree) -> str:
    assert isinstance(container, Mapping)
    promise(container["rule"], "a verdict names the rule that decides", str(container["container"]))
    promise(container["because"], "a verdict says why", str(container["container"]))
    return f"{container['container']} {_VERDICTS[bool(container['boots'])]}"


def check_tree(tree: Branch) -> None:
    """Check that a description can be printed, as JSON and for people, and is not endless."""
    for depth, value in _values(tree, 0):
        promise(depth < _DEEPEST, "a description is not deeply nested")
        allowed = value is None or isinstance(value, str | int | bool | Mapping | Sequence)
        promise(allowed and not isinstance(value, bytes), "a description has only what JSON has", repr(value))
    promise(len(json.dumps(tree)) < _MOST_TEXT, "a description can be read to its end")
    shown = plain_text(tree).encode()
    promise(b"\x1b" not in shown, "a description drives no terminal")


def _values(tree: Tree, depth: int) -> Iterator[tuple[int, Tree]]:
    yield depth, tree
    if depth >= _DEEPEST or isinstance(tree, str):
        return
    if isinstance(tree, Mapping):
        for value in tree.values():
            yield from _values(value, depth + 1)
    elif isinstance(tree, Sequence):
        for value in tree:
            yield from _values(value, depth + 1)


def check_parts(parts: Sequence[Part]) -> None:
    """Check that parts have names of their own, and as many bytes as they say."""
    names = [part.name for part in parts]
    promise(len(set(names)) == len(names), "no two parts have the same name", str(sorted(names)))
    for part in parts:
        promise(part.title and part.size >= 0, "a part has a title and a size", part.name)
        length = 0
        for piece in part.read():
            length += len(piece)
            if length > min(part.size, _MOST_READ):
                break
        whole = length == part.size or (part.size > _MOST_READ and length > _MOST_READ)
        promise(whole, "a part has as many bytes as it says", f"{part.name}: {length} of {part.size}")
