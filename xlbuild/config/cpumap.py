"""`cpus` and `cpus_soft`: which of the host's CPUs (xl.cfg(5); upstream: xl's cpurange_parse and parse_range)."""

import re
from collections.abc import Iterator

from xlbuild.cnumbers import ULONG_MAX, leading_unsigned
from xlbuild.config.settings import Element
from xlbuild.errors import ConfigError, Where
from xlbuild.host import HostTopology
from xlbuild.units import UINT32

_NODE = re.compile("nodes?:")
_BITMAP = 8
"""libxl's bitmaps are whole bytes, and `all` sets every bit of one."""

_HINT = 'write CPUs and ranges, such as "0-3,^1", or "all", or NUMA nodes, such as "node:0"'


def cpu_map(element: Element, topology: HostTopology) -> tuple[int, ...]:
    """Return the CPUs that a text names; those that the host does not have are left out, as xl does."""
    chosen: set[int] = set()
    for match in re.finditer("[^,]+", element.text):
        item = match[0]
        cpus = set(
            _cpus_of(item.removeprefix("^"), topology, element.at(match.start()), item.startswith("^"))
        )
        chosen = chosen - cpus if item.startswith("^") else chosen | cpus
    return tuple(sorted(chosen))


def bitmap_bits(count: int) -> int:
    """Return how many bits a libxl bitmap for so many things has."""
    return -(-count // _BITMAP) * _BITMAP


def _cpus_of(item: str, topology: HostTopology, where: Where, removed: bool) -> Iterator[int]:
    """Yield the CPUs of an item without its `^`."""
    bits = bitmap_bits(topology.cpus)
    node = _NODE.match(item)
    text = item[node.end() :] if node else item
    if text == "all":
        if removed:
            raise _error(item, "`^` and `all` cannot be combined", where)
        yield from range(bits)
        return
    first, last = _range(text, where)
    if not node:
        yield from (cpu for cpu in range(bits) if _covers(first, last, cpu))
        return
    # The map that xl asks for a node's CPUs has only as many bits as there are nodes.
    known = bitmap_bits(len(topology.nodes))
    for number, cpus in enumerate(topology.nodes):
        if _covers(first, last, number):
            yield from (cpu for cpu in cpus if cpu < known)


def _range(text: str, where: Where) -> tuple[int, int]:
    first = leading_unsigned(text, 10)
    last = leading_unsigned(first[1][1:], 10) if first and first[1].startswith("-") else first
    if not first or not last or last[1] or ULONG_MAX in (first[0], last[0]):
        raise _error(text, "it is neither a number nor a range", where)
    if first[0] > last[0]:
        raise _error(text, "it starts behind its end", where)
    return first[0], last[0]


def _covers(first: int, last: int, bit: int) -> bool:
    """Return whether a range has a bit: only the low 32 bits of each of its numbers count."""
    return first + (bit - first) % UINT32 <= last


def _error(item: str, cause: str, where: Where) -> ConfigError:
    return ConfigError(
        "config-bad-cpus",
        f"{where.key} has {item!r}, which names no CPUs",
        cause=cause,
        hint=_HINT,
        where=where,
    )
