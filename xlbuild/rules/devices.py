"""XLB4..: devices."""

from xlbuild.rules.model import Family, Rule, Severity

_ERROR, _WARNING, _NOTE = Severity

FAMILY = Family(
    "4",
    "Devices",
    (
        Rule(
            "XLB401",
            ("config-bad-*", "config-device-too-long"),
            _ERROR,
            "a device whose description xl refuses",
            "Devices have grammars of their own; xl stops at what is not in them.",
            "Write the device in its form: docs/xl-cfg.md.",
            'pci = [ "somewhere" ]\n',
        ),
        Rule(
            "XLB402",
            ("config-passthrough",),
            _ERROR,
            "passthrough that cannot be",
            "This kind of guest cannot have devices of its host, or not with these settings.",
            "Remove what the message names, or use an HVM guest.",
            'name = "g"\ntype = "pvh"\nkernel = "/k"\nmemory = 64\npci = [ "01:00.0" ]\n',
        ),
        Rule(
            "XLB403",
            ("config-host-memory-map", "config-reserved-memory"),
            _WARNING,
            "memory that depends on the host",
            "The guest's memory map takes something from its host, which is not known here.",
            "Describe the host in a file (docs/host.md) and name it with `--host FILE`. `check` tells only "
            "of what the file lacks.",
        ),
        Rule(
            "XLB404",
            ("config-rdm",),
            _WARNING,
            "an rdm that xl drops",
            "xl takes `strategy=host` and a policy that it does not know; with anything else it drops all of "
            "rdm.",
            'Write rdm = "strategy=host"; a device can have rdm_policy=strict or relaxed.',
            'name = "g"\ntype = "hvm"\nmemory = 64\nrdm = "strategy=ignore"\n',
        ),
        Rule(
            "XLB405",
            ("config-videoram",),
            _WARNING,
            "video memory that the card does not have",
            "The memory is taken off the guest's all the same.",
            "Remove videoram.",
        ),
        Rule(
            "XLB406",
            ("config-videoram-too-small",),
            _ERROR,
            "too little video memory",
            "Each graphics card needs a certain amount.",
            "Remove videoram, or raise it.",
            'name = "g"\ntype = "hvm"\nmemory = 64\nvideoram = 1\n',
        ),
        Rule(
            "XLB407",
            (
                *("config-disk", "config-vif", "config-vfb", "config-vkb", "config-vdispl", "config-channel"),
                *("config-p9", "config-device-number", "config-device-cut"),
            ),
            _WARNING,
            "a part of a device that xl passes over",
            "xl says at most that it does not know the part, and makes the device without it.",
            "Write the device in its form: docs/xl-cfg.md.",
            'vif = [ "bridge=xenbr0,colour=blue" ]\n',
        ),
        Rule(
            "XLB408",
            ("config-disk-prefix",),
            _NOTE,
            "a disk with a prefix",
            "`phy:`, `file:` and the like are the older way to say what a disk is; xl still reads them.",
            "Write the target, the format, the device and the access: `/dev/vg/guest,raw,xvda,rw`.",
            'name = "g"\nkernel = "/k"\ndisk = [ "phy:/dev/vg/g,xvda,w" ]\n',
        ),
        Rule(
            "XLB409",
            ("config-vnc-display-twice",),
            _ERROR,
            "two VNC displays",
            "vnclisten and vncdisplay both name a display.",
            "Name it once.",
            'name = "g"\ntype = "hvm"\nvnclisten = "0.0.0.0:1"\nvncdisplay = 2\n',
        ),
        Rule(
            "XLB410",
            ("root-without-disk",),
            _NOTE,
            "a root device without a disk",
            "The kernel is to take its root from a paravirtual disk, and the guest has no disks.",
            "Add the disk, or take root= out of the command line.",
            'root = "/dev/xvda1"\n',
        ),
    ),
)
"""The family."""
