"""A built domain that is looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from xlbuild.built import BuiltDomain, Verification
from xlbuild.errors import UsageError
from xlbuild.inspect.domains.describe import describe_domain
from xlbuild.inspect.domains.parts import domain_parts
from xlbuild.inspect.domains.regions import domain_regions
from xlbuild.inspect.kernels.verdicts import Verdict
from xlbuild.inspect.memory.acpi import acpi_problems, acpi_regions, describe_acpi
from xlbuild.inspect.memory.address import describe_address
from xlbuild.inspect.memory.hexdump import DUMP_LENGTH
from xlbuild.inspect.memory.page_tables import describe_page_tables, page_table_problems
from xlbuild.inspect.memory.page_walk import walk
from xlbuild.inspect.memory.paging import PV_PAGING, PageTables, identity
from xlbuild.inspect.memory.place import AddressSpace
from xlbuild.inspect.subject import SCHEMA
from xlbuild.inspect.tree import Branch, Part, Tree
from xlbuild.units import PhysAddr

_MOST_MORE_PROBLEMS = 64
"""Of page tables and ACPI tables, that are told among the domain's."""


@dataclass(frozen=True, slots=True)
class DomainSubject:
    """A built domain, read back from its directory."""

    built: BuiltDomain
    verify: Callable[[BuiltDomain], Verification]
    """Reads all of its memory, to say whether it is as it was built."""

    def describe(self) -> Branch:
        """Return everything there is to say of it; all of its memory is read for that."""
        head = {"schema": SCHEMA, "file": self.built.source, "kind": "built domain"}
        return head | dict(describe_whole_domain(self.built, self.verify(self.built)))

    def describe_address(self, address: str, length: int = DUMP_LENGTH) -> Branch:
        """Return what lies at an address of the guest, in words and as a dump."""
        return describe_address(domain_space(self.built), address, length)

    def parts(self) -> tuple[Part, ...]:
        """Return what can be taken out of it."""
        return domain_parts(self.built)

    def verdicts(self) -> tuple[Verdict, ...]:
        """Refuse: it is built already."""
        raise UsageError(
            "no-kernel",
            f"{self.built.source} is a built domain, and kernels are what boots or not",
            hint="name the kernel's file; domain.json says which it was",
        )


def domain_space(built: BuiltDomain) -> AddressSpace:
    """Return a domain's memory to look up addresses in; ACPI tables are as memory has them, with their fields."""
    rsdp = _rsdp(built)
    tables = acpi_regions(built.memory, rsdp) if rsdp is not None else ()
    known = {(table.first, table.end) for table in tables}
    others = (region for region in domain_regions(built) if (region.first, region.end) not in known)
    regions = tuple(sorted((*others, *tables), key=lambda region: (region.first, -region.end)))
    return AddressSpace(built.memory, regions, page_tables_of(built))


def describe_whole_domain(built: BuiltDomain, verification: Verification | None = None) -> Branch:
    """Return a domain's description with its page tables and ACPI tables, decoded from its memory.

    Arguments are those of `describe_domain`.
    """
    told = describe_domain(built, verification)
    tables: dict[str, Tree] = {}
    problems: list[Iterator[str]] = []
    if (page_tables := page_tables_of(built)) is not None:
        found = walk(page_tables)
        tables["page_tables"] = describe_page_tables(page_tables, found)
        problems.append(page_table_problems(page_tables, found))
    if (rsdp := _rsdp(built)) is not None:
        tables["acpi"] = describe_acpi(built.memory, rsdp)
        problems.append(acpi_problems(built.memory, rsdp))
    more = islice(chain.from_iterable(problems), _MOST_MORE_PROBLEMS)
    return (
        {name: value for name, value in told.items() if name not in ("digests", "problems")}
        | tables
        | {"digests": told["digests"], "problems": [*_list(told["problems"]), *more]}
    )


def page_tables_of(built: BuiltDomain) -> PageTables | None:
    """Return a PV guest's page tables, as vCPU 0's cr3 names them."""
    shape = PV_PAGING.get(built.guest_type)
    registers = built.vcpus[0].registers if built.vcpus else None
    control = registers.get("ctrlreg") if registers is not None else None
    if shape is None or control is None or isinstance(control, int | bytes):
        return None
    paging, frame_of = shape
    return PageTables(built.memory, frame_of(control[3]), paging, identity)


def _rsdp(built: BuiltDomain) -> PhysAddr | None:
    """Return where a PVH guest's ACPI begins, as its start info says; None where there is none, or it is not told."""
    address = built.start_info.fields.get("rsdp_paddr")
    if not isinstance(address, int) or "acpi" in built.untold.members:
        return None
    return PhysAddr(address) if address else None


def _list(tree: Tree) -> Sequence[Tree]:
    assert isinstance(tree, list)
    return tree
