"""The tree that every description is: what `--json` prints, and what is shown to people.

As in domain.json, addresses, frames, registers and flags are "0x…" strings, counts and sizes in bytes are integers,
and ranges are half-open. Members are named in snake_case; one named `size`, or `…_size`, counts bytes. A list of
objects that have the same members is shown as a table, an object as a section.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Tree: TypeAlias = "Mapping[str, Tree] | Sequence[Tree] | str | int | bool | None"
"""A description, or a part of one."""

Branch: TypeAlias = Mapping[str, Tree]
"""A description with named members."""


@dataclass(frozen=True, slots=True)
class Part:
    """Something that can be taken out of a file."""

    name: str
    """What `xlbuild extract` calls it; unique in its file."""
    title: str
    """What it is, in words."""
    size: int
    """Bytes."""
    read: Callable[[], Iterator[bytes | memoryview]]
    """Yields its bytes, in pieces of a bounded size where it is large."""

    @classmethod
    def of(cls, name: str, title: str, data: bytes) -> "Part":
        """Return what is in memory already."""
        return cls(name, title, len(data), lambda: iter((data,)))


def hexadecimal(value: int) -> str:
    """Return an address, a frame, a register or flags as the tree has them."""
    return f"{value:#x}"
