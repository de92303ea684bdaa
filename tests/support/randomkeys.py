"""Every key of xl.cfg with a maker of values for it: mostly such as xl takes, in all that a key's language has."""

from dice import Dice
from randomdevices import DEVICES, uuid
from randomvalues import (
    Maker,
    Value,
    boolean,
    either,
    joined,
    mostly,
    names,
    number,
    path,
    several,
    spaced,
    specification,
    text,
    words,
)

_ACTION = mostly(
    words(
        *(
            "destroy",
            "restart",
            "rename-restart",
            "preserve",
            "coredump-destroy",
            "coredump-restart",
            "soft-reset",
        )
    ),
    *("soft_reset", "Destroy", "", "reboot"),
)
_INT_MAX = 2**31 - 1
_LONG_MAX = 2**63 - 1
_size = number(0, 8192)
_any_number = either((80, number(0, 1000)), (10, number(-5, 5)), (10, number(0, _LONG_MAX)))


# CPUs and memory


def _cpu_range(dice: Dice) -> str:
    low, high = sorted((dice.randrange(8), dice.randrange(12)))
    plain = dice.pick(str(low), f"{low}-{high}", f"{low}-{high}", "all", f"{low}-{low}")
    return (
        dice.weighted(((75, ""), (12, "^"), (6, "node:"), (3, "nodes:"), (2, "^node:"), (2, "^nodes:")))
        + plain
    )


_cpu_list = joined(_cpu_range, ",")


def _cpus(dice: Dice) -> Value:
    if dice.chance(65):
        return _cpu_list(dice)
    return [
        dice.pick(_cpu_list(dice), _cpu_list(dice), str(dice.randrange(4))) for _ in range(dice.randrange(5))
    ]


def _vnuma(dice: Dice) -> Value:
    """Return virtual nodes on one real one: their vCPUs in a row."""
    nodes: list[Value] = []
    count, first = dice.pick(0, 1, 1, 2), 0
    for _ in range(count):
        last = first + dice.randrange(3)
        around = dice.pick("", "", "", " ")
        node: list[Value] = [
            f"pnode{around}={around}{dice.weighted(((95, 0), (5, 1)))}",
            f"size{around}={around}{dice.pick(64, 128, 1)}",
            f"vcpus={first}-{last}" if last > first else f"vcpus={first}",
            "vdistances=" + ",".join(str(dice.pick(10, 20)) for _ in range(dice.pick(count, count, 1))),
        ]
        nodes.append(
            node[: dice.pick(3, 4, 4)] if dice.chance(95) else dice.sample(node, dice.randrange(1, 5))
        )
        first = last + 1
    return nodes


# CPUID

_FEATURES = words(
    *("tm", "sse3", "vmx", "svm", "aes", "avx", "avx512f", "fpu", "htt", "nx", "lm", "xsave", "hypervisor"),
    *(
        "x2apic",
        "pcid",
        "ibrsb",
        "ibrs",
        "arch-caps",
        "rdcl-no",
        "lahfsahf",
        "mwait",
        "clzero",
        "smep",
        "nope",
    ),
)
_NUMBERS = (
    *("maxleaf", "family", "model", "stepping", "brandid", "clflush", "proccount", "localapicid", "procpkg"),
    *("nc", "apicidsize", "maxhvleaf", "apicidsize", "family"),
)


def _cpuid_words(dice: Dice) -> str:
    fields = []
    for _ in range(dice.pick(0, 1, 2, 3, 4)):
        if dice.chance(35):
            fields.append(f"{dice.choice(_NUMBERS)}={dice.pick('0', '1', '0x1f', '6', 'x', 'k', 's', '300')}")
        else:
            bit = dice.weighted(((30, "0"), (30, "1"), (10, "x"), (10, "k"), (10, "s"), (2, "2")))
            fields.append(f"{_FEATURES(dice)}={bit}")
    first = dice.weighted(((94, "host"), (3, "none"), (3, "HOST")))
    return dice.weighted(((90, ","), (5, ", "), (5, ",,"))).join([first, *fields])


