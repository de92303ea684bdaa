"""What the author of a word that xl does not know may have meant, a key first of all.

xl says nothing of an unknown key. Names of other programs' configurations, of xm's files and of patched Xens are in
tables; for the rest it is the known name that looks most like it, if one does.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What to do about an unknown key."""

    text: str
    """One sentence, as a hint."""
    key: str | None = None
    """The key to write in its place, where that is all there is to do."""


OTHER_NAMES: Mapping[str, str] = {
    "acpi_table": "acpi_firmware",
    "append": "cmdline",
    "args": "cmdline",
    "audio": "soundhw",
    "boot_order": "boot",
    "bootargs": "bootloader_args",
    "command": "cmdline",
    "cpu": "cpus",
    "cpu_affinity": "cpus",
    "cpu_cap": "cap",
    "cpupool": "pool",
    "disable_migrate": "nomigrate",
    "disks": "disk",
    "event_channels": "max_event_channels",
    "grant_frames": "max_grant_frames",
    "hvmloader_override": "firmware_override",
    "hyperv": "viridian",
    "initramfs": "ramdisk",
    "initrd": "ramdisk",
    "irq": "irqs",
    "max_memory": "maxmem",
    "max_vcpus": "maxvcpus",
    "maxcpu": "maxvcpus",
    "maxcpus": "maxvcpus",
    "maxmemory": "maxmem",
    "mem": "memory",
    "memory_max": "maxmem",
    "network": "vif",
    "networks": "vif",
    "nic": "vif",
    "nics": "vif",
    "on_shutdown": "on_poweroff",
    "passthru": "passthrough",
    "pcis": "pci",
    "ram": "memory",
    "sound": "soundhw",
    "tpm": "vtpm",
    "vcpu": "vcpus",
    "vifs": "vif",
    "vnc_display": "vncdisplay",
    "vnc_listen": "vnclisten",
    "vnc_passwd": "vncpasswd",
    "vnc_password": "vncpasswd",
    "vncpassword": "vncpasswd",
    "weight": "cpu_weight",
}
"""Names for which xl has another."""

_XM_NETWORK = "xm made kernel parameters of it; write them into cmdline, such as ip= and nfsroot="
_DRIVER_DOMAIN = "xm marked a driver domain with it; write driver_domain = 1"
_PATCHED_ARM = "only Xens patched for boards of the Arm world read it"
_GVT = "only Xens patched for Intel GVT-g (XenGT) read it; gfx_passthru passes a whole graphics card through"
_POOL = "it belongs into a file for xl cpupool-create; here, write pool = NAME"
_APIC = "it came and went before Xen 4.17 was released; leave it out"
_PYTHON = "it is a variable of xm's Python files, which nothing reads; leave it out"
_XEND = "xend is gone; the xendomains service starts the guests in /etc/xen/auto and stops them"
_FIRMWARE = 'write bios = "ovmf" (HVM)'

