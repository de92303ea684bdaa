"""The start-of-day structures as files of their own, for whoever starts the domain by other means."""

from collections.abc import Sequence

from xlbuild.abi.hvm_info import HVM_INFO_TABLE
from xlbuild.abi.hvm_save import (
    HVM_FILE_MAGIC,
    HVM_FILE_VERSION,
    HVM_HW_MTRR,
    HVM_SAVE_CODE_CPU,
    HVM_SAVE_CODE_HEADER,
    HVM_SAVE_CODE_MTRR,
    HVM_SAVE_HEADER,
    end_record,
    record,
)
from xlbuild.abi.shared_info import initial_shared_info
from xlbuild.built import (
    ACPI_INFO_FILE,
    HVM_CONTEXT_FILE,
    HVM_INFO_FILE,
    RSDP_FILE,
    SHARED_INFO_FILE,
    START_INFO_FILE,
    VCPU_CONTEXT_FILE,
    BuiltDomain,
    acpi_table_file,
)
from xlbuild.container import Kind
from xlbuild.domain import Domain
from xlbuild.errors import FilesError, Where
from xlbuild.libxl.json import json_text
from xlbuild.plan.model import Plan, Vcpu
from xlbuild.units import PAGE_SIZE


def structure_files(domain: Domain) -> dict[str, bytes]:
    """Return the files' contents by name."""
    if domain.container.kind is Kind.PV:
        return _pv_files(domain)
    plan = domain.plan
    segment = plan.segment("HVM start info")
    assert segment is not None
    files = {
        START_INFO_FILE: domain.memory.read(plan.start_info.address, segment.vend - segment.vstart),
        HVM_CONTEXT_FILE: hvm_context(plan.vcpus),
    }
    if plan.hvm_info is not None:
        files[HVM_INFO_FILE] = HVM_INFO_TABLE.encode(plan.hvm_info)
    return files | _acpi_files(plan)


def config_json(domain: Domain) -> bytes:
    """Return the configuration as xl embeds it in a save file: libxl_domain_config in JSON, a final newline."""
    return json_text(domain.domain_config).encode(errors="surrogateescape") + b"\n"


def hvm_context(vcpus: Sequence[Vcpu]) -> bytes:
    """Return the HVM context records that give the vCPUs their entry state (public hvm/save.h)."""
    header = {"magic": HVM_FILE_MAGIC, "version": HVM_FILE_VERSION}
    records = [record(HVM_SAVE_CODE_HEADER, 0, HVM_SAVE_HEADER, header)]
    for vcpu in vcpus:
        if vcpu.mtrr is not None:
            records.append(record(HVM_SAVE_CODE_MTRR, vcpu.id, HVM_HW_MTRR, vcpu.mtrr))
    for vcpu in vcpus:
        if vcpu.registers is not None:
            records.append(record(HVM_SAVE_CODE_CPU, vcpu.id, vcpu.layout, vcpu.registers))
    return b"".join([*records, end_record()])


def pv_context(vcpus: Sequence[Vcpu]) -> bytes:
    """Return the vcpu_guest_context of a PV guest's only vCPU that the toolstack starts."""
    (vcpu,) = vcpus
    assert vcpu.registers is not None
    return vcpu.layout.encode(vcpu.registers)


def _pv_files(domain: Domain) -> dict[str, bytes]:
    plan = domain.plan
    return {
        START_INFO_FILE: domain.memory.read(plan.start_info.address, PAGE_SIZE),
        SHARED_INFO_FILE: initial_shared_info(),
        VCPU_CONTEXT_FILE: pv_context(plan.vcpus),
    }


def _acpi_files(plan: Plan) -> dict[str, bytes]:
    acpi = plan.layout.acpi
    if acpi is None:
        return {}
    blobs = {RSDP_FILE: acpi.rsdp.data, ACPI_INFO_FILE: acpi.info.data}
    tables = {acpi_table_file(t.table.value): t.data for t in acpi.tables}
    return blobs | tables


def structure_of(built: BuiltDomain, name: str, size: int | None = None) -> bytes:
    """Return the contents of a start-of-day structure's file, which has `size` bytes.

    Raises FilesError (domain-structure-damaged) where it is missing, empty, or of another size.
    """
    data = built.structures.get(name, b"")
    if data and size in (None, len(data)):
        return data
    cause = f"it has {len(data)} bytes" + (f", and must have {size}" if size is not None else "")
    raise FilesError(
        "domain-structure-damaged",
        f"the start-of-day structure {name} is not as it was built",
        cause=cause if name in built.structures else "it is missing",
        hint="build the domain again, or copy all files of its directory",
        where=Where(built.source),
    )
