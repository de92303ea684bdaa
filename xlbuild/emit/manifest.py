"""domain.json: the built domain as one documented document (docs/domain-json.md, domain.schema.json).

Addresses, frames, registers and flags are "0x…" strings, counts and byte sizes are integers, ranges are half-open
`[first, end)`.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping

from xlbuild.abi.hvm_info import HVM_INFO_COUNTS, HVM_INFO_OFFSET, HVM_INFO_PFN
from xlbuild.abi.hvm_start_info import HVM_START_INFO_COUNTS
from xlbuild.abi.layout import FieldValue
from xlbuild.abi.start_info import START_INFO_COUNTS
from xlbuild.container import Kind
from xlbuild.domain import Digests, Domain
from xlbuild.emit.digest import domain_digest, memory_digests
from xlbuild.image.features import FEATURE_NAMES
from xlbuild.inspect.tree import hexadecimal
from xlbuild.plan.memmap import IOREQ_SERVER_FIRST, NR_IOREQ_SERVER_PAGES
from xlbuild.plan.model import Plan, Segment, StartInfo, Vcpu
from xlbuild.units import FrameRange, merge_ranges, paddr_of

SCHEMA = "xlbuild.domain/1"


def manifest(domain: Domain) -> tuple[dict[str, object], Digests]:
    """Return the document and the digests it ends with."""
    plan = domain.plan
    document: dict[str, object] = {
        "schema": SCHEMA,
        "name": domain.container.name,
        "uuid": domain.container.uuid,
        "container": domain.container.kind.value,
        "reason": domain.container.reason,
        "guest_type": plan.request.image.guest_type.value,
        "profile": domain.profile.name,
        "plan": plan.request.plan_for.value,
        "inputs": [
            {
                "role": item.role.value,
                "path": item.path,
                "size": len(item.data),
                "sha256": hashlib.sha256(item.data).hexdigest(),
            }
            for item in domain.inputs
        ],
        "kernel": _kernel(plan),
        "command_line": domain.container.command_line,
        "total_pages": plan.layout.total_pages,
        "target_pages": plan.layout.target_pages,
        "populated": _ranges(plan.populated),
        "populate_on_demand": _populate_on_demand(plan),
        "segments": [_segment(segment) for segment in plan.segments],
        "firmware_modules": [_segment(segment) for segment in plan.firmware],
        "special_pages": _special_pages(plan, domain.container.kind),
        "start_info": _start_info(plan.start_info, domain.container.kind),
        "hvm_info_table": _hvm_info(plan),
        "acpi": _acpi(plan),
        "vcpus": [_vcpu(vcpu) for vcpu in plan.vcpus],
        "hvm_params": [
            {"index": p.index, "name": p.name, "value": hexadecimal(p.value)} for p in plan.hvm_params
        ],
        "memory_map": [
            {"addr": hexadecimal(e.addr), "size": e.size, "type": e.type} for e in plan.layout.memory_map
        ],
        "vnuma": _vnuma(plan),
        "hypercall_page": _hypercall_page(plan),
        "grants": [
            {"index": g.index, "flags": hexadecimal(g.flags), "domid": g.domid, "frame": hexadecimal(g.frame)}
            for g in plan.grants
        ],
        "event_channels": [{"port": c.port, "remote_domid": c.remote_domid} for c in plan.event_channels],
    }
    memory, segments = memory_digests(domain.memory, plan.segments)
    digests = Digests(memory, segments, domain_digest(document, memory))
    document["digests"] = {"memory": memory, "segments": segments, "domain": digests.domain}
    return document, digests


def manifest_text(document: Mapping[str, object]) -> str:
    """Return the document as it is written: indented JSON, ASCII only, a final newline."""
    return json.dumps(document, indent=2) + "\n"


def _kernel(plan: Plan) -> dict[str, object]:
    image = plan.request.image
    return {
        "format": image.format,
        "packing": list(image.packing),
        "entry": hexadecimal(plan.entry),
        "notes": [
            {
                "name": note.name,
                "value": note.value if isinstance(note.value, str) else hexadecimal(note.value),
            }
            for note in image.parameters.notes
        ],
        "features_active": [name for name, bit in FEATURE_NAMES.items() if image.features_active & bit],
    }


def _ranges(ranges: Iterable[FrameRange]) -> list[list[str]]:
    return [[hexadecimal(frames.first), hexadecimal(frames.end)] for frames in ranges]


def _populate_on_demand(plan: Plan) -> dict[str, object] | None:
    if plan.layout.pod_target is None:
        return None
    return {"target": plan.layout.pod_target, "populated": _ranges(merge_ranges(plan.layout.ram))}


def _segment(segment: Segment) -> dict[str, object]:
    return {
        "name": segment.name,
        "vstart": hexadecimal(segment.vstart),
        "vend": hexadecimal(segment.vend),
        "pfn": hexadecimal(segment.pfn),
        "pages": segment.pages,
    }


def _fields(fields: Mapping[str, FieldValue], counts: frozenset[str] = frozenset()) -> dict[str, object]:
    return {name: value if name in counts else _value(value) for name, value in fields.items()}


def _value(value: FieldValue) -> object:
    if isinstance(value, int):
        return hexadecimal(value)
    if isinstance(value, bytes):
        return value.hex()
    return [hexadecimal(element) for element in value]


def _text(value: FieldValue) -> str:
    assert isinstance(value, bytes)
    return value.split(b"\0", 1)[0].decode(errors="surrogateescape")


def _special_pages(plan: Plan, kind: Kind) -> dict[str, object]:
    pages: dict[str, object] = {name: hexadecimal(pfn) for name, pfn in plan.special_pages.items()}
    if kind is Kind.HVM:
        pages["ioreq_server_first"] = hexadecimal(IOREQ_SERVER_FIRST)
        pages["ioreq_server_pages"] = NR_IOREQ_SERVER_PAGES
    return pages


def _start_info(info: StartInfo, kind: Kind) -> dict[str, object]:
    place = {"paddr": hexadecimal(info.address)}
    if kind is Kind.PV:
        texts = {name: _text(info.fields[name]) for name in ("magic", "cmd_line")}
        return place | _fields(info.fields, START_INFO_COUNTS) | texts
    modules = [
        {
            "paddr": hexadecimal(module.paddr),
            "size": module.size,
            "cmdline_paddr": hexadecimal(module.cmdline_paddr or 0),
            "cmdline": module.command_line,
        }
        for module in info.modules
    ]
    return (
        place
        | _fields(info.fields, HVM_START_INFO_COUNTS)
        | {"cmdline": info.command_line, "modlist": modules}
    )


def _hvm_info(plan: Plan) -> dict[str, object] | None:
    if plan.hvm_info is None:
        return None
    address = paddr_of(HVM_INFO_PFN) + HVM_INFO_OFFSET
    texts = {"signature": _text(plan.hvm_info["signature"])}
    return {"paddr": hexadecimal(address)} | _fields(plan.hvm_info, HVM_INFO_COUNTS) | texts


def _acpi(plan: Plan) -> dict[str, object] | None:
    acpi = plan.layout.acpi
    if acpi is None:
        return None
    return {
        "blobs": [{"name": b.name, "addr": hexadecimal(b.address), "size": len(b.data)} for b in acpi.blobs],
        "tables": [
            {"name": t.table.value, "addr": hexadecimal(t.address), "size": len(t.data)} for t in acpi.tables
        ],
    }


def _vnuma(plan: Plan) -> dict[str, object] | None:
    vnuma = plan.request.container.vnuma
    if vnuma is None:
        return None
    return {
        "vnode_to_pnode": list(vnuma.vnode_to_pnode),
        "vcpu_to_vnode": list(vnuma.vcpu_to_vnode),
        "vdistance": [list(row) for row in vnuma.vdistance],
        "vmemranges": [
            {"start": hexadecimal(r.start), "end": hexadecimal(r.end), "vnode": r.vnode}
            for r in plan.layout.vmemranges
        ],
    }


def _vcpu(vcpu: Vcpu) -> dict[str, object]:
    document: dict[str, object] = {"id": vcpu.id}
    if vcpu.registers is not None:
        document["registers"] = _fields(vcpu.registers)
    if vcpu.mtrr is not None:
        document["mtrr"] = _fields(vcpu.mtrr)
    return document


def _hypercall_page(plan: Plan) -> dict[str, object] | None:
    if plan.hypercall_page is None:
        return None
    return {"pfn": hexadecimal(plan.hypercall_page), "filled": plan.request.fill_hypercall_page}
