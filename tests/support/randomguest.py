"""Random guests: case N is the same configuration and the same files everywhere (but for the compressors' output).

`make_case` throws the dice for one: a type, the files it needs (randomkernel.py, randomfile.py), and settings. What
is wrong with a case was thrown as well; a good half of them can be built.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from dice import Dice
from hosts import FAR, GRAPHICS, HOSTS, SECOND_USB, USB
from randomfile import File, damaged, packed, ramdisk
from randomkernel import kernel

FILES = "@FILES@"
"""Stands in a configuration for the directory of the case's files."""


@dataclass
class Case:
    """A guest to be built: configuration, settings that follow it, and files."""

    number: int
    lines: list[str]
    settings: list[str] = field(default_factory=list)
    files: dict[str, File] = field(default_factory=dict)
    host: str | None = None
    """The host it is built for, one of hosts.HOSTS; None is one of which nothing is known."""
    mfn_base: int = 0
    """Machine frame of a PV guest's frame 0."""

    def config(self, directory: str) -> str:
        """Return the configuration's text, the files being in a directory."""
        return "\n".join([*self.lines, ""]).replace(FILES, directory)

    def add(self, key: str, file: File) -> None:
        """Add a file and the setting that names it."""
        self.files[key] = file
        self.lines.append(f'{key}="{FILES}/{key}"')

    def describe(self) -> str:
        """Return what it is made of, in a few lines."""
        files = [f"{name}: {file.label}" for name, file in self.files.items()]
        host = [] if self.host is None else [f"host: {self.host}"]
        host += [f"machine frames from {self.mfn_base:#x}"] if self.mfn_base else []
        return "\n".join([*self.lines, *self.settings, *files, *host])


def make_case(number: int) -> Case:
    """Return the case of that number."""
    dice = Dice(number)
    guest_type = dice.pick("pv", "pv", "pv", "pvh", "pvh", "hvm")
    case = Case(number, [f'name="case{number}"', f'type="{guest_type}"'])
    case.lines.append(f"memory={_memory(dice, guest_type)}")
    MAKERS[guest_type](dice, case)
    _sizes(dice, case, guest_type)
    if dice.chance({"pv": 0.5, "pvh": 1, "hvm": 15}[guest_type]):
        _virtual_nodes(dice, case)
    if dice.chance({"pv": 5, "pvh": 10, "hvm": 15}[guest_type]):
        case.host = dice.pick(*HOSTS)
        case.lines += dice.some(HOST_OPTIONS)
    case.lines += dice.some(ANY_TYPE)
    case.settings = dice.some(SETTINGS)
    if guest_type == "pv" and case.host is None and dice.chance(30):
        case.mfn_base = dice.pick(*MFN_BASES)
    return case


MFN_BASES = (0x1, 0x1000, 0xF0000, 0xFF000, 0x100000, 0x123456, 0x2345678)
"""Below 4 GiB, across its end, above it, and above 64 GiB."""


# Sizes

_SMALL = (4, 5, 6, 8, 9, 12, 16, 17, 24, 32, 32, 33, 48, 64, 64, 64, 64, 96, 100, 128, 130, 257, 511)
_TINY = (0, 1, 2, 3)
_EDGES = {
    "pv": (1023, 1025, 2049, 4095, 4096, 4097, 5120, 6000),
    "pvh": (3839, 3840, 4031, 4032, 4033, 4095, 4096, 4097, 5000, 9000, 65536),
    "hvm": (3838, 3839, 3840, 3841, 3847, 3848, 3849, 3856, 4095, 4096, 4104, 4105, 5000, 9000, 65536),
}
"""Where the memory map changes its shape: below, at and above 4 GiB and the holes under it."""


def _memory(dice: Dice, guest_type: str) -> int:
    edges = 5 if guest_type == "pv" else 20
    least = dice.pick(*dice.weighted(((98 - edges, _SMALL), (2, _TINY), (edges, _EDGES[guest_type]))))
    return least + 16 if guest_type == "hvm" and 2 < least < 200 and dice.chance(90) else least


def _sizes(dice: Dice, case: Case, guest_type: str) -> None:
    case.lines += dice.some(
        (
            (40, f"vcpus={dice.pick(1, 2, 2, 3, 4, 4, 8, 9, 10, 31, 33, 128, dice.randrange(1, 129))}"),
            (1, "vcpus=0"),
            (1, f"vcpus={dice.pick(129, 200, 8193)}"),
            (15, f"maxvcpus={dice.pick(9, 10, 33, 64, 128, 128, 128, 128)}"),
            (10, f"maxmem={dice.pick(64, 128, 300, 1024, 4000, 4096, 5000, 9000)}"),
            (1, f"maxmem={dice.pick(0, 1, -1, 1 << 24)}"),
            (
                10 if guest_type == "hvm" else 3,
                f"videoram={dice.pick(0, 1, 4, 7, 8, 9, 16, 17, 31, 64, 128)}",
            ),
        )
    )


