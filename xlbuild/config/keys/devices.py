"""The keys for devices: disks, networks, passthrough and paravirtual ones."""

from xlbuild.config.keys.model import ALL, HVM, PV_HVM, PV_PVH, Effect, Form, Key, Section

_S, _N, _B, _L = Form.STRING, Form.NUMBER, Form.BOOLEAN, Form.LIST
_IMAGE, _DOMAIN, _DEVICE, _VERDICT, _NONE = Effect

SECTIONS: tuple[Section, ...] = (
    Section(
        "Disks, networks and other devices",
        (
            Key("disk", _L, _DEVICE, ALL, "block devices"),
            Key("vif", _L, _DEVICE, ALL, "network interfaces"),
            Key("vif2", _L, _NONE, ALL, "network interfaces of a kind that never came", instead="vif"),
            Key("channel", _L, _DEVICE, ALL, "byte streams to the host, as consoles"),
            Key("p9", _L, _DEVICE, ALL, "directories of the host (9pfs)"),
            Key("pvcalls", _L, _DEVICE, ALL, "sockets of the host"),
            Key("vtpm", _L, _DEVICE, ALL, "virtual TPMs"),
            Key("vfb", _L, _DEVICE, PV_PVH, "a paravirtual framebuffer, with keyboard and mouse"),
            Key("vkb", _L, _DEVICE, ALL, "paravirtual keyboards and pointers", "HVM: one"),
            Key("vdispl", _L, _DEVICE, ALL, "paravirtual displays"),
            Key("vsnd", Form.LISTS, _DEVICE, ALL, "paravirtual sound cards"),
        ),
    ),
    Section(
        "Passthrough",
        (
            Key("pci", _L, _IMAGE, ALL, "PCI devices: PV as e820_host, HVM as rdm for these; PVH refused"),
            Key("pci_msitranslate", _N, _DEVICE, PV_HVM, "msitranslate of every pci device", "0"),
            Key("pci_power_mgmt", _N, _DEVICE, PV_HVM, "power_mgmt of every pci device", "0"),
            Key("pci_permissive", _N, _DEVICE, PV_HVM, "permissive of every pci device", "0"),
            Key("pci_seize", _N, _DEVICE, PV_HVM, "seize of every pci device", "0"),
            Key(
                "passthrough",
                _S,
                _VERDICT,
                ALL,
                "how devices are passed through; PVH can have none",
                "by the devices",
            ),
            Key(
                "gfx_passthru",
                Form.NUMBER_OR_NAME,
                _DEVICE,
                HVM,
                "a graphics card passed through: 1 or igd",
                "0",
            ),
            Key("ioports", _L, _DOMAIN, ALL, "I/O ports it may use, each HEX or HEX-HEX"),
            Key("irqs", _L, _DOMAIN, ALL, "the host's interrupts it may use"),
            Key("iomem", _L, _DOMAIN, ALL, "the host's memory it may map, each HEX,HEX or HEX,HEX@HEX pages"),
            Key("usbctrl", _L, _DEVICE, ALL, "USB controllers", "as usbdev needs"),
            Key("usbdev", _L, _DEVICE, ALL, "the host's USB devices"),
        ),
    ),
)
"""The sections, in the order of the documentation."""
