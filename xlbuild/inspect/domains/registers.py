"""A vCPU's registers: those that are not zero with their meanings, the others by name."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeAlias

from xlbuild.abi.layout import Fields
from xlbuild.abi.vcpu_guest_context import (
    FLAT_KERNEL_CS_X86_32,
    FLAT_KERNEL_CS_X86_64,
    FLAT_KERNEL_DS_X86_32,
    FLAT_KERNEL_SS_X86_64,
    VGCF_NAMES,
    VMASST_NAMES,
)
from xlbuild.built import SUSPEND_RECORDS, BuiltDomain
from xlbuild.image.model import GuestType
from xlbuild.inspect.domains.regions import domain_regions
from xlbuild.inspect.memory.region import region_at
from xlbuild.inspect.memory.room import exists
from xlbuild.inspect.tree import Branch, Tree, hexadecimal
from xlbuild.inspect.words import flag_names
from xlbuild.plan.model import PlanFor
from xlbuild.units import UINT32, UINT64, Mfn, PhysAddr, bytes_of, extended_cr3, paddr_of
from xlbuild.x86 import (
    BUSY_TSS_AR,
    CR0_NAMES,
    CR0_PE,
    CR0_PG,
    CR4_NAMES,
    DR6_DEFAULT,
    DR7_DEFAULT,
    EFER_NAMES,
    FLAGS_NAMES,
    FLAT_CODE_AR,
    FLAT_DATA_AR,
    FLAT_LIMIT,
    TSS_LIMIT,
)

_BITS: dict[str, dict[int, str]] = {
    "cr4": CR4_NAMES,
    "msr_efer": EFER_NAMES,
    "rflags": FLAGS_NAMES,
    "eflags": FLAGS_NAMES,
    "vm_assist": VMASST_NAMES,
}
_PV_BITS: dict[str, dict[int, str]] = {"flags": VGCF_NAMES}
_HVM_BITS: dict[str, dict[int, str]] = {"flags": {0: "XEN_X86_FPU_INITIALISED"}}

_SELECTORS: dict[GuestType, dict[int, str]] = {
    GuestType.PV64: {
        FLAT_KERNEL_CS_X86_64: "Xen's flat 64-bit code segment",
        FLAT_KERNEL_SS_X86_64: "Xen's flat data segment",
    },
    GuestType.PV32PAE: {
        FLAT_KERNEL_CS_X86_32: "Xen's flat code segment, ring 1",
        FLAT_KERNEL_DS_X86_32: "Xen's flat data segment, ring 1",
    },
    GuestType.HVM: {},
}
_SELECTOR_NAMES = (
    *("cs", "ds", "es", "fs", "gs", "ss", "kernel_ss"),
    *("event_callback_cs", "failsafe_callback_cs"),
)

_ATTRIBUTES: dict[int, str] = {
    FLAT_CODE_AR: "32-bit code, ring 0, present, 4 KiB granules",
    FLAT_DATA_AR: "32-bit data, writable, ring 0, present, 4 KiB granules",
    BUSY_TSS_AR: "busy 32-bit TSS, present",
}
_LIMITS: dict[int, str] = {FLAT_LIMIT: "4 GiB", TSS_LIMIT: "the smallest TSS"}
_AFTER_RESET: dict[str, int] = {
    "dr6": DR6_DEFAULT,
    "debugreg[6]": DR6_DEFAULT,
    "dr7": DR7_DEFAULT,
    "debugreg[7]": DR7_DEFAULT,
}
ENTRY = {GuestType.PV64: "rip", GuestType.PV32PAE: "eip", GuestType.HVM: "rip"}
STACKS = ("rsp", "esp", "kernel_sp")
_START_INFO = {GuestType.PV64: "rsi", GuestType.PV32PAE: "esi", GuestType.HVM: "rbx"}
_SETS_MEMORY_MAP = ", in code that sets the memory map and goes on to the kernel"
SUSPEND_RECORD_MEANS = "the frame of start_info, where a restore looks for it"


Pointer: TypeAlias = Callable[[str, int], str | None]
"""Says in words where a register leads that holds an address; None where there is nothing to say."""


def describe_registers(built: BuiltDomain, fields: Fields) -> Branch:
    """Return `registers`, a row for the entry point and each that is not zero, and `zero`, the others' names."""
    return register_rows(fields, built.guest_type, partial(_pointer, built))


