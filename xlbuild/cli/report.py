"""What a build has to tell, apart from how it is shown."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from shlex import quote

from xlbuild.domain import Domain, Input, Unplanned
from xlbuild.emit.formats import DIRECTORY, Target
from xlbuild.image.model import GuestType, KernelImage
from xlbuild.plan.model import BuildRequest, Plan, PlanFor
from xlbuild.units import KIB, Pfn, PhysAddr, bytes_of, human_size, paddr_of, pages_for
from xlbuild.visible import visible


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a title; every cell is text."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Report:
    """Facts first, then tables, then what it all comes to."""

    facts: tuple[tuple[str, str], ...]
    tables: tuple[Table, ...]
    closing: tuple[tuple[str, str], ...]


def report_of(domain: Domain, document: Mapping[str, object]) -> Report:
    """Return the report of a build: what is written where is not in it."""
    plan = domain.plan
    return Report(
        facts=_facts(plan.request, domain.inputs, _memory(plan)),
        tables=(
            Table("map", _MAP_COLUMNS, _map(plan)),
            Table("memory map", ("from", "to", "size", "type"), _memory_map(plan)),
        ),
        closing=(
            ("entry", _entry(plan)),
            *_hypercall_page(plan),
            ("digest", digest_of(document)),
        ),
    )


def with_targets(report: Report, memory_end: Pfn, targets: Sequence[Target]) -> Report:
    """Return a report that says where the domain is; no targets: nowhere, it was a dry run."""
    written = written_lines(memory_end, targets) if targets else (("written", "nothing: a dry run"),)
    return replace(report, closing=(*report.closing, *written))


def written_lines(memory_end: Pfn, targets: Sequence[Target]) -> tuple[tuple[str, str], ...]:
    """Return what is said of each place that a domain is at."""
    return tuple((target.format.done, visible(_written(memory_end, target))) for target in targets)


def report_of_unplanned(unplanned: Unplanned) -> Report:
    """Return the report of a guest that gets no plan: what is known of it, its map as far as it got, and why."""
    refusal = unplanned.refusal
    rows = tuple(_row(s.name, s.vstart, s.vend, s.pfn, s.pages) for s in unplanned.so_far)
    told = [("refused", str(refusal))]
    told += [("cause", line) for line in (unplanned.reason or "").splitlines()]
    told += [("mend", line) for line in (refusal.hint or "").splitlines()]
    return Report(
        facts=_facts(unplanned.request, unplanned.inputs, _wanted_memory(unplanned.request)),
        tables=(Table("map so far", _MAP_COLUMNS, rows),) if rows else (),
        closing=tuple((label, visible(line)) for label, line in told),
    )


def _facts(request: BuildRequest, inputs: tuple[Input, ...], memory: str) -> tuple[tuple[str, str], ...]:
    return tuple((label, visible(value)) for label, value in _each_fact(request, inputs, memory))


def _each_fact(request: BuildRequest, inputs: tuple[Input, ...], memory: str) -> Iterator[tuple[str, str]]:
    container, image = request.container, request.image
    yield "domain", container.name
    yield "container", f"{container.kind.value.upper()} ({container.reason})"
    laid_out = ", laid out for `xl restore`" if request.plan_for is PlanFor.RESTORE else ""
    laid_out += ": it sets its memory map" if request.sets_memory_map else ""
    yield "built as", f"Xen {request.profile.name}, guest type {image.guest_type.value}{laid_out}"
    for item in inputs:
        detail = human_size(len(item.data))
        if item is inputs[0]:
            detail += f"; {_kernel_format(image)}"
        yield item.role.value, f"{item.path} ({detail})"
    if container.command_line is not None:
        yield "command line", container.command_line
    yield "memory", memory
    if container.vnuma is not None:
        nodes = zip(container.vnuma.ram_mib, container.vnuma.vnode_to_pnode, strict=True)
        yield "virtual NUMA", ", ".join(f"{mib} MiB on host node {pnode}" for mib, pnode in nodes)
    vcpus = f"{container.vcpus}"
    yield "vcpus", vcpus if container.max_vcpus == container.vcpus else f"{vcpus} of {container.max_vcpus}"


def _kernel_format(image: KernelImage) -> str:
    layers = [layer for layer in image.packing if layer not in image.format]
    return f"{image.format}, packed with {' and '.join(layers)}" if layers else image.format


def _memory(plan: Plan) -> str:
    layout = plan.layout
    text = f"{human_size(bytes_of(layout.total_pages))} ({layout.total_pages} pages)"
    if layout.target_pages is not None:
        text += f", {human_size(bytes_of(layout.target_pages))} at start (populate on demand)"
    return text


def _wanted_memory(request: BuildRequest) -> str:
    memory = request.container.memory
    kib = memory.max_kib if request.container.is_hvm_container else memory.target_kib
    return human_size(kib * KIB)


_MAP_COLUMNS = ("what", "address", "frames", "size")


def _row(name: str, start: int, end: int, pfn: int, pages: int) -> tuple[str, ...]:
    return name, f"{start:#x}..{end:#x}", f"{pfn:#x}+{pages}", human_size(end - start)


def _map(plan: Plan) -> tuple[tuple[str, ...], ...]:
    base = plan.request.image.parameters.virt_base or 0 if plan.p2m is not None else 0
    rows: list[tuple[int, int, str, int, int]]
    rows = [(s.pfn, s.pages, s.name, s.vstart, s.vend) for s in (*plan.segments, *plan.firmware)]
    for name, pfn in plan.special_pages.items():
        rows.append((pfn, 1, name, base + paddr_of(pfn), base + bytes_of(pfn + 1)))
    for blob in plan.layout.acpi.blobs if plan.layout.acpi is not None else ():
        pages = pages_for(blob.map_size)
        end = PhysAddr(blob.address + len(blob.data))
        rows.append((pages_for(blob.map_start), pages, blob.name, blob.address, end))
    return tuple(
        _row(name, start, end, pfn, pages)
        for pfn, pages, name, start, end in sorted(rows, key=lambda row: row[0])
    )


def _memory_map(plan: Plan) -> tuple[tuple[str, ...], ...]:
    return tuple(
        (f"{e.addr:#x}", f"{e.addr + e.size:#x}", human_size(e.size), e.type_name)
        for e in plan.layout.memory_map
    )


_SHOWN_REGISTERS = {
    GuestType.PV64: ("rip", "rsp", "rsi", "rflags"),
    GuestType.PV32PAE: ("eip", "esp", "esi", "eflags", "vm_assist"),
    GuestType.HVM: ("rip", "rbx", "cr0"),
}


def _entry(plan: Plan) -> str:
    registers = plan.vcpus[0].registers or {}
    names = _SHOWN_REGISTERS[plan.request.image.guest_type]
    values = ((name, registers.get(name)) for name in names)
    shown = [f"{name}={value:#x}" for name, value in values if isinstance(value, int)]
    control = registers.get("ctrlreg")
    if control is not None and not isinstance(control, int | bytes):
        shown.append(f"cr3={control[3]:#x}")
    return " ".join(shown)


def _hypercall_page(plan: Plan) -> Iterator[tuple[str, str]]:
    if plan.hypercall_page is not None:
        filled = "filled, as the hypervisor does" if plan.request.fill_hypercall_page else "left zero"
        yield "hypercall page", f"frame {plan.hypercall_page:#x}, {filled}"


def digest_of(document: Mapping[str, object]) -> str:
    """Return the domain digest that a manifest has."""
    digests = document["digests"]
    assert isinstance(digests, dict)
    return str(digests["domain"])


def _written(memory_end: Pfn, target: Target) -> str:
    if target.format is DIRECTORY:
        image = human_size(bytes_of(memory_end))
        return f"{target.path}/ (memory.img of {image}, sparse; domain.json; start-of-day structures as .bin)"
    what = f"{target.format.what} of {_room(target)}"
    if target.format.is_restored:
        what += f"; `xl restore {quote(str(target.path))}` starts it"
    return f"{target.path} ({what})"


def _room(target: Target) -> str:
    """Return how large a file is, and what it takes on disk where holes make that less."""
    try:
        status = target.path.stat()
    except OSError:  # somebody has it already
        return "unknown size"
    on_disk = status.st_blocks * _BLOCK
    return human_size(status.st_size) + (
        f", {human_size(on_disk)} on disk" if on_disk < status.st_size else ""
    )


_BLOCK = 512
"""Bytes of a block of stat(2)."""
