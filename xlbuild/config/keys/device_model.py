"""The keys for the device model: which it is, the devices it emulates, and the display."""

from xlbuild.config.keys.model import ALL, HVM, PV_HVM, Effect, Form, Key, Section

_S, _N, _B = Form.STRING, Form.NUMBER, Form.BOOLEAN
_ARGUMENTS = Form.LIST_OR_STOP
_IMAGE, _DEVICE, _NONE = Effect.IMAGE, Effect.DEVICE, Effect.NONE

SECTIONS: tuple[Section, ...] = (
    Section(
        "Device model",
        (
            Key(
                "device_model_version",
                _S,
                _IMAGE,
                ALL,
                "qemu-xen; qemu-xen-traditional to Xen 4.20",
                "qemu-xen",
            ),
            Key(
                "device_model_override",
                _S,
                _DEVICE,
                ALL,
                "the device model's path",
                "the one Xen was built with",
            ),
            Key("device_model_stubdomain_override", _B, _IMAGE, HVM, "device model in a stub domain", "0"),
            Key("device_model_stubdomain_seclabel", _S, _DEVICE, HVM, "the stub domain's XSM label"),
            Key("device_model_user", _S, _DEVICE, ALL, "the user whom the device model runs as"),
            Key("device_model_args", _ARGUMENTS, _DEVICE, ALL, "further arguments of the device model"),
            Key(
                "device_model_args_pv",
                _ARGUMENTS,
                _DEVICE,
                "PV PVH",
                "further arguments, where it serves no HVM",
            ),
            Key("device_model_args_hvm", _ARGUMENTS, _DEVICE, HVM, "further arguments, where it serves HVM"),
            Key(
                "device_model",
                _S,
                _NONE,
                ALL,
                "a device model's path; ignored",
                instead="device_model_override",
            ),
            Key("dm_restrict", _B, _DEVICE, HVM, "take the device model's privileges away", "0"),
            Key(
                "stubdomain_kernel", _S, _DEVICE, HVM, "the stub domain's kernel", "qemu-stubdom-linux-kernel"
            ),
            Key(
                "stubdomain_ramdisk",
                _S,
                _DEVICE,
                HVM,
                "the stub domain's ramdisk",
                "qemu-stubdom-linux-rootfs",
            ),
            Key("stubdomain_cmdline", _S, _DEVICE, HVM, "the stub domain's command line"),
            Key(
                "stubdomain_memory",
                _N,
                _DEVICE,
                HVM,
                "the stub domain's memory in MiB",
                "128",
            ),
        ),
    ),
    Section(
        "Emulated devices",
        (
            Key("boot", _S, _DEVICE, HVM, "where it boots from, in order: c disk, d CD, n network", "cda"),
            Key("hdtype", _S, _DEVICE, HVM, "the disks' controller: ide or ahci", "ide"),
            Key("serial", Form.STRING_OR_LIST, _DEVICE, HVM, "what its serial ports are connected to"),
            Key("soundhw", _S, _DEVICE, HVM, "the emulated sound card"),
            Key("usb", _B, _DEVICE, HVM, "an emulated USB controller", "0"),
            Key("usbversion", _N, _DEVICE, HVM, "the emulated USB controller's version, 1 to 3"),
            Key(
                "usbdevice",
                Form.STRING_OR_LIST,
                _DEVICE,
                HVM,
                "emulated or passed-through USB devices, such as tablet",
            ),
            Key("vkb_device", _B, _DEVICE, HVM, "the implicit paravirtual keyboard", "1"),
            Key(
                "xen_platform_pci", _B, _DEVICE, HVM, "the PCI device that paravirtual drivers look for", "1"
            ),
            Key(
                "xen_platform_pci_bar_uc",
                _B,
                _DEVICE,
                HVM,
                "that device's memory is uncacheable",
                "1",
                since="4.21",
                source="CHANGELOG 4.21: the cache attribute of the platform PCI device's BAR",
            ),
            Key(
                "vendor_device",
                _S,
                _DEVICE,
                HVM,
                "a PCI device for a vendor's drivers: none or xenserver",
                "none",
            ),
        ),
    ),
    Section(
        "Graphics",
        (
            Key("vga", _S, _IMAGE, HVM, "stdvga, cirrus, qxl or none: the default of videoram", "cirrus"),
            Key("stdvga", _B, _IMAGE, HVM, "stdvga instead of cirrus", "0", instead="vga"),
            Key("nographic", _B, _DEVICE, HVM, "no graphics at all", "0"),
            Key("keymap", _S, _DEVICE, PV_HVM, "the keyboard's layout"),
            Key("vnc", _B, _DEVICE, PV_HVM, "a VNC server; for PV without vfb, a framebuffer", "HVM: 1"),
            Key(
                "vnclisten",
                _S,
                _DEVICE,
                PV_HVM,
                "the VNC server's address, with :DISPLAY or without",
                "127.0.0.1",
            ),
            Key("vncdisplay", _N, _DEVICE, PV_HVM, "the VNC server's display number", "0"),
            Key("vncunused", _B, _DEVICE, PV_HVM, "take the next free display number", "1"),
            Key("vncpasswd", _S, _DEVICE, PV_HVM, "the VNC server's password"),
            Key("vncviewer", _N, _NONE, ALL, "open a viewer; ignored", instead="use `xl create -V`"),
            Key("sdl", _B, _DEVICE, PV_HVM, "a window on the host", "0"),
            Key("opengl", _B, _DEVICE, PV_HVM, "OpenGL in that window", "0"),
            Key("display", _S, _DEVICE, PV_HVM, "the X display of that window"),
            Key("xauthority", _S, _DEVICE, PV_HVM, "the file of X credentials for that window"),
        ),
    ),
    Section(
        "SPICE",
        (
            Key("spice", _B, _DEVICE, HVM, "a SPICE server", "0"),
            Key("spicehost", _S, _DEVICE, HVM, "its address", "any"),
            Key("spiceport", _N, _DEVICE, HVM, "its port; this or spicetls_port must be there"),
            Key("spicetls_port", _N, _DEVICE, HVM, "its port for TLS"),
            Key("spicedisable_ticketing", _B, _DEVICE, HVM, "let clients in without password", "0"),
            Key(
                "spicepasswd", _S, _DEVICE, HVM, "its password; there must be one, or spicedisable_ticketing"
            ),
            Key("spiceagent_mouse", _B, _DEVICE, HVM, "the agent in the guest moves the pointer", "1"),
            Key("spicevdagent", _B, _DEVICE, HVM, "a channel for the agent in the guest", "0"),
            Key("spice_clipboard_sharing", _B, _DEVICE, HVM, "share the clipboard; needs spicevdagent", "0"),
            Key(
                "spiceusbredirection", _N, _DEVICE, HVM, "USB devices that a client can redirect, 0 to 4", "0"
            ),
            Key("spice_image_compression", _S, _DEVICE, HVM, "how pictures are compressed", "qemu's"),
            Key(
                "spice_streaming_video",
                _S,
                _DEVICE,
                HVM,
                "what is sent as video: filter, all or off",
                "qemu's",
            ),
        ),
    ),
)
"""The sections, in the order of the documentation."""
