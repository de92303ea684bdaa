"""A built domain from what was found of it, with its manifest and digests."""

from collections.abc import Mapping
from dataclasses import replace

from xlbuild.built import AcpiPlaces, BuiltDomain, BuiltKernel, Untold
from xlbuild.container.model import Kind
from xlbuild.domain import Digests
from xlbuild.emit.digest import domain_digest, memory_digests
from xlbuild.emit.manifest import SCHEMA
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
from xlbuild.hooks.base import EVENT_CHANNELS, backend_grants
from xlbuild.inspect.tree import hexadecimal
from xlbuild.recovery.found import Around, Found

_NOT_KNOWN = "not known"


def assemble(kind: Kind, around: Around, found: Found) -> BuiltDomain:
    """Return the domain; all of its memory is read, for its digests."""
    memory, segments = memory_digests(found.memory, found.segments)
    special = found.special_pages
    has_backends = around.has_backends and "console" in special
    built = BuiltDomain(
        source=around.source,
        document={},
        memory=found.memory,
        structures=found.structures,
        name=around.name,
        uuid=around.uuid,
        kind=kind,
        reason=around.reason,
        guest_type=found.guest_type,
        profile=around.profile,
        inputs=(),
        kernel=BuiltKernel(_NOT_KNOWN, (), found.entry),
        command_line=found.command_line,
        total_pages=found.total_pages,
        target_pages=None,
        populate_on_demand=None,
        segments=found.segments,
        firmware_modules=found.firmware_modules,
        special_pages=special,
        ioreq_server=found.ioreq_server,
        start_info=found.start_info,
        hvm_info=found.hvm_info,
        hvm_info_fields=found.hvm_info_fields,
        acpi=found.acpi,
        vcpus=found.vcpus,
        hvm_params=around.hvm_params,
        memory_map=found.memory_map or around.memory_map,
        vnuma=None,
        hypercall_page=found.hypercall_page,
        grants=backend_grants(special["console"], special["xenstore"]) if has_backends else (),
        event_channels=EVENT_CHANNELS if has_backends else (),
        digests=Digests(memory, segments, ""),
        plan_for=found.plan_for,
        untold=Untold(around.untold | found.untold, around.frames),
    )
    document = _document(built)
    digests = replace(built.digests, domain=domain_digest(document, memory))
    document["digests"] = {"memory": memory, "segments": segments, "domain": digests.domain}
    return replace(built, document=document, digests=digests)


def _document(built: BuiltDomain) -> dict[str, object]:
    """Return the manifest; what is not told is null, and the digests are left out."""
    document: dict[str, object] = {
        "schema": SCHEMA,
        "name": built.name,
        "uuid": built.uuid,
        "container": built.kind.value,
        "reason": built.reason,
        "guest_type": built.guest_type.value,
        "profile": built.profile,
        "plan": built.plan_for.value,
        "inputs": [],
        "kernel": None,
        "command_line": built.command_line,
        "total_pages": built.total_pages,
        "target_pages": built.target_pages,
        "populated": frame_ranges(built.populated),
        "populate_on_demand": None,
        "segments": [segment_member(segment) for segment in built.segments],
        "firmware_modules": [segment_member(segment) for segment in built.firmware_modules],
        "special_pages": _special_pages(built),
        "start_info": start_info_member(built.start_info, built.kind),
        "hvm_info_table": None,
        "acpi": None if built.acpi is None else _acpi(built.acpi),
        "vcpus": [vcpu_member(vcpu) for vcpu in built.vcpus],
        "hvm_params": [hvm_param_member(param) for param in built.hvm_params],
        "memory_map": [map_entry_member(entry) for entry in built.memory_map],
        "vnuma": None,
        "hypercall_page": None,
        "grants": [grant_member(grant) for grant in built.grants],
        "event_channels": [event_channel_member(channel) for channel in built.event_channels],
    }
    if built.hvm_info is not None and built.hvm_info_fields is not None:
        document["hvm_info_table"] = hvm_info_member(built.hvm_info.address, built.hvm_info_fields)
    if (page := built.hypercall_page) is not None:
        document["hypercall_page"] = {"pfn": hexadecimal(page.pfn), "filled": page.filled}
    return {name: None if name in built.untold.members else value for name, value in document.items()}


def _special_pages(built: BuiltDomain) -> Mapping[str, object]:
    pages: dict[str, object] = {name: hexadecimal(pfn) for name, pfn in built.special_pages.items()}
    if built.ioreq_server is not None:
        pages["ioreq_server_first"] = hexadecimal(built.ioreq_server.first)
        pages["ioreq_server_pages"] = built.ioreq_server.pages
    return pages


def _acpi(acpi: AcpiPlaces) -> dict[str, object]:
    return {
        "blobs": [placed_member(placed) for placed in acpi.blobs],
        "tables": [placed_member(placed) for placed in acpi.tables],
    }
