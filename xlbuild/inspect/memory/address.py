"""What lies at an address of a guest: all its forms, what owns it, how it is mapped, and the bytes there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from xlbuild.errors import UsageError
from xlbuild.inspect.memory.hexdump import DUMP_LENGTH, MOST_DUMPED, describe_bytes
from xlbuild.inspect.memory.page_tables import describe_entry, table_span, why_read_only
from xlbuild.inspect.memory.page_walk import Run, Table, Walk, walk
from xlbuild.inspect.memory.paging import Entry, PageTables, translate
from xlbuild.inspect.memory.place import (
    AddressSpace,
    Place,
    find_place,
    not_an_address,
    why_nothing,
)
from xlbuild.inspect.memory.region import Region, region_at
from xlbuild.inspect.memory.room import exists, room_at
from xlbuild.inspect.tree import Branch, Tree, hexadecimal
from xlbuild.plan.pagetables import span_of_entry
from xlbuild.units import (
    PAGE_SIZE,
    PhysAddr,
    bytes_of,
    human_size,
    page_down,
    page_offset,
    pfn_of,
)

_MAX_PLACES = 16
"""Virtual addresses of one frame that are listed."""


@dataclass(frozen=True, slots=True)
class _View:
    """A place in an address space, and how all of that is mapped."""

    space: AddressSpace
    place: Place
    tables: PageTables | None
    found: Walk | None


def describe_address(space: AddressSpace, text: str, length: int = DUMP_LENGTH) -> Branch:
    """Return what lies at ADDR (`place` says how it is read), with `length` bytes of it as a dump.

    What does not apply, to this place or to a guest without page tables, is null. Raises UsageError for what is no
    address, and for more than 64 KiB.
    """
    if not 0 <= length <= MOST_DUMPED:
        raise UsageError(
            "dump-length",
            f"{length} bytes cannot be dumped",
            cause=f"a dump has between 0 and {MOST_DUMPED} bytes",
            hint="ask for less; xlbuild extract takes out whole parts",
        )
    place = find_place(space, text)
    view = _View(space, place, space.page_tables, walk(space.page_tables) if space.page_tables else None)
    return {
        "asked": place.asked,
        "understood": place.understood,
        "might_also_be": list(place.also) or None,
        "what": _what(view),
        "mapping": _mapping(view),
        **_forms(view),
        "field_value": _field_value(space, place.physical),
        "lies_in": _regions(space.regions, place.physical),
        "page_table": _page_table(view),
        "mapped": _mapped(view),
        "entries": [describe_entry(entry) for entry in place.translation.path] if place.translation else None,
        **_neighbours(view),
        **_dump(view, length),
    }


def _forms(view: _View) -> Branch:
    physical = view.place.physical
    virtual = view.place.virtual
    return {
        "virtual": hexadecimal(virtual) if virtual is not None else None,
        "physical": hexadecimal(physical) if physical is not None else None,
        "frame": hexadecimal(pfn_of(physical)) if physical is not None else None,
        "offset_in_page": page_offset(physical) if physical is not None else None,
    }


def _what(view: _View) -> str:
    """Return in one sentence what is there."""
    physical = view.place.physical
    if physical is None:
        return f"not mapped: {view.place.problem}"
    if not exists(view.space.memory, physical):
        return f"no memory: {why_nothing(view.space.memory, physical)}"
    region = region_at(view.space.regions, physical)
    owner = region.name_of(physical) if region else "memory in which nothing was placed"
    tables = _tables_here(view, physical)
    if view.tables is None or not tables:
        return owner
    name = region.name if region else "memory in which nothing was placed"
    uses = "; ".join(
        f"L{table.level} of {table_span(view.tables, table)[0]:#x}" for table in tables[:_MAX_PLACES]
    )
    return f"{name}: {uses}, {_mapping(view)}"


def _mapping(view: _View) -> str | None:
    """Return how a PV guest's place is mapped, in words."""
    physical = view.place.physical
    if view.tables is None or physical is None:
        return None
    runs, is_table = _runs_here(view, physical), bool(_tables_here(view, physical))
    if not runs:
        return "not mapped"
    if any(run.access.writable for run in runs):
        return "writable, though it is a table: Xen would refuse that" if is_table else "writable"
    return "read-only because it is a table" if is_table else "read-only"


def _tables_here(view: _View, physical: PhysAddr) -> tuple[Table, ...]:
    return view.found.tables_at(pfn_of(physical)) if view.found else ()


def _runs_here(view: _View, physical: PhysAddr) -> tuple[Run, ...]:
    return view.found.runs_at(pfn_of(physical)) if view.found else ()


def _regions(regions: Sequence[Region], physical: PhysAddr | None) -> list[Tree] | None:
    """Return the regions that hold an address, outermost first."""
    if physical is None:
        return None
    return [
        {
            "name": region.name,
            "title": region.title,
            "first": hexadecimal(region.first),
            "end": hexadecimal(region.end),
            "offset": hexadecimal(physical - region.first),
            "address_is": region.name_of(physical),
        }
        for region in regions
        if region.holds(physical)
    ]