def _cpuid_leaf(dice: Dice) -> str:
    leaf = dice.pick("0", "1", "0x1", "0x80000001", "0x40000000", "7,0", "0x7,0x1", "0xd,1", "13,", "7,x")
    registers = [
        f"{name}={''.join(dice.choices('01xks', (1, 1, 6, 1, 1), k=dice.weighted(((95, 32), (2, 31), (3, 33)))))}"
        for name in dice.sample(("eax", "ebx", "ecx", "edx", "EAX", "esi"), dice.pick(1, 1, 2, 3))
    ]
    return f"{leaf}:{','.join(registers)}"


# Names and lists of them

_viridian = several(
    words(
        *("base", "freq", "time_ref_count", "reference_tsc", "hcall_remote_tlb_flush", "apic_assist"),
        *("crash_ctl", "synic", "stimer", "hcall_ipi", "ex_processor_masks", "no_vp_limit", "cpu_hotplug"),
        *("all", "defaults", "!all", "!base", "!freq", "!defaults", "!synic"),
    )
)
_smbios_key = words(
    *("bios_vendor", "bios_version", "system_manufacturer", "system_product_name", "system_version"),
    *("system_serial_number", "baseboard_manufacturer", "baseboard_product_name", "baseboard_version"),
    *("baseboard_serial_number", "baseboard_asset_tag", "baseboard_location_in_chassis"),
    *("enclosure_manufacturer", "enclosure_serial_number", "enclosure_asset_tag", "battery_manufacturer"),
    *("battery_device_name", "oem", "oem"),
)


def _smbios(dice: Dice) -> str:
    return f"{_smbios_key(dice)}={dice.pick('x', 'a b', 'a=b', '1', 'x,y')}"


def _port_range(dice: Dice) -> str:
    low, high = sorted((dice.randrange(0x1000), dice.randrange(0x1000)))
    return dice.pick(f"{low:x}", f"{low:x}-{high:x}", f"{low:#x}-{high:#x}", f"{low:x}-{low:x}")


def _pages(dice: Dice) -> str:
    first, count = dice.randrange(0x100000), dice.pick(1, 1, 0x10, dice.randrange(0x3000))
    prefix, target = dice.pick("", "", "0x"), dice.pick("", "", f"@{dice.randrange(0x100000):x}", "@0")
    return f"{prefix}{first:x},{count:x}{target}"


def _rdm(dice: Dice) -> str:
    fields = dice.some(
        ((80, "strategy=host"), (4, "strategy=ignore"), (3, "strategy=x"), (8, "policy=strict"))
    )
    return spaced(dice, fields)


# The table

