"""XLB6..: memory."""

from xlbuild.rules.model import Family, Rule, Severity

_ERROR, _WARNING, _NOTE = Severity

FAMILY = Family(
    "6",
    "Memory",
    (
        Rule(
            "XLB601",
            ("memory-too-small",),
            _ERROR,
            "too little memory",
            "The kernel, its ramdisk and the tables that go with them do not fit.",
            "Give the guest as much as the message says.",
            'name = "g"\ntype = "pvh"\nkernel = "xlbuild:hello-pvh"\nmemory = 1\n',
        ),
        Rule(
            "XLB602",
            ("config-memory",),
            _WARNING,
            "no memory is set",
            "Without memory and maxmem, a PV guest gets 32 MiB.",
            "Set memory in MiB: memory = 512.",
            'name = "g"\nkernel = "/k"\n',
        ),
        Rule(
            "XLB603",
            ("config-no-memory", "config-memory-impossible", "config-mmio-hole"),
            _ERROR,
            "an impossible size",
            "The guest has no memory at all, or a size that cannot be.",
            "Give sizes in MiB.",
            'name = "g"\ntype = "pvh"\nkernel = "/k"\n',
        ),
        Rule(
            "XLB604",
            ("config-maxmem",),
            _WARNING,
            "maxmem is less than memory",
            "xl compares the two nowhere. A PVH or HVM guest has maxmem; a PV guest gets memory all the "
            "same.",
            "Correct one of them.",
            'name = "g"\ntype = "pvh"\nkernel = "/k"\nmemory = 64\nmaxmem = 32\n',
        ),
        Rule(
            "XLB605",
            ("config-vnuma", "config-vnuma-kind"),
            _ERROR,
            "virtual NUMA nodes that cannot be",
            "Xen's toolstack refuses the nodes, or cannot build them for this kind of guest.",
            'Write each node as [ "pnode=0", "size=512", "vcpus=0-1", "vdistances=10,20" ].',
            'name = "g"\ntype = "pvh"\nkernel = "/k"\nvnuma = [ [ "size=64", "vcpus=0" ] ]\n',
        ),
        Rule(
            "XLB606",
            ("config-vnuma-ignored",),
            _WARNING,
            "a part of vnuma that xl leaves out",
            "xl carries on without it.",
            'Write each node as [ "pnode=0", "size=512", "vcpus=0-1", "vdistances=10,20" ].',
            'type = "hvm"\nvnuma = [ [ "size=64", "vcpus=0", "colour=blue" ] ]\n',
        ),
        Rule(
            "XLB607",
            ("config-vnuma-nodes",),
            _NOTE,
            "NUMA nodes of the host",
            "The host's NUMA nodes are not known here: those that are named are taken to be there.",
            "Nothing, if the host has them.",
            'name = "g"\ntype = "hvm"\nvnuma = [ [ "pnode=1", "size=64", "vcpus=0" ] ]\n',
        ),
        Rule(
            "XLB608",
            ("memory-map-too-long", "reserved-memory-conflict"),
            _ERROR,
            "reserved memory that is in the way",
            "The guest's memory cannot be laid out around the memory that devices of the host have reserved.",
            "Use rdm_policy=relaxed for the device, or less memory.",
        ),
        Rule(
            "XLB609",
            ("reserved-memory-ignored",),
            _WARNING,
            "reserved memory that is RAM",
            "The guest gets RAM where a device of its host has reserved memory.",
            "Use rdm_policy=strict to have it refused.",
        ),
    ),
)
"""The family."""