def _field_value(space: AddressSpace, physical: PhysAddr | None) -> str | None:
    """Return the value of the structure's field at an address, where it is a number."""
    region = region_at(space.regions, physical) if physical is not None else None
    if region is None or physical is None or region.layout is None:
        return None
    offset = physical - region.first
    field = region.layout.field_at(offset % region.layout.size)
    if field is None or offset >= region.layout.size * region.count or not region.layout.is_number(field[0]):
        return None
    data = space.memory.read(PhysAddr(physical - field[1]), region.layout.size_of(field[0]))
    return hexadecimal(int.from_bytes(data, "little"))


def _page_table(view: _View) -> list[Tree] | None:
    """Return what a table's frame is as a table, with the entry at the address; a row for each use."""
    physical = view.place.physical
    if physical is None or view.tables is None:
        return None
    rows: list[Tree] = []
    for table in _tables_here(view, physical)[:_MAX_PLACES]:
        first, end = table_span(view.tables, table)
        index = page_offset(physical) // 8
        at = PhysAddr(page_down(physical) + index * 8)
        value = int.from_bytes(view.space.memory.read(at, 8), "little")
        rows.append(
            {
                **describe_entry(Entry(table.level, table.pfn, index, value)),
                "table_first": hexadecimal(first),
                "table_end": hexadecimal(end),
                "entry_first": hexadecimal(
                    view.tables.canonical(table.first + index * span_of_entry(table.level))
                ),
            }
        )
    return rows or None


def _mapped(view: _View) -> list[Tree] | None:
    """Return each virtual address of the place, and what may be done there."""
    physical = view.place.physical
    if physical is None or view.tables is None or view.found is None:
        return None
    frames = sorted({table.pfn for table in view.found.tables})
    pfn = pfn_of(physical)
    return [
        {
            "virtual": hexadecimal(
                view.tables.canonical(run.first + bytes_of(pfn - run.pfn) + page_offset(physical))
            ),
            "access": str(run.access),
            "user": run.access.user,
            "executable": run.access.executable,
            "why_read_only": why_read_only(Run(run.first, 1, pfn, run.access), frames),
        }
        for run in _runs_here(view, physical)[:_MAX_PLACES]
    ]


def _neighbours(view: _View) -> Branch:
    """Return what comes before and after: regions, or for a virtual address that is not mapped, mapped runs."""
    if view.place.physical is None:
        return _mapped_neighbours(view)
    at = view.place.physical
    before = [region for region in view.space.regions if region.end <= at]
    after = [region for region in view.space.regions if region.first > at]
    last = max(before, key=lambda region: region.end, default=None)
    following = min(after, key=lambda region: region.first, default=None)
    return {
        "before": f"{last.name}, which ends {_distance(at - last.end)} before, at {last.end:#x}"
        if last
        else None,
        "after": f"{following.name}, which starts {_distance(following.first - at)} behind, at {following.first:#x}"
        if following
        else None,
    }


def _mapped_neighbours(view: _View) -> Branch:
    assert view.tables is not None
    assert view.found is not None
    assert view.place.virtual is not None
    if view.place.translation is None:
        return {"before": None, "after": None}
    at = view.place.virtual & view.tables.paging.address_mask
    before = [run for run in view.found.runs if run.first < at]
    after = [run for run in view.found.runs if run.first > at]
    return {
        "before": f"mapped up to {view.tables.canonical(_end(before[-1]) - 1) + 1:#x}" if before else None,
        "after": f"mapped from {view.tables.canonical(after[0].first):#x} on" if after else None,
    }


def _end(run: Run) -> int:
    return run.first + bytes_of(run.pages)


def _distance(size: int) -> str:
    return human_size(size) if size else "just"


def _dump(view: _View, length: int) -> Branch:
    """Return the bytes from the place on; a virtual address's as they follow one another there."""
    physical, virtual = view.place.physical, view.place.virtual
    if physical is None:
        return {"dump": None, "dump_ends": None}
    if virtual is None or view.tables is None:
        data = view.space.memory.read(physical, min(length, room_at(view.space.memory, physical)))
    else:
        data = b"".join(_virtual_bytes(view.space, view.tables, virtual, length))
    start = physical if virtual is None else virtual
    end = None if len(data) == length else f"at {start + len(data):#x}, where nothing is"
    return {"dump": describe_bytes(data, start), "dump_ends": end}


def _virtual_bytes(space: AddressSpace, tables: PageTables, virtual: int, length: int) -> Iterator[bytes]:
    """Yield bytes page by page, up to the first that is not mapped or does not exist."""
    end = virtual + length
    while virtual < end and not_an_address(tables, virtual) is None:
        found = translate(tables, virtual)
        if found.address is None or not exists(space.memory, found.address):
            return
        size = min(end - virtual, PAGE_SIZE - page_offset(virtual))
        yield space.memory.read(found.address, size)
        virtual += size