def register_rows(fields: Fields, guest_type: GuestType, pointer: Pointer) -> Branch:
    """Return the same of any guest's registers; `pointer` tells of the entry point, the stacks and cr3."""
    flat = dict(_flat(fields))
    entry = ENTRY[guest_type]
    rows: list[Tree] = [
        {"name": name, "value": hexadecimal(value), "means": _meaning(guest_type, pointer, name, value)}
        for name, value in flat.items()
        if value or name == entry
    ]
    zero = (name for name, value in flat.items() if not value and name != entry)
    return {"registers": rows, "zero": ", ".join(zero)}


def _flat(fields: Fields) -> Iterator[tuple[str, int]]:
    """Yield each number by its name, those of arrays as `name[n]`; an array of zeros is one."""
    for name, value in fields.items():
        if isinstance(value, int):
            yield name, value
        elif not any(value):
            yield name, 0
        else:
            yield from ((f"{name}[{index}]", element) for index, element in enumerate(value))


def _meaning(guest_type: GuestType, pointer: Pointer, name: str, value: int) -> str | None:
    """Return what a register's value means to the guest."""
    bits = _BITS | (_HVM_BITS if guest_type is GuestType.HVM else _PV_BITS)
    if name == "cr0":
        return f"{flag_names(value, CR0_NAMES)}: {_mode(value)}"
    if name in bits:
        return flag_names(value, bits[name])
    if (found := pointer(name, value)) is not None:
        return found
    if name in _SELECTOR_NAMES:
        return _SELECTORS[guest_type].get(value)
    if name.endswith("_arbytes"):
        return _ATTRIBUTES.get(value)
    if name.endswith("_limit"):
        return _LIMITS.get(value)
    return "as after a reset" if _AFTER_RESET.get(name) == value else None


def _pointer(built: BuiltDomain, name: str, value: int) -> str | None:
    """Return where a register leads that holds an address when a built domain starts."""
    if name == ENTRY[built.guest_type]:
        sets_memory_map = built.plan_for is PlanFor.RESTORE and not built.is_pv
        return f"starts at {_place(built, value)}{_SETS_MEMORY_MAP if sets_memory_map else ''}"
    if name in STACKS:
        return _stack(built, value)
    if name == _START_INFO[built.guest_type]:
        return f"points at {_place(built, value)}"
    if name == SUSPEND_RECORDS.get(built.guest_type) and bytes_of(value) == built.start_info.address:
        return SUSPEND_RECORD_MEANS
    return f"cr3: {_top_table(built, value)}" if name == "ctrlreg[3]" else None


def _mode(cr0: int) -> str:
    if not cr0 & CR0_PE:
        return "real mode"
    return "protected mode, with paging" if cr0 & CR0_PG else "protected mode, without paging"


def _stack(built: BuiltDomain, value: int) -> str:
    """Return where a stack ends that grows down from an address."""
    physical = _physical(built, value - 1)
    region = region_at(domain_regions(built), physical) if physical is not None else None
    if physical is not None and region is not None and region.end == physical + 1:
        return f"the end of {region.name}"
    return f"behind {_place(built, value - 1)}"


def _top_table(built: BuiltDomain, value: int) -> str:
    """Return what cr3 names; machine frames equal the guest's, and a 32-bit guest's has them turned round."""
    tables = built.segment("page tables")
    assert tables is not None
    is_32_bit = built.guest_type is GuestType.PV32PAE
    expected = extended_cr3(Mfn(tables.pfn)) if is_32_bit else paddr_of(tables.pfn)
    if value == expected:
        return "the first frame of the page tables"
    return f"not the first frame of the page tables, which would be {expected:#x}"


def _place(built: BuiltDomain, address: int) -> str:
    """Return where an address of the guest's lies, in words."""
    physical = _physical(built, address)
    regions = domain_regions(built)
    region = region_at(regions, physical) if physical is not None else None
    if region is None or physical is None:
        return "an address at which nothing of the domain lies"
    offset = physical - region.first
    return f"{region.name} + {offset:#x}" if offset else region.name


def _physical(built: BuiltDomain, address: int) -> PhysAddr | None:
    """Return the physical address of one in the linear mapping, None where there is no memory."""
    if built.is_pv:
        kernel = built.segment("kernel")
        assert kernel is not None
        size = UINT32 if built.guest_type is GuestType.PV32PAE else UINT64
        address = (address - kernel.vstart + bytes_of(kernel.pfn)) % size
    return PhysAddr(address) if exists(built.memory, address) else None
