"""What the parts of a built domain are, in words."""

from xlbuild.container.model import Role
from xlbuild.libxl.enums import Altp2mMode, TimerMode

KERNELS: dict[Role, str] = {
    Role.KERNEL: "the kernel's image",
    Role.SHIM: "the PV shim's image, which starts the guest's kernel",
    Role.HVMLOADER: "hvmloader's image, which starts the firmware",
    Role.PVGRUB: "pvgrub's image, which starts the guest's kernel",
}
"""The segment `kernel` by what was loaded as one."""

SEGMENTS: dict[str, str] = {
    "phys2mach": "p2m list: the machine frame of each of the guest's frames",
    "page tables": "initial page tables",
    "HVM start info": "start info, and the command line, module list and memory map that it points at",
    "System Firmware module": "the firmware that hvmloader starts: SeaBIOS or OVMF",
    "ACPI module": "ACPI tables that hvmloader is to add to its own",
    "SMBIOS module": "SMBIOS structures that hvmloader is to add to its own",
}
"""The other segments by Xen's names; what modules are, depends on what is loaded as kernel."""

SPECIAL_PAGES: dict[str, str] = {
    "start_info": "start info: what the kernel is told of the domain",
    "xenstore": "ring to xenstore, shared with its daemon",
    "console": "ring of the console, shared with its backend",
    "boot_stack": "stack on which the kernel starts",
    "paging": "ring for memory paging events",
    "access": "ring for monitor events",
    "sharing": "ring for memory sharing events",
    "bufioreq": "buffered I/O requests to the device model",
    "ioreq": "I/O requests to the device model",
    "ident_pt": "page directory that maps 4 GiB to itself, for vCPUs that do without paging",
}
"""The builder's special pages by Xen's names."""

IOREQ_SERVER_PAGES = "pages for further device models' I/O requests"

ACPI_PIECES: dict[str, str] = {
    "RSDP": "ACPI root pointer, from which all tables are found",
    "ACPI info": "what Xen's own ACPI code in the DSDT reads",
    "ACPI tables": "the ACPI tables",
}
"""The pieces of ACPI that have addresses of their own."""

ACPI_TABLES: dict[str, str] = {
    "FACS": "ACPI table: firmware control structure",
    "DSDT": "ACPI table: the devices, as AML code",
    "FADT rev 1": "ACPI table: fixed hardware, for those that read the RSDT",
    "FADT rev 5": "ACPI table: fixed hardware, for those that read the XSDT",
    "MADT": "ACPI table: interrupt controllers, and with them the processors",
    "XSDT": "ACPI table: 64-bit addresses of the others",
    "RSDT": "ACPI table: 32-bit addresses of the others",
}
"""A PVH guest's tables by the names of `acpi.build.Table`."""

HVM_PARAMS: dict[str, str] = {
    "STORE_PFN": "frame of xenstore's ring",
    "STORE_EVTCHN": "port of xenstore's event channel",
    "IOREQ_PFN": "frame of the I/O requests to the device model",
    "BUFIOREQ_PFN": "frame of the buffered I/O requests to the device model",
    "VIRIDIAN": "Hyper-V features that the guest sees, as flags",
    "TIMER_MODE": "how virtual timers catch up with ticks that were missed",
    "HPET_ENABLED": "whether there is a virtual HPET",
    "IDENT_PT": "address of the page directory for vCPUs that do without paging",
    "VPT_ALIGN": "whether periodic timers of all vCPUs tick together",
    "CONSOLE_PFN": "frame of the console's ring",
    "CONSOLE_EVTCHN": "port of the console's event channel",
    "PAGING_RING_PFN": "frame of the ring for memory paging events",
    "MONITOR_RING_PFN": "frame of the ring for monitor events",
    "SHARING_RING_PFN": "frame of the ring for memory sharing events",
    "IOREQ_SERVER_PFN": "first frame for further device models' I/O requests",
    "NR_IOREQ_SERVER_PAGES": "how many frames are kept there",
    "ALTP2M": "who may use alternate p2m tables",
    "MCA_CAP": "machine-check features that the guest sees, as flags",
}
"""HVM parameters by Xen's names (public hvm/params.h)."""

VIRIDIAN_NAMES: dict[int, str] = {
    0: "base_freq",
    1: "no_freq",
    2: "time_ref_count",
    3: "reference_tsc",
    4: "hcall_remote_tlb_flush",
    5: "apic_assist",
    6: "crash_ctl",
    7: "synic",
    8: "stimer",
    9: "hcall_ipi",
    10: "ex_processor_masks",
    11: "no_vp_limit",
    12: "cpu_hotplug",
}
"""Bits of VIRIDIAN by the header's names, without HVMPV_."""

TIMER_MODES: tuple[str, ...] = tuple(mode.value for mode in TimerMode if mode is not TimerMode.UNKNOWN)
"""Values of TIMER_MODE, from 0 on: libxl's names are the header's, without HVMPTM_."""

ALTP2M_MODES: tuple[str, ...] = tuple(mode.value for mode in Altp2mMode)
"""Values of ALTP2M, likewise without XEN_ALTP2M_."""

GRANT_TYPES: tuple[str, ...] = ("invalid", "permit_access", "accept_transfer", "transitive")
"""Types of grant table entries by the header's names, without GTF_ (public grant_table.h)."""


def segment_title(name: str, loaded: Role) -> str:
    """Return what a segment is, where `loaded` is what is in the segment `kernel`."""
    if name == "kernel":
        return KERNELS.get(loaded, "the kernel's image")
    if name in SEGMENTS:
        return SEGMENTS[name]
    if loaded is Role.SHIM:
        return {"module0": "the kernel that the shim starts", "module1": "that kernel's ramdisk"}.get(
            name, "module"
        )
    return "the ramdisk" if name == "module0" else "module"
