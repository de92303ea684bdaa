"""`vnuma`: virtual NUMA nodes, a list of lists of `key=value`, as xl reads them (xl.cfg(5); upstream: xl_parse.c).

xl takes the digits at the start of a number and drops the rest without a word; here a warning tells of it.
"""

import re
from dataclasses import replace

from xlbuild.cnumbers import SPACE, leading_number
from xlbuild.config.model import Value, VirtualNode
from xlbuild.config.problems import Problems
from xlbuild.errors import ConfigError, Diagnostic, Where
from xlbuild.units import UINT32

_NUMBER = re.compile(r"\s*\+?([0-9]+)(.*)", re.ASCII | re.DOTALL)
_VCPUS = re.compile(r"\s*\+?([0-9]+)(?:-\s*\+?([0-9]+))?(.*)", re.ASCII | re.DOTALL)

_HINT = 'write each node as [ "pnode=0", "size=512", "vcpus=0-1", "vdistances=10,20" ]'


def virtual_nodes(nodes: tuple[Value, ...], where: Where, problems: Problems) -> tuple[VirtualNode, ...]:
    """Return the nodes; ConfigError where xl stops (or hangs, or crashes). Warns of what xl drops."""
    return tuple(_Reader(number, where, problems).node(node) for number, node in enumerate(nodes))


class _Reader:
    """Reads one node."""

    def __init__(self, number: int, where: Where, problems: Problems) -> None:
        self._number = number
        self._where = where
        self._problems = problems

    def node(self, options: Value) -> VirtualNode:
        if isinstance(options, str):
            raise self._error("is no list", f"it is the text {options!r}")
        node = VirtualNode()
        for option in options:
            if isinstance(option, str):
                node = self._with_option(node, option)
            else:
                self._warn("has a list among its settings; xl ignores it")
        return node

    def _with_option(self, node: VirtualNode, option: str) -> VirtualNode:
        """Return the node with one setting more; a later one replaces, but vCPUs add up."""
        parts = [part.strip(SPACE) for part in option.split("=") if part]
        if len(parts) < 2:
            raise self._error(f"has the setting {option!r}", "it has not the form key=value")
        key, value = parts[:2]
        match key:
            case "pnode":
                return replace(node, pnode=self._integer(key, value))
            case "size":
                earlier_mib = node.earlier_mib + (node.size_mib or 0)
                return replace(node, size_mib=self._integer(key, value), earlier_mib=earlier_mib)
            case "vcpus":
                return replace(node, vcpus=node.vcpus + tuple(map(self._range, self._list(key, value))))
            case "vdistances":
                distances = tuple(self._integer(key, item) for item in self._list(key, value))
                return replace(node, vdistances=distances + node.vdistances[len(distances) :])
        self._warn(f"has the setting {option!r}, which xl does not know and ignores")
        return node

    def _list(self, key: str, value: str) -> list[str]:
        items = [item for item in value.split(",") if item]
        if not items:
            raise self._error(f"has {key} that name none", "xl crashes on that")
        return items

    def _integer(self, key: str, text: str) -> int:
        match = _NUMBER.fullmatch(text)
        if match is None:
            raise self._error(f"has {key} {text!r}", "that is no number")
        self._warn_of_rest(key, text, match[2])
        return self._bounded(key, match[1])

    def _range(self, text: str) -> range:
        match = _VCPUS.fullmatch(text)
        if match is None or match[3].startswith("-"):
            raise self._error(f"has vcpus {text!r}", "that is neither a number nor a range")
        self._warn_of_rest("vcpus", text, match[3])
        first = self._bounded("vcpus", match[1])
        return range(first, self._bounded("vcpus", match[2] or match[1]) + 1)

    def _bounded(self, key: str, digits: str) -> int:
        number = leading_number(digits, 10)[0]
        if number >= UINT32:
            raise self._error(f"has {key} {digits}", "that is a number of more than 32 bits")
        return number

    def _warn_of_rest(self, key: str, text: str, rest: str) -> None:
        if rest.strip(SPACE):
            self._warn(f"has {key} {text!r}: xl leaves out {rest!r}")

    def _warn(self, what: str) -> None:
        self._problems.warn(
            Diagnostic("config-vnuma-ignored", f"vnuma's node {self._number} {what}", self._where, _HINT)
        )

    def _error(self, what: str, cause: str) -> ConfigError:
        return ConfigError(
            "config-vnuma", f"vnuma's node {self._number} {what}", cause=cause, hint=_HINT, where=self._where
        )
