"""domain.json: the built domain as one documented document (docs/domain-json.md, domain.schema.json).

Addresses, frames, registers and flags are "0x…" strings, counts and byte sizes are integers, ranges are half-open
`[first, end)`.
"""

import hashlib
import json
from collections.abc import Mapping

from xlbuild.abi.hvm_info import HVM_INFO_OFFSET, HVM_INFO_PFN
from xlbuild.built import Placed
from xlbuild.container import Kind
from xlbuild.domain import Digests, Domain
from xlbuild.emit.digest import domain_digest, memory_digests
from xlbuild.emit.members import (
    event_channel_member,
    frame_ranges,
    grant_member,
    hvm_info_member,
    hvm_param_member,
    map_entry_member,
    placed_member,
    segment_member,
    start_info_member,
    vcpu_member,
)
from xlbuild.image.features import FEATURE_NAMES
from xlbuild.inspect.tree import hexadecimal
from xlbuild.plan.memmap import IOREQ_SERVER_FIRST, NR_IOREQ_SERVER_PAGES
from xlbuild.plan.model import Plan
from xlbuild.units import PhysAddr, merge_ranges, paddr_of

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
        "populated": frame_ranges(plan.populated),
        "populate_on_demand": _populate_on_demand(plan),
        "segments": [segment_member(segment) for segment in plan.segments],
        "firmware_modules": [segment_member(segment) for segment in plan.firmware],
        "special_pages": _special_pages(plan, domain.container.kind),
        "start_info": start_info_member(plan.start_info, domain.container.kind),
        "hvm_info_table": _hvm_info(plan),
        "acpi": _acpi(plan),
        "vcpus": [vcpu_member(vcpu) for vcpu in plan.vcpus],
        "hvm_params": [hvm_param_member(param) for param in plan.hvm_params],
        "memory_map": [map_entry_member(entry) for entry in plan.layout.memory_map],
        "vnuma": _vnuma(plan),
        "hypercall_page": _hypercall_page(plan),
        "grants": [grant_member(grant) for grant in plan.grants],
        "event_channels": [event_channel_member(channel) for channel in plan.event_channels],
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


def _populate_on_demand(plan: Plan) -> dict[str, object] | None:
    if plan.layout.pod_target is None:
        return None
    return {"target": plan.layout.pod_target, "populated": frame_ranges(merge_ranges(plan.layout.ram))}


def _special_pages(plan: Plan, kind: Kind) -> dict[str, object]:
    pages: dict[str, object] = {name: hexadecimal(pfn) for name, pfn in plan.special_pages.items()}
    if kind is Kind.HVM:
        pages["ioreq_server_first"] = hexadecimal(IOREQ_SERVER_FIRST)
        pages["ioreq_server_pages"] = NR_IOREQ_SERVER_PAGES
    return pages


def _hvm_info(plan: Plan) -> dict[str, object] | None:
    if plan.hvm_info is None:
        return None
    address = PhysAddr(paddr_of(HVM_INFO_PFN) + HVM_INFO_OFFSET)
    return hvm_info_member(address, plan.hvm_info)


def _acpi(plan: Plan) -> dict[str, object] | None:
    acpi = plan.layout.acpi
    if acpi is None:
        return None
    return {
        "blobs": [placed_member(Placed(b.name, b.address, len(b.data))) for b in acpi.blobs],
        "tables": [placed_member(Placed(t.table.value, t.address, len(t.data))) for t in acpi.tables],
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


def _hypercall_page(plan: Plan) -> dict[str, object] | None:
    if plan.hypercall_page is None:
        return None
    return {"pfn": hexadecimal(plan.hypercall_page), "filled": plan.request.fill_hypercall_page}
