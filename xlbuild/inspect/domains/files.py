"""A built domain's files of structures, and pages whose contents are known, held against memory."""

from collections.abc import Iterator

from xlbuild.abi.hypercall import NR_STUBS, hypercall_page_x86_32, hypercall_page_x86_64
from xlbuild.abi.layout import Layout
from xlbuild.abi.shared_info import (
    EVTCHN_UPCALL_MASK_OFFSET,
    SHARED_INFO_X86_32,
    SHARED_INFO_X86_64,
    VCPU_INFO_SIZE,
    XEN_LEGACY_MAX_VCPUS,
    initial_shared_info,
)
from xlbuild.built import (
    ACPI_INFO_FILE,
    HVM_INFO_FILE,
    RSDP_FILE,
    SHARED_INFO_FILE,
    START_INFO_FILE,
    BuiltDomain,
    acpi_table_file,
)
from xlbuild.image.model import GuestType
from xlbuild.inspect.domains.regions import virtual_address
from xlbuild.inspect.tree import Branch, Tree, hexadecimal
from xlbuild.inspect.words import counted
from xlbuild.units import PAGE_SIZE, PhysAddr, paddr_of

_ACPI_FILES: dict[str, str] = {"RSDP": RSDP_FILE, "ACPI info": ACPI_INFO_FILE}


_SHARED_INFO: dict[GuestType, Layout] = {
    GuestType.PV64: SHARED_INFO_X86_64,
    GuestType.PV32PAE: SHARED_INFO_X86_32,
}
_SHARED_INFO_MEANINGS: dict[str, str] = {
    "wc_version": "wall clock: version",
    "wc_sec": "wall clock: seconds",
    "wc_nsec": "wall clock: nanoseconds",
    "wc_sec_hi": "wall clock: upper bits of the seconds",
    "max_pfn": "frames in its p2m list",
    "pfn_to_mfn_frame_list_list": "machine frame of the list of its p2m list's frames",
    "p2m_cr3": "page tables that map its p2m list",
    "p2m_vaddr": "virtual address of its p2m list",
    "p2m_generation": "changes of its p2m list",
}


def describe_shared_info(built: BuiltDomain) -> Branch | None:
    """Return the shared info page as the toolstack leaves it; None for guests that have none at start.

    Of a guest on a host the hypervisor's clock and what the guest says of its p2m list are told, where they are set.
    """
    page = built.structures.get(SHARED_INFO_FILE)
    layout = _SHARED_INFO.get(built.guest_type)
    if page is None or layout is None:
        return None
    address = built.start_info.fields["shared_info"]
    assert isinstance(address, int)
    known = {vcpu * VCPU_INFO_SIZE + EVTCHN_UPCALL_MASK_OFFSET for vcpu in range(XEN_LEGACY_MAX_VCPUS)}
    masked = sum(1 for at in known if at < len(page) and page[at])
    told: dict[str, Tree] = {}
    for name, value in layout.decode(page[: layout.size].ljust(layout.size, b"\0")).items():
        if isinstance(value, int) and value:
            told |= {name: hexadecimal(value), f"{name}_means": _SHARED_INFO_MEANINGS.get(name)}
            first = layout.offset_of(name)
            known.update(range(first, first + layout.size_of(name)))
    others = sum(1 for at, byte in enumerate(page) if byte and at not in known)
    return {
        "machine_addr": hexadecimal(address),
        "size": len(page),
        "evtchn_upcall_mask": masked,
        "evtchn_upcall_mask_means": f"{counted(masked, 'vCPU')} of {XEN_LEGACY_MAX_VCPUS} with events masked",
        **told,
        "other_bytes": others,
        "other_bytes_means": "not zero: none should be" if others else "all else is zero",
    }


def describe_hypercall_page(built: BuiltDomain) -> Branch | None:
    """Return the hypercall page's place and what is in it; None where the kernel has none."""
    if built.hypercall_page is None:
        return None
    address = paddr_of(built.hypercall_page.pfn)
    virtual = virtual_address(built, address)
    return {
        "addr": hexadecimal(address),
        "virt": hexadecimal(virtual) if virtual is not None else None,
        "filled": built.hypercall_page.filled,
        "means": f"{NR_STUBS} entries of the hypervisor's"
        if _has_stubs(built, address)
        else "what the kernel's image has there; a hypervisor fills it before the guest starts",
    }


def file_problems(built: BuiltDomain) -> Iterator[str]:
    """Yield a file that is missing or not as memory has it, and pages that are not as they are built.

    A host's save file or dump-core has no such files, and what it has of the shared info page the hypervisor has
    written to.
    """
    if not built.origin.is_capture:
        yield from _own_file_problems(built)
    for name, address, size in _copies(built):
        data = built.structures.get(name)
        if data is not None and not _is_at(built, data, address, size):
            yield f"{name} is not what memory.img has at {address:#x}"
    page = built.hypercall_page
    if page is not None and page.filled and not _has_stubs(built, paddr_of(page.pfn)):
        yield f"the hypercall page at {paddr_of(page.pfn):#x} is filled, domain.json says, and is not in memory.img"


def _own_file_problems(built: BuiltDomain) -> Iterator[str]:
    """Yield a directory's files that are missing, and a shared info page that is not as it is built."""
    yield from (f"{name} is missing" for name in built.structure_files() if name not in built.structures)
    shared_info = built.structures.get(SHARED_INFO_FILE)
    if shared_info is not None and shared_info != initial_shared_info():
        yield f"{SHARED_INFO_FILE} is not the page that the toolstack leaves: events masked, all else zero"


def _copies(built: BuiltDomain) -> Iterator[tuple[str, PhysAddr, int]]:
    """Yield the files that repeat a piece of memory: name, address and size."""
    segment = built.segment("HVM start info")
    size = segment.vend - segment.vstart if segment is not None else PAGE_SIZE
    yield START_INFO_FILE, built.start_info.address, size
    if built.hvm_info is not None:
        yield HVM_INFO_FILE, built.hvm_info.address, built.hvm_info.size
    if built.acpi is None:
        return
    for blob in built.acpi.blobs:
        if blob.name in _ACPI_FILES:
            yield _ACPI_FILES[blob.name], blob.address, blob.size
    for table in built.acpi.tables:
        yield acpi_table_file(table.name), table.address, table.size


def _is_at(built: BuiltDomain, data: bytes, address: PhysAddr, size: int) -> bool:
    """Return whether memory has a file's bytes; it is read only where the sizes agree: a file is small."""
    return len(data) == size and data == built.memory.read(address, size)


def _has_stubs(built: BuiltDomain, address: PhysAddr) -> bool:
    stubs = hypercall_page_x86_32 if built.guest_type is GuestType.PV32PAE else hypercall_page_x86_64
    return built.memory.read(address, PAGE_SIZE) == stubs()
