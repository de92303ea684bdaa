"""What a host itself writes into a guest that was just created: told apart, with its reason.

A dump-core or a save file of a guest that has not run yet differs in this from what is built offline, and in nothing
else (docs/xen.md: as seen on Xen 4.17). It is told in a section of its own that does not count.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from xlbuild.diff.ignore import Pattern, left_of, with_pages
from xlbuild.diff.model import Change, Comparison, Difference, OwnerPages, Run, Section
from xlbuild.inspect.domains.registers import SUSPEND_RECORD_MEANS

SECTION = "host"
TITLE = "what the host itself wrote"
_MOST_SHOWN = 3
"""Fields by which a structure is told."""

_CLOCK = "the hypervisor's wall clock"
_SHARED_INFO = "where Xen has the shared info page"
_P2M = "the guest's, or set for `xl dump-core`, which needs it"
_CONTROL = "the hypervisor's own"
_SUSPEND_RECORD = "the frame of start_info: every guest is saved with it there"
_DSDT = "Xen's own DSDT; that of an offline build names the processors, and nothing else"
_DSDT_CREATOR = "acpi.contents.dsdt.creator_id"


@dataclass(frozen=True, slots=True)
class HostField:
    """A field that the host writes."""

    path: str
    why: str
    values: tuple[str, str] | None = None
    """What a build has there and what the host writes, where these are always the same."""
    means: str | None = None
    """What the host's value means to the guest, where it is the host's only if it means that."""
    is_whole: bool = False
    """Whether the path is a structure's, which is told as one difference."""
    sign: str | None = None
    """The path of a field that has to differ, too, if it is the host's."""


@dataclass(frozen=True, slots=True)
class HostBytes:
    """Bytes of a page that the host writes."""

    owner: str
    offset: int
    data: bytes
    why: str


HOST_FIELDS: tuple[HostField, ...] = (
    HostField("start_info.shared_info", _SHARED_INFO),
    HostField("shared_info.machine_addr", _SHARED_INFO),
    HostField("shared_info.wc_version", _CLOCK),
    HostField("shared_info.wc_sec", _CLOCK),
    HostField("shared_info.wc_nsec", _CLOCK),
    HostField("shared_info.wc_sec_hi", _CLOCK),
    HostField("shared_info.max_pfn", _P2M),
    HostField("shared_info.p2m_cr3", _P2M),
    HostField("shared_info.p2m_vaddr", _P2M),
    HostField("vcpus[*].registers[ctrlreg[0]]", _CONTROL),
    HostField("vcpus[*].registers[ctrlreg[4]]", _CONTROL),
    HostField("vcpus[0].registers[rdx]", _SUSPEND_RECORD, means=SUSPEND_RECORD_MEANS),
    HostField("vcpus[0].registers[edx]", _SUSPEND_RECORD, means=SUSPEND_RECORD_MEANS),
    HostField("vcpus[*].registers[rflags]", "the processor's: bit 1 is always set", ("0x0", "0x2")),
    HostField("vcpus[*].registers[tsc]", "the processor's clock, as it was when the guest was saved"),
    HostField("acpi.contents.dsdt", _DSDT, is_whole=True, sign=_DSDT_CREATOR),
    HostField("acpi.tables[dsdt].size", _DSDT, sign=_DSDT_CREATOR),
)
"""By path."""

HOST_BYTES: tuple[HostBytes, ...] = (
    HostBytes("xenstore", 0x810, (1).to_bytes(4, "little"), "xenstored's: the features that it offers"),
)
"""By what the page belongs to."""


def told_apart(comparison: Comparison, captured: tuple[bool, bool]) -> Comparison:
    """Return a comparison with what the host wrote in a section of its own, which does not count.

    captured        which of the two sides is a host's
    """
    if not any(captured):
        return comparison
    found: list[Difference] = []
    sections = [_without_fields(section, captured, found) for section in comparison.sections]
    pages = [left for owner in comparison.pages if (left := _without_bytes(owner, captured, found))]
    if not found:
        return comparison
    host = Section(SECTION, TITLE, tuple(found), counts=False)
    return replace(
        with_pages(comparison, pages), sections=(*(each for each in sections if each.differences), host)
    )


