"""Which frames of a PV guest are page tables, and of which level: a restore takes them as such from the start."""

from xlbuild.built import BuiltDomain
from xlbuild.captured.model import PageType
from xlbuild.errors import RefusedError, Where
from xlbuild.inspect.domains.subject import page_tables_of
from xlbuild.inspect.memory.page_walk import walk
from xlbuild.units import Pfn

_LEVELS = {1: PageType.L1TAB, 2: PageType.L2TAB, 3: PageType.L3TAB, 4: PageType.L4TAB}
_PINNED = {3: PageType.L3TAB_PINNED, 4: PageType.L4TAB_PINNED}
"""The top-level table, by how many levels there are."""


def page_types(built: BuiltDomain) -> dict[Pfn, PageType]:
    """Return the types of a PV guest's page tables, ascending: all that vCPU 0's cr3 leads to.

    Raises RefusedError (save-page-tables) for tables that Xen would not take, which no build makes.
    """
    tables = page_tables_of(built)
    assert tables is not None
    found = walk(tables)
    if found.stopped is not None or found.problems:
        raise RefusedError(
            "save-page-tables",
            "the guest's page tables are none that Xen takes",
            cause=found.stopped or found.problems[0].what,
            hint="memory.img was changed since it was built: build the domain again",
            where=Where(built.source),
        )
    types = {table.pfn: _LEVELS[table.level] for table in found.tables}
    types[Pfn(tables.top)] = _PINNED[tables.paging.levels]
    return dict(sorted(types.items()))
