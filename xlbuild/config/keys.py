"""The keys of xl.cfg that this program reads, as one table: it types the reading and makes the documentation.

What is not here is carried along unread (`GuestConfig.places`), as devices and what only a host can use are.
"""

from dataclasses import dataclass
from enum import StrEnum


class Form(StrEnum):
    """What xl takes a key's value for."""

    STRING = "string"
    NUMBER = "number"
    BOUNDED = "number, or xl stops"
    BOOLEAN = "0 or 1"
    NUMBER_OR_NAME = "number or name"
    BOOLEAN_OR_NAMES = "0, 1 or list of names"
    NAMES = "list of names"
    LIST = "list of strings"
    LISTS = "list of lists"
    ANY = "not read"


class Group(StrEnum):
    """What a key has to do with a built guest."""

    IMAGE = "changes the guest's memory or how it starts"
    PARAMETER = "sets a parameter of the domain"
    VERDICT = "only decides whether the guest can be built"
    ARM = "means something for Arm guests only"


ALL = "PV PVH HVM"


@dataclass(frozen=True, slots=True)
class Key:
    """One key: a row of the documentation."""

    name: str
    form: Form
    group: Group
    kinds: str
    """Container kinds for which xl looks at it."""
    meaning: str
    """What it does, in a few words."""


_S, _N, _B = Form.STRING, Form.NUMBER, Form.BOOLEAN
_IMAGE, _PARAMETER, _VERDICT, _ARM = Group.IMAGE, Group.PARAMETER, Group.VERDICT, Group.ARM