EXPLAINED: Mapping[str, Suggestion] = {
    name: Suggestion(text)
    for name, text in (
        (
            "access_control",
            'xm took a label of another security module from it; write seclabel = "..." for XSM',
        ),
        ("arch", _PYTHON),
        ("arch_libdir", _PYTHON),
        ("assisted_x2apic", _APIC),
        ("assisted_xapic", _APIC),
        ("blkif", _DRIVER_DOMAIN),
        ("broadcast", _XM_NETWORK),
        ("cdrom", "write the CD as an element of disk: '/image.iso,,hdc,cdrom'"),
        ("dhcp", _XM_NETWORK),
        ("dt_compatible", f"{_PATCHED_ARM}; a device_tree can say it"),
        (
            "dt_passthrough_nodes",
            f"{_PATCHED_ARM}; name the devices in dtdev, and their nodes in a device_tree",
        ),
        ("efi", _FIRMWARE),
        (
            "features",
            "xm demanded features of a PV kernel with it; the kernel's own notes say them, so leave it out",
        ),
        ("force_assign_without_iommu", f"{_PATCHED_ARM}; leave it out"),
        ("gateway", _XM_NETWORK),
        ("home", "it is no key of xl; if it is meant for the kernel, write it into cmdline"),
        ("hostname", _XM_NETWORK),
        ("interface", _XM_NETWORK),
        ("ip", _XM_NETWORK),
        ("loader", "HVM: write firmware_override for another hvmloader, or kernel for what is to be loaded"),
        ("machine_address_size", "xend limited a guest's machine addresses with it; leave it out"),
        ("netif", _DRIVER_DOMAIN),
        ("netmask", _XM_NETWORK),
        ("nfs_root", _XM_NETWORK),
        ("nfs_server", _XM_NETWORK),
        ("nodes", _POOL),
        ("on_xend_start", _XEND),
        ("on_xend_stop", _XEND),
        ("opts", "it is no key of xl; if it is meant for the kernel, write it into cmdline"),
        ("ovmf", _FIRMWARE),
        ("ovmf_path", f"{_FIRMWARE} and bios_path_override"),
        (
            "pci_bus",
            "xend chose a bus for passed-through devices with it; write pci = ['BDF@SLOT'] for a slot",
        ),
        ("pvh", 'it was read by Xen 4.4 to 4.9; write type = "pvh"'),
        ("restart", "it is xm's oldest form; write on_reboot and on_crash"),
        ("rproc", f"{_PATCHED_ARM}; leave it out"),
        ("sched", _POOL),
        ("scmi", f'{_PATCHED_ARM}; from Xen 4.21, write arm_sci = "type=scmi_smc"'),
        ("superpages", "xm backed a PV guest with superpages; xl has no such key, so leave it out"),
        ("time_travel", "it is no key of xl, and no release has read it; leave it out"),
        ("tpmif", _DRIVER_DOMAIN),
        ("uefi", _FIRMWARE),
        ("uid", "xm took the domain's owner from it; leave it out"),
        (
            "vcpu_avail",
            "it was xm's bit map of vCPUs online at start; write their number as vcpus, and maxvcpus",
        ),
        ("vgt", _GVT),
        ("vgt_fence_sz", _GVT),
        ("vgt_high_gm_sz", _GVT),
        ("vgt_low_gm_sz", _GVT),
        ("vgt_monitor_config_file", _GVT),
        ("vgt_primary", _GVT),
        ("vhpt", "it was for guests on Itanium, which Xen no longer runs on; leave it out"),
        ("vncconsole", "xm opened a VNC viewer for it; use `xl create -V` or `xl vncviewer`"),
        ("vscsi", "SCSI passthrough was xend's and never xl's; give the device as a disk"),
    )
}
"""Names that xl has no key for, and what to do."""

_CLOSE = 0.8
"""How much alike two names must be (difflib's ratio): two letters changed places in a word of five."""
_SHORTEST = 3
"""Letters of the shortest name that can be told from another key."""


def suggest(name: str, known: Iterable[str]) -> Suggestion | None:
    """Return what to do about an unknown key, where `known` are those that xl reads; None where nothing is known."""
    if name in EXPLAINED:
        return EXPLAINED[name]
    if name in OTHER_NAMES:
        return Suggestion(f"write {OTHER_NAMES[name]}", OTHER_NAMES[name])
    close = _closest(name, known)
    return Suggestion(f"did you mean {close}?", close) if close else None


def did_you_mean(word: str, known: Iterable[str], otherwise: str) -> str:
    """Return the hint for a word within a value: the known one that looks most like it, or else `otherwise`."""
    close = get_close_matches(word.lower(), known, 1)
    return f"did you mean {str(close[0])!r}?" if close else otherwise


def _closest(name: str, known: Iterable[str]) -> str | None:
    """Return the key most like a name; typing errors spare the first letter, and words of other files do not."""
    names = sorted(key for key in known if key[0] == name[0])
    plain = name.replace("_", "").replace(".", "")
    for key in names:
        if key.replace("_", "") == plain:
            return key
    close = get_close_matches(name, names, 1, _CLOSE) if len(name) >= _SHORTEST else []
    return close[0] if close else None
