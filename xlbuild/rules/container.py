"""XLB3..: the container, and the kernel that goes into it."""

from xlbuild.rules.model import Family, Rule, Severity

_ERROR, _WARNING, _NOTE = Severity

FAMILY = Family(
    "3",
    "Container and kernel",
    (
        Rule(
            "XLB301",
            ("type-default",),
            _NOTE,
            "no type",
            "Without type and builder, the guest is a PV guest on x86; on Arm it is a PVH guest.",
            'Say which it is: type = "pv", "pvh" or "hvm".',
            'name = "g"\n',
        ),
        Rule(
            "XLB302",
            ("config-unknown-type", "config-unknown-builder"),
            _ERROR,
            "a type that there is not",
            "type is pv, pvh or hvm, in lower case. builder is hvm or generic: `linux` was xm's, and xl has "
            "stopped at it since Xen 4.10.",
            'Write type = "pv", "pvh" or "hvm".',
            'builder = "linux"\n',
        ),
        Rule(
            "XLB303",
            ("config-contradicting-type",),
            _ERROR,
            "type and builder contradict each other",
            "xl stops when they name different containers.",
            "Remove builder, which is the older of the two.",
            'type = "pvh"\nbuilder = "hvm"\n',
        ),
        Rule(
            "XLB304",
            ("key-pvh",),
            _WARNING,
            "pvh = 1",
            "It asked for the PVH of Xen 4.4 to 4.9, which today's PVH replaced; no xl reads it now, and the "
            "guest is a plain PV guest.",
            'Write type = "pvh".',
            "pvh = 1\n",
        ),
        Rule(
            "XLB310",
            ("config-no-kernel", "config-no-direct-kernel", "config-empty-path"),
            _ERROR,
            "no kernel",
            "PV and PVH guests start a kernel (or what firmware or bootloader find); HVM guests need one for "
            "a ramdisk or a command line.",
            'Give the kernel\'s path, or set type = "hvm" for a guest that boots from its disk.',
            'name = "g"\ntype = "pvh"\n',
        ),
        Rule(
            "XLB311",
            ("config-kernel-and-firmware", "config-unknown-firmware"),
            _ERROR,
            "a firmware that cannot be",
            "For PV and PVH guests, firmware is pvgrub32 or pvgrub64, and excludes kernel.",
            "Remove one of the two, or correct firmware.",
            'type = "pvh"\nfirmware = "ovmf"\n',
        ),
        Rule(
            "XLB312",
            ("config-bootloader",),
            _NOTE,
            "a bootloader finds the kernel",
            "On a host, xl runs this program to get the kernel off the guest's disk. Here is no disk: what "
            "depends on the kernel is not checked, and `xlbuild create` cannot build the guest.",
            "To have it built here, copy the kernel and its ramdisk from the disk and name them.",
            'name = "g"\nbootloader = "pygrub"\n',
        ),
        Rule(
            "XLB313",
            ("config-kernel",),
            _WARNING,
            "kernel = hvmloader",
            "Every HVM guest has hvmloader, and xl ignores a kernel of that name. It is in files of xm's "
            "time.",
            "Remove kernel; another hvmloader goes into firmware_override.",
            'name = "g"\ntype = "hvm"\nmemory = 64\nkernel = "hvmloader"\n',
        ),
        Rule(
            "XLB314",
            ("config-device-model-kernel",),
            _NOTE,
            "the device model boots the kernel",
            "An HVM guest's kernel, ramdisk and command line are the device model's business. They are not "
            "in the image that is built, and are not checked.",
            "Nothing, if that is what is meant; a kernel with a PVH entry can be a PVH guest.",
            'name = "g"\ntype = "hvm"\nmemory = 64\nkernel = "/boot/vmlinuz"\n',
        ),
        Rule(
            "XLB315",
            ("config-firmware", "config-bios-path-override"),
            _WARNING,
            "firmware that does not do what it seems to",
            "pvgrub is for PV and PVH guests; bios_path_override needs the bios that it is the file of.",
            "As the message says.",
            'name = "g"\ntype = "hvm"\nmemory = 64\nbios_path_override = "/my/bios.bin"\n',
        ),
        Rule(
            "XLB316",
            ("config-pvshim-path",),
            _WARNING,
            "pvshim_path without pvshim",
            "The path alone starts the shim, but without the command line that it needs.",
            "Set pvshim = 1, or remove pvshim_path.",
            'name = "g"\ntype = "pvh"\nmemory = 64\nkernel = "/k"\npvshim_path = "/shim"\n',
        ),
        Rule(
            "XLB320",
            (
                "kernel-not-pvh",
                "kernel-not-pae",
                "kernel-features",
                "kernel-multiboot",
                "kernel-nothing-to-load",
            ),
            _ERROR,
            "a kernel for another container",
            "The kernel file is good, but cannot be started in this container: it lacks the entry, the mode "
            "or the features.",
            "Set the type that the kernel is for, or build the kernel for this one.",
            'name = "g"\ntype = "pvh"\nkernel = "xlbuild:hello-pv"\nmemory = 32\n',
        ),
        Rule(
            "XLB321",
            (
                "kernel-not-recognised",
                "kernel-empty",
                "kernel-bad-gzip",
                "kernel-machine",
                "kernel-bsd-symtab",
            ),
            _ERROR,
            "a file that is no kernel",
            "No loader of Xen's takes the file; the cause has what each of them says.",
            "Give the guest's own kernel: a Linux bzImage, or an ELF file with Xen notes.",
        ),
        Rule(
            "XLB322",
            ("kernel-arm", "config-for-arm"),
            _ERROR,
            "a kernel for Arm",
            "xlbuild builds x86 guests.",
            "Check Arm guests with `--no-files`, or give an x86 kernel.",
        ),
        Rule(
            "XLB323",
            ("kernel-segment-left-out", "kernel-entry-outside", "acpi-rsdp-collision"),
            _WARNING,
            "a kernel that is loaded otherwise than it says",
            "Xen loads the kernel, and leaves out or overwrites something of it.",
            "Look at how the kernel was linked; the message has the address.",
        ),
        Rule(
            "XLB324",
            ("kernel-pv32-host",),
            _NOTE,
            "a 32-bit PV guest",
            "Not every Xen runs these: some distributions build it without CONFIG_PV32.",
            "Use a 64-bit kernel, or PVH.",
        ),
        Rule(
            "XLB325",
            (
                "segment-overlap",
                "segment-unaligned",
                "segment-over-hole",
                "init-p2m-overlap",
                "hypercall-page-outside",
                "address-space-exhausted",
            ),
            _ERROR,
            "a kernel that asks for an impossible layout",
            "The kernel's notes or its segments ask for places that collide, or that the guest does not "
            "have.",
            "Look at how the kernel was linked, and at its notes; the message has the addresses.",
        ),
        Rule(
            "XLB326",
            ("kernel-as-firmware",),
            _WARNING,
            "a kernel that is started as firmware",
            "Xen takes any 32-bit ELF file without good Xen notes for HVM firmware, in a PVH guest too, and starts "
            "it at the entry point of its ELF header; the message has what is wrong with the notes.",
            "Correct the kernel's notes: PVH needs PHYS32_ENTRY.",
        ),
        Rule(
            "XLB330",
            ("command-line-cut",),
            _WARNING,
            "a command line that is too long",
            "A PV guest's start info has room for 1,023 bytes of command line: Xen's toolstack cuts the rest "
            "off, without a word.",
            "Shorten it, or use a PVH guest, whose command line has no such limit.",
            'type = "pv"\ncmdline = "' + "a=1 " * 300 + '"\n',
        ),
        Rule(
            "XLB331",
            ("module-cmdline-too-long",),
            _ERROR,
            "a command line that is too long for a module",
            "A module's command line (the kernel's, behind the PV shim) can have 1,023 bytes; with more, "
            "Xen's toolstack fails.",
            "Shorten it.",
            'name = "g"\ntype = "pvh"\nkernel = "xlbuild:hello-pv"\npvshim = 1\npvshim_path = "xlbuild:hello-pvh"\n'
            'memory = 64\ncmdline = "' + "a=1 " * 300 + '"\n',
        ),
        Rule(
            "XLB340",
            (
                "config-altp2m-excluded",
                "config-timer-mode-pv",
                "config-stubdomain-version",
                "config-bios-device-model",
            ),
            _ERROR,
            "settings that do not go with each other",
            "Xen cannot have both, or needs another key beside this one.",
            "Remove one of them, or add what is missing.",
            'name = "g"\ntype = "hvm"\nmemory = 64\naltp2m = "mixed"\nnestedhvm = 1\n',
        ),
        Rule(
            "XLB350",
            ("config-bad-vcpus", "too-many-vcpus"),
            _ERROR,
            "a number of vCPUs that cannot be",
            "There are fewer than none, more than maxvcpus, or more than Xen gives a guest.",
            "Set vcpus to a number from 1 on, and maxvcpus to that or more.",
            'name = "g"\nkernel = "/k"\nmemory = 64\nvcpus = 2\nmaxvcpus = 1\n',
        ),
        Rule(
            "XLB351",
            ("config-vcpus",),
            _WARNING,
            "no vCPU at start",
            "Up to Xen 4.21, no vCPU of such a guest is online when it starts; from 4.22 on, xl takes it for one.",
            "Write vcpus = 1 or more.",
            'name = "g"\nkernel = "/k"\nmemory = 64\nvcpus = 0\n',
        ),
        Rule(
            "XLB360",
            ("save-hvm",),
            _ERROR,
            "an HVM guest as a save file",
            "`create --format save` refuses it, which `check` does not ask for: the save file of an HVM guest has "
            "the state of its device model, a program that runs on the host only.",
            'Use type = "pvh" if the kernel can, or build the guest as a directory.',
        ),
        Rule(
            "XLB361",
            ("save-populate-on-demand",),
            _ERROR,
            "memory that comes when it is touched, as a save file",
            "`create --format save` refuses a PVH guest whose memory is less than its maxmem, which `check` does not "
            "ask for: a save file cannot say of a page that it comes when it is touched.",
            "Set maxmem to memory, or memory to maxmem.",
        ),
    ),
)
"""The family."""