def _without_fields(section: Section, captured: tuple[bool, bool], found: list[Difference]) -> Section:
    """Return a section without the fields that the host wrote, which are added to those that are found."""
    if not section.counts:
        return section
    paths = {difference.path for difference in section.differences}
    left: list[Difference] = []
    wholes: dict[HostField, list[Difference]] = {}
    for difference in section.differences:
        row = _row_of(difference, captured, paths)
        if row is None:
            left.append(difference)
        elif row.is_whole:
            wholes.setdefault(row, []).append(difference)
        else:
            found.append(replace(difference, means_a=None, means_b=None, why=row.why))
    found += (_as_one(row, differences) for row, differences in wholes.items())
    return replace(section, differences=tuple(left))


def _row_of(difference: Difference, captured: tuple[bool, bool], paths: Collection[str]) -> HostField | None:
    """Return the row that explains a difference; `paths` are those of all that differs in its section."""
    rows = (
        row
        for row, pattern in _PATTERNS
        if pattern.covers(difference.path) and (row.sign is None or row.sign in paths)
    )
    return next((row for row in rows if row.is_whole or _is_of(difference, row, captured)), None)


def _is_of(difference: Difference, row: HostField, captured: tuple[bool, bool]) -> bool:
    """Return whether a host wrote one side's value, and the other side has what is there without that."""
    both = (difference.a, difference.b)
    if row.means is not None:
        meanings = (difference.means_a, difference.means_b)
        return "0x0" in both and any(
            is_host and means == row.means for means, is_host in zip(meanings, captured, strict=True)
        )
    of_hosts = [value for value, is_host in zip(both, captured, strict=True) if is_host]
    if row.values is None:
        return any(value is not None for value in of_hosts)
    return row.values[1] in of_hosts and all(value in row.values for value in both)


def _as_one(row: HostField, differences: Sequence[Difference]) -> Difference:
    """Return what differs in a structure as one difference, each side told by the first fields that it has."""
    a = ((each.path, each.a) for each in differences if each.a is not None)
    b = ((each.path, each.b) for each in differences if each.b is not None)
    means_a, means_b = (
        ", ".join(f"{path.rpartition('.')[2]} {value}" for path, value in islice(side, _MOST_SHOWN))
        for side in (a, b)
    )
    return Difference(row.path, Change.CHANGED, None, None, means_a or None, means_b or None, row.why)


_PATTERNS = tuple((row, Pattern.of(row.path)) for row in HOST_FIELDS)


def _without_bytes(
    owner: OwnerPages, captured: tuple[bool, bool], found: list[Difference]
) -> OwnerPages | None:
    """Return what is left of an owner's pages; None where that is nothing. What is in a field is told as that."""
    paths = [Pattern.of(difference.path) for difference in found]
    gone: dict[int, Difference] = {}
    for run in owner.runs:
        why = _why_bytes(run, captured)
        if why is not None:
            gone[run.offset] = _as_difference(run, why)
    found += gone.values() if not owner.runs_left_out else ()
    return left_of(owner, lambda run: run.offset in gone or any(path.covers(run.field) for path in paths))


def _why_bytes(run: Run, captured: tuple[bool, bool]) -> str | None:
    of_hosts = [data for data, is_host in zip((run.a, run.b), captured, strict=True) if is_host]
    for row in HOST_BYTES:
        first = run.offset - row.offset
        expected = row.data[first : first + run.size] if first >= 0 else b""
        is_there = run.owner == row.owner and len(expected) == run.size
        if (
            is_there
            and expected in of_hosts
            and all(data in (expected, bytes(run.size), b"") for data in (run.a, run.b))
        ):
            return row.why
    return None


def _as_difference(run: Run, why: str) -> Difference:
    a, b = (data.hex(" ") or None for data in (run.a, run.b))
    change = Change.CHANGED if a is not None and b is not None else run.change
    return Difference(f"pages[{run.owner}]+{run.offset:#x}", change, a, b, why=why)
