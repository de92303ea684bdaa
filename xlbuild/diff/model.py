"""What a comparison finds: values that any way of showing it is made from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from xlbuild.units import PhysAddr

Scalar: TypeAlias = str | int | bool | None
"""A value without parts, as descriptions have them: addresses, frames, registers and flags are "0x…" strings."""


class Change(StrEnum):
    """How one side differs from the other."""

    CHANGED = "changed"
    SHIFTED = "shifted"
    """An address of the same thing, which lies elsewhere; or a page of such addresses."""
    ADDED = "added"
    """Only the second side has it."""
    REMOVED = "removed"
    """Only the first side has it."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A value that is not the same on both sides."""

    path: str
    """Members by dots, elements of lists in brackets by what names them: `vcpus[0].registers[rip]`."""
    change: Change
    a: Scalar
    """None where only the second side has it, or has a value of it."""
    b: Scalar
    means_a: str | None = None
    """The value in words, where there are any."""
    means_b: str | None = None
    why: str | None = None
    """What moved, where the value is shifted: `module0 moved by 0x1000`; whose it is, where a host wrote it."""

    @property
    def delta(self) -> int | None:
        """How much more the second value is, where both are numbers."""
        a, b = as_number(self.a), as_number(self.b)
        return None if a is None or b is None else b - a


_NUMBER = re.compile("0x[0-9a-fA-F]{1,16}")
"""A number of 64 bits as descriptions have it."""


def as_number(value: Scalar) -> int | None:
    """Return a value as a number, a "0x…" string as what it stands for; None for what is none."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int):
        return value
    return int(value, 16) if _NUMBER.fullmatch(value) else None


@dataclass(frozen=True, slots=True)
class Section:
    """What differs in one part of the description: the decision, start info, registers, an ACPI table."""

    name: str
    """The member of the description: `start_info`."""
    title: str
    """In words."""
    differences: tuple[Difference, ...]
    counts: bool = True
    """Whether it is about the guest: what it was made from, or by which release, may differ in the same guest."""


@dataclass(frozen=True, slots=True)
class Span:
    """Where something lies: half-open physical addresses (pseudo-physical for PV)."""

    first: PhysAddr
    end: PhysAddr
    virtual: int | None = None
    """Where a PV guest's layout has its first byte."""

    @property
    def size(self) -> int:
        """Size in bytes."""
        return self.end - self.first


@dataclass(frozen=True, slots=True)
class Piece:
    """A segment, special page or ACPI area on either side; those that are the same in all are among them, too."""

    name: str
    title: str
    """In words."""
    a: Span | None
    """None: only the second side has it."""
    b: Span | None
    contents_differ: bool = False
    """Whether its bytes differ in another way than by addresses that are shifted; for a part that both have."""

    @property
    def path(self) -> str:
        """What --ignore calls it."""
        return f"map[{self.name}]"

    @property
    def moved(self) -> int:
        """How many bytes higher it lies on the second side; 0 for what only one side has."""
        return self.b.first - self.a.first if self.a is not None and self.b is not None else 0

    @property
    def grown(self) -> int:
        """How many bytes larger it is on the second side; 0 for what only one side has."""
        return self.b.size - self.a.size if self.a is not None and self.b is not None else 0

    @property
    def is_placed_the_same(self) -> bool:
        """Whether it lies at the same place on both sides, in the same size."""
        return self.a == self.b


@dataclass(frozen=True, slots=True)
class Run:
    """Bytes in a row that differ, all of one owner and, where they are in a structure's field, of one field."""

    owner: str
    """Segment or special page that they are in; `other memory` where nothing was placed."""
    offset: int
    """Of the first byte from the owner's start; for other memory, the physical address."""
    size: int
    """Bytes from the first to the last that differs; whole pages where only one side's owner has them."""
    change: Change
    """ADDED and REMOVED: only one side's owner is that large, or has anything there."""
    differing: int
    """Bytes of it that differ."""
    field: str | None = None
    """Path of the structure's field that they are: `start_info.cmd_line`."""
    words: str | None = None
    """What lies there, more closely than the owner says: `start_info.cmd_line + 5`, `.text + 0x10`."""
    a: bytes = b""
    """The first bytes of it on the first side, 16 at most."""
    b: bytes = b""
    why: str | None = None
    """What moved, where the run is shifted."""

    @property
    def place(self) -> str:
        """Owner and offset: `module0+0x1200`."""
        return f"{self.owner}+{self.offset:#x}"


@dataclass(frozen=True, slots=True)
class OwnerPages:
    """How the pages of one owner compare: page n of its one side with page n of its other."""

    owner: str
    same: int
    """Pages with the same non-zero contents."""
    changed: int
    shifted: int
    """Pages that differ only by addresses of things that moved."""
    added: int
    """Pages with contents that only the second side has."""
    removed: int
    runs: tuple[Run, ...]
    """What differs, in order; the first of many."""
    runs_left_out: int = 0
    numbered: tuple[tuple[int, Change], ...] = ()
    """How each page that differs does, by its number, where runs go by structures; elsewhere each run says it."""

    @property
    def path(self) -> str:
        """What --ignore calls it."""
        return f"pages[{self.owner}]"

    @property
    def differing(self) -> int:
        """Pages that are not the same."""
        return self.changed + self.shifted + self.added + self.removed

    @property
    def has_changed(self) -> bool:
        """Whether a page differs in more than addresses of things that moved."""
        return self.differing != self.shifted


@dataclass(frozen=True, slots=True)
class MapRow:
    """An entry of a side's memory map, for the picture."""

    span: Span
    means: str
    """`RAM`, `reserved`, …"""


@dataclass(frozen=True, slots=True)
class Side:
    """What is compared."""

    label: str
    """As the user gave it, settings included: `web.cfg memory=512`."""
    what: str
    """`built domain`, `configuration`, `manifest`, `kernel`, …"""
    container: str | None = None
    """`PV`, `PVH`, `HVM`; None for a kernel."""
    profile: str | None = None
    """The Xen release that it is built as."""
    digest: str | None = None
    """Of the domain."""
    memory_map: tuple[MapRow, ...] = ()
    vcpus: int | None = None
    """How many a PVH or HVM guest is told of; a PV guest asks the hypervisor."""
    ram_size: int = 0
    """Bytes of RAM, for a guest whose memory map is not known; 0: that is not known either."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that differs between two sides."""

    a: Side
    b: Side
    sections: tuple[Section, ...]
    """Those with differences, in the order in which they are told; what the two were made from comes first."""
    pieces: tuple[Piece, ...] = ()
    """Everything with a place in memory, by address, that of the first side before that of the second."""
    pages: tuple[OwnerPages, ...] = ()
    """Owners of which a page differs, by address."""
    remarks: tuple[str, ...] = ()
    """What a reader should know: contents that could not be compared, or an image that is not its manifest's."""

    @property
    def same(self) -> bool:
        """Whether nothing of the guest (or the kernel) differs."""
        return not (
            any(section.differences for section in self.sections if section.counts)
            or any(not piece.is_placed_the_same for piece in self.pieces)
            or any(owner.differing for owner in self.pages)
        )