KEYS: tuple[Key, ...] = (
    Key("name", _S, _PARAMETER, ALL, "the domain's name; there must be one"),
    Key("uuid", _S, _PARAMETER, ALL, "the domain's UUID, in its 36-character form"),
    # The container
    Key("type", _S, _IMAGE, ALL, "the container: pv (default), pvh or hvm, or the start of one of these"),
    Key("pvh", _B, _VERDICT, ALL, "no longer read by xl, though it looks like it; use type"),
    Key("builder", _S, _IMAGE, ALL, "older than type: hvm, or generic for pv"),
    # Kernel and command line
    Key("kernel", _S, _IMAGE, ALL, "PV, PVH: the guest's kernel; HVM: handed to the device model"),
    Key("ramdisk", _S, _IMAGE, ALL, "PV, PVH: the first module; HVM: handed to the device model"),
    Key("cmdline", _S, _IMAGE, ALL, "the guest's command line; wins over root and extra"),
    Key("root", _S, _IMAGE, ALL, "makes the command line `root=...`, followed by extra"),
    Key("extra", _S, _IMAGE, ALL, "the command line, or what follows root"),
    Key("bootloader", _S, _VERDICT, "PV PVH", "a program that finds the kernel on the guest's disk: refused"),
    Key("pvshim", _B, _IMAGE, "PVH", "run the kernel as PV guest of a shim hypervisor"),
    Key("pvshim_path", _S, _IMAGE, "PVH", "the shim; used even without pvshim"),
    Key("pvshim_cmdline", _S, _IMAGE, "PVH", "the shim's command line (default: pv-shim console=xen,pv)"),
    Key("pvshim_extra", _S, _IMAGE, "PVH", "appended to the shim's command line"),
    # Memory and vCPUs
    Key("memory", _N, _IMAGE, ALL, "memory at start in MiB (default: maxmem; PV: 32)"),
    Key("maxmem", _N, _IMAGE, ALL, "most memory in MiB (default: memory); PV: only the map that Xen gets"),
    Key("videoram", _N, _IMAGE, "PVH HVM", "MiB taken off the memory (default by vga; PVH: 0)"),
    Key("vga", _S, _IMAGE, "HVM", "stdvga, cirrus (default), qxl or none: only the default of videoram"),
    Key("stdvga", _B, _IMAGE, "HVM", "older than vga: stdvga instead of cirrus"),
    Key("vcpus", _N, _IMAGE, ALL, "vCPUs online at start (default 1)"),
    Key("maxvcpus", _N, _IMAGE, ALL, "vCPUs that the guest may have (default: vcpus)"),
    Key("mmio_hole", _N, _IMAGE, "HVM", "MiB below 4 GiB without memory, 256 to 3840"),
    Key(
        "vnuma", Form.LISTS, _IMAGE, ALL, "virtual NUMA nodes; they set maxmem and maxvcpus; PV, PVH: refused"
    ),
    Key(
        "rdm",
        _S,
        _IMAGE,
        "PVH HVM",
        "strategy=host: no memory where a device of the host has reserved memory",
    ),
    Key("rdm_mem_boundary", _N, _IMAGE, "HVM", "MiB up to which rdm leaves memory alone (default 2048)"),
    Key("e820_host", _B, _PARAMETER, "PV", "a memory map like the host's"),
    Key("pci", Form.LIST, _IMAGE, ALL, "PCI devices: PV as e820_host, HVM as rdm for these; PVH refused"),
    Key("passthrough", _S, _VERDICT, ALL, "how devices are passed through; PVH can have none"),
    # Firmware
    Key("firmware", _S, _IMAGE, ALL, "PV, PVH: pvgrub32 or pvgrub64; HVM: a bios, uefi, or hvmloader's path"),
    Key("firmware_override", _S, _IMAGE, "HVM", "hvmloader's path"),
    Key("bios", _S, _IMAGE, "HVM", "the system firmware: seabios (default) or ovmf"),
    Key("bios_path_override", _S, _IMAGE, "HVM", "the system firmware's path"),
    Key("acpi_firmware", _S, _IMAGE, "HVM", "ACPI tables to be passed through"),
    Key("smbios_firmware", _S, _IMAGE, "HVM", "SMBIOS structures to be passed through"),
    Key("device_model_version", _S, _IMAGE, ALL, "qemu-xen, or (to Xen 4.20) qemu-xen-traditional"),
    Key("device_model_stubdomain_override", _B, _IMAGE, "HVM", "device model in a stub domain"),
    # HVM parameters
    Key("apic", _B, _IMAGE, "HVM", "whether hvmloader is told of a local APIC (default 1)"),
    Key("hpet", _B, _PARAMETER, "HVM", "HVM_PARAM_HPET_ENABLED (default 1)"),
    Key("vpt_align", _B, _PARAMETER, "HVM", "HVM_PARAM_VPT_ALIGN (default 1)"),
    Key("timer_mode", Form.NUMBER_OR_NAME, _PARAMETER, "PVH HVM", "HVM_PARAM_TIMER_MODE; an error for PV"),
    Key("altp2m", Form.NUMBER_OR_NAME, _PARAMETER, "PVH HVM", "HVM_PARAM_ALTP2M (to Xen 4.18)"),
    Key("altp2mhvm", _B, _PARAMETER, "HVM", "older than altp2m: mixed mode"),
    Key("viridian", Form.BOOLEAN_OR_NAMES, _PARAMETER, "HVM", "HVM_PARAM_VIRIDIAN: Hyper-V interfaces"),
    Key("mca_caps", Form.NAMES, _PARAMETER, "HVM", "HVM_PARAM_MCA_CAP: lmce"),
    Key("nestedhvm", _B, _VERDICT, "PVH HVM", "nested virtualisation; excludes altp2m"),
    # Limits
    Key("max_event_channels", _N, _VERDICT, ALL, "highest event channel port; 1 and 2 must exist"),
    Key("max_grant_frames", Form.BOUNDED, _VERDICT, ALL, "size of the grant table"),
    Key("max_maptrack_frames", Form.BOUNDED, _VERDICT, ALL, "size of the grant mapping table"),
    Key("max_grant_version", Form.BOUNDED, _VERDICT, ALL, "newest grant table version, 0 to 15"),
    # Arm
    Key("device_tree", Form.ANY, _ARM, ALL, "a partial device tree"),
    Key("dtdev", Form.ANY, _ARM, ALL, "device tree nodes to be passed through"),
    Key("gic_version", Form.ANY, _ARM, ALL, "the interrupt controller"),
    Key("nr_spis", Form.ANY, _ARM, ALL, "number of shared interrupts"),
    Key("vuart", Form.ANY, _ARM, ALL, "an emulated serial port"),
    Key("tee", Form.ANY, _ARM, ALL, "a trusted execution environment"),
    Key("sve", Form.ANY, _ARM, ALL, "scalable vectors"),
    Key("arm_sci", Form.ANY, _ARM, ALL, "the system control interface"),
    Key("virtio", Form.ANY, _ARM, ALL, "virtio devices"),
    Key("trap_unmapped_accesses", Form.ANY, _ARM, ALL, "accesses to unmapped addresses trap"),
)
"""Every key, in the order of the documentation."""