MAKERS: dict[str, Maker] = {
    # The domain
    "name": either((95, words("n", "guest 1", "7", "\xc3\xa4")), (5, text)),
    "uuid": uuid,
    "type": words("pv", "pvh", "hvm", "pv", "pvh", "hvm", "p", "h", ""),
    "builder": words("hvm", "generic", "hvm", "generic", "h", "g", "", "linux"),
    "pool": words("Pool-0", "pool 1", ""),
    "init_seclabel": words("system_u:system_r:domU_t", ""),
    "seclabel": words("system_u:system_r:domU_t", ""),
    "driver_domain": boolean,
    "nomigrate": boolean,
    "xend_suspend_evtchn_compat": boolean,
    "on_poweroff": _ACTION,
    "on_reboot": _ACTION,
    "on_watchdog": _ACTION,
    "on_crash": _ACTION,
    "on_soft_reset": _ACTION,
    # The kernel
    "kernel": either((95, path), (5, words("/usr/lib/xen/boot/hvmloader", "hvmloader", ""))),
    "ramdisk": path,
    "cmdline": text,
    "root": text,
    "extra": text,
    "device_tree": path,
    "bootloader": words("pygrub", "/usr/bin/pygrub", "/b/loader", "pygrub ", ""),
    "bootloader_args": either((70, several(text)), (30, mostly(words("-q --x", " a\tb ", "x"), ""))),
    "bootloader_restrict": boolean,
    "bootloader_user": words("nobody"),
    "pvshim": boolean,
    "pvshim_path": path,
    "pvshim_cmdline": text,
    "pvshim_extra": text,
    # Firmware
    "firmware": words(
        "uefi", "bios", "ovmf", "seabios", "rombios", "pvgrub32", "pvgrub64", "pvgrub64x", "/f", ""
    ),
    "firmware_override": path,
    "bios": names("seabios", "ovmf", "rombios", "unknown", "seabios", "ovmf"),
    "bios_path_override": path,
    "smbios_firmware": path,
    "acpi_firmware": path,
    "smbios": several(_smbios),
    "ms_vm_genid": words("generate", "none"),
    "boot": words("c", "cd", "dc", "nda", ""),
    # Memory and CPUs
    "memory": _size,
    "maxmem": _size,
    "videoram": number(0, 256),
    "shadow_memory": number(0, 64),
    "stubdomain_memory": number(0, 256),
    "mmio_hole": mostly(number(256, 3840), "255", "3841", "0"),
    "vcpus": either((97, number(0, 6)), (3, number(-1, 200))),
    "maxvcpus": either((90, number(5, 12)), (5, number(0, 3)), (5, number(4, 200))),
    "cpus": _cpus,
    "cpus_soft": _cpus,
    "vnuma": _vnuma,
    "cpuid": either((55, _cpuid_words), (45, several(_cpuid_leaf))),
    "cpu_weight": _any_number,
    "cap": _any_number,
    "period": _any_number,
    "slice": _any_number,
    "latency": _any_number,
    "extratime": _any_number,
    "llc_colors": several(words("0", "1-3", "5-2")),
    "rdm": _rdm,
    "rdm_mem_boundary": _size,
    "vmtrace_buf_kb": number(0, 65536),
    # Time
    "rtc_timeoffset": _any_number,
    "localtime": boolean,
    "tsc_mode": either(
        (60, names("default", "always_emulate", "native", "native_paravirt")),
        (40, mostly(number(0, 3), "-1", "4")),
    ),
    "timer_mode": either(
        (
            60,
            names(
                "delay_for_missed_ticks", "no_delay_for_missed_ticks", "one_missed_tick_pending", "unknown"
            ),
        ),
        (10, names("no_missed_ticks_pending")),
        (30, mostly(number(0, 3), "-2", "-1", "4")),
    ),
    # Limits
    "max_event_channels": _any_number,
    "max_grant_frames": either((90, number(0, 100)), (10, number(0, _INT_MAX))),
    "max_maptrack_frames": either((90, number(0, 100)), (10, number(0, _INT_MAX))),
    "max_grant_version": number(0, 3),
    "xenstore_feature_mask": _any_number,
    "xenstore_quota": several(words("nodes=5", "watches=0x10", "x")),
    # The machine
    **dict.fromkeys(
        ("hap", "oos", "acpi", "e820_host", "vpmu", "msr_relaxed", "trap_unmapped_accesses"), boolean
    ),
    **dict.fromkeys(
        ("nestedhvm", "pae", "acpi_s3", "acpi_s4", "acpi_laptop_slate", "nx", "hpet", "apic"), boolean
    ),
    **dict.fromkeys(("vpt_align", "hvm_pirq", "altp2mhvm", "xen_platform_pci", "vkb_device"), boolean),
    "xen_platform_pci_bar_uc": boolean,
    "viridian": either((30, boolean), (70, _viridian)),
    "altp2m": either(
        (70, names("disabled", "mixed", "external", "limited")), (30, mostly(number(0, 3), "-1", "4"))
    ),
    "altp2m_count": number(0, 65536),
    "mca_caps": several(mostly(words("lmce"), "LMCE", "")),
    "passthrough": mostly(names("default", "disabled", "enabled", "sync_pt", "share_pt"), "unknown", ""),
    "ioports": several(_port_range),
    "irqs": several(number(0, 255)),
    "iomem": several(_pages),
    **dict.fromkeys(("pci_msitranslate", "pci_power_mgmt", "pci_permissive", "pci_seize"), number(0, 2)),
    # Arm
    "dtdev": several(words("/soc/x", "/a b", "")),
    "gic_version": names("default", "v2", "v3"),
    "vuart": names("unknown", "sbsa_uart"),
    "tee": names("none", "optee", "optee", "ffa"),
    "sve": words("hw", "disabled", "128"),
    "nr_spis": number(0, 100),
    "arm_sci": specification(((90, "type", words("none", "scmi_smc")),)),
    "virtio": several(words("type=virtio,device,transport=mmio", "backend=0")),
    # The device model
    "device_model": words("/usr/lib/xen/bin/qemu-dm", "stubdom-dm", "x"),
    "device_model_version": mostly(words("qemu-xen", "qemu-xen-traditional"), "QEMU-XEN", "unknown", ""),
    "device_model_override": path,
    "device_model_stubdomain_override": boolean,
    "device_model_stubdomain_seclabel": words("system_u:system_r:domU_t", ""),
    "device_model_user": words("nobody", ""),
    "device_model_args": several(text),
    "device_model_args_pv": several(text),
    "device_model_args_hvm": several(text),
    "stubdomain_kernel": path,
    "stubdomain_cmdline": text,
    "stubdomain_ramdisk": path,
    "dm_restrict": boolean,
    "hdtype": names("ide", "ahci"),
    "vendor_device": names("none", "xenserver"),
    # Display
    "vga": mostly(words("stdvga", "cirrus", "none", "qxl"), "std", "Cirrus", ""),
    "stdvga": boolean,
    **dict.fromkeys(("vnc", "vncunused", "sdl", "opengl", "nographic", "spice", "usb"), boolean),
    "vnclisten": words("192.0.2.1", "127.0.0.1:5", ":1", "localhost:x", ""),
    "vncdisplay": number(0, 10),
    "vncpasswd": text,
    "vncviewer": boolean,
    "display": words(":0", ""),
    "xauthority": path,
    "keymap": words("de", "en-us", ""),
    "spicehost": words("192.0.2.1", ""),
    "spiceport": number(0, 6000),
    "spicetls_port": number(0, 6000),
    "spicepasswd": text,
    "spice_image_compression": words("auto_glz", "off", ""),
    "spice_streaming_video": words("filter", "off", ""),
    **dict.fromkeys(("spicedisable_ticketing", "spiceagent_mouse", "spicevdagent"), boolean),
    "spice_clipboard_sharing": boolean,
    "spiceusbredirection": number(0, 5),
    "gfx_passthru": either((60, boolean), (40, mostly(names("default", "igd"), "x"))),
    "serial": either((60, words("pty", "null", "")), (40, several(words("pty", "tcp::4444", "")))),
    "soundhw": words("ac97", "hda", ""),
    "usbversion": number(0, 4),
    "usbdevice": either((60, words("tablet", "host:1.2", "")), (40, several(words("tablet", "mouse")))),
    # Devices
    **DEVICES,
    "vif2": either((50, several(text)), (50, text)),
}
"""By key; every key that any release of xl reads, and so some that 4.17 does not."""

UNKNOWN = (
    *(
        "vcpu",
        "maxcpus",
        "vcpu_avail",
        "nics",
        "features",
        "loader",
        "command",
        "arch",
        "hostname",
        "pvh",
        "vscsi",
    ),
    *(
        "disk2",
        "a.b",
        "a.",
        "x_",
        "kernels",
        "budget",
        "on_xend_start",
        "force_assign_without_iommu",
        "memory.max",
    ),
)
"""Keys that xl never looks at."""