def _virtual_nodes(dice: Dice, case: Case) -> None:
    """Give the guest virtual NUMA nodes, and mostly the memory and the vCPUs that go with them."""
    if dice.chance(90):
        others = ("memory=", "maxmem=", "vcpus=", "maxvcpus=")
        case.lines = [line for line in case.lines if not line.startswith(others)]
    count = dice.pick(1, 2, 2, 3, 4, 33)
    sizes = [dice.pick(17, 32, 100, 100, 256, 1000, 3000 // count) for _ in range(count)]
    nodes, first = [], dice.weighted(((40, 0), (1, 1)))
    for number, size in enumerate(sizes):
        last = first + dice.pick(0, 0, 1, 2)
        distances = ",".join(
            "10" if other == number else str(dice.pick(20, 20, 31, 254)) for other in range(count)
        )
        options = [f"size={size}", f"vcpus={first}" if first == last else f"vcpus={first}-{last}"]
        options += dice.some(
            ((80, f"vdistances={distances}"), (50, "pnode=0"), (0.5, "size=0"), (0.5, "vdistances=99,1"))
        )
        dice.shuffle(options)
        nodes.append("[" + ",".join(f'"{option}"' for option in options) + "]")
        first = last + 1
    totals = (
        (30, f"memory={sum(sizes)}"),
        (3, f"memory={sum(sizes) - 16}"),
        (3, "memory=30000"),
        (20, f"vcpus={first}"),
    )
    case.lines += [f"vnuma=[{','.join(nodes)}]", *dice.some(totals)]


# Files and what goes with them


def _kernel(dice: Dice, guest_type: str) -> File:
    file = File(*kernel(dice, guest_type))
    if guest_type != "hvm" or dice.chance(25):
        file = packed(dice, file)
    return damaged(dice, file) if dice.chance(9) else file


_WORDS = (
    "console=hvc0",
    "root=/dev/xvda1",
    "ro",
    "quiet",
    "a=b,c",
    "--",
    "x",
    "'quoted'",
    "#",
    "naïve",
    "\udcff\udc80",
)


def _text(dice: Dice) -> str:
    """Return text for a command line, a few words or about as long as fits."""
    if dice.chance(60):
        return " ".join(dice.choices(_WORDS, k=dice.randrange(6)))
    size = dice.pick(7, 8, 1022, 1023, 1024, dice.randrange(1500), 1500)
    return "".join(dice.choices("abcdefgh ijklmnop=,./-", k=size))


def _command_line(dice: Dice) -> list[str]:
    keys = dice.weighted(
        ((35, ()), (40, ("cmdline",)), (10, ("root", "extra")), (8, ("extra",)), (7, ("cmdline", "extra")))
    )
    return [f'{key}="{_text(dice)}"' for key in keys]


def _pv(dice: Dice, case: Case) -> None:
    case.add("kernel", _kernel(dice, "pv"))
    if dice.chance(45):
        case.add("ramdisk", ramdisk(dice))
    case.lines += _command_line(dice)
    case.lines += dice.some(PV_OPTIONS)


def _pvh(dice: Dice, case: Case) -> None:
    shim = dice.chance(10)
    case.add("kernel", _kernel(dice, "pv" if shim else "pvh"))
    if dice.chance(45):
        case.add("ramdisk", ramdisk(dice))
    case.lines += _command_line(dice)
    if shim:
        case.lines.append("pvshim=1")
        if dice.chance(60):
            case.add("pvshim_path", _kernel(dice, "pvh"))
        case.lines += dice.some(((30, 'pvshim_cmdline="shim x"'), (30, f'pvshim_extra="{_text(dice)}"')))
    case.lines += dice.some(PVH_OPTIONS)


def _hvm(dice: Dice, case: Case) -> None:
    case.lines.append("vnc=0")
    if dice.chance(65):
        case.add("firmware_override", _kernel(dice, "hvm"))
    for percent, key, sizes in FIRMWARE_FILES:
        if dice.chance(percent):
            size = dice.choice(sizes)
            case.add(key, File(dice.randbytes(size), f"{size} bytes"))
    if dice.chance(10):
        case.add("kernel", _kernel(dice, "pvh"))
        case.lines += _command_line(dice)
    for group in HVM_OPTIONS:
        if dice.chance(45):
            case.lines.append(dice.weighted(group))


FIRMWARE_FILES = (
    (40, "bios_path_override", (*(0x4_0000,) * 5, 1, 4097, 0x10_0000, 0)),
    (10, "acpi_firmware", (0, 1, 100, 4096, 4097, 0x4_0000)),
    (10, "smbios_firmware", (0, 1, 100, 4096, 4097, 0x4_0000)),
)
"""What hvmloader gets besides: the chance, the key and the sizes in bytes."""

MAKERS: dict[str, Callable[[Dice, Case], None]] = {"pv": _pv, "pvh": _pvh, "hvm": _hvm}

# Settings, each with its chance or weight

PV_OPTIONS = (
    (3, 'vga="stdvga"'),
    (3, "acpi=0"),
    (1, 'timer_mode="delay_for_missed_ticks"'),
    (1, 'firmware="pvgrub64"'),
)

PVH_OPTIONS = (
    (6, "timer_mode=0"),
    (6, 'timer_mode="one_missed_tick_pending"'),
    (1, 'timer_mode="sometimes"'),
    (4, "altp2m=1"),
    (4, 'altp2m="limited"'),
    (4, "nestedhvm=1"),
    (4, "acpi=0"),
    (4, "apic=0"),
    (4, "hap=0"),
    (1, "pvshim=1"),
)

HVM_OPTIONS = (
    ((6, 'vga="stdvga"'), (6, "stdvga=1"), (4, 'vga="none"'), (1, 'vga="qxl"'), (1, 'vga="vga"')),
    (
        (6, 'bios="ovmf"'),
        (6, 'bios="seabios"'),
        (1, 'bios="rombios"'),
        (4, 'firmware="uefi"'),
        (4, 'firmware="bios"'),
    ),
    (
        (6, "mmio_hole=512"),
        (6, "mmio_hole=1024"),
        (4, "mmio_hole=3072"),
        (2, "mmio_hole=256"),
        (1, "mmio_hole=3841"),
    ),
    (
        (6, "viridian=1"),
        (6, 'viridian=["all"]'),
        (6, 'viridian=["base","stimer"]'),
        (6, 'viridian=["defaults","!freq","hcall_ipi"]'),
        (1, 'viridian=["synic"]'),
        (1, 'viridian=["everything"]'),
    ),
    (
        (6, "hpet=0"),
        (6, "apic=0"),
        (6, "acpi=0"),
        (6, "vpt_align=0"),
        (3, 'mca_caps=["lmce"]'),
        (1, 'mca_caps=["x"]'),
    ),
    ((6, "timer_mode=2"), (6, 'timer_mode="no_missed_ticks_pending"'), (1, "timer_mode=4")),
    ((6, 'altp2m="external"'), (6, "altp2mhvm=1"), (6, "nestedhvm=1"), (6, "hap=0"), (1, "altp2m=9")),
    (
        (6, 'device_model_version="qemu-xen"'),
        (2, 'device_model_version="qemu-xen-traditional"'),
        (1, 'device_model_version="qemu"'),
    ),
    ((6, "usb=1"), (6, 'soundhw="ac97"'), (6, 'boot="dc"'), (1, 'firmware="/nowhere/hvmloader"')),
)
"""Groups of settings of which a guest gets one or none."""

ANY_TYPE = (
    (4, "max_grant_frames=8"),
    (4, "max_event_channels=64"),
    (0.3, "max_event_channels=1"),
    (4, 'on_crash="preserve"'),
    (4, "localtime=1"),
    (4, 'uuid="01234567-89ab-cdef-0123-456789abcdef"'),
    (0.3, 'uuid="not one"'),
    (1, 'ramdisk=""'),
    (0.3, 'kernel=""'),
    (0.3, 'ramdisk="/nowhere/ramdisk"'),
    (0.5, 'kernel="/nowhere/kernel"'),
    (0.3, 'type="generic"'),
    (0.3, 'builder="generic"'),
    (0.3, 'bootloader="pygrub"'),
    (0.3, "memory=64 memory=32"),
    (0.3, "memory=-64"),
    (3, "memory=64 # and no more"),
)
"""What any guest may have; later lines win over earlier ones."""

HOST_OPTIONS = (
    (40, "e820_host=1"),
    (40, 'rdm="strategy=host"'),
    (10, 'rdm="strategy=host,policy=relaxed"'),
    (15, f'pci=["{USB}","{GRAPHICS},rdm_policy=relaxed"]'),
    (15, f'pci=["{FAR}@5","{SECOND_USB},rdm_policy=strict"]'),
    (10, 'passthrough="sync_pt"'),
    (4, 'passthrough="disabled"'),
    (20, "rdm_mem_boundary=1"),
    (20, "rdm_mem_boundary=3000"),
)
"""What makes a guest's memory depend on its host's."""

SETTINGS = (
    (4, "memory=96"),
    (3, "vcpus=2"),
    (3, 'extra="from the command line"'),
    (2, "maxvcpus=16"),
    (1, 'ramdisk=""'),
)
"""Arguments behind the file's name."""
